"""Pushes a folder as an imgpkg-compatible bundle: Docker v2 media types, one gzip layer, a labelled config.

Called by the CLI's `bundle push`, by bundle_copy.py for what it leaves beside a copy, and by tests. Reproducible: the
same folder gives the same digest, whatever its times, owners and order on disk. The folder itself is only read.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from packhouse.adapters.oras_repository import Repository
from packhouse.api.errors import DigestMismatch, InvalidSpec
from packhouse.domain.images_lock import BUNDLE_LABEL, EMPTY_LOCK, LOCK_FILE
from packhouse.domain.references import read_reference
from packhouse.fetch.manifest import DOCKER_MANIFEST
from packhouse.ports import Access, Credentials, RawManifest
from packhouse.settings import Settings

_DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
_DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_LEFT_OUT: Final = ".git"


async def push_bundle(folder: Path, image: str, credentials: Credentials | None, settings: Settings) -> str:
    """The manifest digest under which the bundle now lies at `image`.

    Errors: InvalidSpec (the folder or the reference), and those of OrasRegistry.
    """
    return await asyncio.to_thread(push_bundle_blocking, folder, image, credentials, settings)


def push_bundle_blocking(folder: Path, image: str, credentials: Credentials | None, settings: Settings) -> str:
    return push_folder(folder, image, Access((credentials,) if credentials is not None else ()), settings)


def push_folder(folder: Path, image: str, access: Access, settings: Settings) -> str:
    """As push_bundle, blocking, with whatever access."""
    reference = read_reference(image)
    if reference.digest is not None:
        raise InvalidSpec(f"{image}: a push goes to a tag, the digest follows from the content")
    target = Repository(reference, access, settings)
    try:
        with tempfile.TemporaryFile() as layer:
            packed = pack_folder(folder, layer, {BUNDLE_LABEL: "true"}, lock=True)
            packed.push(target, reference.tag or "latest")
        found = target.digest_of(reference.tag or "latest")
    finally:
        target.close()
    if found != packed.manifest.digest:
        raise DigestMismatch(f"{reference}: pushed {packed.manifest.digest}, and the registry now says {found}")
    return packed.manifest.digest


@dataclass(frozen=True, slots=True)
class Packed:
    """An image of one layer, ready to be sent."""

    manifest: RawManifest
    config: bytes
    layer: BinaryIO
    layer_digest: str
    layer_size: int

    def push(self, target: Repository, tag: str | None, moved: Callable[[int], None] = lambda _: None) -> None:
        """Under the tag, or under its digest alone. Blobs that are there are not sent again, nor is a tag written that
        leads there already."""
        if not target.has(self.layer_digest):
            target.upload(self.layer_digest, self.layer_size, self.layer, moved)
        config = f"sha256:{hashlib.sha256(self.config).hexdigest()}"
        if not target.has(config):
            target.upload(config, len(self.config), io.BytesIO(self.config))
        if target.digest_of(tag or self.manifest.digest) != self.manifest.digest:
            target.put_manifest(self.manifest, tag)


def pack_folder(folder: Path, layer: BinaryIO, labels: Mapping[str, str], *, lock: bool = False) -> Packed:
    """`layer` is an empty file; it becomes the layer. `lock`: an empty ImagesLock is added where there is none."""
    diff_id = write_layer(folder, layer, lock=lock)
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": dict(labels)} if labels else {},
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
            "history": [],
        }
    )
    layer_digest, layer_size = _hashed(layer)
    config_digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    body = _json(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": {"mediaType": _DOCKER_CONFIG, "size": len(config), "digest": config_digest},
            "layers": [{"mediaType": _DOCKER_LAYER, "size": layer_size, "digest": layer_digest}],
        }
    )
    manifest = RawManifest(body, DOCKER_MANIFEST, f"sha256:{hashlib.sha256(body).hexdigest()}")
    return Packed(manifest, config, layer, layer_digest, layer_size)


def write_layer(folder: Path, target: BinaryIO, *, lock: bool = True) -> str:
    """The folder as a gzip layer; gives the digest of the tar inside. Errors: InvalidSpec."""
    names = list(_names(folder))
    if not any(not name.endswith("/") for name in names):
        raise InvalidSpec(f"{folder} holds no file: there is nothing to push")
    if lock and LOCK_FILE not in names:
        names = sorted({*names, ".imgpkg/", LOCK_FILE})
    # the name and the time in a gzip header would make each push another digest
    with gzip.GzipFile(filename="", fileobj=target, mode="wb", mtime=0) as packed:
        hashing = _Hashing(packed)
        with tarfile.open(fileobj=hashing, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
            for name in names:
                _add(archive, folder, name)
    return f"sha256:{hashing.hashed.hexdigest()}"


class _Hashing:
    """Writes through and hashes what passes."""

    def __init__(self, target: gzip.GzipFile) -> None:
        self._target = target
        self.hashed = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.hashed.update(data)
        return self._target.write(data)


def _names(folder: Path) -> Iterator[str]:
    """Paths below `folder`, sorted; folders end with a slash. Links that leave it, and odd files, are refused."""
    if not folder.is_dir():
        raise InvalidSpec(f"{folder} is no folder")
    root, found = folder.resolve(), []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != _LEFT_OUT]
        for name in (*folders, *files):
            path = Path(place) / name
            relative = path.relative_to(folder).as_posix()
            if path.is_symlink():
                if not path.resolve().is_relative_to(root) or path.readlink().is_absolute():
                    raise InvalidSpec(f"{path} is a link that leaves {folder}: replace it by a file")
                found.append(relative)
            elif path.is_dir():
                found.append(f"{relative}/")
            elif path.is_file():
                found.append(relative)
            else:
                raise InvalidSpec(f"{path} is neither a file, a folder nor a link")
    yield from sorted(found)


def _add(archive: tarfile.TarFile, folder: Path, name: str) -> None:
    """One entry without time and owner; of the mode only the execute bit stays."""
    path = folder / name
    info = tarfile.TarInfo(name.rstrip("/"))
    if path.is_symlink():
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, path.readlink().as_posix(), 0o777
        archive.addfile(info)
    elif name.endswith("/"):
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(info)
    else:
        # an imgpkg bundle has a lock of images; where the author keeps none, it locks nothing
        content = EMPTY_LOCK if name == LOCK_FILE and not path.exists() else path.read_bytes()
        info.size = len(content)
        info.mode = 0o755 if path.exists() and path.stat().st_mode & 0o100 else 0o644
        archive.addfile(info, io.BytesIO(content))


def _hashed(file: BinaryIO) -> tuple[str, int]:
    """Digest and size of all that `file` holds."""
    file.seek(0)
    hashed = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    return f"sha256:{hashed.hexdigest()}", file.tell()


def _json(document: dict[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
