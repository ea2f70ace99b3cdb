"""The port Registry on oras, with the cache.

Built by app.py. Blocking work runs in threads (threads.py); each call has one deadline. It never reads credentials
from the machine: who calls gives them, and what one call was given no other call sees.

A digest that the registry gave to these credentials once is not asked for again: the list of `TreeCache.accepted`
says so, also after a restart. So what is cached is there without any registry.
"""

from __future__ import annotations

import asyncio
import random
import time
import weakref
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from packhouse.adapters.oci_layout import read_document
from packhouse.adapters.oras_blobs import small_blob
from packhouse.adapters.oras_conversation import Conversation, manifest_type
from packhouse.adapters.oras_lists import descriptors, referrers, tags
from packhouse.adapters.oras_pull import disk_trouble, pull_tree
from packhouse.adapters.threads import Threads
from packhouse.api.errors import InvalidSpec
from packhouse.domain.mirrors import Mirrors
from packhouse.domain.references import ImageReference, read_reference
from packhouse.fetch.accepted import person_parts, persons, way
from packhouse.fetch.answers import Answers
from packhouse.fetch.cache import TreeCache, oci_key
from packhouse.fetch.manifest import OCI_INDEX
from packhouse.ports import Access, Credentials, Descriptor, RawManifest, Tree
from packhouse.settings import Settings

#: Manifests and small blobs of digests that are known are kept; larger ones are asked for each time.
_SMALL_MOST: Final = 1024 * 1024
#: Tags of all repositories together: a hundred bytes each, and as many lists of them as anybody names.
_TAGS_HELD_MOST: Final = 500_000

T = TypeVar("T")


class OrasRegistry:
    """Errors: those of the port. Raises InvalidSpec at once where settings.registry_mirrors cannot be read.

    `cache` is that of all sources; without one it has its own, which `close` closes.
    """

    def __init__(
        self,
        settings: Settings,
        cache: TreeCache | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._jitter = jitter
        self._mirrors = Mirrors.read(settings.registry_mirrors)
        self._own_cache = cache is None
        self._cache = cache or TreeCache(settings.cache_dir, settings.cache_most_bytes)
        self._threads = Threads(settings, "registry")
        self._digests: Answers[str] = Answers(clock)
        self._tags: Answers[Sequence[str]] = Answers(clock, held_most=_TAGS_HELD_MOST, weight=_weight)
        self._pulls: Answers[Path] = Answers(clock, held_most=0)
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        return await self._resolve(read_reference(image), access, fresh_seconds)

    async def pull(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> Tree:
        reference = read_reference(image)
        digest = await self._resolve(reference, access, fresh_seconds)
        key = oci_key(reference.host, access, digest)
        root = await self._pulls.get(
            (key, reference.repository, _identity(access)),
            0.0,
            lambda: self._tree(reference.at(digest), digest, key, access),
            who=_sources(access),
        )
        return Tree(root, digest, reference.tag)

    async def tags(self, repository: str, access: Access, *, fresh_seconds: float = 0.0) -> Sequence[str]:
        reference = read_reference(repository)
        if reference.repository != repository and reference.tag != "latest":
            raise InvalidSpec(f"{repository}: a repository is expected, without a tag")
        return await self._tags.get(
            (reference.repository, _identity(access)),
            fresh_seconds,
            lambda: self._ask(reference, access, tags, subject=reference.repository),
            who=_sources(access),
        )

    async def manifest(self, image: str, access: Access) -> RawManifest | None:
        reference = read_reference(image)
        if reference.digest is not None:
            body = await self._known_bytes(reference, reference.digest, access)
            if body is not None:
                return RawManifest(body, manifest_type(body), reference.digest)

        def ask(talk: Conversation) -> RawManifest | None:
            raw = talk.raw_manifest()
            if raw is not None and reference.digest is not None:
                self._keep_bytes(talk, reference.digest, access, raw.body)
            return raw

        return await self._ask(reference, access, ask)

    async def blob(self, image: str, access: Access, *, most_bytes: int) -> bytes:
        reference = read_reference(image)
        digest = reference.digest
        if digest is None:
            raise InvalidSpec(f"{image}: a blob has no tag, it is asked for by its digest")

        def ask(talk: Conversation) -> bytes:
            body = small_blob(talk, digest, most_bytes)
            self._keep_bytes(talk, digest, access, body)
            return body

        known = await self._known_bytes(reference, digest, access)
        return known if known is not None and len(known) <= most_bytes else await self._ask(reference, access, ask)

    async def referrers(self, image: str, access: Access) -> Sequence[Descriptor]:
        reference = read_reference(image)
        if reference.digest is None:
            raise InvalidSpec(f"{image}: what refers to an image is asked for by its digest")
        found = await self._ask(reference, access, referrers)
        if found is not None:
            return found
        # a registry without the API has the list under a tag
        listed = await self.manifest(f"{reference.repository}:{reference.digest.replace(':', '-')}", access)
        if listed is None or listed.media_type != OCI_INDEX:
            return []
        return descriptors(read_document(listed.body).get("manifests"))

    def close(self) -> None:
        """Ends all calls under way and gives the cache's lock back."""
        self._threads.close()
        if self._own_cache:
            self._cache.close()

    # ---- asking ------------------------------------------------------------------------------------------

    async def _resolve(self, reference: ImageReference, access: Access, fresh_seconds: float) -> str:
        digest = reference.digest
        if digest is not None and await self._on_disk(reference, lambda: self._given(reference, digest, access)):
            return digest

        def ask(talk: Conversation) -> str:
            found = talk.manifest_digest()
            self._give(reference, found, access, talk.used)
            return found

        return await self._digests.get(
            (reference.repository, digest or reference.tag, _identity(access)),
            fresh_seconds,
            lambda: self._ask(reference, access, ask),
            who=_sources(access),
        )

    async def _tree(self, reference: ImageReference, digest: str, key: str, access: Access) -> Path:
        async with self._locks.setdefault(key, asyncio.Lock()):  # the same for two, who differ in their credentials
            root = await self._on_disk(reference, lambda: self._cache.find(key))
            if root is not None:
                return root
            return await self._ask(
                reference, access, lambda talk: pull_tree(talk, digest, self._cache, key, self._settings)
            )

    async def _ask(
        self, reference: ImageReference, access: Access, work: Callable[[Conversation], T], *, subject: str = ""
    ) -> T:
        def make() -> Conversation:
            return Conversation(
                reference,
                access,
                self._settings,
                clock=self._clock,
                jitter=self._jitter,
                mirrors=self._mirrors,
                subject=subject,
            )

        return await self._threads.run(make, work)

    async def _on_disk(self, reference: ImageReference, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise disk_trouble(reference, error) from error

    # ---- who may see what is cached (in a thread) --------------------------------------------------------

    def _given(self, reference: ImageReference, digest: str, access: Access) -> bool:
        return any(
            self._cache.accepted.holds("oci", reference.repository, digest, way(access), *person_parts(person))
            for person in persons(access)
        )

    def _give(self, reference: ImageReference, digest: str, access: Access, person: Credentials | None) -> None:
        self._cache.accepted.add("oci", reference.repository, digest, way(access), *person_parts(person))

    async def _known_bytes(self, reference: ImageReference, digest: str, access: Access) -> bytes | None:
        def find() -> bytes | None:
            if not self._given(reference, digest, access):
                return None
            return self._cache.find_bytes(_bytes_key(reference, access, digest))

        return await self._on_disk(reference, find)

    def _keep_bytes(self, talk: Conversation, digest: str, access: Access, body: bytes) -> None:
        if len(body) > _SMALL_MOST:
            return
        try:
            self._cache.keep_bytes(_bytes_key(talk.reference, access, digest), body)
        except OSError as error:
            raise disk_trouble(talk.reference, error) from error
        self._give(talk.reference, digest, access, talk.used)


def _weight(tags: Sequence[str]) -> int:
    return len(tags) + 10


def _bytes_key(reference: ImageReference, access: Access, digest: str) -> str:
    """Of a content as it is, where oci_key is of what an image unpacks to."""
    return f"bytes-{oci_key(reference.host, access, digest)}"


def _identity(access: Access) -> Hashable:
    """As whom, and how, a registry is asked: equal for all who are told the same."""
    return way(access), tuple(person_parts(person) for person in access.credentials)


def _sources(access: Access) -> Hashable:
    """What a refusal names."""
    return tuple(person.source for person in access.credentials), access.hint
