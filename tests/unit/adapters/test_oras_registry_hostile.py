"""The adapter against a registry that misbehaves (real HTTP on loopback): error, words, time, and an empty cache."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hostile_registry import (
    OCI_LAYER,
    PASSWORD,
    USER,
    Endless,
    Hang,
    HostileRegistry,
    Image,
    Lie,
    LieInHead,
    RedirectLoop,
    Refuse,
    Reset,
    Trickle,
    Truncate,
    bundle,
    gzip_bomb,
    image_of,
    index_of,
    tar,
)
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.api.errors import (
    AuthenticationFailed,
    DigestMismatch,
    FetchFailed,
    FetchLimitExceeded,
    HostRefused,
    PackhouseError,
    RateLimited,
    SourceNotFound,
    SourceUnreachable,
)
from packhouse.ports import Access, Credentials
from packhouse.settings import Settings

FILES = {"packages/a.yml": b"a: 1\n" * 200}
GOOD = Credentials(USER, PASSWORD, "Secret demo/regcred")
WRONG = Credentials(USER, "wrong-horse", "Secret demo/old")


def settings_in(folder: Path, **changes: Any) -> Settings:
    return replace(
        Settings(cache_dir=folder / "cache", registry_timeout_seconds=0.4, fetch_timeout_seconds=1.5), **changes
    )


@contextmanager
def opened(settings: Settings) -> Iterator[OrasRegistry]:
    registry = OrasRegistry(settings, jitter=lambda: 0.0)
    try:
        yield registry
    finally:
        registry.close()


def trees(folder: Path) -> list[str]:
    """What the cache holds, finished or not."""
    kept = [path.name for path in (folder / "cache" / "trees").glob("*")]
    return kept + [path.name for path in (folder / "cache" / "tmp").glob("*/*")]


async def refusal(folder: Path, server: HostileRegistry, credentials: Credentials | None = None, **changes: Any) -> Any:
    with opened(settings_in(folder, **changes)) as registry:
        with pytest.raises(PackhouseError) as caught:
            await registry.pull(server.image, Access((credentials,) if credentials else ()))
        assert trees(folder) == []
    assert caught.value.message.startswith(server.image.rpartition(":")[0])
    return caught.value


ROWS: dict[str, tuple[Any, str, type[PackhouseError], str]] = {
    "hangs at the manifest": (Hang(), "manifest", SourceUnreachable, "it sent nothing for 0.4 s"),
    "hangs at a blob": (Hang(), "blob", SourceUnreachable, "it sent nothing for 0.4 s"),
    "hangs in a blob": (Hang(after_headers=True), "blob", SourceUnreachable, "it sent nothing for 0.4 s"),
    "trickles headers": (Trickle(headers=True), "manifest", SourceUnreachable, "was not done within 1.5 s"),
    "trickles a blob": (Trickle(), "blob", SourceUnreachable, "PACKHOUSE_FETCH_TIMEOUT_SECONDS"),
    "truncates a manifest": (Truncate(), "manifest", SourceUnreachable, "broke off"),
    "truncates a blob": (Truncate(), "blob", SourceUnreachable, "broke off"),
    "resets": (Reset(), "manifest", SourceUnreachable, "the connection failed"),
    "sends another blob": (Lie(), "blob", DigestMismatch, "the registry sent"),
    "sends a longer blob": (Lie(longer=True), "blob", DigestMismatch, "is longer than its"),
    "sends another manifest": (Lie(), "manifest", DigestMismatch, "sent a manifest with digest sha256:"),
    "sends a blob without an end": (Endless(), "blob", DigestMismatch, "is longer than its"),
    "names a digest that it has not": (
        LieInHead(),
        "manifest",
        SourceNotFound,
        "not found (404), or hidden from: nobody",
    ),
    "names a digest that is none": (LieInHead("sha256:../x"), "manifest", FetchFailed, "not sha256"),
    "answers 401 without a challenge": (Refuse(401), "manifest", AuthenticationFailed, "no credentials were given"),
    "answers 401 at a blob": (Refuse(401), "blob", AuthenticationFailed, "refused access with 401"),
    "answers 403": (Refuse(403), "manifest", AuthenticationFailed, "refused access with 403"),
    "answers 404": (
        Refuse(404),
        "manifest",
        SourceNotFound,
        "not found (404), or hidden from: nobody (no credentials were given",
    ),
    "answers 404 at a blob": (Refuse(404), "blob", SourceNotFound, "(404)"),
    "answers 418": (Refuse(418), "manifest", FetchFailed, "answered a HEAD with 418"),
    "answers 500": (Refuse(500), "manifest", SourceUnreachable, "answered a HEAD with 500"),
    "answers 503 at a blob": (Refuse(503), "blob", SourceUnreachable, "answered a GET with 503"),
    "redirects in a loop": (RedirectLoop(), "blob", FetchFailed, "redirected more than 5 times"),
    "redirects with an endless body": (Endless(307), "blob", FetchFailed, "redirected more than 5"),
    "redirects to plain http elsewhere": (
        Refuse(307, {"Location": "http://metadata.invalid/x?signature=s3cret"}),
        "blob",
        FetchFailed,
        "it leads to http://metadata.invalid, and plain http is spoken only with",
    ),
    "redirects to a file": (Refuse(307, {"Location": "file:///etc/passwd"}), "blob", FetchFailed, "cannot be followed"),
    "redirects to the metadata of a cloud": (
        Refuse(307, {"Location": "http://169.254.169.254/latest/meta-data"}),
        "blob",
        HostRefused,
        "169.254.169.254 is a link-local, metadata",
    ),
    "redirects to it by another form of its address": (
        Refuse(307, {"Location": "https://0xa9fea9fe/latest"}),
        "blob",
        HostRefused,
        "resolves to 169.254.169.254",
    ),
    "redirects to it by its name": (
        Refuse(307, {"Location": "https://metadata.google.internal/"}),
        "manifest",
        HostRefused,
        "metadata.google.internal tells the machines of a cloud",
    ),
    "redirects to no address": (Refuse(307, {"Location": "https://0.0.0.0/x"}), "blob", HostRefused, "0.0.0.0 is a"),
    "limits the rate": (Refuse(429), "manifest", RateLimited, "answered a HEAD with 429"),
    "wants a proxy's password": (Refuse(407), "manifest", FetchFailed, "answered a HEAD with 407"),
}


@pytest.mark.parametrize("row", ROWS)
async def test_a_registry_that_misbehaves_gives_the_right_error_and_leaves_no_tree(row: str, tmp_path: Path) -> None:
    does, at, error, words = ROWS[row]
    with HostileRegistry(FILES, does=does, at=at) as server:
        caught = await refusal(tmp_path, server)
    assert (type(caught), words in caught.message) == (error, True), caught.message
    assert "s3cret" not in caught.message


@pytest.mark.parametrize("does", [Refuse(500), Refuse(503), Refuse(429), Refuse(429, {"Retry-After": "0"}), Reset()])
@pytest.mark.parametrize("at", ["manifest", "blob"])
async def test_what_passes_after_two_times_is_not_noticed(does: Any, at: str, tmp_path: Path) -> None:
    with (
        HostileRegistry(FILES, does=does, at=at, times=2) as server,
        opened(settings_in(tmp_path, fetch_timeout_seconds=10.0)) as registry,
    ):
        tree = await registry.pull(server.image, Access())
        assert (tree.root / "packages/a.yml").read_bytes() == FILES["packages/a.yml"]


@pytest.mark.parametrize("does", [Refuse(405), LieInHead("")])
async def test_a_registry_that_names_no_digest_in_a_head_is_asked_for_the_manifest(does: Any, tmp_path: Path) -> None:
    with (
        HostileRegistry(FILES, does=does, at="manifest", times=1) as server,
        opened(settings_in(tmp_path)) as registry,
    ):
        assert await registry.resolve(server.image, Access()) == server.digest


async def test_a_truncated_blob_is_fetched_anew_from_its_beginning(tmp_path: Path) -> None:
    with (
        HostileRegistry(FILES, does=Truncate(), at="blob", times=1) as server,
        opened(settings_in(tmp_path)) as registry,
    ):
        tree = await registry.pull(server.image, Access())
        assert (tree.root / "packages/a.yml").read_bytes() == FILES["packages/a.yml"]


@pytest.mark.parametrize("does", [Refuse(404), Refuse(401), Hang(), Lie(), RedirectLoop()])
async def test_what_does_not_pass_is_not_asked_for_again(does: Any, tmp_path: Path) -> None:
    with HostileRegistry(FILES, does=does, at="blob") as server:
        await refusal(tmp_path, server)
        assert len(server.asked("GET blob")) == (6 if does == RedirectLoop() else 1)


async def test_a_retry_after_beyond_the_deadline_is_handed_to_the_queue_at_once(tmp_path: Path) -> None:
    with HostileRegistry(FILES, does=Refuse(429, {"Retry-After": "77"}), at="manifest") as server:
        caught = await refusal(tmp_path, server)
        assert (type(caught), caught.retry_after_seconds) == (RateLimited, 77.0)


async def test_a_redirect_to_another_host_of_this_machine_is_followed_without_credentials(tmp_path: Path) -> None:
    with HostileRegistry(FILES) as storage:
        digest = next(digest for digest in storage.content.blobs if len(storage.content.blobs[digest]) > 2)
        elsewhere = Refuse(307, {"Location": f"http://{storage.host}/v2/x/blobs/{digest}"})
        with (
            HostileRegistry(FILES, does=elsewhere, at="blob", auth="basic") as server,
            opened(settings_in(tmp_path)) as registry,
        ):
            tree = await registry.pull(server.image, Access((GOOD,)))
            assert (tree.root / "packages/a.yml").is_file()
            assert [request.authorization for request in storage.requests] == [""]


# ---- limits ----------------------------------------------------------------------------------------------


def layered(layer: bytes) -> Image:
    return image_of([(layer, {"mediaType": OCI_LAYER})])


LIMITS: dict[str, tuple[Image, dict[str, Any], str]] = {
    "a gzip bomb": (
        layered(gzip_bomb(8_000_000)),
        {"bundle_unpacked_most_bytes": 1_000_000},
        "PACKHOUSE_BUNDLE_UNPACKED_MOST_BYTES",
    ),
    "large layers": (
        bundle({"a": b"0123456789" * 100}),
        {"bundle_compressed_most_bytes": 50},
        "PACKHOUSE_BUNDLE_COMPRESSED_MOST_BYTES",
    ),
    "many files": (
        bundle({str(number): b"" for number in range(20)}),
        {"bundle_files_most": 19},
        "PACKHOUSE_BUNDLE_FILES_MOST",
    ),
    "a huge manifest": (
        image_of([(b"", {"mediaType": OCI_LAYER})], annotations={"x": "y" * 5_000_000}),
        {},
        "a manifest of more than",
    ),
    "a path that climbs out": (layered(gzip.compress(tar({"../x": b""}))), {}, "climbs out"),
}


@pytest.mark.parametrize("row", LIMITS)
async def test_more_than_the_limits_allow_is_refused(row: str, tmp_path: Path) -> None:
    image, changes, words = LIMITS[row]
    with HostileRegistry(image) as server:
        caught = await refusal(tmp_path, server, **changes)
    assert (type(caught), words in caught.message) == (FetchLimitExceeded, True), caught.message


UNREADABLE: dict[str, tuple[Image, str]] = {
    "zstd": (image_of([(b"", {"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd"})]), "push it as tar"),
    "a layer kept elsewhere": (
        image_of([(b"", {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"})]),
        "outside of the registry",
    ),
    "a layer that is no tar": (layered(gzip.compress(b"no tar" * 200)), "layer 1 is no readable tar"),
    "a layer that is no gzip": (layered(tar(FILES)), "layer 1 is no readable tar"),
    "an index in an index": (index_of([(index_of([(bundle(FILES), None)]), None)]), "index that leads to an index"),
    "an index without linux/amd64": (
        index_of([(bundle({str(n): b""}), {"os": "linux", "architecture": n}) for n in ("arm64", "s390x")]),
        "none for linux/amd64",
    ),
}


@pytest.mark.parametrize("row", UNREADABLE)
async def test_content_that_cannot_be_read_is_said_so(row: str, tmp_path: Path) -> None:
    image, words = UNREADABLE[row]
    with HostileRegistry(image) as server:
        caught = await refusal(tmp_path, server)
    assert (type(caught), words in caught.message) == (FetchFailed, True), caught.message


# ---- credentials -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["basic", "token"])
async def test_a_challenge_is_answered_with_the_credentials_given(auth: str, tmp_path: Path) -> None:
    with HostileRegistry(FILES, auth=auth) as server, opened(settings_in(tmp_path)) as registry:
        assert (await registry.pull(server.image, Access((GOOD,)))).digest == server.digest


@pytest.mark.parametrize("auth", ["basic", "token"])
async def test_wrong_credentials_are_named_by_their_secret_and_never_shown(auth: str, tmp_path: Path) -> None:
    with HostileRegistry(FILES, auth=auth) as server:
        caught = await refusal(tmp_path, server, WRONG)
    assert isinstance(caught, AuthenticationFailed)
    assert "Secret demo/old" in caught.message
    assert WRONG.password not in caught.message


TOKENS: list[tuple[Any, type[PackhouseError], str]] = [
    (Hang(), SourceUnreachable, "it sent nothing for 0.4 s"),
    (Trickle(), SourceUnreachable, "was not done within 1.5 s"),
    (Refuse(500), SourceUnreachable, "answered a token request with 500"),
    (Endless(), FetchLimitExceeded, "a token of more than"),
    (Refuse(401), AuthenticationFailed, "Secret demo/regcred"),
    (Refuse(200), FetchFailed, "answered without a token"),
]


@pytest.mark.parametrize(("does", "error", "words"), TOKENS)
async def test_a_token_service_that_misbehaves_ends_the_call(
    does: Any, error: type[PackhouseError], words: str, tmp_path: Path
) -> None:
    with HostileRegistry(FILES, auth="token", does=does, at="token") as server:
        caught = await refusal(tmp_path, server, GOOD)
    assert (type(caught), words in caught.message) == (error, True), caught.message


async def test_credentials_are_not_sent_to_a_token_service_over_plain_http_elsewhere(tmp_path: Path) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="http://thief.invalid/token"'}
    with HostileRegistry(FILES, does=Refuse(401, challenge), at="manifest") as server:
        caught = await refusal(tmp_path, server, GOOD)
    assert "http://thief.invalid" in caught.message


async def test_credentials_of_the_machine_are_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    (tmp_path / ".docker").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ORAS_USER", USER)
    monkeypatch.setenv("ORAS_PASS", PASSWORD)
    with HostileRegistry(FILES, auth="basic") as server:
        auths = f'{{"auths": {{"{server.host}": {{"username": "{USER}", "password": "{PASSWORD}"}}}}}}'
        (tmp_path / ".docker/config.json").write_text(auths)
        caught = await refusal(tmp_path, server)
        assert {request.authorization for request in server.requests} == {""}
    assert isinstance(caught, AuthenticationFailed)


async def test_a_cached_digest_serves_other_credentials_only_after_the_registry_took_them(tmp_path: Path) -> None:
    with HostileRegistry(FILES, auth="basic") as server, opened(settings_in(tmp_path)) as registry:
        pinned = f"{server.host}/demo/bundle@{server.digest}"
        await registry.pull(pinned, Access((GOOD,)))
        asked = len(server.requests)
        await registry.pull(pinned, Access((GOOD,)))
        await registry.resolve(pinned, Access((GOOD,)))
        assert len(server.requests) == asked
        for other in (None, WRONG):
            with pytest.raises(AuthenticationFailed):
                await registry.pull(pinned, Access((other,)) if other else Access())
        assert "GET blob" not in server.asked()[asked:]


async def test_a_digest_taken_from_one_repository_is_asked_for_anew_in_another(tmp_path: Path) -> None:
    with (
        HostileRegistry(FILES) as one,
        HostileRegistry({"other": b""}) as two,
        opened(settings_in(tmp_path)) as registry,
    ):
        await registry.pull(f"{one.host}/demo/bundle@{one.digest}", Access())
        await registry.pull(two.image, Access())
        with pytest.raises(SourceNotFound, match="404"):
            await registry.pull(f"{two.host}/demo/bundle@{one.digest}", Access())


# ---- at once ---------------------------------------------------------------------------------------------


async def test_the_same_digest_asked_for_by_many_at_once_is_downloaded_once(tmp_path: Path) -> None:
    with (
        HostileRegistry(FILES, does=Trickle(0.002), at="blob") as server,
        opened(settings_in(tmp_path, fetch_timeout_seconds=20.0)) as registry,
    ):
        found = await asyncio.gather(*(registry.pull(server.image, Access()) for _ in range(6)))
        assert len({tree.root for tree in found}) == 1
        assert server.asked("GET blob") == ["GET blob"]


async def test_a_canceled_fetch_lets_go_of_its_thread_and_leaves_no_tree(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, registry_timeout_seconds=30.0, fetch_timeout_seconds=30.0, fetch_parallel=1)
    with HostileRegistry(FILES, does=Hang(), at="blob", times=1) as server, opened(settings) as registry:
        fetch = asyncio.create_task(registry.pull(server.image, Access()))
        while "GET blob" not in server.asked():
            await asyncio.sleep(0.01)
        fetch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetch
        async with asyncio.timeout(3):  # the only thread is free again
            tree = await registry.pull(server.image, Access())
        assert trees(tmp_path) == [tree.root.parent.name]


async def test_the_event_loop_goes_on_while_a_registry_hangs(tmp_path: Path) -> None:
    with HostileRegistry(FILES, does=Hang(), at="manifest") as server, opened(settings_in(tmp_path)) as registry:
        fetch = asyncio.create_task(registry.pull(server.image, Access()))
        longest, before = 0.0, time.monotonic()
        while not fetch.done():
            await asyncio.sleep(0.01)
            longest, before = max(longest, time.monotonic() - before), time.monotonic()
        assert longest < 0.2
        assert isinstance(fetch.exception(), SourceUnreachable)


async def test_nothing_is_printed_or_logged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for does in (Refuse(500), Refuse(401), Lie()):
        with HostileRegistry(FILES, does=does, at="blob") as server:
            await refusal(tmp_path, server)
    assert (*capfd.readouterr(), caplog.text) == ("", "", "")
