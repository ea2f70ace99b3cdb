"""One call to one registry: one set of credentials, one deadline, few retries, our own errors.

Called by oras_registry and oras_push in a thread. Speaks through oras' session and containers, with oras' own
retry left out: that sleeps for 131 seconds in all and knows no deadline. No foreign error leaves this file, and
no message repeats a URL's query or an error's text, which may hold signatures.
"""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import urlsplit

import oras.container
import oras.provider
import requests

from packhouse.adapters.oras_auth import TOKEN_MOST_BYTES, ChallengeAuth
from packhouse.adapters.oras_errors import FOREIGN, REDIRECTS_MOST, MayPass, cause
from packhouse.adapters.oras_sockets import Door
from packhouse.api.errors import AuthenticationFailed, DigestMismatch, FetchFailed, FetchLimitExceeded
from packhouse.domain.references import DIGEST, ImageReference, is_loopback
from packhouse.fetch.manifest import ACCEPTED, MANIFEST_MOST_BYTES
from packhouse.ports import Credentials
from packhouse.settings import Settings

ATTEMPTS: Final = 4
_BACKOFF_SECONDS: Final = 0.5
_RETRY_AFTER_MOST_SECONDS: Final = 3600.0
_CHUNK: Final = 64 * 1024

T = TypeVar("T")


class _Client(oras.provider.Registry):  # type: ignore[misc]  # oras has no types
    do_request = oras.provider.Registry.do_request.__wrapped__  # without the retry


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer whose body is still to be read."""

    response: requests.Response

    @property
    def digest(self) -> str | None:
        return self.response.headers.get("Docker-Content-Digest") or None

    @property
    def location(self) -> str:
        return str(self.response.headers.get("Location", ""))


class Conversation:
    """Use as a context manager, in one thread; `abort` alone may come from another."""

    def __init__(
        self,
        reference: ImageReference,
        credentials: Credentials | None,
        settings: Settings,
        *,
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        if settings.registry_ca_file and not Path(settings.registry_ca_file).is_file():
            raise FetchFailed(f"PACKHOUSE_REGISTRY_CA_FILE={settings.registry_ca_file}: there is no such file")
        self.reference = reference
        self._credentials = credentials
        self._settings = settings
        self._clock = clock
        self._jitter = jitter
        self._ends = clock() + settings.fetch_timeout_seconds
        self._aborted = threading.Event()
        self._received = 0
        self._scheme = "http" if self._plain(reference.host) else "https"
        self._door = Door(self._admit, lambda: max(0.001, min(settings.registry_timeout_seconds, self.remaining())))
        self._client = _Client(insecure=self._scheme == "http", tls_verify=settings.registry_ca_file or True)
        session = self._client.session
        session.trust_env = False  # no netrc; the door reads the proxies
        session.max_redirects = REDIRECTS_MOST
        session.headers.update({"Accept-Encoding": "identity", "User-Agent": "packhouse"})
        session.mount("http://", self._door)
        session.mount("https://", self._door)
        self._client.auth = ChallengeAuth(credentials, self._ask_token, self._refused, self.failed)
        folder, _, name = reference.path.rpartition("/")
        self.container = oras.container.Container(name, registry=reference.api_host)
        self.container.registry = reference.api_host  # set, not parsed: "localhost/x" and dotted paths are ambiguous
        self.container.namespace, self.container.repository = folder or None, name

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.session.close()

    def abort(self) -> None:
        """From any thread: the call ends with an error within moments."""
        self._aborted.set()
        self._door.shut()

    def remaining(self) -> float:
        return self._ends - self._clock()

    def check(self) -> None:
        """Raises FetchFailed where the time is over."""
        if self._aborted.is_set() or self.remaining() <= 0:
            raise self._late()

    # ---- what is asked -----------------------------------------------------------------------------------

    def manifest_digest(self) -> str:
        """What the reference stands for now. One HEAD request, and a GET where the answer names no digest."""
        what = self.reference.digest or self.reference.tag
        url = self.url(self.container.manifest_url(what))

        def head() -> str | None:
            with self.answer("HEAD", url, accepted=(200, 405), headers=_accept()) as answer:
                return answer.digest if answer.response.status_code == 200 else None

        digest = self.attempts(head)
        if digest is None:
            digest = f"sha256:{hashlib.sha256(self._body(url)).hexdigest()}"
        if not DIGEST.fullmatch(digest):
            raise self.failed("it answered with a manifest digest that is not sha256 and 64 hex digits")
        if self.reference.digest not in (None, digest):
            raise DigestMismatch(f"{self.reference}: the registry answered with {digest} in its place")
        return digest

    def manifest(self, digest: str) -> bytes:
        """The verified bytes of a manifest."""
        body = self._body(self.url(self.container.manifest_url(digest)))
        found = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if found != digest:
            raise DigestMismatch(f"{self.reference}: the registry sent a manifest with digest {found} for {digest}")
        return body

    def blob(self, digest: str, size: int, target: BinaryIO) -> None:
        """Write the verified bytes of a blob to `target`, from its beginning."""
        url = self.url(self.container.get_blob_url(digest))

        def download() -> None:
            target.seek(0)
            hashed, received = hashlib.sha256(), 0
            with self.answer("GET", url) as answer:
                for chunk in self._chunks(answer):
                    received += len(chunk)
                    if received > size:
                        raise DigestMismatch(f"{self.reference}: blob {digest} is longer than its {size} bytes")
                    hashed.update(chunk)
                    target.write(chunk)
            if received != size or f"sha256:{hashed.hexdigest()}" != digest:
                raise DigestMismatch(
                    f"{self.reference}: the registry sent {received} bytes with digest sha256:{hashed.hexdigest()} "
                    f"for blob {digest} of {size} bytes"
                )

        self.attempts(download)

    # ---- one request -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def answer(
        self,
        method: str,
        url: str,
        *,
        accepted: tuple[int, ...] = (200,),
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> Iterator[Answer]:
        """One request, to be used inside `attempts`. Raises our errors, and MayPass."""
        self.check()
        response: requests.Response | None = None
        try:
            response = self._client.do_request(url, method, headers=dict(headers or {}), data=data, stream=True)
            if response.status_code not in accepted:
                raise self._unwelcome(response, method)
            yield Answer(response)
        except tuple(kind for kind, _, _ in FOREIGN) as error:
            raise self._translated(error) from error
        finally:
            if response is not None:
                response.close()

    def attempts(self, once: Callable[[], T]) -> T:
        """`once` until it gives something, its error is final, or the attempts or the time are used up."""
        attempt = 0
        while True:
            try:
                return once()
            except MayPass as passing:
                error = passing.error
            attempt += 1
            delay = error.retry_after_seconds
            if delay is None:
                delay = _BACKOFF_SECONDS * 2 ** (attempt - 1) * (0.5 + self._jitter())
            if attempt >= ATTEMPTS or delay >= self.remaining():
                raise error
            if self._aborted.wait(delay):
                raise self._late()

    def _body(self, url: str) -> bytes:
        def read() -> bytes:
            with self.answer("GET", url, headers=_accept()) as answer:
                return self._whole(answer, MANIFEST_MOST_BYTES, "a manifest")

        return self.attempts(read)

    def _whole(self, answer: Answer, most: int, what: str) -> bytes:
        body = bytearray()
        for chunk in self._chunks(answer):
            body += chunk
            if len(body) > most:
                raise FetchLimitExceeded(f"{self.reference}: {what} of more than {most} bytes is not read")
        return bytes(body)

    def _chunks(self, answer: Answer) -> Iterator[bytes]:
        # read1 gives what has come, so that the time is looked at between two packets; read waits for a whole chunk
        while chunk := answer.response.raw.read1(_CHUNK, decode_content=False):
            self._received += len(chunk)
            yield chunk
            self.check()
        self.check()  # a connection that we shut looks like an end

    def _ask_token(self, url: str, query: dict[str, str], headers: dict[str, str]) -> bytes:
        session = self._client.session
        with contextlib.closing(session.get(url, params=query, headers=headers, stream=True)) as response:
            if response.status_code != 200:
                raise self._unwelcome(response, "token request")
            return self._whole(Answer(response), TOKEN_MOST_BYTES, "a token")

    # ---- where we may go ---------------------------------------------------------------------------------

    def _plain(self, host: str) -> bool:
        return is_loopback(host) or host in self._settings.plain_http_hosts

    def url(self, rest: str) -> str:
        return f"{self._scheme}://{rest}"

    def _admit(self, url: str) -> None:
        """Before every hop: in time, and never from https to plain http."""
        self.check()
        parts = urlsplit(url)
        if parts.scheme == "https" or (self._scheme == "http" and parts.scheme == "http" and self._plain(parts.netloc)):
            return
        raise self.failed(
            f"it leads to {parts.scheme}://{parts.hostname}, and plain http is spoken only with this machine and "
            "PACKHOUSE_PLAIN_HTTP_HOSTS"
        )

    # ---- errors ------------------------------------------------------------------------------------------

    def _tried(self) -> str:
        if self._credentials is None:
            return "no credentials were given (a secretRef names some)"
        return f"tried as user {self._credentials.username!r} of {self._credentials.source or 'the command line'}"

    def failed(self, what: str, retry_after_seconds: float | None = None) -> FetchFailed:
        where = f"{self.reference}: registry {self.reference.api_host}"
        return FetchFailed(f"{where}: {what}", retry_after_seconds=retry_after_seconds)

    def _late(self) -> FetchFailed:
        return self.failed(
            f"the fetch was not done within {self._settings.fetch_timeout_seconds:g} s, {self._received} bytes had "
            "come (PACKHOUSE_FETCH_TIMEOUT_SECONDS)"
        )

    def _refused(self, status: int) -> AuthenticationFailed:
        return AuthenticationFailed(
            f"{self.reference}: registry {self.reference.api_host} refused access with {status}; {self._tried()}"
        )

    def _unwelcome(self, response: requests.Response, method: str) -> Exception:
        status = response.status_code
        if status in (401, 403):
            return self._refused(status)
        if status == 404:
            return self.failed(f"it has no such image (404); check name and tag, or access: {self._tried()}")
        error = self.failed(f"it answered a {method} with {status}", self._retry_after(response))
        return MayPass(error) if status == 429 or status >= 500 else error

    def _retry_after(self, response: requests.Response) -> float | None:
        text = response.headers.get("Retry-After", "").strip()
        if re.fullmatch(r"[0-9]{1,9}", text):
            return min(float(text), _RETRY_AFTER_MOST_SECONDS)
        try:
            when = email.utils.parsedate_to_datetime(text).timestamp()
        except (ValueError, TypeError, OverflowError):
            return None
        return min(max(0.0, when - time.time()), _RETRY_AFTER_MOST_SECONDS)

    def _translated(self, error: Exception) -> Exception:
        if self._aborted.is_set() or self.remaining() <= 0:
            return self._late()
        sentence, may_pass = next((text, again) for kind, text, again in FOREIGN if isinstance(error, kind))
        ours = self.failed(sentence.format(timeout=self._settings.registry_timeout_seconds, cause=cause(error)))
        return MayPass(ours) if may_pass else ours


def _accept() -> dict[str, str]:
    return {"Accept": ", ".join(ACCEPTED)}
