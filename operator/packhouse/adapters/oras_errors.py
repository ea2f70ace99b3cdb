"""The table from foreign errors to ours, for everything that talks to a registry.

A sentence says what the registry did; it never repeats a foreign error's text, which may hold signed URLs.
"""

from __future__ import annotations

import http.client
from typing import Final

import requests
import urllib3.exceptions

from packhouse.api.errors import FetchFailed

REDIRECTS_MOST: Final = 5


class MayPass(Exception):
    """Carries an error that another attempt may mend."""

    def __init__(self, error: FetchFailed) -> None:
        super().__init__(error.message)
        self.error = error


#: Foreign errors, the first that fits: (class, sentence, whether another attempt may help). An error that is
#: no requests, urllib3 or http.client error is a bug of ours and passes through.
FOREIGN: Final[tuple[tuple[type[Exception], str, bool], ...]] = (
    (
        requests.exceptions.SSLError,
        "its TLS certificate or protocol was not accepted (own authority: set PACKHOUSE_REGISTRY_CA_FILE; "
        "plain http: add the host to PACKHOUSE_PLAIN_HTTP_HOSTS)",
        False,
    ),
    (requests.exceptions.ProxyError, "the proxy did not connect (HTTPS_PROXY, NO_PROXY)", True),
    (requests.exceptions.ConnectTimeout, "no connection within {timeout:g} s", False),
    (requests.exceptions.ReadTimeout, "it sent nothing for {timeout:g} s", False),
    (urllib3.exceptions.ReadTimeoutError, "it sent nothing for {timeout:g} s", False),
    (requests.exceptions.TooManyRedirects, f"it redirected more than {REDIRECTS_MOST} times", False),
    (requests.exceptions.ChunkedEncodingError, "it broke off in the middle of an answer", True),
    (requests.exceptions.ConnectionError, "the connection failed{cause}", True),
    (requests.exceptions.RequestException, "it gave an answer that cannot be followed", False),
    (urllib3.exceptions.SSLError, "its TLS connection broke", True),
    (urllib3.exceptions.HTTPError, "it broke off in the middle of an answer", True),
    (http.client.HTTPException, "it broke off in the middle of an answer", True),
    (ConnectionError, "the connection failed{cause}", True),
)


def cause(error: BaseException) -> str:
    """The system's words for a failed connection, from wherever in the chain they are."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, urllib3.exceptions.NameResolutionError):
            return " (the host name does not resolve)"
        if isinstance(seen, OSError) and not isinstance(seen, requests.RequestException) and seen.strerror:
            return f" ({seen.strerror})"
        reason = getattr(seen, "reason", None) or next((arg for arg in seen.args if isinstance(arg, Exception)), None)
        seen = seen.__cause__ or (reason if isinstance(reason, BaseException) else None) or seen.__context__
    return ""
