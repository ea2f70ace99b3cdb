"""Downloads by http: what arrives, what is asked, and the reason of each failure.

Real: HTTP and TLS servers on loopback, the cache's folder. Scripted: what a server answers, a function for each path.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import hashlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hostile_archives as hostile
from lab_web import Authority, open_web
from packhouse.adapters.http_downloads import HttpDownloads
from packhouse.adapters.http_file import file_name
from packhouse.api.errors import (
    AuthenticationFailed,
    DigestMismatch,
    FetchFailed,
    FetchLimitExceeded,
    HostRefused,
    InvalidSpec,
    NameUnresolved,
    PackhouseError,
    RateLimited,
    SourceNotFound,
    SourceUnreachable,
    TlsFailed,
)
from packhouse.ports import Access, Credentials
from packhouse.settings import Settings

ANYBODY = Access()
ALICE = Credentials("alice", "wonder", "Secret demo/alice")
BOB = Credentials("bob", "builder", "Secret demo/bob")
BODY = b"what the file holds\n" * 5000
DIGEST = f"sha256:{hashlib.sha256(BODY).hexdigest()}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        answer = self.server.answers.get(self.path.partition("?")[0])
        if answer is None:
            self.give(404, b"no")
        else:
            answer(self)

    def give(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps quiet."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, Callable[[Handler], None]] = {}

    def url(self, path: str, *, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of what is tested."""


@contextlib.contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as made:
        made.answers["/file.yml"] = lambda to: to.give(200, BODY)
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", fetch_timeout_seconds=10, registry_timeout_seconds=3)


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[HttpDownloads]:
    made = HttpDownloads(settings, jitter=lambda: 0.0)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def downloads(settings: Settings) -> Iterator[HttpDownloads]:
    with opened(settings) as made:
        yield made


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# ---- what arrives ----------------------------------------------------------------------------------------

ENTRIES: list[hostile.Entry] = [(hostile.FILE, "a/b.yml", "b"), (hostile.SETUID, "run", "r")]
ARRIVES: dict[str, tuple[str, bytes, dict[str, bytes]]] = {
    "a tar": ("/x.tar", hostile.tar(ENTRIES), {"a/b.yml": b"b", "run": b"r"}),
    "a tgz": ("/x.tgz", hostile.tgz(ENTRIES), {"a/b.yml": b"b", "run": b"r"}),
    "a tgz that is named otherwise": ("/x.yml", hostile.tgz(ENTRIES), {"a/b.yml": b"b", "run": b"r"}),
    "a tar packed with bzip2": (
        "/x.tbz",
        __import__("bz2").compress(hostile.tar(ENTRIES)),
        {"a/b.yml": b"b", "run": b"r"},
    ),
    "a tar packed with xz": (
        "/x.txz",
        __import__("lzma").compress(hostile.tar(ENTRIES)),
        {"a/b.yml": b"b", "run": b"r"},
    ),
    "a zip": ("/x.zip", hostile.zip_(ENTRIES), {"a/b.yml": b"b", "run": b"r"}),
    "a file": ("/d/values.yml", b"v: 1", {"values.yml": b"v: 1"}),
    "a file packed with gzip": ("/v.gz", gzip.compress(b"v: 1"), {"v.gz": gzip.compress(b"v: 1")}),
    "an empty file": ("/empty", b"", {"empty": b""}),
    "a file with a query": ("/v.yml?token=secret", b"v", {"v.yml": b"v"}),
    "a file with an escaped name": ("/a%20b.yml", b"v", {"a b.yml": b"v"}),
    "a file with a name that leads out": ("/a%2Fx", b"v", {"content": b"v"}),
    "a file without a name": ("/d/", b"v", {"content": b"v"}),
}


@pytest.mark.parametrize("row", ARRIVES)
async def test_archives_become_folders_and_other_files_stay(row: str, server: Server, downloads: HttpDownloads) -> None:
    path, body, expected = ARRIVES[row]
    server.answers[path.partition("?")[0]] = lambda to: to.give(200, body)
    digest = await downloads.resolve(server.url(path), ANYBODY, sha256=None)
    tree = await downloads.fetch(server.url(path), ANYBODY, digest=digest)
    assert files(tree.root) == expected
    assert tree.digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert tree.version is None
    assert len(server.asked) == 1, "what resolve downloaded is not asked for again"


def test_the_name_of_a_file_is_the_last_part_of_its_path() -> None:
    assert [file_name(f"https://h{path}") for path in ("", "/", "/a/b.c?d=e#f", "/..", "/%00", "/" + "n" * 300)] == [
        "content",
        "content",
        "b.c",
        "content",
        "content",
        "content",
    ]


async def test_archive_decides_whether_it_is_unpacked(server: Server, downloads: HttpDownloads) -> None:
    packed = hostile.tgz(ENTRIES)
    server.answers["/x.tgz"] = lambda to: to.give(200, packed)
    digest = f"sha256:{hashlib.sha256(packed).hexdigest()}"
    as_file = await downloads.fetch(server.url("/x.tgz"), ANYBODY, digest=digest, archive=False)
    assert files(as_file.root) == {"x.tgz": packed}
    as_folder = await downloads.fetch(server.url("/x.tgz"), ANYBODY, digest=digest, archive=True)
    assert files(as_folder.root) == {"a/b.yml": b"b", "run": b"r"}
    with pytest.raises(FetchFailed, match="it is no archive"):
        await downloads.fetch(server.url("/file.yml"), ANYBODY, digest=DIGEST, archive=True)


async def test_a_sha256_is_the_digest_without_a_request(server: Server, downloads: HttpDownloads) -> None:
    url = server.url("/file.yml")
    assert await downloads.resolve(url, ANYBODY, sha256=DIGEST[7:].upper()) == DIGEST
    assert not server.asked
    for _ in range(3):
        assert files((await downloads.fetch(url, ANYBODY, digest=DIGEST)).root) == {"file.yml": BODY}
    assert len(server.asked) == 1, "what was given to this access is not asked for again"
    with pytest.raises(InvalidSpec, match="64 hex digits"):
        await downloads.resolve(url, ANYBODY, sha256="abc")


async def test_another_content_than_the_digest_says_is_refused_and_not_kept(
    server: Server, downloads: HttpDownloads, tmp_path: Path
) -> None:
    with pytest.raises(DigestMismatch, match=f"sent a file with digest {DIGEST}, not sha256:0"):
        await downloads.fetch(server.url("/file.yml"), ANYBODY, digest=f"sha256:{'0' * 64}")
    assert not list((tmp_path / "cache/trees").iterdir())


# ---- what is asked ---------------------------------------------------------------------------------------

VALIDATORS = [
    pytest.param({"ETag": '"v1"'}, "If-None-Match", '"v1"', id="an ETag"),
    pytest.param({"ETag": 'W/"v1"'}, "If-None-Match", 'W/"v1"', id="a weak ETag"),
    pytest.param(
        {"Last_Modified": "Mon, 05 Jan 2026 10:00:00 GMT"},
        "If-Modified-Since",
        "Mon, 05 Jan 2026 10:00:00 GMT",
        id="Last-Modified",
    ),
]


@pytest.mark.parametrize(("headers", "asks", "value"), VALIDATORS)
async def test_the_second_look_is_conditional_also_after_a_restart(
    headers: dict[str, str], asks: str, value: str, server: Server, settings: Settings
) -> None:
    def answer(to: Handler) -> None:
        if to.headers.get(asks) == value:
            to.give(304, b"", **headers)
        else:
            to.give(200, BODY, **headers)

    server.answers["/file.yml"] = answer
    url = server.url("/file.yml")
    for _ in range(2):
        with opened(settings) as downloads:
            for _ in range(2):
                assert await downloads.resolve(url, ANYBODY, sha256=None) == DIGEST
                assert files((await downloads.fetch(url, ANYBODY, digest=DIGEST)).root) == {"file.yml": BODY}
    assert [headers.get(asks) for _, headers in server.asked] == [None, value, value, value]


async def test_an_answer_that_is_fresh_enough_costs_no_request_and_a_change_is_seen(
    server: Server, downloads: HttpDownloads
) -> None:
    url, body = server.url("/v.yml"), [b"1"]
    server.answers["/v.yml"] = lambda to: to.give(200, body[0])
    first = await downloads.resolve(url, ANYBODY, sha256=None, fresh_seconds=60)
    body[0] = b"2"
    assert await downloads.resolve(url, ANYBODY, sha256=None, fresh_seconds=60) == first
    assert len(server.asked) == 1
    second = await downloads.resolve(url, ANYBODY, sha256=None)
    assert second != first
    assert files((await downloads.fetch(url, ANYBODY, digest=second)).root) == {"v.yml": b"2"}
    assert files((await downloads.fetch(url, ANYBODY, digest=first)).root) == {"v.yml": b"1"}, "from the cache"


async def test_what_is_gone_from_the_cache_is_downloaded_again(
    server: Server, downloads: HttpDownloads, tmp_path: Path
) -> None:
    server.answers["/file.yml"] = lambda to: (
        to.give(304) if "If-None-Match" in to.headers else to.give(200, BODY, ETag='"1"')
    )
    url = server.url("/file.yml")
    for fresh in (0.0, 60.0):
        assert await downloads.resolve(url, ANYBODY, sha256=None, fresh_seconds=fresh) == DIGEST
        for tree in (tmp_path / "cache/trees").iterdir():
            tree.rename(tmp_path / f"gone-{fresh}-{tree.name}")
    assert await downloads.read(url, ANYBODY, most_bytes=10**6) == BODY


async def test_a_small_file_is_read_within_its_limit_and_by_conditional_requests(
    server: Server, downloads: HttpDownloads
) -> None:
    server.answers["/index.yaml"] = lambda to: (
        to.give(304) if "If-None-Match" in to.headers else to.give(200, BODY, ETag='"1"')
    )
    url = server.url("/index.yaml")
    for _ in range(2):
        assert await downloads.read(url, ANYBODY, most_bytes=len(BODY)) == BODY
    assert ["If-None-Match" in headers for _, headers in server.asked] == [False, True]
    for _ in range(2):
        with pytest.raises(FetchLimitExceeded, match="at most 10 are"):
            await downloads.read(url, ANYBODY, most_bytes=10)


async def test_the_same_question_asked_by_many_at_once_is_asked_once(server: Server, downloads: HttpDownloads) -> None:
    def slow(to: Handler) -> None:
        time.sleep(0.3)
        to.give(200, BODY)

    server.answers["/file.yml"] = slow
    url = server.url("/file.yml")
    assert set(await asyncio.gather(*(downloads.resolve(url, ANYBODY, sha256=None) for _ in range(20)))) == {DIGEST}
    assert len(server.asked) == 1
    trees = await asyncio.gather(*(downloads.fetch(url, ANYBODY, digest=DIGEST, archive=False) for _ in range(20)))
    assert len({tree.root for tree in trees}) == 1
    assert len(server.asked) == 2


# ---- as whom ---------------------------------------------------------------------------------------------


def only_for(*people: Credentials) -> Callable[[Handler], None]:
    def answer(to: Handler) -> None:
        words = to.headers.get("Authorization", "")
        pairs = {f"Basic {base64.b64encode(f'{one.username}:{one.password}'.encode()).decode()}" for one in people}
        if words in pairs or words == "Bearer a-token":
            to.give(200, BODY)
        else:
            to.give(401, b"", WWW_Authenticate="Basic realm=x")

    return answer


@pytest.mark.parametrize(
    ("credentials", "requests"),
    [
        pytest.param([ALICE], 1, id="the right one"),
        pytest.param([BOB, ALICE], 2, id="the second of two"),
        pytest.param([Credentials("", "", "Secret demo/token", token="a-token")], 1, id="a token"),
    ],
)
async def test_credentials_are_tried_in_their_order(
    credentials: list[Credentials], requests: int, server: Server, downloads: HttpDownloads
) -> None:
    server.answers["/file.yml"] = only_for(ALICE)
    access = Access(credentials)
    assert await downloads.resolve(server.url("/file.yml"), access, sha256=None) == DIGEST
    assert len(server.asked) == requests


async def test_a_cached_file_is_not_given_to_whom_the_server_refuses(
    server: Server, downloads: HttpDownloads, settings: Settings
) -> None:
    server.answers["/file.yml"] = only_for(ALICE)
    url = server.url("/file.yml")
    await downloads.fetch(url, Access([ALICE]), digest=DIGEST)
    for access in (ANYBODY, Access([BOB]), Access([replace(ALICE, password="other")])):
        with pytest.raises(AuthenticationFailed):
            await downloads.fetch(url, access, digest=DIGEST)
        with pytest.raises(AuthenticationFailed):
            await downloads.resolve(url, access, sha256=None, fresh_seconds=60)
    server.shutdown()
    await downloads.fetch(url, Access([BOB, ALICE]), digest=DIGEST)
    downloads.close()
    with opened(settings) as again:
        await again.fetch(url, Access([ALICE]), digest=DIGEST)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()


async def test_credentials_stay_with_their_host(server: Server, downloads: HttpDownloads) -> None:
    with serving(Server()) as other:
        other.answers["/there.yml"] = lambda to: to.give(200, BODY)
        server.answers["/file.yml"] = lambda to: to.give(
            302, b"", Location=f"http://localhost:{other.server_port}/there.yml"
        )
        assert await downloads.resolve(server.url("/file.yml"), Access([ALICE]), sha256=None) == DIGEST
        assert "Authorization" in server.asked[0][1]
        assert "Authorization" not in other.asked[0][1]


# ---- failures --------------------------------------------------------------------------------------------


def cut(at: int, **headers: str) -> Callable[[Handler], None]:
    """Sends a part and closes the connection."""

    def answer(to: Handler) -> None:
        to.send_response(200)
        to.send_header("Content-Length", str(len(BODY)))
        for name, value in headers.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(BODY[:at])
        to.close_connection = True

    return answer


def in_turn(*answers: Callable[[Handler], None]) -> Callable[[Handler], None]:
    """One after the other, the last one again and again."""
    waiting = list(answers)
    return lambda to: (waiting.pop(0) if len(waiting) > 1 else waiting[0])(to)


def resumable(to: Handler) -> None:
    start = int(to.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    to.give(206, BODY[start:], Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}", ETag='"1"')


PASSES: dict[str, tuple[Callable[[Handler], None], list[str | None]]] = {
    "a server that is down for a moment": (
        in_turn(lambda to: to.give(503), lambda to: to.give(502), lambda to: to.give(200, BODY)),
        [None, None, None],
    ),
    "a rate limit that says when": (
        in_turn(lambda to: to.give(429, b"", Retry_After="1"), lambda to: to.give(200, BODY)),
        [None, None],
    ),
    "a break in the middle, and a server that goes on": (
        in_turn(cut(30_000, ETag='"1"'), resumable),
        [None, "bytes=30000-"],
    ),
    "a break in the middle, and a server that begins again": (
        in_turn(cut(30_000, ETag='"1"'), lambda to: to.give(200, BODY, ETag='"1"')),
        [None, "bytes=30000-"],
    ),
    "a break in the middle, and no validator": (in_turn(cut(30_000), lambda to: to.give(200, BODY)), [None, None]),
    "a break in the middle, and a weak validator": (
        in_turn(cut(30_000, ETag='W/"1"'), lambda to: to.give(200, BODY)),
        [None, None],
    ),
    "another part than was asked for": (
        in_turn(
            cut(30_000, ETag='"1"'),
            lambda to: to.give(206, BODY[5:], Content_Range=f"bytes 5-{len(BODY) - 1}/{len(BODY)}"),
            lambda to: to.give(200, BODY),
        ),
        [None, "bytes=30000-", None],
    ),
    "a part that is not there any more": (
        in_turn(cut(30_000, ETag='"1"'), lambda to: to.give(416), lambda to: to.give(200, BODY)),
        [None, "bytes=30000-", None],
    ),
    "a redirect": (
        in_turn(lambda to: to.give(302, b"", Location="/file.yml?again"), lambda to: to.give(200, BODY)),
        [None, None],
    ),
}


@pytest.mark.parametrize("row", PASSES)
async def test_what_passes_is_passed(row: str, server: Server, downloads: HttpDownloads) -> None:
    answer, ranges = PASSES[row]
    server.answers["/file.yml"] = answer
    assert await downloads.resolve(server.url("/file.yml"), ANYBODY, sha256=None) == DIGEST
    assert [headers.get("Range") for _, headers in server.asked] == ranges


def silent(to: Handler) -> None:
    time.sleep(30)


def trickling(to: Handler) -> None:
    to.send_response(200)
    to.send_header("Content-Length", "1000")
    to.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(300):
            to.wfile.write(b"x")
            time.sleep(0.1)


def endless(to: Handler) -> None:
    to.send_response(200)
    to.send_header("Transfer-Encoding", "chunked")
    to.end_headers()
    with contextlib.suppress(OSError):
        while True:
            to.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")


def redirect(to: str) -> Callable[[Handler], None]:
    return lambda handler: handler.give(302, b"", Location=to)


FAILS: dict[str, tuple[Callable[[Handler], None] | None, type[PackhouseError], str]] = {
    "no such file": (None, SourceNotFound, r"not found \(404\), or hidden from: nobody"),
    "a login that is missing": (only_for(ALICE), AuthenticationFailed, "refused access with 401; tried as nobody"),
    "a file that is forbidden": (lambda to: to.give(403), AuthenticationFailed, "refused access with 403"),
    "a rate limit": (lambda to: to.give(429, b"", Retry_After="3000"), RateLimited, "answered a GET with 429"),
    "a server that is down": (lambda to: to.give(503), SourceUnreachable, "answered a GET with 503"),
    "a strange status": (lambda to: to.give(402), FetchFailed, "answered a GET with 402"),
    "a server that hangs": (silent, SourceUnreachable, "it sent nothing for 3 s|was not done within"),
    "a server that trickles": (trickling, SourceUnreachable, r"was not done within 4 s.*PACKHOUSE_FETCH_TIMEOUT"),
    "an answer without an end": (endless, FetchLimitExceeded, "PACKHOUSE_BUNDLE_COMPRESSED_MOST_BYTES"),
    "a file that is too large": (
        lambda to: to.give(200, bytes(2_000_000)),
        FetchLimitExceeded,
        "2000000 bytes: at most 1000000 are fetched",
    ),
    "a break in the middle, always": (cut(10), SourceUnreachable, "broke off in the middle"),
    "a redirect to the metadata of a cloud": (
        redirect("http://169.254.169.254/latest/meta-data/"),
        HostRefused,
        "169.254.169.254 is a link-local",
    ),
    "a redirect to a number that is such an address": (redirect("http://2852039166/"), HostRefused, "2852039166"),
    "a redirect to the name of a cloud's metadata": (
        redirect("http://metadata.google.internal/"),
        HostRefused,
        "metadata.google.internal",
    ),
    "a redirect to plain http elsewhere": (
        redirect("http://files.example/x"),
        FetchFailed,
        "plain http is spoken only",
    ),
    "a redirect to a file": (redirect("file:///etc/passwd"), FetchFailed, "cannot be followed|plain http"),
    "redirects without an end": (redirect("/file.yml"), FetchFailed, "redirected more than 5 times"),
    "an archive that is broken": (
        lambda to: to.give(200, hostile.tgz(ENTRIES)[:-20]),
        FetchFailed,
        "no readable tar archive",
    ),
    "an archive that climbs out": (
        lambda to: to.give(200, hostile.tgz([(hostile.FILE, "../x", "1")])),
        FetchLimitExceeded,
        "climbs out",
    ),
}


@pytest.mark.parametrize("row", FAILS)
async def test_each_failure_has_its_reason_and_names_the_file(row: str, server: Server, settings: Settings) -> None:
    answer, kind, words = FAILS[row]
    if answer is None:
        del server.answers["/file.yml"]
    else:
        server.answers["/file.yml"] = answer
    tight = replace(settings, fetch_timeout_seconds=4, bundle_compressed_most_bytes=1_000_000)
    with opened(tight) as downloads, pytest.raises(kind, match=words) as caught:
        await downloads.resolve(server.url("/file.yml?signature=s3cr3t"), ANYBODY, sha256=None)
    assert type(caught.value) is kind
    assert caught.value.message.startswith(server.url("/file.yml"))
    assert "s3cr3t" not in caught.value.message


ADDRESSES: dict[str, tuple[str, type[PackhouseError], str]] = {
    "a name that there is not": ("https://nowhere.invalid/x", NameUnresolved, "does not resolve"),
    "a port that nobody listens at": ("http://127.0.0.1:1/x", SourceUnreachable, "Connection refused"),
    "plain http to another machine": ("http://files.example/x", FetchFailed, "PACKHOUSE_PLAIN_HTTP_HOSTS"),
    "a link-local address": ("https://169.254.1.1/x", HostRefused, "link-local"),
    "another scheme": ("file:///etc/passwd", InvalidSpec, "must begin with https://"),
    "an ftp server": ("ftp://files.example/x", InvalidSpec, "must begin with https://"),
    "no host": ("https:///x", InvalidSpec, "name a host"),
    "a blank": ("https://files.example/a b", InvalidSpec, "hold no blanks"),
    "a line break": ("https://files.example/a\r\nHost: b", InvalidSpec, "hold no blanks"),
    "a port that is none": ("https://files.example:99999/x", InvalidSpec, "cannot be read"),
    "a password": ("https://a:s3cr3t@files.example/x", InvalidSpec, "put name and password into a Secret"),
}


@pytest.mark.parametrize("row", ADDRESSES)
async def test_each_address_that_leads_nowhere_has_its_reason(row: str, downloads: HttpDownloads) -> None:
    url, kind, words = ADDRESSES[row]
    with pytest.raises(kind, match=words) as caught:
        await downloads.resolve(url, ANYBODY, sha256=None)
    assert type(caught.value) is kind
    assert "s3cr3t" not in caught.value.message


async def test_only_hosts_of_the_allow_list_are_asked(server: Server, settings: Settings) -> None:
    elsewhere = replace(settings, fetch_hosts=("*.example",))
    with opened(elsewhere) as downloads, pytest.raises(HostRefused, match="PACKHOUSE_FETCH_HOSTS"):
        await downloads.resolve(server.url("/file.yml"), ANYBODY, sha256=None)
    assert not server.asked
    with opened(replace(settings, fetch_hosts=("127.0.0.1",))) as downloads:
        assert await downloads.resolve(server.url("/file.yml"), ANYBODY, sha256=None) == DIGEST


# ---- TLS and proxies -------------------------------------------------------------------------------------


async def test_the_authority_of_the_access_or_of_the_settings_is_honoured(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/v.yml").write_bytes(BODY)
    with open_web(tmp_path / "files", tls=True) as web:
        url = f"{web.url}/v.yml"
        for access in (ANYBODY, Access(ca_pem=Authority().pem)):
            with opened(settings) as downloads, pytest.raises(TlsFailed, match="its certificate was not accepted"):
                await downloads.resolve(url, access, sha256=None)
        with opened(settings) as downloads:
            assert await downloads.resolve(url, Access(ca_pem=web.ca_pem), sha256=None) == DIGEST
            with pytest.raises(TlsFailed):
                await downloads.fetch(url, ANYBODY, digest=DIGEST)
        (tmp_path / "ca.pem").write_text(web.ca_pem)
        with opened(replace(settings, registry_ca_file=str(tmp_path / "ca.pem"))) as downloads:
            assert await downloads.resolve(url, ANYBODY, sha256=None) == DIGEST


async def test_https_never_leads_to_plain_http(tmp_path: Path, server: Server, settings: Settings) -> None:
    authority = Authority()
    with serving(Server()) as secure:
        secure.socket = authority.context().wrap_socket(secure.socket, server_side=True)
        secure.answers["/file.yml"] = redirect(server.url("/file.yml"))
        with opened(settings) as downloads, pytest.raises(FetchFailed, match="plain http is spoken only"):
            await downloads.resolve(secure.url("/file.yml", scheme="https"), Access(ca_pem=authority.pem), sha256=None)
    assert not server.asked


# ---- a kill ----------------------------------------------------------------------------------------------

KILLED = """
import asyncio, sys
from pathlib import Path
from packhouse.adapters.http_downloads import HttpDownloads
from packhouse.ports import Access
from packhouse.settings import Settings
downloads = HttpDownloads(Settings(cache_dir=Path(sys.argv[1])))
print("begun", flush=True)
asyncio.run(downloads.resolve(sys.argv[2], Access(), sha256=None))
"""


async def test_a_kill_in_the_middle_leaves_nothing_half(server: Server, settings: Settings, tmp_path: Path) -> None:
    def slow(to: Handler) -> None:
        to.send_response(200)
        to.send_header("Content-Length", str(len(BODY)))
        to.end_headers()
        to.wfile.write(BODY[:50_000])
        time.sleep(1.5)
        with contextlib.suppress(OSError):
            to.wfile.write(BODY[50_000:])

    server.answers["/file.yml"] = slow
    url = server.url("/file.yml")
    command = [sys.executable, "-c", KILLED, str(settings.cache_dir), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        while not server.asked:
            await asyncio.sleep(0.02)
        os.kill(child.pid, signal.SIGKILL)
    server.answers["/file.yml"] = lambda to: to.give(200, BODY)
    with opened(settings) as downloads:
        assert await downloads.resolve(url, ANYBODY, sha256=None) == DIGEST
        assert files((await downloads.fetch(url, ANYBODY, digest=DIGEST)).root) == {"file.yml": BODY}
    assert len(list((settings.cache_dir / "trees").iterdir())) == 1


def test_a_port_is_free() -> None:
    """Port 1 is what the table takes for one that nobody listens at."""
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", 1), 1):
        pass
