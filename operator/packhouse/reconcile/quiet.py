"""Hosts that give no answer are asked by one reconcile at a time, and not at once again.

A host behind a firewall that drops packets keeps a request until its time is over. A hundred installs that each waited
for it would keep every worker, and those of other hosts would wait with them. So a host that was silent is left alone
for a while that grows; who would ask it is told so at once, and goes on with what was said before. The error itself is
told to those alone who ask for the same: it names what another install is made of. Made by dispatch.py, around the
origins that sources are resolved with. What is named by its digest is never held back: it may well need no request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit

from packhouse.api.errors import NameUnresolved, PackhouseError, SourceUnreachable
from packhouse.domain.references import read_reference
from packhouse.domain.schedule import backoff
from packhouse.fetch import Origins
from packhouse.ports import Access, Descriptor, Downloads, GitAccess, GitServers, Proxy, RawManifest, Registry, Tree

FIRST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 30.0
#: However long a host itself asks to be left alone.
NAMED_MOST_SECONDS: Final = 300.0
_HOSTS_MOST: Final = 1_000  # whoever writes packages may name any number of hosts

T = TypeVar("T")
Clock = Callable[[], datetime]

#: A host, and the proxy on the way to it: without one of the two it may well answer.
_Way = tuple[str, Proxy | None]


@dataclass(slots=True)
class _Silence:
    error: NameUnresolved | SourceUnreachable
    what: str  # was asked for
    failures: int
    since: datetime
    seconds: float
    asking: bool = False

    def holds(self, now: datetime) -> bool:
        """A clock that was set back holds nothing."""
        return self.asking or 0 <= (now - self.since).total_seconds() < self.seconds

    def told(self, host: str, what: str) -> NameUnresolved | SourceUnreachable:
        """The error for somebody who asks for `what`."""
        if what == self.what:
            return type(self.error)(self.error.message)
        unknown = isinstance(self.error, NameUnresolved)
        words = "its host name does not resolve" if unknown else "it gave no answer a moment ago"
        return type(self.error)(f"{what}: {host}: {words}; it is asked again soon")


class QuietHosts:
    """What is known of silent hosts. Memory only, of one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent: dict[_Way, _Silence] = {}

    def around(self, origins: Origins) -> Origins:
        """The same origins, for resolving: a host that is silent is not waited for by everybody."""
        return Origins(
            _Registry(origins.registry, self),
            _Downloads(origins.downloads, self),
            _GitServers(origins.git, self),
            origins.signatures,
            origins.remembered,
        )

    async def ask(self, host: str, proxy: Proxy | None, what: str, question: Callable[[], Awaitable[T]]) -> T:
        """Raises what the question raises, or what it raised a moment ago. `what` it asks for, as messages show it."""
        way = (host.lower(), proxy)
        silence = self._silent.get(way)
        if silence is not None:
            if silence.holds(self._clock()):
                raise silence.told(host, what)
            silence.asking = True
        try:
            answer = await question()
        except (NameUnresolved, SourceUnreachable) as error:
            self._note(way, what, error)
            raise
        except PackhouseError:  # it said something
            self._silent.pop(way, None)
            raise
        finally:
            if silence is not None:
                silence.asking = False
        self._silent.pop(way, None)
        return answer

    def _note(self, way: _Way, what: str, error: NameUnresolved | SourceUnreachable) -> None:
        before = self._silent.pop(way, None)
        failures = before.failures + 1 if before is not None else 1
        wait = backoff(failures, first=FIRST_SECONDS, most=MOST_SECONDS, chance=1.0)
        if len(self._silent) >= _HOSTS_MOST:
            del self._silent[next(iter(self._silent))]
        named = min(error.retry_after_seconds or 0.0, NAMED_MOST_SECONDS)
        self._silent[way] = _Silence(error, what, failures, self._clock(), max(wait, named))


class _Registry:
    def __init__(self, registry: Registry, quiet: QuietHosts) -> None:
        self._registry = registry
        self._quiet = quiet

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        reference = read_reference(image)
        if reference.digest is not None or reference.is_layout:
            return await self._registry.resolve(image, access, fresh_seconds=fresh_seconds)
        return await self._quiet.ask(
            reference.host,
            access.proxy,
            image,
            lambda: self._registry.resolve(image, access, fresh_seconds=fresh_seconds),
        )

    async def tags(self, repository: str, access: Access, *, fresh_seconds: float = 0.0) -> Sequence[str]:
        reference = read_reference(repository)
        if reference.is_layout:
            return await self._registry.tags(repository, access, fresh_seconds=fresh_seconds)
        return await self._quiet.ask(
            reference.host,
            access.proxy,
            repository,
            lambda: self._registry.tags(repository, access, fresh_seconds=fresh_seconds),
        )

    async def pull(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> Tree:
        return await self._registry.pull(image, access, fresh_seconds=fresh_seconds)

    async def manifest(self, image: str, access: Access) -> RawManifest | None:
        return await self._registry.manifest(image, access)

    async def blob(self, image: str, access: Access, *, most_bytes: int) -> bytes:
        return await self._registry.blob(image, access, most_bytes=most_bytes)

    async def referrers(self, image: str, access: Access) -> Sequence[Descriptor]:
        return await self._registry.referrers(image, access)


class _Downloads:
    def __init__(self, downloads: Downloads, quiet: QuietHosts) -> None:
        self._downloads = downloads
        self._quiet = quiet

    async def resolve(self, url: str, access: Access, *, sha256: str | None, fresh_seconds: float = 0.0) -> str:
        def question() -> Awaitable[str]:
            return self._downloads.resolve(url, access, sha256=sha256, fresh_seconds=fresh_seconds)

        return await (
            question() if sha256 is not None else self._quiet.ask(_host(url), access.proxy, _shown(url), question)
        )

    async def fetch(self, url: str, access: Access, *, digest: str, archive: bool | None = None) -> Tree:
        return await self._downloads.fetch(url, access, digest=digest, archive=archive)

    async def read(self, url: str, access: Access, *, most_bytes: int, fresh_seconds: float = 0.0) -> bytes:
        return await self._quiet.ask(
            _host(url),
            access.proxy,
            _shown(url),
            lambda: self._downloads.read(url, access, most_bytes=most_bytes, fresh_seconds=fresh_seconds),
        )


class _GitServers:
    def __init__(self, git: GitServers, quiet: QuietHosts) -> None:
        self._git = git
        self._quiet = quiet

    async def refs(self, url: str, access: GitAccess, *, fresh_seconds: float = 0.0) -> Mapping[str, str]:
        return await self._quiet.ask(
            _host(url),
            access.access.proxy,
            _shown(url),
            lambda: self._git.refs(url, access, fresh_seconds=fresh_seconds),
        )

    async def checkout(
        self, url: str, commit: str, access: GitAccess, *, ref: str = "", depth: int = 0, submodules: bool = False
    ) -> Tree:
        return await self._git.checkout(url, commit, access, ref=ref, depth=depth, submodules=submodules)


def _host(url: str) -> str:
    """With its port. What is no url is a host of its own, and the adapter refuses it."""
    if "://" not in url:
        return url.partition(":")[0].rpartition("@")[2]  # user@host:path
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return url


def _shown(url: str) -> str:
    """Without what may be secret: user and query."""
    scheme, mark, rest = url.partition("?")[0].rpartition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path}"
