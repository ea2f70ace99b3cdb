"""The port Downloads: files by http and https, kept in the cache by their digest, unpacked where they are archives.

Built by app.py. A file is the server's word for its address until a digest names it: without one each look is a
conditional request, whose validators (ETag, Last-Modified) are kept on disk too. With one nothing is asked that these
credentials were given before. A content is handed out only to whom its server sent it, whole.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from packhouse.adapters.http_file import Download, Known, check_url, file_name, shown
from packhouse.adapters.network import Network
from packhouse.adapters.threads import Threads
from packhouse.api.errors import DigestMismatch, FetchFailed, FetchLimitExceeded, InvalidSpec, PackhouseError
from packhouse.fetch.accepted import person_parts, persons, way
from packhouse.fetch.answers import Answers
from packhouse.fetch.archives import unpack_file
from packhouse.fetch.cache import TreeCache
from packhouse.fetch.remembered import Remembered
from packhouse.fetch.unpack import Limits, Unpacker
from packhouse.ports import Access, Credentials, Tree
from packhouse.settings import Settings

_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_LIMIT: Final = "PACKHOUSE_BUNDLE_COMPRESSED_MOST_BYTES"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Wish:
    """A file, as whom it is asked for, and what becomes of it."""

    url: str
    access: Access
    archive: bool | None
    most_bytes: int
    setting: str = _LIMIT

    @property
    def subject(self) -> str:
        return shown(self.url)

    @property
    def identity(self) -> Hashable:
        people = tuple(person_parts(person) for person in self.access.credentials)
        return self.url, self.archive, way(self.access), people

    @property
    def sources(self) -> Hashable:
        """What a refusal names."""
        return tuple(person.source for person in self.access.credentials), self.access.hint

    def key(self, digest: str) -> str:
        """Of the folder that a file of that digest becomes: a plain one has its name from the url."""
        made = f"{digest}\n{self.archive}\n{'' if self.archive else file_name(self.url)}"
        return f"http-{hashlib.sha256(made.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class _Got:
    digest: str
    root: Path


class HttpDownloads:
    """Errors: InvalidSpec, HostRefused, FetchLimitExceeded, DigestMismatch and those of api.errors.SOURCE_ERRORS.

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
        self._threads = Threads(settings, "http")
        self._known = Remembered(settings.cache_dir / "http")
        self._now: Answers[_Got] = Answers(clock, held_most=2000)
        self._wanted: Answers[_Got] = Answers(clock, held_most=0)

    async def resolve(self, url: str, access: Access, *, sha256: str | None, fresh_seconds: float = 0.0) -> str:
        check_url(url)
        if sha256 is not None:
            if not _HEX.fullmatch(sha256):
                raise InvalidSpec(f"{shown(url)}: sha256 must be 64 hex digits")
            return f"sha256:{sha256.lower()}"
        wish = _Wish(url, access, None, self._settings.bundle_compressed_most_bytes)
        return (await self._current(wish, fresh_seconds)).digest

    async def fetch(self, url: str, access: Access, *, digest: str, archive: bool | None = None) -> Tree:
        check_url(url)
        wish = _Wish(url, access, archive, self._settings.bundle_compressed_most_bytes)
        root = await self._on_disk(wish, lambda: self._find(wish, digest))
        if root is None:
            got = await self._wanted.get(
                (digest, wish.identity), 0.0, lambda: self._download(wish, None, digest), who=wish.sources
            )
            root = got.root
        return Tree(root, digest)

    async def read(self, url: str, access: Access, *, most_bytes: int, fresh_seconds: float = 0.0) -> bytes:
        check_url(url)
        wish = _Wish(url, access, False, most_bytes, "the limit for such a file")
        got = await self._current(wish, fresh_seconds)
        return await self._on_disk(wish, lambda: _content(got.root, most_bytes, wish.subject))

    def close(self) -> None:
        """Ends all calls under way, and gives the cache's lock back where it is its own."""
        self._threads.close()
        if self._own_cache:
            self._cache.close()

    # ---- asking ------------------------------------------------------------------------------------------

    async def _current(self, wish: _Wish, fresh_seconds: float) -> _Got:
        """What is there now, or was a moment ago, and the folder that it became."""
        got = await self._now.get(wish.identity, fresh_seconds, lambda: self._ask(wish), who=wish.sources)
        if await asyncio.to_thread(got.root.is_dir):
            return got
        return await self._now.get(wish.identity, 0.0, lambda: self._ask(wish), who=wish.sources)  # evicted since

    async def _ask(self, wish: _Wish) -> _Got:
        """By a conditional request where the answer is at hand and was given to this access."""
        key = f"{wish.url} {way(wish.access)}"
        place = hashlib.sha256(key.encode()).hexdigest()  # a url may hold a secret, and this is written down
        text = await self._known.get(place)
        known = Known.from_text(text) if text else None
        if known is not None:
            digest = known.digest
            root = await self._on_disk(wish, lambda: self._find(wish, digest))
            if root is None:
                known = None
        return await self._download(wish, known, None, remember=place)

    async def _download(self, wish: _Wish, known: Known | None, wanted: str | None, *, remember: str = "") -> _Got:
        def make() -> Network:
            return Network(
                wish.subject,
                f"host {urlsplit(wish.url).netloc}",
                wish.url,
                wish.access,
                self._settings,
                clock=self._clock,
                jitter=self._jitter,
            )

        said, root = await self._threads.run(make, lambda call: self._fill(call, wish, known, wanted))
        if remember and said != known:
            await self._known.put(remember, said.to_text())
        return _Got(said.digest, root)

    async def _on_disk(self, wish: _Wish, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise _disk_trouble(wish, error) from error

    # ---- in a thread -------------------------------------------------------------------------------------

    def _find(self, wish: _Wish, digest: str) -> Path | None:
        """The folder, where the server gave that content to this access before."""
        if not any(
            self._cache.accepted.holds("http", wish.url, digest, way(wish.access), *person_parts(person))
            for person in persons(wish.access)
        ):
            return None
        return self._cache.find(wish.key(digest))

    def _give(self, wish: _Wish, digest: str, person: Credentials | None) -> None:
        self._cache.accepted.add("http", wish.url, digest, way(wish.access), *person_parts(person))

    def _fill(self, call: Network, wish: _Wish, known: Known | None, wanted: str | None) -> tuple[Known, Path]:
        """Into the cache, unless the server says that it is still what is known."""
        try:
            with self._cache.staging() as place, (place / "file").open("w+b", buffering=0) as file:
                download = Download(call, wish.url, file, wish.most_bytes, wish.setting)
                said = download.get(known)
                if said is None and known is not None:
                    root = self._cache.find(wish.key(known.digest))
                    if root is not None:
                        return known, root
                    said = download.get(None)  # evicted just now
                assert said is not None  # noqa: S101 - without a condition there is no such answer
                if wanted is not None and said.digest != wanted:
                    raise DigestMismatch(
                        f"{wish.subject}: the server sent a file with digest {said.digest}, not {wanted}"
                    )
                key = wish.key(said.digest)
                root = self._cache.find(key) or self._unpack(call, wish, file, place / "content", key)
                self._give(wish, said.digest, download.used)
                return said, root
        except PackhouseError as error:
            if not error.message.startswith(wish.subject):  # said by a room that does not know the file
                raise type(error)(f"{wish.subject}: {error.message}") from error
            raise
        except OSError as error:
            raise _disk_trouble(wish, error) from error

    def _unpack(self, call: Network, wish: _Wish, file: object, content: Path, key: str) -> Path:
        content.mkdir()
        limits = Limits(self._settings.bundle_unpacked_most_bytes, self._settings.bundle_files_most)
        unpacker = Unpacker(content, limits, call.check)
        unpack_file(file, file_name(wish.url), unpacker, archive=wish.archive)  # type: ignore[arg-type]
        return self._cache.keep(key, content, unpacker.finish())


def _content(root: Path, most_bytes: int, subject: str) -> bytes:
    """Of the only file of a folder."""
    file = next(root.iterdir())
    if file.stat().st_size > most_bytes:
        raise FetchLimitExceeded(f"{subject}: the file has {file.stat().st_size} bytes: at most {most_bytes} are read")
    return file.read_bytes()


def _disk_trouble(wish: _Wish, error: OSError) -> FetchFailed:
    return FetchFailed(
        f"{wish.subject}: the cache cannot be written or read ({error.strerror}): see PACKHOUSE_CACHE_DIR"
    )
