"""The fetch step `http`: what lands, as whom it is asked, how it is pinned.

Real: a web server by http and by TLS, the adapter, the cache. Faked: the reading of Secrets (a dict).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import hostile_archives as hostile
from fakes_registry import FakeRegistry
from fakes_sources import FakeSignatures, NoGit
from lab_web import Web, open_web
from packhouse.adapters.http_downloads import HttpDownloads
from packhouse.api.errors import (
    AuthenticationFailed,
    DigestMismatch,
    FetchFailed,
    InvalidSpec,
    PackhouseError,
    SecretMissing,
    SignatureInvalid,
    SourceNotFound,
    TlsFailed,
    UnsupportedStep,
)
from packhouse.fetch import Fetched, Origins, Resolution, Sources, fetch_all, resolve_all
from packhouse.ports import Json, TrustPolicy
from packhouse.settings import Settings

ARCHIVE = hostile.tgz([(hostile.FILE, "config/a.yml", "1"), (hostile.FILE, "readme.md", "r")])
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    (made / "x.tgz").write_bytes(ARCHIVE)
    (made / "values.yml").write_text("v: 1")
    return made


@pytest.fixture
def web(folder: Path) -> Iterator[Web]:
    with open_web(folder) as made:
        yield made


@pytest.fixture
def downloads(tmp_path: Path) -> Iterator[HttpDownloads]:
    made = HttpDownloads(
        Settings(cache_dir=tmp_path / "cache", registry_timeout_seconds=5, fetch_timeout_seconds=10),
        jitter=lambda: 0.0,
    )
    yield made
    made.close()


def sources(
    downloads: HttpDownloads, tmp_path: Path, secrets: Mapping[str, Json] | None = None, *, policy: bool = False
) -> Sources:
    async def read(name: str) -> Json:
        try:
            return (secrets or {})[name]
        except KeyError:
            raise SecretMissing(f"Secret demo/{name} does not exist") from None

    origins = Origins(FakeRegistry(tmp_path, {}, {}), downloads, NoGit(), FakeSignatures())
    wanted = TrustPolicy("PackageRepository team")
    return Sources(origins, read, read, "demo", 10**6, policy=lambda _: wanted if policy else None)


async def fetched(step: Json, given: Sources) -> tuple[Resolution, Fetched]:
    resolution = await resolve_all([{"http": step}], given)
    return resolution, await fetch_all([{"http": step}], given, resolution)


LANDS: dict[str, tuple[Json, dict[str, bytes]]] = {
    "an archive": ({"url": "/x.tgz"}, {"config/a.yml": b"1", "readme.md": b"r"}),
    "an archive that is pinned": ({"url": "/x.tgz", "sha256": SHA256}, {"config/a.yml": b"1", "readme.md": b"r"}),
    "capitals in a pin": ({"url": "/x.tgz", "sha256": SHA256.upper()}, {"config/a.yml": b"1", "readme.md": b"r"}),
    "a folder of an archive": ({"url": "/x.tgz", "subPath": "config"}, {"a.yml": b"1"}),
    "a file": ({"url": "/values.yml"}, {"values.yml": b"v: 1"}),
}


@pytest.mark.parametrize("row", LANDS)
async def test_a_file_or_an_archive_lands(row: str, web: Web, downloads: HttpDownloads, tmp_path: Path) -> None:
    step, expected = LANDS[row]
    path = step["url"]
    resolution, got = await fetched({**step, "url": f"{web.url}{path}?token=s3cr3t"}, sources(downloads, tmp_path))
    assert await got.files() == expected
    content = (web.folder / path[1:]).read_bytes()
    assert (resolution.digest, resolution.version) == (f"sha256:{hashlib.sha256(content).hexdigest()}", None)
    assert resolution.parts[0].source == f"{web.url}{path}", "a query may hold a secret: it is not shown"


async def test_a_change_is_seen_and_an_outage_is_gone_through(
    web: Web, downloads: HttpDownloads, tmp_path: Path
) -> None:
    given, steps = sources(downloads, tmp_path), [{"http": {"url": f"{web.url}/values.yml"}}]
    first = await resolve_all(steps, given)
    await fetch_all(steps, given, first)
    (web.folder / "values.yml").write_text("v: 22")
    second = await resolve_all(steps, given)
    assert second.digest != first.digest
    (web.folder / "values.yml").unlink()  # the server answers that there is no such file
    recorded = Resolution.from_wire(second.to_wire(), steps)
    third = await resolve_all(steps, given, instead=recorded)
    assert isinstance(third.trouble, SourceNotFound)
    assert await (await fetch_all(steps, given, third)).files() == {"values.yml": b"v: 22"}


async def test_what_is_pinned_no_record_changes(web: Web, downloads: HttpDownloads, tmp_path: Path) -> None:
    steps = [{"http": {"url": f"{web.url}/values.yml", "sha256": "0" * 64}}]
    recorded = Resolution.from_wire([{"kind": "http", "digest": "sha256:" + "1" * 64}], steps)
    assert recorded is not None
    with pytest.raises(FetchFailed, match="is not what this step stands for"):
        await fetch_all(steps, sources(downloads, tmp_path), recorded)


REFUSED: dict[str, tuple[Json, type[PackhouseError], str]] = {
    "another content than is pinned": ({"sha256": "0" * 64}, DigestMismatch, "sent a file with digest sha256:"),
    "a pin that is none": ({"sha256": "sha256:abc"}, InvalidSpec, "64 hex digits"),
    "an empty pin": ({"sha256": ""}, InvalidSpec, "a text that is not empty"),
    "no url": ({"url": None}, InvalidSpec, "url must be a text"),
    "a url with a password": ({"url": "https://a:s3cr3t@files.example/x"}, InvalidSpec, "names a user"),
    "another scheme": ({"url": "file:///etc/passwd"}, InvalidSpec, "must begin with https://"),
    "a folder that is not there": ({"subPath": "nope"}, FetchFailed, "holds no folder 'nope'"),
    "a folder outside": ({"subPath": "../x"}, InvalidSpec, "relative path without"),
    "a field that is not known": ({"header": "x"}, UnsupportedStep, "header is not supported"),
    "a Secret that is not there": ({"secretRef": {"name": "no"}}, SecretMissing, "Secret demo/no"),
}


@pytest.mark.parametrize("row", REFUSED)
async def test_each_refusal_has_its_reason(row: str, web: Web, downloads: HttpDownloads, tmp_path: Path) -> None:
    fields, kind, words = REFUSED[row]
    with pytest.raises(kind, match=words) as caught:
        await fetched({"url": f"{web.url}/x.tgz", **fields}, sources(downloads, tmp_path))
    assert type(caught.value) is kind
    assert "s3cr3t" not in caught.value.message


async def test_where_signatures_are_asked_for_only_a_pinned_file_passes(
    web: Web, downloads: HttpDownloads, tmp_path: Path
) -> None:
    given = sources(downloads, tmp_path, policy=True)
    with pytest.raises(SignatureInvalid, match="give the file's sha256"):
        await fetched({"url": f"{web.url}/x.tgz"}, given)
    assert not web.asked
    await fetched({"url": f"{web.url}/x.tgz", "sha256": SHA256}, given)


async def test_the_tls_of_the_repository_is_honoured(folder: Path, downloads: HttpDownloads, tmp_path: Path) -> None:
    """kapp-controller takes no notice of TLS settings for http."""
    given = sources(downloads, tmp_path)
    with open_web(folder, tls=True) as web:
        step = {"url": f"{web.url}/x.tgz", "sha256": SHA256}
        with pytest.raises(TlsFailed, match="its certificate was not accepted"):
            await fetched(step, given)
        _, got = await fetched(step, replace(given, ca_pem=web.ca_pem))
        assert "readme.md" in await got.files()


async def test_user_and_password_of_the_secret_are_sent(
    web: Web, downloads: HttpDownloads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from http.server import SimpleHTTPRequestHandler

    plain = SimpleHTTPRequestHandler.do_GET
    wanted = f"Basic {base64.b64encode(b'alice:wonder').decode()}"

    def guarded(handler: SimpleHTTPRequestHandler) -> None:
        if handler.headers.get("Authorization") == wanted:
            plain(handler)
        else:
            handler.send_error(401)

    monkeypatch.setattr(SimpleHTTPRequestHandler, "do_GET", guarded)
    pairs = {"right": "wonder", "wrong": "s3cr3t"}
    secrets: dict[str, Json] = {
        name: {"data": {key: base64.b64encode(text.encode()).decode() for key, text in pair.items()}}
        for name, pair in ((name, {"username": "alice", "password": word}) for name, word in pairs.items())
    }
    given = sources(downloads, tmp_path, secrets)
    step = {"url": f"{web.url}/x.tgz"}
    _, got = await fetched({**step, "secretRef": {"name": "right"}}, given)
    assert "readme.md" in await got.files()
    with pytest.raises(AuthenticationFailed, match="401; tried as user 'alice' of Secret demo/wrong"):
        await fetched({**step, "secretRef": {"name": "wrong"}}, given)
    with pytest.raises(AuthenticationFailed, match="tried as nobody"):
        await fetched(step, given)
