"""One HTTP conversation with the API server: paths in, decoded JSON out, within time-outs and with retries.

Everything about Kubernetes objects is cluster.py's; this room knows status codes. The client of the
`kubernetes` package brings connections, TLS and proxies; it retries no PATCH, so retrying is done here: every
request we send is idempotent (server-side apply, delete, create under a fixed name), so 429, 502-504 and broken
connections are tried again with back-off and jitter, a Retry-After being the least wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDict
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from packhouse import __version__
from packhouse.adapters.connection import Connections
from packhouse.adapters.decoding import decoded
from packhouse.api.errors import ClusterUnavailable
from packhouse.ports import Json
from packhouse.settings import Settings

if TYPE_CHECKING:
    from kubernetes.aio.client.configuration import Configuration

APPLY: Final = "application/apply-patch+yaml"  # JSON is YAML
JSON_PATCH: Final = "application/json-patch+json"
JSON: Final = "application/json"
METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TABLE: Final = "application/json;as=Table;g=meta.k8s.io;v=v1"

#: Answers that say "not now": the same request may succeed a moment later.
PASSING: Final = frozenset({429, 502, 503, 504})

RETRY_FIRST_SECONDS: Final = 0.2
RETRY_MOST_SECONDS: Final = 5.0

#: Gives the Authorization header of a call, None where a certificate speaks; True: the last one was refused.
Identity = Callable[[bool], Awaitable[str | None]]

#: Counts a finished request: verb (GET, PATCH ...), path without its query, status code (0: no answer).
Counter = Callable[[str, str, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `dry_run` and field managers travel in the query."""

    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: Any = None
    content_type: str = JSON
    accept: str = JSON

    @property
    def target(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


class Refused(Exception):
    """An answer of 4xx or 500, with the API server's own Status. cluster.py turns it into one of our errors."""

    def __init__(self, code: int, status: Json, request: Request) -> None:
        super().__init__(f"{request.method} {request.path}: {code} {status.get('reason', '')}")
        self.code = code
        self.reason: str = status.get("reason") or ""
        self.message: str = status.get("message") or f"the API server answered {code}"
        self.details: Json = status.get("details") or {}
        self.request = request

    def is_caused_by(self, reason: str) -> bool:
        """Whether the Status names `reason` among its causes."""
        causes = self.details.get("causes")
        return isinstance(causes, list) and any(cause.get("reason") == reason for cause in causes)


class _NotNow(Exception):
    """Worth another try; `retry_after` in seconds where the server named it."""

    def __init__(self, words: str, retry_after: float = 0.0) -> None:
        super().__init__(words)
        self.retry_after = retry_after


class ApiServer:
    """The server behind one configuration; the identity is the configuration's, or a header given per call."""

    def __init__(
        self,
        configuration: Configuration,
        settings: Settings,
        *,
        identity: Identity,
        count: Counter | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """`headers` go with every request, such as those that impersonate somebody."""
        self._host = configuration.host.rstrip("/")
        self._rest = Connections(configuration)
        self._settings = settings
        self._identity = identity
        self._count = count or (lambda verb, path, code: None)
        self._headers = headers
        self._slots = asyncio.Semaphore(settings.requests_in_flight)

    def acting_as(self, identity: Identity) -> ApiServer:
        """The same connections and limits, another header. Only sound on a configuration without credentials."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._identity = identity
        return other

    async def close(self) -> None:
        await self._rest.close()

    async def call(self, request: Request) -> Json:
        """The decoded answer. Raises Refused, ClusterUnavailable."""
        try:
            return await self._patiently(request, renew=False)
        except Refused as refused:
            if refused.code != 401:
                raise
        return await self._patiently(request, renew=True)

    async def _patiently(self, request: Request, *, renew: bool) -> Json:
        try:
            async for attempt in AsyncRetrying(
                stop=stop_after_attempt(self._settings.request_retries + 1),
                retry=retry_if_exception_type(_NotNow),
                wait=_wait,
                reraise=True,
            ):
                with attempt:
                    return await self._once(request, renew and attempt.retry_state.attempt_number == 1)
        except _NotNow as error:
            raise ClusterUnavailable(
                f"the API server did not serve {request.method} {request.path}: {error}; it is tried again",
                retry_after_seconds=error.retry_after or None,
            ) from error
        raise AssertionError("unreachable: tenacity re-raises")

    async def _once(self, request: Request, renew: bool) -> Json:
        bearer = await self._identity(renew)  # outside the slots: it may ask the API server for a token itself
        async with self._slots:
            response = await self._send(request, bearer, self._settings.request_timeout_seconds)
            try:
                async with asyncio.timeout(self._settings.request_timeout_seconds):
                    raw = await response.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise _NotNow(f"the answer broke off ({type(error).__name__})") from error
            finally:
                response.release()
        return _decode(response, raw, request)

    async def _send(self, request: Request, bearer: str | None, total_seconds: float) -> aiohttp.ClientResponse:
        headers = CIMultiDict(
            [
                ("Accept", request.accept),
                ("Content-Type", request.content_type),
                ("User-Agent", _USER_AGENT),
                *self._headers,
            ]
        )
        if bearer is not None:
            headers.add("Authorization", bearer)
        timeout = aiohttp.ClientTimeout(total=total_seconds, connect=self._settings.request_timeout_seconds)
        code = 0
        try:
            answer = await self._rest.request(
                request.method,
                self._host + request.target,
                headers=headers,
                body=request.body,
                _request_timeout=timeout,
            )
            response: aiohttp.ClientResponse = answer.response
            code = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _NotNow(_silence(error, request, total_seconds)) from error
        finally:
            self._count(request.method, request.path, code)
        return response

    @asynccontextmanager
    async def lines(self, request: Request, seconds: float) -> AsyncIterator[AsyncIterator[Json]]:
        """The JSON lines of a watch, for `seconds` at the most. Raises Refused, ClusterUnavailable."""
        try:
            response = await self._send(request, await self._identity(False), seconds)
        except _NotNow as error:
            raise ClusterUnavailable(f"cannot watch {request.path}: {error}") from error
        try:
            if response.status >= 300:
                _decode(response, await response.read(), request)
            yield _json_lines(response, cut=request.accept == METADATA)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, _NotNow) as error:
            raise ClusterUnavailable(f"the watch of {request.path} broke off ({type(error).__name__})") from error
        finally:
            response.close()


_USER_AGENT: Final = f"packhouse/{__version__}"
_exponential = wait_random_exponential(multiplier=RETRY_FIRST_SECONDS, max=RETRY_MOST_SECONDS)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    named = error.retry_after if isinstance(error, _NotNow) else 0.0
    return max(named, _exponential(state))


async def _json_lines(response: aiohttp.ClientResponse, *, cut: bool) -> AsyncIterator[Json]:
    async for line in response.content:
        if line.strip():
            yield decoded(line, cut=cut)


def _silence(error: Exception, request: Request, seconds: float) -> str:
    """A write is answered once all webhooks have answered, so the server may be well and one of them not."""
    name = type(error).__name__
    if not isinstance(error, TimeoutError) or isinstance(error, aiohttp.ServerTimeoutError):  # nobody is there
        return f"no answer ({name})"
    also = "" if request.method == "GET" else ", of the server or of a webhook that it asks"
    return f"no answer within {seconds:g} s{also} ({name})"


def _decode(response: aiohttp.ClientResponse, raw: bytes, request: Request) -> Json:
    if response.status in PASSING:
        raise _NotNow(f"it answered {response.status}", _seconds(response.headers.get("Retry-After")))
    if 300 <= response.status < 400:
        words = f"the API server sends elsewhere ({response.status}), which is not followed; correct its address"
        raise Refused(response.status, {"message": words}, request)
    try:
        answer = decoded(raw, cut=request.accept in (METADATA, METADATA_LIST)) if raw else {}
    except ValueError:
        answer = {"message": "an answer that is no JSON"}
        if response.status < 400:
            raise _NotNow("it answered something that is no JSON, or nests too deep") from None
    if not isinstance(answer, dict):
        answer = {"message": str(answer)[:200]}
    if response.status >= 400:
        raise Refused(response.status, answer, request)
    return answer


def _seconds(retry_after: str | None) -> float:
    """Retry-After in seconds; the date form is not used by API servers and counts as none."""
    return min(float(retry_after), 60.0) if retry_after and retry_after.isdigit() else 0.0
