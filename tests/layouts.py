"""OCI image layouts made by hand, as folders and as tars, so that no code of ours decides what lies in them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hostile_registry import Image

REF_NAME = "org.opencontainers.image.ref.name"


def write_layout(folder: Path, images: Mapping[str, Image], *extra: Mapping[str, Any]) -> Path:
    """A folder with each image under its tag; an empty tag is none. `extra`: further entries of index.json."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    entries: list[Mapping[str, Any]] = []
    for tag, image in images.items():
        for digest, content in image.blobs.items():
            (blobs / digest.removeprefix("sha256:")).write_bytes(content)
        for digest, (_, body) in image.manifests.items():
            (blobs / digest.removeprefix("sha256:")).write_bytes(body)
        entries.append(entry_of(image, tag))
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [*entries, *extra]}))
    return folder


def entry_of(image: Image, tag: str = "", **annotations: str) -> dict[str, Any]:
    """As index.json names an image."""
    media_type, body = image.manifests[image.digest]
    notes = ({REF_NAME: tag} if tag else {}) | annotations
    entry: dict[str, Any] = {"mediaType": media_type, "digest": image.digest, "size": len(body)}
    return entry | ({"annotations": notes} if notes else {})


def as_tar(folder: Path, target: Path, mode: str = "w") -> Path:
    """The folder's content as `tar -c .` packs it."""
    with tarfile.open(target, mode) as archive:  # type: ignore[call-overload]
        archive.add(folder, ".")
    return target


def tar_member(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, io.BytesIO]:
    """A member with odd fields."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, io.BytesIO(content)
