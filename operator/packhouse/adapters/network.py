"""The one way out for all that is fetched: one call, one deadline, one access, one table of errors.

For adapters only. In a thread (threads.py runs it):

    call = Network("demo/bundle:1", "host files.example", "https://files.example/a.tgz", access, settings)
    with call:
        with call.answer("GET", url) as response:      # a requests.Response, its body still to be read
            for chunk in call.chunks(response): ...
        call.attempts(once)                            # with back-off, for what may pass (MayPass)
        call.whole(response, most, "an index")         # a small body
        call.connect(host, port)                       # a bare socket for ssh: same rules
        with call.guarded(): ...                       # foreign errors of a connection become ours
    call.abort()                                       # from any thread: sockets are shut, the call ends

What holds for every hop, redirects too: settings.fetch_hosts; link-local, metadata, multicast and unspecified addresses
are refused at the moment of connecting (HostRefused; the connection goes to the address that was checked); https never
leads to plain http; plain http only with this machine and settings.plain_http_hosts, unless `plain` says otherwise.
Trusted are the system's authorities, settings.registry_ca_file and access.ca_pem. A proxy is access.proxy, else
settings.fetch_proxy, else the environment's; behind one the proxy looks names up, so only names and literal addresses
are checked here. Credentials are the caller's to send: nothing of the machine (netrc) is used.
Errors: HostRefused, NameUnresolved, SourceUnreachable, TlsFailed, SourceNotFound, RateLimited, AuthenticationFailed,
FetchFailed, FetchLimitExceeded. No message repeats a URL's query or a foreign error's text.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests

from packhouse.adapters import addresses
from packhouse.adapters.authorities import trust
from packhouse.adapters.door import Door, proxy_for
from packhouse.adapters.network_errors import CAUGHT, REDIRECTS_MOST, MayPass, meaning, of_status, retry_after
from packhouse.api.errors import (
    AuthenticationFailed,
    Failed,
    FetchFailed,
    FetchLimitExceeded,
    HostRefused,
    SourceNotFound,
    SourceUnreachable,
)
from packhouse.domain.references import is_loopback
from packhouse.ports import Access, Credentials
from packhouse.settings import Settings

__all__ = ["ATTEMPTS", "CHUNK", "MayPass", "Network"]

ATTEMPTS: Final = 4
CHUNK: Final = 256 * 1024
_BACKOFF_SECONDS: Final = 0.5

T = TypeVar("T")


class Network:
    """Use as a context manager, in one thread; `abort` alone may come from another.

    `subject` names what is fetched and begins each message, `who` names the other side ("registry r.example").
    `start` is the first URL: its scheme decides whether plain http may be followed.
    """

    def __init__(
        self,
        subject: str,
        who: str,
        start: str,
        access: Access,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        plain: Callable[[str], bool] | None = None,
    ) -> None:
        self.subject = subject
        self.who = who
        self.access = access
        self.settings = settings
        self.received = 0
        self._clock = clock
        self._jitter = jitter
        self._ends = clock() + settings.fetch_timeout_seconds
        self._aborted = threading.Event()
        self._plain = plain or (lambda host: plain_allowed(host, settings))
        self._starts_plain = urlsplit(start).scheme == "http"
        self._door = Door(
            self._admit,
            lambda: max(0.001, min(settings.registry_timeout_seconds, self.remaining())),
            lambda: trust(settings.registry_ca_file, access.ca_pem),
            lambda url: proxy_for(url, access.proxy, settings.fetch_proxy),
        )
        if not self._starts_plain:
            trust(settings.registry_ca_file, access.ca_pem)  # what cannot be read is said before anything is asked
        self.session = requests.Session()
        self.guard(self.session)

    def guard(self, session: requests.Session) -> None:
        """Have a session of another library go through the same door."""
        session.trust_env = False  # no netrc; the door reads the proxies
        session.max_redirects = REDIRECTS_MOST
        session.headers.update({"Accept-Encoding": "identity", "User-Agent": "packhouse"})
        session.mount("http://", self._door)
        session.mount("https://", self._door)

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()
        self._door.close()

    def abort(self) -> None:
        """From any thread: the call ends with an error within moments."""
        self._aborted.set()
        self._door.sockets.shut()

    def remaining(self) -> float:
        return self._ends - self._clock()

    def check(self) -> None:
        """Raises SourceUnreachable where the time is over."""
        if self._aborted.is_set() or self.remaining() <= 0:
            raise self.late()

    # ---- ways out ----------------------------------------------------------------------------------------

    def connect(self, host: str, port: int) -> socket.socket:
        """A socket with a timeout, shut when the call ends. Always direct: proxies are for http."""
        self.check()
        with self.guarded():
            addresses.check_name(host, self.settings.fetch_hosts)
            return self._door.sockets.connect(host, port)

    @contextlib.contextmanager
    def answer(
        self,
        method: str,
        url: str,
        *,
        accepted: tuple[int, ...] = (200,),
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> Iterator[requests.Response]:
        """One request, to be used inside `attempts`. Raises our errors, and MayPass."""
        self.check()
        response: requests.Response | None = None
        with self.guarded():
            try:
                response = self.send(method, url, dict(headers or {}), data)
                if response.status_code not in accepted:
                    raise self.unwelcome(response, method)
                yield response
            finally:
                if response is not None:
                    response.close()

    def send(self, method: str, url: str, headers: dict[str, str], data: Any) -> requests.Response:
        """One request with its redirects; a subclass answers challenges here."""
        return self.session.request(method, url, headers=headers, data=data, stream=True)

    def attempts(self, once: Callable[[], T], *, progress: Callable[[], int] = lambda: 0) -> T:
        """`once` until it gives something, its error is final, or the attempts or the time are used up.

        An attempt that brought some `progress` on its way is not one that failed.
        """
        attempt = 0
        while True:
            before = progress()
            try:
                return once()
            except MayPass as passing:
                error = passing.error
            attempt = 1 if progress() > before else attempt + 1
            delay = error.retry_after_seconds
            if delay is None:
                delay = _BACKOFF_SECONDS * 2 ** (attempt - 1) * (0.5 + self._jitter())
            if attempt >= ATTEMPTS or delay >= self.remaining():
                raise error
            if self._aborted.wait(delay):
                raise self.late()

    def chunks(self, response: requests.Response) -> Iterator[bytes]:
        """The body as it comes, of which the time is looked at between two packets."""
        # read1 gives what has come; read waits for a whole chunk
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            self.received += len(chunk)
            yield chunk
            self.check()
        self.check()  # a connection that we shut looks like an end

    def whole(self, response: requests.Response, most: int, what: str) -> bytes:
        """A body that is held in memory; `what` names it where it is larger than `most`."""
        body = bytearray()
        for chunk in self.chunks(response):
            body += chunk
            if len(body) > most:
                raise FetchLimitExceeded(f"{self.subject}: {what} of more than {most} bytes is not read")
        return bytes(body)

    # ---- where we may go ---------------------------------------------------------------------------------

    def _admit(self, url: str) -> None:
        """Before every hop: in time, to a host that is allowed, and never from https to plain http."""
        self.check()
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            if "\\" in parts.netloc:  # where a host ends is then read in two ways, and connections have the other one
                raise ValueError("a backslash")
        except ValueError:
            raise self.failed("it leads to an address that cannot be read") from None
        if ":" in host:
            host = f"[{host}]"
        place = host if port is None else f"{host}:{port}"
        addresses.check_name(place, self.settings.fetch_hosts)
        if parts.scheme == "https" or (self._starts_plain and parts.scheme == "http" and self._plain(place)):
            return
        raise self.failed(
            f"it leads to {parts.scheme}://{host}, and plain http is spoken only with this machine and "
            "PACKHOUSE_PLAIN_HTTP_HOSTS"
        )

    # ---- errors ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Foreign errors of a connection become ours, or MayPass where another attempt may help."""
        try:
            yield
        except HostRefused as error:
            begun = error.message.startswith(self.subject)
            if begun:
                raise
            raise HostRefused(f"{self.subject}: {error.message}") from error
        except CAUGHT as error:
            raise self.translated(error) from error

    def translated(self, error: BaseException) -> Exception:
        """For an error of network_errors.CAUGHT."""
        if self._aborted.is_set() or self.remaining() <= 0:
            return self.late()
        row, words = meaning(error, self.settings.registry_timeout_seconds)
        ours = self.failed(words, kind=row.ours)
        return MayPass(ours) if row.again else ours

    def unwelcome(self, response: requests.Response, method: str) -> Exception:
        """Our error for an answer whose status is not among those accepted."""
        status = response.status_code
        kind, again = of_status(status)
        if kind is AuthenticationFailed:
            return self.refused(status)
        if kind is SourceNotFound:
            return self.failed(f"not found ({status}), or hidden from: {self.tried()}", kind=kind)
        after = retry_after(response.headers.get("Retry-After", "")) if again else None
        # what Go's servers with TLS say to plain http
        plain = " to plain http; it may speak TLS alone" if status == 400 and self._starts_plain else ""
        error = self.failed(f"it answered a {method} with {status}{plain}", after, kind=kind)
        return MayPass(error) if again else error

    def tried(self) -> str:
        """As whom it was tried, and what other credentials there are that do not fit."""
        words = (
            ", then ".join(map(_person, self.access.credentials))
            or f"nobody (no credentials were given: {self.access.lever})"
        )
        return f"{words}; {self.access.hint}" if self.access.hint else words

    def failed(
        self, what: str, retry_after_seconds: float | None = None, *, kind: type[Failed] = FetchFailed
    ) -> Failed:
        return kind(f"{self.subject}: {self.who}: {what}", retry_after_seconds=retry_after_seconds)

    def refused(self, status: int) -> AuthenticationFailed:
        return AuthenticationFailed(f"{self.subject}: {self.who} refused access with {status}; tried as {self.tried()}")

    def late(self) -> SourceUnreachable:
        return SourceUnreachable(
            f"{self.subject}: {self.who}: the fetch was not done within {self.settings.fetch_timeout_seconds:g} s, "
            f"{self.received} bytes had come (PACKHOUSE_FETCH_TIMEOUT_SECONDS)"
        )


def _person(credentials: Credentials) -> str:
    whose = f"of {credentials.source or 'the command line'}"
    return f"the token {whose}" if credentials.token else f"user {credentials.username!r} {whose}"


def plain_allowed(host: str, settings: Settings) -> bool:
    """Whether plain http may be spoken with `host` (with its port, where it has one)."""
    return is_loopback(host) or host in settings.plain_http_hosts
