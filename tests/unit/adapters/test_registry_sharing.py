"""What is asked once and what is never asked again: fresh answers, what was given to whom, an outage, a thief."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certificates import Authority
from hostile_registry import (
    OCI_LAYER,
    PASSWORD,
    USER,
    Hang,
    HostileRegistry,
    LieInHead,
    Refuse,
    Trickle,
    bundle,
    image_of,
    sha256,
)
from http_proxy import HttpProxy
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.api.errors import AuthenticationFailed, PackhouseError, SourceNotFound, SourceUnreachable
from packhouse.fetch.cache import TreeCache
from packhouse.ports import Access, Credentials, Proxy
from packhouse.settings import Settings

FILES = {"packages/a.yml": b"a: 1\n" * 200}
GOOD = Access((Credentials(USER, PASSWORD, "Secret one/regcred"),))
GOOD_TOO = Access((Credentials(USER, PASSWORD, "Secret two/pull"),))
WRONG = Access((Credentials(USER, "s3cret-but-wrong", "Secret two/old"),))
NOBODY = Access()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def opened(folder: Path, clock: Clock | None = None, **changes: Any) -> Iterator[OrasRegistry]:
    base = Settings(cache_dir=folder / "cache", registry_timeout_seconds=1.0, fetch_timeout_seconds=5.0)
    more: dict[str, Any] = {"clock": clock} if clock is not None else {}
    registry = OrasRegistry(replace(base, **changes), jitter=lambda: 0.0, **more)
    try:
        yield registry
    finally:
        registry.close()


# ---- fresh answers ---------------------------------------------------------------------------------------


async def test_a_hundred_installs_of_one_bundle_ask_once_in_a_sync_period(tmp_path: Path) -> None:
    clock = Clock()
    with HostileRegistry(FILES) as server, opened(tmp_path, clock) as registry:
        for _ in range(2):
            await asyncio.gather(*(registry.pull(server.image, NOBODY, fresh_seconds=570.0) for _ in range(100)))
        assert server.asked() == ["HEAD manifest", "GET manifest", "GET blob"]
        clock.now += 571
        await asyncio.gather(*(registry.pull(server.image, NOBODY, fresh_seconds=570.0) for _ in range(100)))
        assert server.asked()[3:] == ["HEAD manifest"]


async def test_an_answer_that_must_be_new_is_asked_for(tmp_path: Path) -> None:
    with HostileRegistry(FILES) as server, opened(tmp_path) as registry:
        await registry.resolve(server.image, NOBODY, fresh_seconds=600.0)
        await registry.resolve(server.image, NOBODY)
        assert server.asked() == ["HEAD manifest"] * 2


async def test_equal_credentials_of_different_secrets_share_an_answer(tmp_path: Path) -> None:
    with HostileRegistry(FILES, auth="basic") as server, opened(tmp_path) as registry:
        await registry.resolve(server.image, GOOD, fresh_seconds=600.0)
        asked = len(server.requests)
        await registry.resolve(server.image, GOOD_TOO, fresh_seconds=600.0)
        assert len(server.requests) == asked


async def test_an_answer_to_one_is_none_for_those_with_other_credentials(tmp_path: Path) -> None:
    with HostileRegistry(FILES, auth="basic") as server, opened(tmp_path) as registry:
        await registry.resolve(server.image, GOOD, fresh_seconds=600.0)
        for other in (NOBODY, WRONG):
            with pytest.raises(AuthenticationFailed):
                await registry.resolve(server.image, other, fresh_seconds=600.0)


async def test_a_refusal_names_the_secret_of_the_one_who_is_told(tmp_path: Path) -> None:
    elsewhere = Access((Credentials(USER, "s3cret-but-wrong", "Secret three/old"),))
    with HostileRegistry(FILES, auth="basic") as server, opened(tmp_path) as registry:
        asked = (registry.resolve(server.image, one) for one in (WRONG, elsewhere, WRONG))
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert ["two/old" in str(error) for error in found] == [True, False, True]
        assert "Secret three/old" in str(found[1])


async def test_no_error_is_remembered(tmp_path: Path) -> None:
    with HostileRegistry(FILES, does=Refuse(404), at="manifest", times=1) as server, opened(tmp_path) as registry:
        with pytest.raises(SourceNotFound):
            await registry.resolve(server.image, NOBODY, fresh_seconds=600.0)
        assert await registry.resolve(server.image, NOBODY, fresh_seconds=600.0) == server.digest


async def test_tags_are_asked_for_once_while_they_are_fresh(tmp_path: Path) -> None:
    from hostile_registry import Say

    with HostileRegistry(FILES, at="tags", does=Say(b'{"tags": ["1"]}')) as server, opened(tmp_path) as registry:
        await asyncio.gather(
            *(registry.tags(f"{server.host}/demo/bundle", NOBODY, fresh_seconds=60.0) for _ in range(20))
        )
        assert server.asked() == ["GET tags"]


# ---- single flight ---------------------------------------------------------------------------------------


async def test_where_the_first_of_many_is_canceled_another_one_fetches(tmp_path: Path) -> None:
    with HostileRegistry(FILES, does=Trickle(0.001), at="blob") as server, opened(tmp_path) as registry:
        first = asyncio.create_task(registry.pull(server.image, NOBODY))
        while "GET blob" not in server.asked():
            await asyncio.sleep(0.01)
        others = [asyncio.create_task(registry.pull(server.image, NOBODY)) for _ in range(3)]
        await asyncio.sleep(0.05)
        first.cancel()
        roots = {tree.root for tree in await asyncio.gather(*others)}
        assert (len(roots), server.asked("GET blob")) == (1, ["GET blob"] * 2)
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_many_who_wait_for_one_that_fails_are_told_at_once(tmp_path: Path) -> None:
    with HostileRegistry(FILES, does=Hang(), at="blob") as server, opened(tmp_path) as registry:
        async with asyncio.timeout(3):
            found = await asyncio.gather(
                *(registry.pull(server.image, NOBODY) for _ in range(10)), return_exceptions=True
            )
        assert {type(error) for error in found} == {SourceUnreachable}
        assert server.asked("GET blob") == ["GET blob"]


# ---- what was given once ---------------------------------------------------------------------------------


async def test_a_pinned_bundle_is_there_without_its_registry_after_a_restart(tmp_path: Path) -> None:
    with HostileRegistry(FILES, auth="basic") as server:
        pinned = f"{server.host}/demo/bundle@{server.digest}"
        with opened(tmp_path) as registry:
            tree = await registry.pull(server.image, GOOD)
            raw = await registry.manifest(pinned, GOOD)
    with opened(tmp_path) as registry:  # another process, and the registry is gone
        assert await registry.resolve(pinned, GOOD) == server.digest
        assert (await registry.pull(pinned, GOOD)).root == tree.root
        assert await registry.manifest(pinned, GOOD) == raw
        for other in (NOBODY, WRONG):
            with pytest.raises(SourceUnreachable):
                await registry.pull(pinned, other)


async def test_what_everybody_may_have_serves_everybody(tmp_path: Path) -> None:
    with HostileRegistry(FILES) as server, opened(tmp_path) as registry:
        pinned = f"{server.host}/demo/bundle@{server.digest}"
        await registry.pull(pinned, GOOD)  # no challenge came: the credentials proved nothing
        asked = len(server.requests)
        await registry.pull(pinned, NOBODY)
        await registry.pull(pinned, WRONG)
        assert len(server.requests) == asked


async def test_one_of_several_credentials_that_was_let_in_once_is_enough(tmp_path: Path) -> None:
    with HostileRegistry(FILES, auth="basic") as server, opened(tmp_path) as registry:
        pinned = f"{server.host}/demo/bundle@{server.digest}"
        both = Access((*WRONG.credentials, *GOOD.credentials))
        await registry.pull(pinned, both)
        asked = len(server.requests)
        await registry.pull(pinned, GOOD)
        await registry.pull(pinned, both)
        assert len(server.requests) == asked
        with pytest.raises(AuthenticationFailed):
            await registry.pull(pinned, WRONG)


async def test_a_digest_of_one_repository_says_nothing_about_another_one_of_the_same_registry(tmp_path: Path) -> None:
    with HostileRegistry(FILES) as server, opened(tmp_path) as registry:
        await registry.pull(f"{server.host}/team/private@{server.digest}", NOBODY)
        asked = len(server.requests)
        await registry.pull(f"{server.host}/team/other@{server.digest}", NOBODY)
        assert server.asked()[asked:] == ["HEAD manifest"]


async def test_a_thief_with_a_registry_that_says_yes_to_everything_gets_nothing_of_the_cache(tmp_path: Path) -> None:
    with (
        HostileRegistry(FILES, auth="basic") as private,
        HostileRegistry(bundle({"other": b""}), at="manifest", does=LieInHead(private_digest())) as thief,
        opened(tmp_path) as registry,
    ):
        assert private.digest == private_digest()
        await registry.pull(private.image, GOOD)
        with pytest.raises(PackhouseError):
            await registry.pull(f"{thief.host}/x/y@{private.digest}", NOBODY)
        with pytest.raises(PackhouseError):
            await registry.pull(f"{thief.host}/x/y:1", NOBODY)


def private_digest() -> str:
    return bundle(FILES).digest


async def test_a_thief_with_an_own_authority_and_proxy_cannot_speak_in_a_registrys_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.server("registry.test")
    with (
        HostileRegistry(FILES, auth="basic", tls=tls) as private,
        HttpProxy(int(private.host.rpartition(":")[2])) as honest,
        HostileRegistry(bundle({}), at="manifest", does=LieInHead(private_digest()), tls=tls) as thief,
        HttpProxy(int(thief.host.rpartition(":")[2])) as crooked,
        opened(tmp_path, registry_ca_file=str(authority.file)) as registry,
    ):
        image = f"registry.test/demo/bundle@{private.digest}"
        await registry.pull(image, replace(GOOD, proxy=Proxy(honest.url)))
        with pytest.raises(PackhouseError):
            await registry.pull(image, replace(NOBODY, proxy=Proxy(crooked.url)))
        with pytest.raises(PackhouseError):
            await registry.pull(image, replace(GOOD, proxy=Proxy(crooked.url), ca_pem=authority.pem))


async def test_a_blob_is_given_from_the_cache_to_those_alone_who_had_the_digest(tmp_path: Path) -> None:
    body = b"{}x"
    with HostileRegistry(image_of([(body, {"mediaType": OCI_LAYER})]), auth="basic") as server, opened(tmp_path) as one:
        blob = f"{server.host}/demo/bundle@{sha256(body)}"
        assert await one.blob(blob, GOOD, most_bytes=100) == body
        asked = len(server.requests)
        assert await one.blob(blob, GOOD, most_bytes=100) == body
        assert len(server.requests) == asked
        with pytest.raises(AuthenticationFailed):
            await one.blob(blob, WRONG, most_bytes=100)


async def test_two_adapters_share_one_cache_and_its_list(tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path / "cache")
    cache = TreeCache(settings.cache_dir, settings.cache_most_bytes)
    one, two = OrasRegistry(settings, cache), OrasRegistry(settings, cache)
    try:
        with HostileRegistry(FILES) as server:
            pinned = f"{server.host}/demo/bundle@{server.digest}"
            first = await one.pull(pinned, NOBODY)
            asked = len(server.requests)
            assert ((await two.pull(pinned, NOBODY)).root, len(server.requests)) == (first.root, asked)
        one.close()
        assert (await two.pull(pinned, NOBODY)).root == first.root  # it was not one's to close
    finally:
        two.close()
        cache.close()


async def test_nothing_of_a_password_is_written_to_the_disk(tmp_path: Path) -> None:
    with HostileRegistry(FILES, auth="basic") as server, opened(tmp_path) as registry:
        await registry.pull(server.image, GOOD)
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes()
    for name in ("accepted", "accepted.key"):
        assert (tmp_path / "cache" / name).stat().st_mode & 0o777 == 0o600
