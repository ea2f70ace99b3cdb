"""The port Registry on oras: resolve and pull, with the cache of trees.

Built by app.py. Blocking work runs in threads of its own, as many as settings.fetch_parallel; each call has one
deadline (settings.fetch_timeout_seconds) that begins when its thread is free. It never reads credentials from
the machine: who calls gives them, and what one call was given no other call sees.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import secrets
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from packhouse.adapters.oras_conversation import Conversation
from packhouse.api.errors import FetchFailed, PackhouseError
from packhouse.domain.references import ImageReference, read_reference
from packhouse.fetch.cache import TreeCache
from packhouse.fetch.manifest import Layer, LayerKind, read_manifest
from packhouse.fetch.unpack import Limits, Unpacker
from packhouse.ports import Access, Credentials, Descriptor, RawManifest, Tree
from packhouse.settings import Settings

#: How long a registry's yes to (repository, digest, credentials) is remembered.
ACCEPTED_SECONDS: Final = 300.0
_ACCEPTED_MOST: Final = 10_000
#: A thread that hangs where no socket can be shut (looking up a name) is left behind after this.
_GRACE_SECONDS: Final = 5.0

T = TypeVar("T")


class OrasRegistry:
    """Errors: InvalidSpec, FetchFailed, AuthenticationFailed, DigestMismatch, FetchLimitExceeded."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._jitter = jitter
        self._cache = TreeCache(settings.cache_dir, settings.cache_most_bytes)
        self._threads = ThreadPoolExecutor(settings.fetch_parallel, thread_name_prefix="registry")
        self._free = asyncio.Semaphore(settings.fetch_parallel)
        self._live: set[Conversation] = set()
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._salt = secrets.token_bytes(16)
        self._accepted: dict[bytes, float] = {}

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        return await self._resolve(read_reference(image), _first(access))

    async def tags(self, repository: str, access: Access, *, fresh_seconds: float = 0.0) -> Sequence[str]:
        raise NotImplementedError

    async def manifest(self, image: str, access: Access) -> RawManifest | None:
        raise NotImplementedError

    async def blob(self, image: str, access: Access, *, most_bytes: int) -> bytes:
        raise NotImplementedError

    async def referrers(self, image: str, access: Access) -> Sequence[Descriptor]:
        raise NotImplementedError

    async def pull(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> Tree:
        reference, credentials = read_reference(image), _first(access)
        digest = await self._resolve(reference, credentials)
        lock = self._locks.setdefault(digest, asyncio.Lock())
        async with lock:  # the same digest, asked for twice at once, is fetched once
            root = await self._with_files(reference, lambda: self._cache.find(digest))
            if root is None:
                root = await self._converse(reference.at(digest), credentials, self._download)
        return Tree(root, digest, reference.tag)

    def close(self) -> None:
        """Ends all calls under way and gives the cache's lock back."""
        for conversation in list(self._live):
            conversation.abort()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._cache.close()

    # ---- asking ------------------------------------------------------------------------------------------

    async def _resolve(self, reference: ImageReference, credentials: Credentials | None) -> str:
        if reference.digest is not None and self._is_accepted(reference, reference.digest, credentials):
            return reference.digest
        digest = await self._converse(reference, credentials, Conversation.manifest_digest)
        self._accept(reference, digest, credentials)
        return digest

    async def _converse(
        self, reference: ImageReference, credentials: Credentials | None, work: Callable[[Conversation], T]
    ) -> T:
        async with self._free:
            conversation = Conversation(reference, credentials, self._settings, clock=self._clock, jitter=self._jitter)
            self._live.add(conversation)
            loop = asyncio.get_running_loop()
            watch = loop.call_later(self._settings.fetch_timeout_seconds, conversation.abort)
            try:
                running = loop.run_in_executor(self._threads, _run, conversation, work)
                return await asyncio.wait_for(running, self._settings.fetch_timeout_seconds + _GRACE_SECONDS)
            except TimeoutError:
                raise FetchFailed(
                    f"{reference}: the fetch was not done within {self._settings.fetch_timeout_seconds:g} s "
                    "(looking up the host name, or the cache's disk, hangs)"
                ) from None
            finally:
                watch.cancel()
                conversation.abort()
                self._live.discard(conversation)

    async def _with_files(self, reference: ImageReference, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise _disk_trouble(reference, error) from error

    # ---- downloading (in a thread) -----------------------------------------------------------------------

    def _download(self, conversation: Conversation) -> Path:
        """The manifest (through one index), its layers one by one, unpacked into the cache."""
        reference = conversation.reference
        assert reference.digest is not None  # noqa: S101 - pull asks by digest
        most = self._settings.bundle_compressed_most_bytes
        try:
            manifest = read_manifest(conversation.manifest(reference.digest), compressed_most_bytes=most)
            if manifest.chosen is not None:
                manifest = read_manifest(conversation.manifest(manifest.chosen), compressed_most_bytes=most)
                if manifest.chosen is not None:
                    raise FetchFailed("an index that leads to an index is not followed")
            with self._cache.staging() as place:
                content = place / "content"
                content.mkdir()
                limits = Limits(self._settings.bundle_unpacked_most_bytes, self._settings.bundle_files_most)
                unpacker = Unpacker(content, limits, conversation.check)
                for layer in manifest.layers:
                    _unpack(conversation, layer, place / "layer", unpacker)
                return self._cache.keep(reference.digest, content, unpacker.finish())
        except PackhouseError as error:
            if not error.message.startswith(str(reference)):  # said by a room that does not know the image
                raise type(error)(f"{reference}: {error.message}") from error
            raise
        except OSError as error:
            raise _disk_trouble(reference, error) from error

    # ---- who may see what is cached ----------------------------------------------------------------------

    def _key(self, reference: ImageReference, digest: str, credentials: Credentials | None) -> bytes:
        # the digest is part of it: a yes for a repository says nothing about what other repositories hold
        parts = [reference.repository, digest]
        if credentials is not None:
            parts += [credentials.username, credentials.password]
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return hashlib.blake2b(text.encode(), key=self._salt, digest_size=32).digest()

    def _is_accepted(self, reference: ImageReference, digest: str, credentials: Credentials | None) -> bool:
        return self._accepted.get(self._key(reference, digest, credentials), 0.0) > self._clock()

    def _accept(self, reference: ImageReference, digest: str, credentials: Credentials | None) -> None:
        now = self._clock()
        if len(self._accepted) >= _ACCEPTED_MOST:
            self._accepted = {key: until for key, until in self._accepted.items() if until > now}
        if len(self._accepted) < _ACCEPTED_MOST:  # a full memory costs requests, nothing else
            self._accepted[self._key(reference, digest, credentials)] = now + ACCEPTED_SECONDS


def _first(access: Access) -> Credentials | None:
    return access.credentials[0] if access.credentials else None


def _run(conversation: Conversation, work: Callable[[Conversation], T]) -> T:
    with conversation:
        return work(conversation)


def _unpack(conversation: Conversation, layer: Layer, place: Path, unpacker: Unpacker) -> None:
    """Downloaded to a file and verified first: nothing is unpacked that has not its digest."""
    with place.open("w+b") as file:
        conversation.blob(layer.digest, layer.size, file)
        file.seek(0)
        if layer.kind is LayerKind.FILE:
            unpacker.file(layer.title, file)
        else:
            unpacker.tar(file, gzipped=layer.kind is LayerKind.TAR_GZIP)
    place.unlink()


def _disk_trouble(reference: ImageReference, error: OSError) -> FetchFailed:
    return FetchFailed(f"{reference}: the cache cannot be written or read ({error.strerror}): see PACKHOUSE_CACHE_DIR")
