"""How a registry's challenge is answered: basic, or a bearer token from the realm that it names.

Plugs into oras as its authentication backend, one for each set of credentials. It knows those and nothing else: no
docker config file, no variable of the environment, nothing that outlives the call.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import oras.auth.token
import requests

from packhouse.adapters.network_errors import MayPass
from packhouse.api.errors import Failed
from packhouse.ports import Credentials

_SCHEME: Final = re.compile(r"(?:^|,\s*)(basic|bearer)\b", re.IGNORECASE)
_PARAMETER: Final = re.compile(r'([A-Za-z]+)="([^"]*)"')
TOKEN_MOST_BYTES: Final = 256 * 1024
_CLIENT: Final = "packhouse"

#: method, url, query or form, headers -> the whole body of a good answer; raises Denied
Ask = Callable[[str, str, dict[str, str], dict[str, str]], bytes]


class Denied(Exception):
    """These credentials were refused, and others may be tried."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


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
    """oras' own backend sends basic credentials to `https://<realm>` on a Basic challenge, and knows no limits.

    A token with a user is an identity token, with which the realm is asked for another; one without is sent as it is.
    """

    def __init__(self, credentials: Credentials | None, ask: Ask, failed: Callable[[str], Failed]) -> None:
        super().__init__()
        self._credentials = credentials
        self._basic = _basic(credentials)
        self._ask = ask
        self._failed = failed
        self._header: dict[str, str] = {}

    @property
    def sends(self) -> bool:
        """Whether requests carry what a challenge asked for."""
        return bool(self._header)

    def get_auth_header(self) -> dict[str, str]:
        return dict(self._header)

    def authenticate_request(
        self, original: requests.Response, headers: Mapping[str, Any] | None, refresh: bool = False
    ) -> tuple[dict[str, Any], bool]:
        """Called by oras on 401 and 403. Raises Denied where there is nothing (more) to try."""
        scheme, parameters = read_challenge(original.headers.get("WWW-Authenticate", ""))
        original.close()
        if original.history and _host(original.url) != _host(original.history[0].url):
            # the content's storage, which the registry redirects to: credentials are not for it
            storage = f"the storage that it redirects to refused access ({original.status_code})"
            raise MayPass(self._failed(storage))  # a signature that ran out; the next redirect brings another
        if scheme == "bearer":
            self._header = {"Authorization": f"Bearer {self._bearer(parameters, original.status_code)}"}
        elif scheme == "basic" and self._basic:
            self._header = {"Authorization": self._basic}
        else:
            raise Denied(original.status_code)
        self.token = scheme  # oras adds get_auth_header() to later requests only where this is set
        return {**(headers or {}), **self._header}, True

    def _bearer(self, parameters: dict[str, str], status: int) -> str:
        known = self._credentials
        if known is not None and known.token and not known.username:
            if self._header:  # it was sent before
                raise Denied(status)
            return known.token
        wanted: dict[str, str] = {key: parameters[key] for key in ("service", "scope") if key in parameters}
        if known is not None and known.token:
            form = {"grant_type": "refresh_token", "client_id": _CLIENT, "refresh_token": known.token, **wanted}
            return self._read(self._ask("POST", parameters["realm"], form, {}))
        headers = {"Authorization": self._basic} if self._basic else {}
        return self._read(self._ask("GET", parameters["realm"], wanted, headers))

    def _read(self, body: bytes) -> str:
        try:
            answer = json.loads(body)
            token = answer.get("token") or answer.get("access_token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise self._failed("its token service answered without a token")
        return token


def _host(url: str | None) -> str:
    return urlsplit(url or "").netloc.lower()


def _basic(credentials: Credentials | None) -> str:
    if credentials is None or credentials.token:
        return ""
    pair = f"{credentials.username}:{credentials.password}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
