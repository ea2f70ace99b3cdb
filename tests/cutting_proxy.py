"""A TCP proxy on loopback that cuts connections: the first `times` of them after so many bytes in one direction.

with CuttingProxy(registry.host, down=100_000, times=3) as proxy:
    ... talk to proxy.host ...
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class CuttingProxy:
    """`down`: bytes that pass from the server, `up`: to it. `cuts` counts."""

    def __init__(self, host: str, *, down: int | None = None, up: int | None = None, times: int = 1) -> None:
        name, _, port = host.rpartition(":")
        self._target = (name, int(port))
        self._limits = {"down": down, "up": up}
        self._left = times
        self.cuts = 0
        self._mutex = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> CuttingProxy:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # a thread that waits for a socket must be awake before it is closed: the number may be another one's then
        _wake(self._listener)
        self._threads[0].join(10)
        for known in self._open:
            _wake(known)
        for thread in self._threads:
            thread.join(10)
        for known in (self._listener, *self._open):
            known.close()

    def _start(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target, timeout=20)
                self._open += [client, server]
                for way, source, target in (("up", client, server), ("down", server, client)):
                    self._start(self._pump, way, source, target)

    def _pump(self, way: str, source: socket.socket, target: socket.socket) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(16 * 1024):
                limit = self._limits[way]
                if limit is not None and passed + len(data) > limit and self._may_cut():
                    target.sendall(data[: max(0, limit - passed)])
                    break
                target.sendall(data)
                passed += len(data)
        _wake(source)
        _wake(target)

    def _may_cut(self) -> bool:
        with self._mutex:
            if self._left <= 0:
                return False
            self._left -= 1
            self.cuts += 1
            return True


def _wake(one: socket.socket) -> None:
    """Whoever waits for it."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
