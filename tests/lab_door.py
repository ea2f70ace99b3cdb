"""A door in front of a registry or another server: it can be shut (an outage) and it can be made slow.

Plain TCP on loopback, so what is served behind it stays the real thing. Used by tests/e2e; bundles are pushed through
it too, since references name its host and port.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 64 * 1024


class Door:
    """`host` is what references name. Open at first; `shut` and `open` may be called again and again."""

    def __init__(self, behind: str) -> None:
        host, _, port = behind.rpartition(":")
        self._behind = (host, int(port))
        self._listening: socket.socket | None = None
        self._port = 0
        self._passing: set[socket.socket] = set()
        self._mutex = threading.Lock()
        self.bytes_per_second: int | None = None  # what comes out of it, all connections on their own; None: no bound
        self.passed = 0  # bytes that came out of it
        self.open()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._port}"

    def open(self) -> None:
        """Take connections, at the same port as before."""
        if self._listening is not None:
            return
        self._listening = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listening.getsockname()[1]
        threading.Thread(target=self._take, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        """Refuse connections, and cut those that there are."""
        listening, self._listening = self._listening, None
        if listening is not None:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
            listening.close()
        with self._mutex:
            passing, self._passing = self._passing, set()
        for one in passing:
            _end(one)

    def _take(self, listening: socket.socket) -> None:
        while True:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        try:
            server = socket.create_connection(self._behind, timeout=10)
        except OSError:
            caller.close()
            return
        server.settimeout(None)
        with self._mutex:
            self._passing |= {caller, server}
        back = threading.Thread(target=self._pump, args=(server, caller, True), daemon=True)
        back.start()
        self._pump(caller, server, False)
        back.join()
        with self._mutex:
            self._passing -= {caller, server}
        caller.close()
        server.close()

    def _pump(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if counts:
                    self.passed += len(data)
                    if self.bytes_per_second is not None:
                        time.sleep(len(data) / self.bytes_per_second)
                target.sendall(data)
        _end(target, socket.SHUT_WR)
        if counts:  # the server has ended: nobody waits for what the caller may still say
            _end(source)


def _end(one: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(how)


@contextmanager
def door_to(behind: str) -> Iterator[Door]:
    """A door to host:port, shut at the end."""
    door = Door(behind)
    try:
        yield door
    finally:
        door.shut()
