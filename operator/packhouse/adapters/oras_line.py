"""The way to one registry: network.py, with the challenges of registries answered.

Used by oras_conversation alone. Speaks through oras' client over the session of network.py, with oras' own retry left
out: that sleeps for 131 seconds in all and knows no deadline.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import oras.provider
import requests

from packhouse.adapters.network import Network
from packhouse.adapters.oras_auth import TOKEN_MOST_BYTES, ChallengeAuth, Denied
from packhouse.ports import Credentials


class _Client(oras.provider.Registry):  # type: ignore[misc]  # oras has no types
    do_request = oras.provider.Registry.do_request.__wrapped__  # without the retry


class Line(Network):
    """Answers challenges: with one set of credentials after the other, until the registry takes one."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._turn = 0
        self._mutex = threading.Lock()
        self._client = _Client(insecure=self._starts_plain)
        self._client.session = self.session
        self._client.auth = self._auth()

    @property
    def used(self) -> Credentials | None:
        """What the registry asked for and took; None: it gives what it gives to everybody."""
        mine = self.access.credentials
        return mine[self._turn] if self._turn < len(mine) and self._client.auth.sends else None

    def send(self, method: str, url: str, headers: dict[str, str], data: Any) -> requests.Response:
        while True:
            turn = self._turn
            try:
                response: requests.Response = self._client.do_request(
                    url, method, headers=dict(headers), data=data, stream=True
                )
                if response.status_code not in (401, 403):
                    return response
                status = response.status_code
                response.close()
            except Denied as denied:
                status = denied.status
            if not self._next(turn):
                raise self.refused(status)

    def _next(self, turn: int) -> bool:
        with self._mutex:
            if self._turn == turn:
                if turn + 1 >= len(self.access.credentials):
                    return False
                self._turn += 1
                self._client.auth = self._auth()
            return True

    def _auth(self) -> ChallengeAuth:
        mine = self.access.credentials
        return ChallengeAuth(mine[self._turn] if mine else None, self._ask_token, self.failed)

    def _ask_token(self, method: str, url: str, fields: dict[str, str], headers: dict[str, str]) -> bytes:
        form = method == "POST"
        asked = self.session.request(
            method,
            url,
            params=None if form else fields,
            data=fields if form else None,
            headers=headers,
            stream=True,
            allow_redirects=not form,
        )
        with contextlib.closing(asked) as response:
            status = response.status_code
            if status in (401, 403) or (form and status == 400):
                raise Denied(status)
            if status != 200:
                raise self.unwelcome(response, "token request")
            return self.whole(response, TOKEN_MOST_BYTES, "a token")
