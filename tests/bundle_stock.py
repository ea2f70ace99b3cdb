"""A bundle with everything that may hang on one, put into a registry byte by byte, and what a registry holds, read so.

    stock = fill(registry, "shop")
    stock.outer     # the reference of a bundle: it names `inner` (a bundle) and `web` (an index of two platforms)
    stock.digests   # by name: outer, inner, web, web-amd64, web-arm64, tool, signature, attestation, sbom

`web` is signed by cosign's tag, `inner` has an attestation that refers to it, and the attestation has a signature.
"""

from __future__ import annotations

import gzip
import json
import random
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hostile_registry import DOCKER, DOCKER_LAYER, Image, image_of, index_of, sha256, tar

LOCK = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n"
ACCEPT = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1",
        "oci.image.index.v1",
    )
)
PREDICATE = "https://slsa.dev/provenance/v1"


@dataclass(frozen=True, slots=True)
class Stock:
    host: str
    outer: str
    digests: Mapping[str, str]
    homes: Mapping[str, str]  # name -> repository
    blobs: Mapping[str, int]  # of all of them


def fill(host: str, name: str, *, layer_bytes: int = 200_000, seed: int = 1) -> Stock:
    """Put it there, below `name`. Layers are noise, so that nothing makes them smaller."""
    noise = _noise(seed)
    amd, arm = (image_of([(noise(layer_bytes), {"mediaType": _TAR})]) for _ in range(2))
    web = index_of(
        [
            (amd, {"os": "linux", "architecture": "amd64"}),
            (arm, {"os": "linux", "architecture": "arm64", "variant": "v8"}),
        ]
    )
    tool = image_of([(noise(layer_bytes), {"mediaType": DOCKER_LAYER})], DOCKER)
    homes = {"web": f"{host}/{name}/web", "tool": f"{host}/{name}/tool", "inner": f"{host}/{name}/inner"}
    inner = locked_bundle({homes["tool"]: tool.digest}, {"config.yml": b"inner: 1\n"})
    outer = locked_bundle(
        {homes["inner"]: inner.digest, homes["web"]: web.digest},
        {"config.yml": b"outer: 1\n"},
        annotations={web.digest: {"kbld.carvel.dev/id": "web:1"}},
    )
    signature = image_of([(b'{"critical": 1}', {"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json"})])
    attestation = image_of(
        [(b"{}", {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"})],
        artifactType="application/vnd.dev.sigstore.bundle.v0.3+json",
        subject=_subject(inner),
        annotations={"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": PREDICATE},
    )
    sbom = image_of([(b'{"spdxVersion": 1}', {"mediaType": "text/spdx+json"})])
    put(homes["web"], "1", web)
    put(homes["web"], f"{web.digest.replace(':', '-')}.sig", signature)
    put(homes["tool"], "1", tool)
    put(homes["tool"], f"{tool.digest.replace(':', '-')}.sbom", sbom)
    put(homes["inner"], "1", inner)
    put_referrer(homes["inner"], inner, attestation)
    put(f"{host}/{name}/outer", "1.0", outer)
    images = {
        "outer": outer, "inner": inner, "web": web, "web-amd64": amd, "web-arm64": arm, "tool": tool,
        "signature": signature, "attestation": attestation, "sbom": sbom,
    }  # fmt: skip
    blobs = {digest: len(content) for image in images.values() for digest, content in image.blobs.items()}
    digests = {word: image.digest for word, image in images.items()}
    return Stock(host, f"{host}/{name}/outer:1.0", digests, homes, blobs)


def locked_bundle(
    images: Mapping[str, str],
    files: Mapping[str, bytes],
    *,
    annotations: Mapping[str, Mapping[str, str]] | None = None,
) -> Image:
    """`images`: repository -> digest."""
    lock = LOCK if images else LOCK.removesuffix("images:\n")
    for repository, digest in images.items():
        lock += f"- image: {repository}@{digest}\n"
        notes = (annotations or {}).get(digest)
        lock += f"  annotations: {json.dumps(notes)}\n" if notes else ""
    layer = gzip.compress(tar({".imgpkg/images.yml": lock.encode(), **files}), mtime=0)
    config = json.dumps({"config": {"Labels": {"dev.carvel.imgpkg.bundle": "true"}}}).encode()
    made = image_of([(layer, {"mediaType": DOCKER_LAYER})], DOCKER)
    manifest = json.loads(made.manifests[made.digest][1])
    manifest["config"] = {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": len(config),
        "digest": sha256(config),
    }
    body = json.dumps(manifest).encode()
    return Image(sha256(body), {sha256(body): (DOCKER, body)}, {sha256(layer): layer, sha256(config): config})


def put(repository: str, tag: str, image: Image) -> None:
    """Push raw bytes by plain http, so that no code of ours decides what the registry holds."""
    host, _, path = repository.partition("/")
    root = f"http://{host}/v2/{path}"
    for digest, content in image.blobs.items():
        place = _send("POST", f"{root}/blobs/uploads/")["Location"]
        place = place if place.startswith("http") else f"http://{host}{place}"
        _send("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", content)
    for digest, (media_type, body) in sorted(image.manifests.items(), key=lambda pair: pair[0] == image.digest):
        _send("PUT", f"{root}/manifests/{tag if digest == image.digest else digest}", body, media_type)


def put_referrer(repository: str, subject: Image, referrer: Image) -> None:
    """Where the registry does not list it by itself, under the tag that the specification names."""
    put(repository, referrer.digest, referrer)
    host, _, path = repository.partition("/")
    if get(f"http://{host}/v2/{path}/referrers/{subject.digest}") is None:
        document = json.loads(referrer.manifests[referrer.digest][1])
        index = index_of([(referrer, None)])
        listed = json.loads(index.manifests[index.digest][1])
        listed["manifests"][0] |= {key: document[key] for key in ("artifactType", "annotations")}
        body = json.dumps(listed).encode()
        tag = subject.digest.replace(":", "-")
        _send("PUT", f"http://{host}/v2/{path}/manifests/{tag}", body, "application/vnd.oci.image.index.v1+json")


def get(url: str) -> bytes | None:
    """None where there is nothing."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": ACCEPT}), timeout=20) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 404:
            return None
        raise


def manifest(repository: str, what: str) -> Any:
    host, _, path = repository.partition("/")
    body = get(f"http://{host}/v2/{path}/manifests/{what}")
    return json.loads(body) if body is not None else None


def tags(repository: str) -> list[str]:
    host, _, path = repository.partition("/")
    body = get(f"http://{host}/v2/{path}/tags/list")
    return sorted(json.loads(body)["tags"] or []) if body is not None else []


def whole(repository: str, digest: str) -> set[str]:
    """Every digest below a manifest; AssertionError where something of it is missing or has another digest."""
    host, _, path = repository.partition("/")
    body = get(f"http://{host}/v2/{path}/manifests/{digest}")
    assert body is not None and sha256(body) == digest, f"{repository}@{digest} is missing"
    document, found = json.loads(body), {digest}
    for child in document.get("manifests", []):
        found |= whole(repository, child["digest"])
    for blob in [*([document["config"]] if "config" in document else []), *document.get("layers", [])]:
        content = get(f"http://{host}/v2/{path}/blobs/{blob['digest']}")
        assert content is not None and sha256(content) == blob["digest"], f"{repository}: blob {blob['digest']}"
        found.add(blob["digest"])
    return found


_TAR = "application/vnd.oci.image.layer.v1.tar"


def _subject(image: Image) -> dict[str, Any]:
    media_type, body = image.manifests[image.digest]
    return {"mediaType": media_type, "digest": image.digest, "size": len(body)}


def _noise(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


def _send(method: str, url: str, body: bytes = b"", media_type: str = "application/octet-stream") -> Any:
    request = urllib.request.Request(url, body, {"Content-Type": media_type}, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers
