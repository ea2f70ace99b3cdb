"""How connections are made: every hop of every request passes through `Door`.

requests has no deadline for a whole answer: a server that sends one byte of a header a second is waited for almost
without end. So the door remembers the sockets, and `shut` wakes whoever reads from them. Only network.py builds one.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests
import requests.adapters
import requests.utils
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from packhouse.adapters import addresses
from packhouse.api.errors import FetchFailed
from packhouse.domain.references import is_loopback
from packhouse.ports import Proxy

Connect = Callable[[str, int, Any], socket.socket]
_NODELAY: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))


class Sockets:
    """Those of one call. `shut` may come from any thread."""

    def __init__(self, timeout_seconds: Callable[[], float]) -> None:
        self._timeout_seconds = timeout_seconds
        self._known: list[socket.socket] = []
        self._mutex = threading.Lock()
        self._is_shut = False

    def connect(self, host: str, port: int) -> socket.socket:
        """Errors: HostRefused, socket.gaierror, OSError."""
        return addresses.connect(host, port, self._timeout_seconds(), _NODELAY, self._remember)

    def shut(self) -> None:
        """Wakes all readers with an error, and lets no new connection be of use."""
        with self._mutex:
            self._is_shut = True
            for known in self._known:
                _end(known)

    def close(self) -> None:
        with self._mutex:
            for known in self._known:
                known.close()
            self._known.clear()

    def _remember(self, made: socket.socket) -> None:
        # a duplicate: TLS takes the original away, and shutting any of them shuts the connection
        with self._mutex:
            if self._is_shut:
                raise ConnectionAbortedError("the call is over")
            self._known.append(made.dup())


class Door(requests.adapters.HTTPAdapter):
    """`admit(url)` is called before every hop and raises to refuse it."""

    def __init__(
        self,
        admit: Callable[[str], None],
        timeout_seconds: Callable[[], float],
        context: Callable[[], ssl.SSLContext],
        proxy: Callable[[str], str | None],
    ) -> None:
        self._admit = admit
        self._timeout_seconds = timeout_seconds
        self._context = context
        self._proxy = proxy
        self.sockets = Sockets(timeout_seconds)
        self._pools = _guarded_pools(self.sockets, context)
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
        through = self._proxy(url)
        response = super().send(
            request,
            stream=True,
            timeout=self._timeout_seconds(),
            verify=True,
            cert=None,
            proxies={"http": through, "https": through} if through else {},
        )
        if response.is_redirect:
            # requests would read the whole body of a redirect into memory
            response.raw.close()
            response.raw = io.BytesIO()
        return response

    def close(self) -> None:
        super().close()
        self.sockets.close()

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing: the context of the connection says whom it trusts."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> urllib3.ProxyManager:
        manager: urllib3.ProxyManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def proxy_for(url: str, own: Proxy | None, from_settings: str) -> str | None:
    """The proxy of a request, with its user in it: the source's own, else the settings', else the environment's.

    None for this machine. NO_PROXY counts for the last two. Raises FetchFailed where it is no http://host:port.
    """
    if is_loopback(urllib3.util.parse_url(url).host or ""):
        return None
    if own is not None:
        return _checked(_with_user(own), "the proxy of this source")
    if not from_settings:
        found = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
        return _checked(found, "the proxy of the environment (HTTPS_PROXY, HTTP_PROXY)") if found else None
    excepted = requests.utils.should_bypass_proxies(
        url, no_proxy=os.environ.get("NO_PROXY", os.environ.get("no_proxy"))
    )
    return None if excepted else _checked(from_settings, "PACKHOUSE_FETCH_PROXY")


def _with_user(proxy: Proxy) -> str:
    if not proxy.username:
        return proxy.url
    scheme, mark, rest = proxy.url.rpartition("://")
    user, password = (quote(text, safe="") for text in (proxy.username, proxy.password))
    return f"{scheme}{mark}{user}:{password}@{rest.rpartition('@')[2]}"


def _checked(url: str, whose: str) -> str:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        usable = parts.scheme == "http" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise FetchFailed(f"{whose} is no http://host:port")  # it is not shown: it may hold a password
    return parts.geturl()


def _end(known: socket.socket) -> None:
    with contextlib.suppress(OSError):
        known.shutdown(socket.SHUT_RDWR)


def _guarded_pools(sockets: Sockets, context: Callable[[], ssl.SSLContext]) -> dict[str, type[HTTPConnectionPool]]:
    def connected(connection: HTTPConnection) -> socket.socket:
        host = str(connection._dns_host)
        try:
            return sockets.connect(host, connection.port)
        except socket.gaierror as error:
            raise NameResolutionError(host, connection, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(connection, f"no connection to {host}") from error
        except OSError as error:
            raise NewConnectionError(connection, f"no connection to {host}") from error

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connected(self)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connected(self)

        def connect(self) -> None:
            self.ssl_context = context()
            super().connect()

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
