"""The table from foreign errors of a connection to ours, and from statuses of an answer to ours.

A sentence says what the other side did; it never repeats a foreign error's text, which may hold signed URLs.
"""

from __future__ import annotations

import email.utils
import http.client
import re
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Final

import requests
import urllib3.exceptions

from packhouse.api.errors import (
    AuthenticationFailed,
    Failed,
    FetchFailed,
    NameUnresolved,
    RateLimited,
    SourceNotFound,
    SourceUnreachable,
    TlsFailed,
)

REDIRECTS_MOST: Final = 5
RETRY_AFTER_MOST_SECONDS: Final = 3600.0


class MayPass(Exception):
    """Carries an error that another attempt may mend."""

    def __init__(self, error: Failed) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Row:
    """What a foreign error means. `{timeout}` (seconds), `{cause}` and `{redirects}` are filled in."""

    foreign: type[BaseException]
    ours: type[Failed]
    sentence: str
    again: bool  # whether another attempt may help


_TLS_LEVERS: Final = (
    "(own authority: PACKHOUSE_REGISTRY_CA_FILE, or certSecretRef of the repository; a server without TLS: "
    "PACKHOUSE_PLAIN_HTTP_HOSTS)"
)
#: The first row whose error is anywhere in the chain of what was raised.
FOREIGN: Final = (
    Row(ssl.SSLCertVerificationError, TlsFailed, f"its certificate was not accepted: {{cause}} {_TLS_LEVERS}", False),
    Row(ssl.SSLEOFError, SourceUnreachable, "its TLS connection broke", True),
    Row(ssl.SSLError, TlsFailed, f"no TLS connection comes about: {{cause}} {_TLS_LEVERS}", False),
    Row(urllib3.exceptions.SSLError, TlsFailed, f"no TLS connection comes about {_TLS_LEVERS}", False),
    Row(
        urllib3.exceptions.ProxyError,
        SourceUnreachable,
        "the proxy on the way to it did not connect (proxySecretRef of the repository, PACKHOUSE_FETCH_PROXY, "
        "HTTPS_PROXY, NO_PROXY)",
        True,
    ),
    Row(urllib3.exceptions.NameResolutionError, NameUnresolved, "its host name does not resolve", True),
    Row(socket.gaierror, NameUnresolved, "its host name does not resolve", True),
    # before its own base class, which is the next one
    Row(urllib3.exceptions.NewConnectionError, SourceUnreachable, "the connection failed ({cause})", True),
    Row(urllib3.exceptions.ConnectTimeoutError, SourceUnreachable, "no connection within {timeout:g} s", False),
    Row(urllib3.exceptions.ReadTimeoutError, SourceUnreachable, "it sent nothing for {timeout:g} s", False),
    Row(requests.exceptions.ReadTimeout, SourceUnreachable, "it sent nothing for {timeout:g} s", False),
    Row(TimeoutError, SourceUnreachable, "it sent nothing for {timeout:g} s", False),
    Row(requests.exceptions.TooManyRedirects, FetchFailed, "it redirected more than {redirects} times", False),
    Row(urllib3.exceptions.ResponseError, FetchFailed, "it redirected more than {redirects} times", False),
    Row(ConnectionError, SourceUnreachable, "the connection failed ({cause})", True),
    Row(urllib3.exceptions.ProtocolError, SourceUnreachable, "it broke off in the middle of an answer", True),
    Row(http.client.HTTPException, SourceUnreachable, "it broke off in the middle of an answer", True),
    Row(requests.exceptions.ChunkedEncodingError, SourceUnreachable, "it broke off in the middle of an answer", True),
    Row(requests.exceptions.ConnectionError, SourceUnreachable, "the connection failed ({cause})", True),
    Row(requests.exceptions.RequestException, FetchFailed, "it gave an answer that cannot be followed", False),
    Row(urllib3.exceptions.HTTPError, SourceUnreachable, "it broke off in the middle of an answer", True),
)
#: What to catch. An error that is none of these, and no error of a connection, is a bug of ours and passes through.
CAUGHT: Final = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    ConnectionError,
    socket.gaierror,
    ssl.SSLError,
    TimeoutError,
)


def meaning(error: BaseException, timeout_seconds: float) -> tuple[Row, str]:
    """The row that fits, and its sentence."""
    chain = list(_chain(error))
    row = next(row for row in FOREIGN if any(isinstance(link, row.foreign) for link in chain))
    words = row.sentence.format(timeout=timeout_seconds, cause=_cause(chain), redirects=REDIRECTS_MOST)
    return row, words


def of_status(status: int) -> tuple[type[Failed], bool]:
    """Our error for an answer that is no good one, and whether another attempt may help."""
    if status in (401, 403):
        return AuthenticationFailed, False
    if status in (404, 410):
        return SourceNotFound, False
    if status == 429:
        return RateLimited, True
    if status >= 500 or status == 408:
        return SourceUnreachable, True
    return FetchFailed, False


def retry_after(text: str) -> float | None:
    """The seconds of a Retry-After header, at most an hour; None where it says nothing."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return min(float(text), RETRY_AFTER_MOST_SECONDS)
    try:
        when = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, when - time.time()), RETRY_AFTER_MOST_SECONDS)


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what lies below it, the nearest first."""
    found: list[BaseException] = []
    ahead: list[BaseException | None] = [error]
    while ahead:
        one = ahead.pop(0)
        if one is None or one in found or len(found) > 20:
            continue
        found.append(one)
        inner = [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]
        ahead += [link for link in inner if isinstance(link, BaseException)]
    return found


def _cause(chain: list[BaseException]) -> str:
    """The words of the system or of OpenSSL for what failed."""
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            return link.verify_message.rstrip(".")
        if isinstance(link, ssl.SSLError):
            return (link.reason or "it broke off").replace("_", " ").lower()
    for link in chain:
        if isinstance(link, OSError) and not isinstance(link, requests.RequestException) and link.strerror:
            return link.strerror
    return "it was closed"
