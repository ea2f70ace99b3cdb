"""Pushes what a package is released as: its bundle, the bill of materials beside it, the repository, the signatures.

All content lies under its digest before a tag leads to it, and what is there already is not sent again: a release that
was interrupted is simply run again. Called by authoring/release.py and cli/push.py; blocking.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from packhouse.adapters.oci_layout import read_document
from packhouse.adapters.oras_push import Packed, pack_folder
from packhouse.adapters.oras_repository import Repository
from packhouse.authoring.images import text_of
from packhouse.authoring.project import Project
from packhouse.domain.bundle_about import ABOUT_FILE
from packhouse.domain.images_lock import BUNDLE_LABEL
from packhouse.fetch.manifest import OCI_MANIFEST
from packhouse.ports import Json, RawManifest

_EMPTY: Final = b"{}"
_EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
#: When an artifact was made: what a release says of itself, too, so that one that is run again says the same.
CREATED: Final = "org.opencontainers.image.created"


def tag_of(version: str) -> str:
    """Tags take no `+`; the same sign stands for it as with charts."""
    return version.replace("+", "_")


def contents(project: Project) -> dict[str, bytes]:
    """What the package's bundle holds, by path: the files that are pushed, and a word on what it is."""
    return {ABOUT_FILE: _about(project).encode(), **project.files()}


@contextmanager
def packed_package(project: Project, files: Mapping[str, bytes]) -> Iterator[Packed]:
    """The bundle of these files, ready to be sent. Programs stay programs."""
    with tempfile.TemporaryDirectory(prefix="packhouse-") as place, tempfile.TemporaryFile() as layer:
        for name, content in files.items():
            path = Path(place) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if (project.content / name).is_file():
                shutil.copymode(project.content / name, path)
        yield packed_folder(Path(place), layer)


def packed_folder(folder: Path, layer: BinaryIO) -> Packed:
    return pack_folder(folder, layer, {BUNDLE_LABEL: "true"}, lock=True)


def _about(project: Project) -> str:
    spec, metadata = project.package["spec"], (project.metadata or {}).get("spec") or {}
    document: Json = {
        "apiVersion": "imgpkg.carvel.dev/v1alpha1",
        "kind": "Bundle",
        "metadata": {"name": spec["publicName"], "version": spec["version"]},
    }
    authors = [{"name": one["name"]} for one in metadata.get("maintainers") or () if one.get("name")]
    return text_of(document | ({"authors": authors} if authors else {}), in_order=False)


def released_before(target: Repository, digest: str, content: bytes, media_type: str) -> str | None:
    """When this very document was attached to that image; None where it is not."""
    for known in target.referrers(digest):
        if known.artifact_type not in (media_type, _EMPTY_TYPE, ""):  # some registries give the type of the config
            continue
        raw = target.manifest(known.digest)
        document = read_document(raw.body) if raw is not None else {}
        layers, notes = document.get("layers"), document.get("annotations")
        if isinstance(layers, list) and [layer.get("digest") for layer in layers] == [_digest(content)]:
            return str(notes.get(CREATED) or "") if isinstance(notes, dict) else ""
    return None


def attached(target: Repository, subject: RawManifest, content: bytes, media_type: str, created: str) -> None:
    """Attaches a document to an image, unless it is."""
    if released_before(target, subject.digest, content, media_type) is not None:
        return
    layer = _sent(target, content, media_type)
    body = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": media_type,
            "config": _sent(target, _EMPTY, _EMPTY_TYPE),
            "layers": [layer],
            "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": len(subject.body)},
            "annotations": {CREATED: created},
        },
        separators=(",", ":"),
    ).encode()
    target.put_manifest(RawManifest(body, OCI_MANIFEST, _digest(body)))


def _sent(target: Repository, content: bytes, media_type: str) -> Json:
    digest = _digest(content)
    if not target.has(digest):
        target.upload(digest, len(content), io.BytesIO(content))
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
