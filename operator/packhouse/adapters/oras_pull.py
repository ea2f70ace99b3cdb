"""Downloads an image into the cache: its manifest (through one index), its layers, unpacked over each other.

Called by oras_registry, in a thread. Each layer goes to a file and is verified there; nothing is unpacked that has
not its digest. While one is unpacked the next ones are on their way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from packhouse.adapters.oras_blobs import download
from packhouse.adapters.oras_conversation import Conversation
from packhouse.api.errors import FetchFailed, PackhouseError
from packhouse.domain.references import ImageReference
from packhouse.fetch.cache import TreeCache
from packhouse.fetch.manifest import Layer, LayerKind, Manifest, read_manifest
from packhouse.fetch.unpack import CHUNK, Limits, Unpacker
from packhouse.settings import Settings

_AHEAD_MOST: Final = 3


def pull_tree(talk: Conversation, digest: str, cache: TreeCache, key: str, settings: Settings) -> Path:
    """The folder in the cache, under `key`. Errors: those of the port Registry."""
    try:
        manifest = _manifest(talk, digest, settings)
        with cache.staging() as place:
            content = place / "content"
            content.mkdir()
            limits = Limits(settings.bundle_unpacked_most_bytes, settings.bundle_files_most)
            unpacker = Unpacker(content, limits, talk.check)
            for layer, file in _downloaded(talk, manifest.layers, place):
                _unpack(layer, file, unpacker)
                file.unlink()
            return cache.keep(key, content, unpacker.finish())
    except PackhouseError as error:
        if not error.message.startswith(talk.subject):  # said by a room that does not know the image
            raise type(error)(f"{talk.subject}: {error.message}") from error
        raise
    except OSError as error:
        raise disk_trouble(talk.reference, error) from error


def disk_trouble(reference: ImageReference, error: OSError) -> FetchFailed:
    return FetchFailed(f"{reference}: the cache cannot be written or read ({error.strerror}): see PACKHOUSE_CACHE_DIR")


def _manifest(talk: Conversation, digest: str, settings: Settings) -> Manifest:
    most = settings.bundle_compressed_most_bytes
    manifest = read_manifest(talk.manifest(digest), compressed_most_bytes=most)
    if manifest.chosen is not None:
        manifest = read_manifest(talk.manifest(manifest.chosen), compressed_most_bytes=most)
        if manifest.chosen is not None:
            raise FetchFailed("an index that leads to an index is not followed")
    return manifest


def _downloaded(talk: Conversation, layers: Sequence[Layer], place: Path) -> Iterator[tuple[Layer, Path]]:
    """Each layer in its order, and the file that it was downloaded to."""

    def fetch(number: int) -> Path:
        path = place / f"layer-{number}"
        with path.open("w+b", buffering=0) as file:
            download(talk, layers[number].digest, layers[number].size, file)
        return path

    if len(layers) == 1:
        yield layers[0], fetch(0)
        return
    with _helpers(talk) as helpers:
        ahead: list[Future[Path]] = []
        for number, layer in enumerate(layers):
            while len(ahead) < len(layers) and len(ahead) < number + _AHEAD_MOST:
                ahead.append(helpers.submit(fetch, len(ahead)))
            yield layer, ahead[number].result()


@contextmanager
def _helpers(talk: Conversation) -> Iterator[ThreadPoolExecutor]:
    helpers = ThreadPoolExecutor(_AHEAD_MOST, thread_name_prefix="layers")
    try:
        yield helpers
    except BaseException:
        talk.abort()  # those that are still downloading
        raise
    finally:
        helpers.shutdown(wait=True, cancel_futures=True)


def _unpack(layer: Layer, path: Path, unpacker: Unpacker) -> None:
    with path.open("rb", buffering=CHUNK) as file:
        if layer.kind is LayerKind.FILE:
            unpacker.file(layer.title, file)
        else:
            unpacker.tar(file, gzipped=layer.kind is LayerKind.TAR_GZIP)
