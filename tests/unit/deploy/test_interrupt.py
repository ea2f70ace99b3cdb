"""Work that hangs ends when it is no longer wanted, and not before."""

from __future__ import annotations

import asyncio

import pytest

from packhouse.api.errors import Forbidden, Superseded
from packhouse.deploy import interrupt
from packhouse.deploy.interrupt import unless_stopped


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt, "TURN_SECONDS", 0.01)


def wanted() -> None:
    """It goes on."""


def over() -> None:
    raise Superseded("another spec")


async def gives(answer: str, seconds: float = 0.0) -> str:
    await asyncio.sleep(seconds)
    return answer


async def test_what_it_gives_is_given_on() -> None:
    assert await unless_stopped(gives("yes", 0.03), wanted) == "yes"


async def test_what_is_quick_is_never_asked_about() -> None:
    assert await unless_stopped(gives("yes"), over) == "yes"


async def test_its_error_is_its_own() -> None:
    async def fails() -> None:
        raise Forbidden("no")

    with pytest.raises(Forbidden):
        await unless_stopped(fails(), wanted)


async def test_what_hangs_is_cancelled_once_it_is_not_wanted() -> None:
    ended: list[str] = []

    async def hangs() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    with pytest.raises(Superseded):
        await unless_stopped(hangs(), over)
    assert ended == ["cancelled"]


async def test_who_is_cancelled_takes_the_work_along() -> None:
    ended: list[str] = []

    async def hangs() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    waiting = asyncio.create_task(unless_stopped(hangs(), wanted))
    await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["cancelled"]
