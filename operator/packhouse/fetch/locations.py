"""Where the images of a bundle's lock lie: if all are in the bundle's own repository, references point there.

Called by `imgpkgBundle`. A copy of a bundle writes ImageLocations beside it (a tag of its own), which says so at once;
without them each image is asked for. The answer is remembered for the repository and the digest of the bundle.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from packhouse.api.errors import (
    AuthenticationFailed,
    DigestMismatch,
    FetchFailed,
    FetchLimitExceeded,
    SourceNotFound,
    SourceUnreachable,
)
from packhouse.domain.images_lock import (
    LOCATIONS_FILE,
    LOCK_FILE,
    ImagesLock,
    locations_tag,
    read_locations,
    read_lock,
)
from packhouse.domain.references import ImageReference
from packhouse.fetch.large_texts import in_turn
from packhouse.fetch.sources import Content, Sources
from packhouse.ports import Access

_FILE_MOST_BYTES: Final = 4 * 1024 * 1024
_ASKED_MOST: Final = 1_000
_AT_ONCE: Final = 4
_SECONDS_MOST: Final = 300.0  # for all of them: a registry that takes its time for each would keep an install for hours
_YES: Final = "in the bundle's repository"
#: A registry says no such image, or hides it from those that may see the bundle: then it is not there to be pulled.
_ABSENT: Final = (SourceNotFound, AuthenticationFailed)


@dataclass(frozen=True, slots=True)
class _Question:
    bundle: ImageReference  # by digest
    access: Access
    sources: Sources
    lock: ImagesLock

    async def ask(self) -> str:
        """A text where all images are in the repository of the bundle, else ""."""
        try:
            async with asyncio.timeout(_SECONDS_MOST):
                return await self._ask()
        except TimeoutError:
            raise SourceUnreachable(
                f"{self.bundle}: its registry did not say within {_SECONDS_MOST:g} s which of the "
                f"{len(self.lock.digests)} images of its lock it has"
            ) from None

    async def _ask(self) -> str:
        listed = await self._listed()
        missing = [digest for digest in self.lock.digests if digest not in listed]
        for start in range(0, len(missing), _AT_ONCE):
            # the first that is absent is an answer: only a bundle that was copied by other means comes this far
            if start >= _ASKED_MOST:
                raise FetchLimitExceeded(
                    f"{self.bundle}: its lock names {len(missing)} images: without ImageLocations beside the bundle at "
                    f"most {_ASKED_MOST} are looked for; copy it with `packhouse bundle copy`"
                )
            found = await asyncio.gather(*(self._is_there(digest) for digest in missing[start : start + _AT_ONCE]))
            if not all(found):
                return ""
        return _YES

    async def _listed(self) -> frozenset[str]:
        """The digests that the ImageLocations of the bundle name; what cannot be read counts as absent."""
        place = replace(self.bundle, tag=locations_tag(str(self.bundle.digest)), digest=None)
        try:
            tree = await self.sources.origins.registry.pull(str(place), self.access)
        except (*_ABSENT, FetchFailed, FetchLimitExceeded, DigestMismatch):
            return frozenset()
        body = await asyncio.to_thread(_small_file, tree.root / LOCATIONS_FILE)
        return frozenset() if body is None else await asyncio.to_thread(in_turn, body, read_locations)

    async def _is_there(self, digest: str) -> bool:
        try:
            await self.sources.origins.registry.resolve(str(self.bundle.at(digest)), self.access)
        except _ABSENT:
            return False
        return True


async def located(content: Content, bundle: ImageReference, access: Access, sources: Sources) -> Content:
    """The content of a bundle with its lock as `imgpkg pull` would leave it.

    `bundle` names its digest. Errors: FetchLimitExceeded, and those of the registry but for what is not found.
    """
    if content.root is None:
        return content
    body = await asyncio.to_thread(_small_file, content.root / LOCK_FILE)
    lock = None if body is None else await asyncio.to_thread(in_turn, body, read_lock)
    if lock is None:
        return content
    repository = bundle.repository
    if not lock.is_within(repository):
        question = _Question(replace(bundle, tag=None), access, sources, lock)
        if not await sources.origins.remembered.answer(f"located {repository}@{bundle.digest}", question.ask):
            return content
    if bundle.is_layout:  # packages are fetched from a layout on disk, but nobody can pull an image out of it
        return replace(content, relocated=lock.names(repository))
    moved = await asyncio.to_thread(lock.moved_to, repository)
    return replace(content, inline={**content.inline, LOCK_FILE: moved}, relocated=lock.names(repository))


def lock_of(content: Content) -> dict[str, bytes]:
    """The lock as a file, where the content has one: what a folder of the bundle is kept together with. Blocks."""
    if LOCK_FILE in content.inline:
        return {LOCK_FILE: content.inline[LOCK_FILE]}
    body = None if content.root is None else _small_file(content.root / LOCK_FILE)
    return {} if body is None else {LOCK_FILE: body}


def _small_file(path: Path) -> bytes | None:
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > _FILE_MOST_BYTES:
            raise FetchLimitExceeded(f"{path.name} has more than {_FILE_MOST_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise FetchFailed(f"the fetched {path.name} cannot be read ({error.strerror})") from error
