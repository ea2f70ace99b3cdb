"""A forward proxy on loopback for tests: CONNECT, and plain requests with a whole URL.

Whatever host a client names, it is led to `port` of this machine: a name that exists nowhere else will do.
"""

from __future__ import annotations

import base64
import http.client
import http.server
import select
import socket
import threading
from typing import Any
from urllib.parse import urlsplit


class HttpProxy:
    """`asked`: what clients wanted to reach ("CONNECT host:port", "GET http://..."). With `password`, as user "ada"."""

    def __init__(self, port: int, password: str = "") -> None:
        self.asked: list[str] = []
        self.port = port
        self.wanted = f"Basic {base64.b64encode(f'ada:{password}'.encode()).decode()}" if password else ""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> HttpProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _handler(proxy: HttpProxy) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_CONNECT(self) -> None:
            if not self.let_in():
                return
            with socket.create_connection(("127.0.0.1", proxy.port), 10) as there:
                self.send_response(200)
                self.end_headers()
                ends = {self.connection: there, there: self.connection}
                while True:
                    ready, _, _ = select.select(list(ends), [], [], 10)
                    for end in ready:
                        data = end.recv(65536)
                        if not data:
                            return
                        ends[end].sendall(data)
                    if not ready:
                        return

        def do_HEAD(self) -> None:
            self.forward()

        def do_GET(self) -> None:
            self.forward()

        def forward(self) -> None:
            if not self.let_in():
                return
            there = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
            parts = urlsplit(self.path)
            there.request(self.command, f"{parts.path}?{parts.query}" if parts.query else parts.path)
            answer = there.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            there.close()

        def let_in(self) -> bool:
            proxy.asked.append(f"{self.command} {self.path}")
            if proxy.wanted in ("", self.headers.get("Proxy-Authorization", "")):
                return True
            self.send_response(407)
            self.send_header("Proxy-Authenticate", "Basic")
            self.end_headers()
            return False

    return Handler
