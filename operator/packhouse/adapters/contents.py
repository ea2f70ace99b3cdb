"""What a repository of a registry and a layout on disk have in common, for the rooms that copy and inspect bundles.

Blocking. oci_layout.Layout and oras_repository.Repository are such; `unpack` turns an image of either into a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from packhouse.api.errors import FetchFailed, PackhouseError, SourceNotFound
from packhouse.fetch.manifest import LayerKind, Manifest, read_manifest
from packhouse.fetch.unpack import Limits, Record, Unpacker
from packhouse.ports import Descriptor, RawManifest
from packhouse.settings import Settings


class Contents(Protocol):
    """`name` is for messages. Errors: those of the port Registry."""

    @property
    def name(self) -> str: ...

    def manifest(self, what: str) -> RawManifest | None:
        """By tag or digest, its digest verified; None where there is none."""
        ...

    def content(self, digest: str, most_bytes: int) -> bytes | None:
        """A small blob, its digest verified."""
        ...

    def opened(self, digest: str, size: int, check: Callable[[], None]) -> AbstractContextManager[BinaryIO]:
        """A blob as a file at its beginning; its digest is verified before."""
        ...

    def download(self, digest: str, size: int, file: BinaryIO, moved: Callable[[int], None]) -> None:
        """Make `file` hold the whole blob. What it holds of it already may be kept; `moved` is told of the bytes.

        DigestMismatch where it has not its digest; the file is empty then."""
        ...

    def referrers(self, digest: str) -> Sequence[Descriptor]: ...


def unpack(source: Contents, digest: str, folder: Path, settings: Settings, check: Callable[[], None]) -> list[Record]:
    """All layers of the image (through one index) into `folder`, which is empty. Errors name source and digest."""
    try:
        manifest = _read(source, digest, settings)
        if manifest.chosen is not None:
            manifest = _read(source, manifest.chosen, settings)
            if manifest.chosen is not None:
                raise FetchFailed("an index that leads to an index is not followed")
        limits = Limits(settings.bundle_unpacked_most_bytes, settings.bundle_files_most)
        unpacker = Unpacker(folder, limits, check)
        for layer in manifest.layers:
            with source.opened(layer.digest, layer.size, check) as file:
                if layer.kind is LayerKind.FILE:
                    unpacker.file(layer.title, file)
                else:
                    unpacker.tar(file, gzipped=layer.kind is LayerKind.TAR_GZIP)
        return unpacker.finish()
    except PackhouseError as error:
        if not error.message.startswith(source.name):  # said by a room that does not know the image
            raise type(error)(f"{source.name}@{digest}: {error.message}") from error
        raise


def _read(source: Contents, digest: str, settings: Settings) -> Manifest:
    raw = source.manifest(digest)
    if raw is None:
        raise SourceNotFound(f"{source.name}: there is no manifest {digest}")
    return read_manifest(raw.body, compressed_most_bytes=settings.bundle_compressed_most_bytes)
