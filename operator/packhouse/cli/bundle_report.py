"""What `packhouse bundle inspect` says about a graph: as plain data, and as text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from packhouse.adapters.bundle_graph import COSIGN_TAGS, Artifact, Graph, Image, Node
from packhouse.cli.bundle_progress import size

Json = dict[str, Any]
_SIGN: Final = "https://sigstore.dev/cosign/sign/v1"


def as_data(graph: Graph, name: str) -> Json:
    """The image with what its lock names below it; nested bundles have theirs within. `total` counts content once."""
    nodes = graph.nodes().values()
    blobs = {blob.digest: blob.size for node in nodes for blob in node.blobs}
    manifests = {node.raw.digest: len(node.raw.body) for node in nodes}
    return {
        **_image(graph, graph.images[graph.root], f"{name}@{graph.root}", {}, frozenset()),
        **({"tag": graph.tag} if graph.tag else {}),
        "total": {
            "images": len(graph.images),
            "manifests": len(manifests),
            "blobs": len(blobs),
            "bytes": sum(blobs.values()) + sum(manifests.values()),
        },
    }


def as_text(data: Json) -> str:
    return "".join(f"{_harmless(line)}\n" for line in _lines(data))


def _harmless(line: str) -> str:
    """Others wrote some of it: nothing moves the cursor, or goes to another line."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in line)


def _image(graph: Graph, image: Image, name: str, annotations: Mapping[str, str], above: frozenset[str]) -> Json:
    digest = image.node.raw.digest
    found: Json = {
        "image": name,
        "digest": digest,
        "type": "bundle" if image.is_bundle else "index" if image.node.children else "image",
        "mediaType": image.node.raw.media_type,
        "bytes": sum({blob.digest: blob.size for node in image.node.every() for blob in node.blobs}.values()),
    }
    platforms = sorted({node.platform for node in image.node.children if node.platform})
    at = image.node.home
    if at is not None and not name.startswith(f"{at.repository}@"):
        found["found"] = f"{at.repository}@{digest}"
    if platforms:
        found["platforms"] = platforms
    if annotations:
        found["annotations"] = dict(annotations)
    if image.about:
        found["about"] = image.about
    said = [_artifact(artifact) for artifact in image.artifacts] + list(_built_in(image.node))
    for key, kinds in (("signatures", ("signature",)), ("sboms", ("sbom",)), ("attestations", ("attestation",))):
        entries = [entry for kind, entry in said if kind in kinds]
        if entries:
            found[key] = entries
    others = [entry for kind, entry in said if kind == "referrer"]
    if others:
        found["referrers"] = others
    if image.locked and digest not in above:
        within = above | {digest}
        found["images"] = [
            _image(graph, graph.images[locked.digest], locked.text, locked.annotations, within)
            for locked in image.locked
        ]
    return found


def _kind(artifact: Artifact) -> tuple[str, Sequence[str]]:
    """What it is (signature, attestation, sbom, referrer), and the predicate types that it tells of."""
    notes = artifact.descriptor.annotations
    layers = artifact.node.blobs
    predicates = [blob.annotations.get("predicateType", "") for blob in layers]
    predicates.append(notes.get("dev.sigstore.bundle.predicateType", ""))
    types = sorted({predicate for predicate in predicates if predicate})
    if artifact.tag:
        return next(kind for ending, kind in COSIGN_TAGS.items() if artifact.tag.endswith(ending)), types
    kind = artifact.descriptor.artifact_type
    if kind.startswith("application/vnd.dev.sigstore.bundle"):
        signs = notes.get("dev.sigstore.bundle.content") == "message-signature" or _SIGN in types
        return ("signature" if signs else "attestation"), types
    if any(word in kind for word in ("spdx", "cyclonedx", "syft")):
        return "sbom", types
    return "referrer", types


def _artifact(artifact: Artifact) -> tuple[str, Json]:
    kind, predicates = _kind(artifact)
    if any(word in predicate for predicate in predicates for word in ("spdx", "cyclonedx")):
        kind = "sbom"
    entry: Json = {"digest": artifact.node.raw.digest, "of": artifact.subject}
    entry |= {"tag": artifact.tag} if artifact.tag else {"artifactType": artifact.descriptor.artifact_type}
    if kind == "signature":
        # cosign's own layout keeps one signature a layer
        entry["count"] = len(artifact.node.blobs) - 1 if artifact.tag else 1
    elif predicates:
        entry["predicateTypes"] = list(predicates)
    return kind, entry


def _built_in(node: Node) -> Iterator[tuple[str, Json]]:
    """Attestations that a build put into the index, beside the images that they are about."""
    for child in node.children:
        yield from _built_in(child)
        if child.annotations.get("vnd.docker.reference.type") != "attestation-manifest":
            continue
        for blob in child.blobs:
            predicate = blob.annotations.get("in-toto.io/predicate-type", "")
            if predicate:
                kind = "sbom" if any(word in predicate for word in ("spdx", "cyclonedx")) else "attestation"
                of = child.annotations.get("vnd.docker.reference.digest", "")
                yield kind, {"digest": child.raw.digest, "of": of, "predicateTypes": [predicate]}


def _lines(data: Json) -> Iterator[str]:
    total = data["total"]
    yield f"Image:   {data['image']}"
    if "tag" in data:
        yield f"Tag:     {data['tag']}"
    yield f"Type:    {data['type']}"
    yield f"Size:    {size(data['bytes'])}"
    yield (
        f"In all:  {size(total['bytes'])} in {total['blobs']} blobs, {total['images']} images, "
        f"{total['manifests']} manifests"
    )
    yield from _about(data, "")
    if "images" in data:
        yield "Images:"
        yield from _images(data["images"], "  ")


def _images(images: Sequence[Json], indent: str) -> Iterator[str]:
    for image in images:
        yield f"{indent}- {image['image']}"
        below = f"{indent}  "
        if "found" in image:
            yield f"{below}Found:   {image['found']}"
        platforms = f" ({', '.join(image['platforms'])})" if "platforms" in image else ""
        yield f"{below}Type:    {image['type']}{platforms}"
        yield f"{below}Size:    {size(image['bytes'])}"
        for key, value in sorted(image.get("annotations", {}).items()):
            yield f"{below}{key}: {value}"
        yield from _about(image, below)
        if "images" in image:
            yield f"{below}Images:"
            yield from _images(image["images"], f"{below}  ")


def _about(image: Json, indent: str) -> Iterator[str]:
    about = image.get("about", {})
    for key, value in about.get("metadata", {}).items():
        yield f"{indent}{f'{key}:':<8} {value}"
    for author in about.get("authors", ()):
        yield f"{indent}{'Author:':<8} {author}"
    for website in about.get("websites", ()):
        yield f"{indent}{'Website:':<8} {website}"
    words = {"signatures": "Signed:", "sboms": "SBOM:", "attestations": "Attested:", "referrers": "Referrer:"}
    for key, word in words.items():
        for entry in image.get(key, ()):
            what = ", ".join(entry.get("predicateTypes", ())) or entry.get("tag") or entry.get("artifactType") or "-"
            of = "" if entry["of"] in ("", image["digest"]) else f" of {entry['of']}"
            yield f"{indent}{word:<8} {what} ({entry['digest']}){of}"
