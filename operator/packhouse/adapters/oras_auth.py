"""How a registry's challenge is answered: basic, or a bearer token from the realm that it names.

Plugs into oras as its authentication backend. It knows the credentials of one call and nothing else: no docker
config file, no variable of the environment, nothing that outlives the call.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any, Final

import oras.auth.token
import requests

from packhouse.api.errors import AuthenticationFailed, FetchFailed
from packhouse.ports import Credentials

_SCHEME: Final = re.compile(r"(?:^|,\s*)(basic|bearer)\b", re.IGNORECASE)
_PARAMETER: Final = re.compile(r'([A-Za-z]+)="([^"]*)"')
TOKEN_MOST_BYTES: Final = 256 * 1024

#: url, query, headers -> the whole body of a good answer
Ask = Callable[[str, dict[str, str], dict[str, str]], bytes]


def read_challenge(text: str) -> tuple[str, dict[str, str]]:
    """Scheme ("bearer", "basic" or "") and parameters of a WWW-Authenticate header; bearer is preferred."""
    marks = list(_SCHEME.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    found = {
        mark[1].lower(): dict(_PARAMETER.findall(text[mark.end() : end]))
        for mark, end in zip(marks, ends, strict=False)  # no mark, one end
    }
    if found.get("bearer", {}).get("realm"):
        return "bearer", found["bearer"]
    return ("basic", found["basic"]) if "basic" in found else ("", {})


class ChallengeAuth(oras.auth.token.TokenAuth):  # type: ignore[misc]  # oras has no types
    """oras' own backend sends basic credentials to `https://<realm>` on a Basic challenge, and knows no limits."""

    def __init__(
        self,
        credentials: Credentials | None,
        ask: Ask,
        refused: Callable[[int], AuthenticationFailed],
        failed: Callable[[str], FetchFailed],
    ) -> None:
        super().__init__()
        self._basic = _basic(credentials)
        self._ask = ask
        self._refused = refused
        self._failed = failed
        self._header: dict[str, str] = {}

    def get_auth_header(self) -> dict[str, str]:
        return dict(self._header)

    def authenticate_request(
        self, original: requests.Response, headers: dict[str, Any] | None, refresh: bool = False
    ) -> tuple[dict[str, Any], bool]:
        """Called by oras on 401 and 403. Raises AuthenticationFailed where there is nothing (more) to try."""
        scheme, parameters = read_challenge(original.headers.get("WWW-Authenticate", ""))
        original.close()
        if scheme == "bearer":
            self._header = {"Authorization": f"Bearer {self._request_token(parameters)}"}
        elif scheme == "basic" and self._basic:
            self._header = {"Authorization": self._basic}
        else:
            raise self._refused(original.status_code)
        self.token = scheme  # oras adds get_auth_header() to later requests only where this is set
        return {**(headers or {}), **self._header}, True

    def _request_token(self, parameters: dict[str, str]) -> str:
        query: dict[str, str] = {key: parameters[key] for key in ("service", "scope") if key in parameters}
        body = self._ask(parameters["realm"], query, {"Authorization": self._basic} if self._basic else {})
        try:
            answer = json.loads(body)
            token = answer.get("token") or answer.get("access_token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise self._failed("its token service answered without a token")
        return token


def _basic(credentials: Credentials | None) -> str:
    if credentials is None:
        return ""
    pair = f"{credentials.username}:{credentials.password}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
