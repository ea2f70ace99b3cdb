"""The port GitServers: refs and files of repositories over https, ssh and http; no program, no hook, no filter is run.

Built by app.py. dulwich speaks the protocol (git_client, git_ssh), the pack goes to disk and is read within limits
(git_pack), files are written by the Unpacker (git_trees). A commit is a content that never changes: what was given to
these credentials once is taken from the cache, without a request.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from packhouse.adapters.git_checkout import Checkout, Wish, refs_of, server_of
from packhouse.adapters.git_urls import GitUrl, read_git_url
from packhouse.adapters.network import Network
from packhouse.adapters.threads import Threads
from packhouse.api.errors import FetchFailed, InvalidSpec, PackhouseError
from packhouse.fetch.accepted import person_parts, persons, way
from packhouse.fetch.answers import Answers
from packhouse.fetch.cache import TreeCache
from packhouse.ports import Credentials, GitAccess, Tree
from packhouse.settings import Settings

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_REF: Final = re.compile(r"(?:HEAD|refs/[!-~\u00a1-\U0010ffff]{1,1000})?")
_DEPTH_MOST: Final = 2**31 - 1
#: Refs of all repositories together: some hundred bytes each, and a server may have any number of them.
_REFS_HELD_MOST: Final = 300_000

T = TypeVar("T")


class DulwichServers:
    """Errors: InvalidSpec, HostRefused, FetchLimitExceeded and those of api.errors.SOURCE_ERRORS.

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
        self._own_cache = cache is None
        self._cache = cache or TreeCache(settings.cache_dir, settings.cache_most_bytes)
        self._threads = Threads(settings, "git")
        self._refs: Answers[Mapping[str, str]] = Answers(
            clock, held_most=_REFS_HELD_MOST, weight=lambda refs: len(refs) + 10
        )
        self._trees: Answers[Path] = Answers(clock, held_most=0)

    async def refs(self, url: str, access: GitAccess, *, fresh_seconds: float = 0.0) -> Mapping[str, str]:
        read = read_git_url(url)

        async def ask() -> Mapping[str, str]:
            make = self._calls(str(read), read, access)
            return await self._threads.run(make, lambda call: refs_of(call, read, access))

        return await self._refs.get((str(read), _identity(access)), fresh_seconds, ask, who=_sources(access))

    async def checkout(
        self, url: str, commit: str, access: GitAccess, *, ref: str = "", depth: int = 0, submodules: bool = False
    ) -> Tree:
        read = read_git_url(url)
        if not _COMMIT.fullmatch(commit):
            raise InvalidSpec(f"{read}: a commit has 40 hex digits, in lower case")
        if not _REF.fullmatch(ref) or not 0 <= depth <= _DEPTH_MOST:
            raise InvalidSpec(f"{read}: there can be no such ref, or no such depth")
        wish = Wish(read, commit, access, ref, depth, submodules)
        root = await self._on_disk(wish, lambda: self._find(wish))
        if root is None:
            make = self._calls(wish.subject, read, access)

            async def ask() -> Path:
                return await self._threads.run(make, lambda call: self._fill(call, wish))

            root = await self._trees.get((_key(wish), _identity(access)), 0.0, ask, who=_sources(access))
        return Tree(root, f"sha1:{commit}")

    def close(self) -> None:
        """Ends all calls under way, and gives the cache's lock back where it is its own."""
        self._threads.close()
        if self._own_cache:
            self._cache.close()

    # ---- asking ------------------------------------------------------------------------------------------

    def _calls(self, subject: str, url: GitUrl, access: GitAccess) -> Callable[[], Network]:
        # what an ssh server leads to is no http at all: nothing plain may come of it
        start = f"{'http' if url.scheme == 'http' else 'https'}://{url.place}/"
        return lambda: Network(
            subject, server_of(url), start, access.access, self._settings, clock=self._clock, jitter=self._jitter
        )

    async def _on_disk(self, wish: Wish, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise _disk_trouble(wish, error) from error

    # ---- in a thread -------------------------------------------------------------------------------------

    def _find(self, wish: Wish) -> Path | None:
        """The folder, where the server gave that commit to this access before."""
        people = [None] if wish.url.scheme == "ssh" else persons(wish.access.access)
        if not any(self._cache.accepted.holds(*_entry(wish, person)) for person in people):
            return None
        return self._cache.find(_key(wish))

    def _fill(self, call: Network, wish: Wish) -> Path:
        try:
            with self._cache.staging() as place:
                (place / "content").mkdir()
                records, person = Checkout(call, self._settings, place, place / "content").fill(wish)
                root = self._cache.keep(_key(wish), place / "content", records)
                self._cache.accepted.add(*_entry(wish, person))
                return root
        except PackhouseError as error:
            if not error.message.startswith(wish.subject):  # said by a room that does not know the repository
                raise type(error)(f"{wish.subject}: {error.message}") from error
            raise
        except OSError as error:
            raise _disk_trouble(wish, error) from error


def _key(wish: Wish) -> str:
    """Of the folder. The server belongs to it: ids of SHA-1 are no proof against two contents made for each other."""
    made = "\n".join((str(wish.url), wish.commit, str(wish.submodules), way(wish.access.access), _trust(wish.access)))
    return f"git-{wish.commit}-{hashlib.sha256(made.encode()).hexdigest()}"


def _trust(access: GitAccess) -> str:
    """By which keys of its host an ssh server is known."""
    return hashlib.sha256(access.known_hosts.encode()).hexdigest() if access.known_hosts else ""


def _entry(wish: Wish, person: Credentials | None) -> tuple[str, ...]:
    """Of the list of who was given what."""
    access = wish.access
    if wish.url.scheme == "ssh":
        people = tuple(part for one in access.access.credentials for part in person_parts(one))
        who: tuple[str, ...] = ("ssh", access.ssh_key, *people)
    else:
        who = person_parts(person)
    return ("git", str(wish.url), wish.commit, way(access.access), _trust(access), *who)


def _identity(access: GitAccess) -> Hashable:
    people = tuple(person_parts(person) for person in access.access.credentials)
    return way(access.access), _trust(access), access.ssh_key, people


def _sources(access: GitAccess) -> Hashable:
    """What a refusal names."""
    return access.source, tuple(person.source for person in access.access.credentials), access.access.hint


def _disk_trouble(wish: Wish, error: OSError) -> FetchFailed:
    return FetchFailed(
        f"{wish.subject}: the cache cannot be written or read ({error.strerror}): see PACKHOUSE_CACHE_DIR"
    )
