"""Requests at the same time: no one is given up."""

from __future__ import annotations

import asyncio

import pytest

from packhouse.client.together import both, each


async def test_the_first_error_is_told_once_all_have_ended() -> None:
    ended: list[str] = []
    failed = asyncio.Event()

    async def fails(word: str) -> None:
        failed.set()
        raise ValueError(word)

    async def ends() -> str:
        await failed.wait()
        await asyncio.sleep(0)
        ended.append("whole")
        return "answer"

    with pytest.raises(ValueError, match="first"):
        await both(fails("first"), ends())
    with pytest.raises(ValueError, match="first"):
        await each([fails("first"), fails("second")])
    assert ended == ["whole"]
    assert await both(ends(), ends()) == ("answer", "answer")
