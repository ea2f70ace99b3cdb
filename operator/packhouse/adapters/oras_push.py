"""Pushes a folder as an imgpkg-compatible bundle: Docker v2 media types, one gzip layer, a labelled config.

Called by the CLI's `bundle push` and by tests. Reproducible: the same folder gives the same digest, whatever its
times, owners and order on disk. The folder itself is only read.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import os
import random
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urlencode, urljoin, urlsplit

from packhouse.adapters.oras_conversation import Conversation
from packhouse.api.errors import DigestMismatch, InvalidSpec
from packhouse.domain.references import read_reference
from packhouse.fetch.manifest import DOCKER_MANIFEST
from packhouse.ports import Credentials
from packhouse.settings import Settings

BUNDLE_LABEL: Final = "dev.carvel.imgpkg.bundle"
IMAGES_LOCK: Final = ".imgpkg/images.yml"
_EMPTY_LOCK: Final = b"---\napiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n"
_DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
_DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_LEFT_OUT: Final = ".git"


async def push_bundle(folder: Path, image: str, credentials: Credentials | None, settings: Settings) -> str:
    """The manifest digest under which the bundle now lies at `image`.

    Errors: InvalidSpec (the folder or the reference), and those of OrasRegistry.
    """
    return await asyncio.to_thread(push_bundle_blocking, folder, image, credentials, settings)


def push_bundle_blocking(folder: Path, image: str, credentials: Credentials | None, settings: Settings) -> str:
    reference = read_reference(image)
    if reference.digest is not None:
        raise InvalidSpec(f"{image}: a push goes to a tag, the digest follows from the content")
    with tempfile.TemporaryFile() as layer:
        diff_id = write_layer(folder, layer)
        config = _json(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Labels": {BUNDLE_LABEL: "true"}},
                "rootfs": {"type": "layers", "diff_ids": [diff_id]},
                "history": [],
            }
        )
        layer_digest, layer_size = _hashed(layer)
        config_digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": DOCKER_MANIFEST,
                "config": {"mediaType": _DOCKER_CONFIG, "size": len(config), "digest": config_digest},
                "layers": [{"mediaType": _DOCKER_LAYER, "size": layer_size, "digest": layer_digest}],
            }
        )
        digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        with Conversation(reference, credentials, settings, clock=time.monotonic, jitter=random.random) as conversation:
            _upload(conversation, layer_digest, layer)
            _upload(conversation, config_digest, io.BytesIO(config))
            _put_manifest(conversation, manifest)
            found = conversation.manifest_digest()
        if found != digest:
            raise DigestMismatch(f"{reference}: pushed {digest}, and the registry now says {found}")
    return digest


def write_layer(folder: Path, target: BinaryIO) -> str:
    """The folder as a gzip layer; gives the digest of the tar inside. Errors: InvalidSpec."""
    names = list(_names(folder))
    if not any(not name.endswith("/") for name in names):
        raise InvalidSpec(f"{folder} holds no file: there is nothing to push")
    if IMAGES_LOCK not in names:
        names = sorted({*names, ".imgpkg/", IMAGES_LOCK})
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
        content = _EMPTY_LOCK if name == IMAGES_LOCK and not path.exists() else path.read_bytes()
        info.size = len(content)
        info.mode = 0o755 if path.exists() and path.stat().st_mode & 0o100 else 0o644
        archive.addfile(info, io.BytesIO(content))


def _upload(conversation: Conversation, digest: str, content: BinaryIO) -> None:
    """One blob, unless the registry has it."""

    def is_there() -> bool:
        url = conversation.url(conversation.container.get_blob_url(digest))
        with conversation.answer("HEAD", url, accepted=(200, 404)) as answer:
            return answer.response.status_code == 200

    def upload() -> None:
        start = conversation.url(conversation.container.upload_blob_url())
        with conversation.answer("POST", start, accepted=(202,)) as answer:
            place = urljoin(start, answer.location)
        if urlsplit(place).netloc != urlsplit(start).netloc:
            raise conversation.failed(f"it wants the upload at {urlsplit(place).hostname}, which is not done")
        content.seek(0)
        url = f"{place}{'&' if urlsplit(place).query else '?'}{urlencode({'digest': digest})}"
        headers = {"Content-Type": "application/octet-stream"}
        with conversation.answer("PUT", url, accepted=(201,), headers=headers, data=content):
            pass

    if not conversation.attempts(is_there):
        conversation.attempts(upload)


def _put_manifest(conversation: Conversation, manifest: bytes) -> None:
    url = conversation.url(conversation.container.manifest_url(conversation.reference.tag))

    def put() -> None:
        headers = {"Content-Type": DOCKER_MANIFEST}
        with conversation.answer("PUT", url, accepted=(201,), headers=headers, data=manifest):
            pass

    conversation.attempts(put)


def _hashed(file: BinaryIO) -> tuple[str, int]:
    """Digest and size of all that `file` holds."""
    file.seek(0)
    hashed = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    return f"sha256:{hashed.hexdigest()}", file.tell()


def _json(document: dict[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
