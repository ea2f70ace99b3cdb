"""The one way out to a registry: every hop of every request passes through `Door`.

requests has no deadline for a whole answer: a server that sends one byte of a header a second is waited for
almost without end. So the door remembers the sockets, and `shut` wakes whoever reads from them.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable
from typing import Any

import requests
import requests.adapters
import requests.utils
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from packhouse.domain.references import is_loopback


class Door(requests.adapters.HTTPAdapter):
    """`admit(url)` is called before every hop and raises to refuse it."""

    def __init__(self, admit: Callable[[str], None], timeout_seconds: Callable[[], float]) -> None:
        self._admit = admit
        self._timeout_seconds = timeout_seconds
        self._sockets: list[socket.socket] = []
        self._mutex = threading.Lock()
        self._is_shut = False
        self._pools = _recording_pools(self._remember)
        super().__init__(max_retries=0)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        url = str(request.url)
        self._admit(url)
        response = super().send(
            request, stream=True, timeout=self._timeout_seconds(), verify=verify, cert=cert, proxies=_proxies(url)
        )
        if response.is_redirect:
            # requests would read the whole body of a redirect into memory
            response.raw.close()
            response.raw = io.BytesIO()
        return response

    def shut(self) -> None:
        """From any thread: wakes all readers with an error, and lets no new connection be of use."""
        with self._mutex:
            self._is_shut = True
            for known in self._sockets:
                _end(known)

    def close(self) -> None:
        super().close()
        with self._mutex:
            for known in self._sockets:
                known.close()
            self._sockets.clear()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> urllib3.ProxyManager:
        manager: urllib3.ProxyManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def _remember(self, made: socket.socket) -> None:
        # a duplicate: TLS takes the original away, and shutting any of them shuts the connection
        with self._mutex:
            self._sockets.append(made.dup())
            if self._is_shut:
                _end(made)


def _end(known: socket.socket) -> None:
    with contextlib.suppress(OSError):
        known.shutdown(socket.SHUT_RDWR)


def _recording_pools(remember: Callable[[socket.socket], None]) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            remember(made)
            return made

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            remember(made)
            return made

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _proxies(url: str) -> dict[str, str]:
    """The proxies of the environment (HTTPS_PROXY, NO_PROXY); none for this machine."""
    host = urllib3.util.parse_url(url).host or ""
    return {} if is_loopback(host) else dict(requests.utils.get_environ_proxies(url))
