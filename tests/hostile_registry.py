"""A registry in this process, on loopback, that misbehaves on demand.

    with HostileRegistry({"packages/a.yml": b"..."}, does=Hang(), at="blob") as registry:
        ... pull registry.image ...

It serves one bundle (Docker v2 or OCI, see `bundle`) under every repository and tag. `at` says which requests are
treated badly ("manifest", "blob", "token", "tags", "referrers"), `times` how many of them, `requests` what was asked
for.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.server
import io
import json
import ssl
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from certificates import ServerFiles

FOREVER = 1_000_000
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
USER, PASSWORD = "ada", "correct-horse"


# ---- what it may do --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Behave:
    """Answer as a good registry would."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the request and never answer; `after_headers`: never send the body."""

    after_headers: bool = False


@dataclass(frozen=True, slots=True)
class Trickle:
    """One byte every `every_seconds`, of the headers or of the body."""

    every_seconds: float = 0.1
    headers: bool = False


@dataclass(frozen=True, slots=True)
class Truncate:
    """Say the whole length, send half, close."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Close without an answer."""


@dataclass(frozen=True, slots=True)
class Lie:
    """Send other bytes than those asked for; `longer`: more of them than the manifest says, without a length."""

    longer: bool = False


@dataclass(frozen=True, slots=True)
class LieInHead:
    """Name another digest in the header of a manifest."""

    digest: str = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a status (and headers) instead."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with something of its own."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OtherPart:
    """Answer to a request for a part with another part, or (`rotten`) with other bytes than the rest has."""

    rotten: bool = False


@dataclass(frozen=True, slots=True)
class RedirectLoop:
    """Redirect to itself."""


@dataclass(frozen=True, slots=True)
class Endless:
    """A body without an end, said to be `status`."""

    status: int = 200


# ---- what it serves --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Image:
    """Manifests and blobs by digest; `digest` is the one that tags stand for."""

    digest: str
    manifests: Mapping[str, tuple[str, bytes]]  # digest -> (media type, bytes)
    blobs: Mapping[str, bytes]


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def gzip_bomb(unpacked_bytes: int) -> bytes:
    """A layer of one file of zeros, about a thousand times smaller than what it unpacks to."""
    return gzip.compress(tar({"bomb": bytes(unpacked_bytes)}), mtime=0)


def image_of(layers: list[tuple[bytes, dict[str, Any]]], media_type: str = OCI, **extra: Any) -> Image:
    """An image of raw layers, each with its descriptor's further fields ({"mediaType": ...})."""
    config = b"{}"
    blobs = {sha256(content): content for content, _ in layers} | {sha256(config): config}
    body = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": {"mediaType": "application/json", "size": len(config), "digest": sha256(config)},
            "layers": [{"size": len(content), "digest": sha256(content), **fields} for content, fields in layers],
            **extra,
        }
    ).encode()
    return Image(sha256(body), {sha256(body): (media_type, body)}, blobs)


def bundle(files: Mapping[str, bytes], *, oci: bool = False) -> Image:
    """One gzip layer, as imgpkg pushes it (Docker v2), or the same in OCI's media types."""
    layer = gzip.compress(tar(files), mtime=0)
    return image_of([(layer, {"mediaType": OCI_LAYER if oci else DOCKER_LAYER})], OCI if oci else DOCKER)


def index_of(images: list[tuple[Image, dict[str, str] | None]]) -> Image:
    """An OCI index over images, each with its platform."""
    entries = []
    for image, platform in images:
        media_type, body = image.manifests[image.digest]
        entry: dict[str, Any] = {"mediaType": media_type, "size": len(body), "digest": image.digest}
        entries.append(entry | ({"platform": platform} if platform else {}))
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    manifests: dict[str, tuple[str, bytes]] = {sha256(body): (OCI_INDEX, body)}
    blobs: dict[str, bytes] = {}
    for image, _ in images:
        manifests.update(image.manifests)
        blobs.update(image.blobs)
    return Image(sha256(body), manifests, blobs)


# ---- the server ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    authorization: str = field(repr=False)
    part: str = ""  # the header Range


class HostileRegistry:
    """`auth`: "" (open), "basic" or "token" (USER and PASSWORD are let in). `ranges`: parts of blobs are given."""

    def __init__(
        self,
        content: Mapping[str, bytes] | Image,
        *,
        does: Any = None,
        at: str = "",
        times: int = FOREVER,
        auth: str = "",
        ranges: bool = True,
        tls: ServerFiles | None = None,
    ) -> None:
        self.ranges = ranges
        self.content = content if isinstance(content, Image) else bundle(content)
        self.requests: list[Request] = []
        self._does = does if does is not None else Behave()
        self._at = at
        self._left = times
        self._auth = auth
        self._mutex = threading.Lock()
        self._at_once = 0
        self.most_at_once = 0  # blobs that were being sent at the same time
        self._over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def image(self) -> str:
        return f"{self.host}/demo/bundle:1.0.0"

    @property
    def digest(self) -> str:
        return self.content.digest

    def asked(self, kind: str = "") -> list[str]:
        """ "METHOD kind" of the requests so far, or of those of one kind."""
        found = [f"{request.method} {_kind(request.path)}" for request in self.requests]
        return [line for line in found if not kind or line.endswith(kind)]

    def __enter__(self) -> HostileRegistry:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def behaviour(self, kind: str) -> Any:
        """What to do with this request; counts down `times`."""
        with self._mutex:
            if kind != self._at or self._left <= 0:
                return Behave()
            self._left -= 1
            return self._does

    @contextmanager
    def sending(self, kind: str) -> Iterator[None]:
        """Counts blobs that are under way."""
        with self._mutex:
            self._at_once += kind == "blob"
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._mutex:
                self._at_once -= kind == "blob"

    def wait(self, seconds: float | None = None) -> bool:
        """True when the registry is being closed."""
        return self._over.wait(seconds)

    def lets_in(self, kind: str, authorization: str) -> bool:
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        wanted = {"": authorization, "basic": basic, "token": basic if kind == "token" else "Bearer t0ken"}
        return authorization == wanted[self._auth]

    def challenge(self, kind: str) -> str:
        if self._auth == "token" and kind != "token":
            return f'Bearer realm="http://{self.host}/token",service="here",scope="repository:demo/bundle:pull"'
        return 'Basic realm="here"'


def _kind(path: str) -> str:
    if path.startswith("/token"):
        return "token"
    for word, mark in (("tags", "/tags/"), ("referrers", "/referrers/")):
        if mark in path:
            return word
    return "manifest" if "/manifests/" in path else "blob"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the tests."""


def _handler(registry: HostileRegistry) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.respond()

        def do_GET(self) -> None:
            self.respond()

        def respond(self) -> None:
            kind = _kind(self.path)
            authorization = self.headers.get("Authorization", "")
            registry.requests.append(Request(self.command, self.path, authorization, self.headers.get("Range", "")))
            self.close_connection = True
            if not registry.lets_in(kind, authorization):
                self.answer(401, {"WWW-Authenticate": registry.challenge(kind)})
                return
            with registry.sending(kind):
                self.misbehave(kind)

        def misbehave(self, kind: str) -> None:
            status, headers, body = self.content(kind)
            match registry.behaviour(kind):
                case Hang(after_headers=False):
                    registry.wait()
                case Hang():
                    self.answer(status, headers, body, send=b"")
                    registry.wait()
                case Trickle(every_seconds=pause, headers=True):
                    self.trickle(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 60_000, pause)
                case Trickle(every_seconds=pause):
                    self.answer(status, headers, body, send=b"")
                    self.trickle(body, pause)
                case Truncate():
                    self.answer(status, headers, body, send=body[: len(body) // 2])
                case OtherPart(rotten=True) if status == 206:
                    self.answer(206, headers, bytes(len(body)))
                case OtherPart() if status == 206:
                    self.answer(206, {"Content-Range": "bytes 1-2/3"}, body)
                case Reset():
                    pass
                case Lie(longer=True):
                    self.answer(status, headers, None, send=body + b"more")
                case Lie():
                    self.answer(status, headers, b"\0" * len(body))
                case LieInHead(digest=digest):
                    self.answer(status, headers | {"Docker-Content-Digest": digest}, body)
                case Refuse(status=other, headers=more):
                    self.answer(other, more)
                case Say(body=other, status=code, headers=more):
                    self.answer(code, more, other)
                case RedirectLoop():
                    self.answer(307, {"Location": self.path})
                case Endless(status=other):
                    self.answer(other, headers | {"Location": "/elsewhere"}, None, send=b"")
                    while not registry.wait(0):
                        self.wfile.write(b"x" * 65536)
                case _:
                    self.answer(status, headers, body)

        def content(self, kind: str) -> tuple[int, dict[str, str], bytes]:
            name = urlsplit(self.path).path.rpartition("/")[2]
            if kind == "token":
                return 200, {"Content-Type": "application/json"}, b'{"token": "t0ken"}'
            if kind == "blob":
                blob = registry.content.blobs.get(name)
                return (404, {}, b"") if blob is None else self.part(blob)
            if kind in ("tags", "referrers"):
                return 404, {}, b""
            digest = name if name.startswith("sha256:") else registry.digest
            if digest not in registry.content.manifests:
                return 404, {}, b""
            media_type, body = registry.content.manifests[digest]
            return 200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, body

        def part(self, blob: bytes) -> tuple[int, dict[str, str], bytes]:
            begin = self.headers.get("Range", "").removeprefix("bytes=").rstrip("-")
            if not begin or not registry.ranges:
                return 200, {}, blob
            if int(begin) >= len(blob):
                return 416, {}, b""
            where = f"bytes {begin}-{len(blob) - 1}/{len(blob)}"
            return 206, {"Content-Range": where}, blob[int(begin) :]

        def answer(
            self, status: int, headers: Mapping[str, str], body: bytes | None = b"", send: bytes | None = None
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if body is not None:
                self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(send if send is not None else body or b"")
                self.wfile.flush()

        def trickle(self, data: bytes, pause: float) -> None:
            for position in range(len(data)):
                self.wfile.write(data[position : position + 1])
                self.wfile.flush()
                if registry.wait(pause):
                    return

    return Handler
