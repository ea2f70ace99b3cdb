"""Hosts that give no answer: who waits for them, for how long they are left alone, and what is never held back.

Real: QuietHosts around a registry. Faked: the registry, which is silent for as long as the test says; the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes_sources import origins
from house import TownRegistry
from packhouse.api.errors import AuthenticationFailed, NameUnresolved, PackhouseError, SourceUnreachable
from packhouse.ports import Access, Proxy
from packhouse.reconcile.quiet import MOST_SECONDS, QuietHosts, _shown

AWAY = SourceUnreachable("took no connection")
HERE = Access()


@dataclass
class Town:
    """A host that gives an answer, or `error`; `asked` counts what reached it."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    asked: int = 0
    error: PackhouseError | None = None
    hosts: QuietHosts = field(init=False)

    def __post_init__(self) -> None:
        self.hosts = QuietHosts(lambda: self.now)

    async def ask(self, host: str = "a.test", proxy: Proxy | None = None) -> str:
        async def question() -> str:
            self.asked += 1
            if self.error is not None:
                raise self.error
            return "answer"

        return await self.hosts.ask(host, proxy, "the same", question)

    async def refused(self, *where: Any) -> None:
        assert self.error is not None
        with pytest.raises(type(self.error)) as refused:
            await self.ask(*where)
        assert refused.value.message == self.error.message


@pytest.mark.parametrize("error", [AWAY, NameUnresolved("no such name")], ids=["silent", "unknown"])
async def test_a_silent_host_is_left_alone_for_a_while(error: PackhouseError) -> None:
    town = Town(error=error)
    for _ in range(5):
        await town.refused()
    assert town.asked == 1
    town.now += timedelta(seconds=2)
    await town.refused()
    assert town.asked == 2


async def test_the_while_grows_up_to_the_most_and_ends_with_an_answer() -> None:
    town = Town(error=AWAY)
    waits = []
    for _ in range(8):
        before, start = town.asked, town.now
        while town.asked == before:
            town.now += timedelta(seconds=0.5)
            await town.refused()
        waits.append((town.now - start).total_seconds())
    assert waits == sorted(waits)
    assert waits[-1] == MOST_SECONDS
    town.error = None
    town.now += timedelta(seconds=MOST_SECONDS)
    assert await town.ask() == "answer"
    town.error = AWAY
    before = town.asked
    await town.refused()
    assert town.asked == before + 1, "an answer forgets the silence"


async def test_others_go_on() -> None:
    town = Town(error=AWAY)
    await town.refused("a.test")
    for where in (("b.test",), ("a.test:5000",), ("a.test", Proxy("http://p.test:1"))):
        before = town.asked
        await town.refused(*where)
        assert town.asked == before + 1


async def test_a_host_that_says_no_is_not_silent() -> None:
    town = Town(error=AuthenticationFailed("no"))
    for _ in range(3):
        await town.refused()
    assert town.asked == 3


async def test_one_asks_and_the_others_do_not_wait() -> None:
    """A host whose packets are dropped: a hundred that ask for it are all told at once, but for the one that tries."""
    town = Town(error=AWAY)
    await town.refused()
    town.now += timedelta(seconds=5)
    silent = asyncio.Event()

    async def hangs() -> str:
        town.asked += 1
        await silent.wait()
        raise AWAY

    first = asyncio.create_task(town.hosts.ask("a.test", None, "the same", hangs))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        for _ in range(100):
            with pytest.raises(SourceUnreachable):
                await town.hosts.ask("a.test", None, "the same", hangs)
    assert town.asked == 2
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    town.error = None
    assert await town.ask() == "answer", "who is canceled does not hold the others"


async def test_a_clock_that_is_set_back_holds_nobody() -> None:
    town = Town(error=AWAY)
    await town.refused()
    town.now -= timedelta(days=1)
    await town.refused()
    assert town.asked == 2


async def test_the_wait_that_a_host_names_is_kept_within_reason() -> None:
    town = Town(error=SourceUnreachable("busy", retry_after_seconds=100_000))
    await town.refused()
    town.now += timedelta(seconds=299)
    await town.refused()
    assert town.asked == 1
    town.now += timedelta(seconds=2)
    await town.refused()
    assert town.asked == 2


DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("asks", "expected"),
    [
        pytest.param(lambda registry: registry.resolve("a.test/x:2", HERE), 0, id="another tag"),
        pytest.param(lambda registry: registry.tags("a.test/x", HERE), 0, id="tags"),
        pytest.param(lambda registry: registry.resolve(f"a.test/x@{DIGEST}", HERE), 1, id="a digest"),
        pytest.param(lambda registry: registry.pull(f"a.test/x@{DIGEST}", HERE), 1, id="content"),
        pytest.param(lambda registry: registry.resolve("b.test/x:1", HERE), 1, id="another host"),
    ],
)
async def test_what_is_named_by_its_digest_is_never_held_back(
    tmp_path: Path, asks: Callable[[Any], Awaitable[Any]], expected: int
) -> None:
    town, away = Town(), TownRegistry(tmp_path)
    away.away = AWAY
    registry = town.hosts.around(origins(away)).registry
    with pytest.raises(SourceUnreachable):
        await registry.resolve("a.test/x:1", HERE)
    assert len(away.requests) == 1
    with pytest.raises(SourceUnreachable):
        await asks(registry)
    assert len(away.requests) == 1 + expected


async def test_nobody_is_told_what_another_one_asked_for(tmp_path: Path) -> None:
    town, away = Town(), TownRegistry(tmp_path)
    away.away = SourceUnreachable("a.test/team-a/secret-project:1: registry a.test: took no connection")
    registry = town.hosts.around(origins(away)).registry
    messages = []
    for image in ("a.test/team-a/secret-project:1", "a.test/team-a/secret-project:1", "a.test/team-b/web:1"):
        with pytest.raises(SourceUnreachable) as refused:
            await registry.resolve(image, HERE)
        messages.append(refused.value.message)
    assert messages[0] == messages[1] == away.away.message
    assert messages[2] == "a.test/team-b/web:1: a.test: it gave no answer a moment ago; it is asked again soon"
    assert len(away.requests) == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("https://me:hush@a.test/x?token=hush", "https://a.test/x", id="user and query"),
        pytest.param("https://a.test", "https://a.test", id="a host alone"),
        pytest.param("git@a.test:x/y", "a.test:x/y", id="the short form"),
    ],
)
def test_what_is_asked_for_is_shown_without_secrets(url: str, shown: str) -> None:
    assert _shown(url) == shown
