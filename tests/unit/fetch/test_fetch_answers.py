"""One question is asked once; its answer is held for as long as it may be old."""

from __future__ import annotations

import asyncio

import pytest

from packhouse.api.errors import FetchFailed
from packhouse.fetch.answers import Answers


class Source:
    """Counts what it is asked; `gate` holds the answers back."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.asked += 1
        mine = self.asked
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return mine


@pytest.fixture
def source() -> Source:
    return Source()


async def test_an_answer_is_as_old_as_its_question(source: Source) -> None:
    now = 0.0
    answers: Answers[int] = Answers(lambda: now)
    asking = asyncio.create_task(answers.get("k", 10.0, source))
    await asyncio.sleep(0)
    now = 8.0
    source.gate.set()
    assert await asking == 1
    assert await answers.get("k", 10.0, source) == 1
    now = 10.0
    assert await answers.get("k", 10.0, source) == 2


async def test_who_comes_while_it_is_asked_waits_for_that_answer(source: Source) -> None:
    answers: Answers[int] = Answers()
    waiting = [asyncio.create_task(answers.get("k", 0.0, source)) for _ in range(5)]
    other = asyncio.create_task(answers.get("other", 0.0, source))
    await asyncio.sleep(0)
    source.gate.set()
    assert (await asyncio.gather(*waiting), await other, source.asked) == ([1] * 5, 2, 2)


async def test_an_error_is_told_to_the_same_alone_and_held_for_nobody(source: Source) -> None:
    answers: Answers[int] = Answers()
    source.error = FetchFailed("of one")
    one = [asyncio.create_task(answers.get("k", 9.0, source, who="one")) for _ in range(3)]
    two = asyncio.create_task(answers.get("k", 9.0, source, who="two"))
    await asyncio.sleep(0)
    source.gate.set()
    found = await asyncio.gather(*one, two, return_exceptions=True)
    assert ([str(error) for error in found], source.asked) == (["of one"] * 4, 2)
    source.error = None
    assert await answers.get("k", 9.0, source) == 3


async def test_where_who_asked_is_canceled_another_one_asks(source: Source) -> None:
    answers: Answers[int] = Answers()
    first, *others = [asyncio.create_task(answers.get("k", 0.0, source)) for _ in range(4)]
    await asyncio.sleep(0)
    first.cancel()
    for _ in range(3):  # until one of the others asks
        await asyncio.sleep(0)
    source.gate.set()
    assert (await asyncio.gather(*others), source.asked) == ([2, 2, 2], 2)
    assert first.cancelled()


async def test_one_who_waits_may_be_canceled_without_the_others(source: Source) -> None:
    answers: Answers[int] = Answers()
    first, second, third = [asyncio.create_task(answers.get("k", 0.0, source)) for _ in range(3)]
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert (await first, await third, source.asked, second.cancelled()) == (1, 1, 1, True)


async def test_no_more_answers_are_held_than_is_said(source: Source) -> None:
    answers: Answers[int] = Answers(held_most=2)
    source.gate.set()
    for key in "abc":
        await answers.get(key, 60.0, source)
    assert [await answers.get(key, 60.0, source) for key in "bca"] == [2, 3, 4]


async def test_heavy_answers_leave_room_for_fewer_and_too_heavy_ones_are_not_held(source: Source) -> None:
    answers: Answers[int] = Answers(held_most=5, weight=lambda answer: {1: 3, 2: 2, 3: 6}.get(answer, 4))
    source.gate.set()
    for key in "ab":
        await answers.get(key, 60.0, source)
    assert [await answers.get(key, 60.0, source) for key in "ab"] == [1, 2]
    await answers.get("c", 60.0, source)  # 3, which weighs 6
    assert [await answers.get(key, 60.0, source) for key in "cc"] == [4, 4]
    assert await answers.get("a", 60.0, source) == 5
