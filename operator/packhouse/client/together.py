"""Requests that go out at the same time. All are waited for, whatever becomes of one of them.

One that is given up while its connection is being opened leaves it half open when the command ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar, cast

A = TypeVar("A")
B = TypeVar("B")


async def both(one: Awaitable[A], other: Awaitable[B]) -> tuple[A, B]:
    """Both answers; the first error in their order."""
    first, second = await each(cast("list[Awaitable[object]]", [one, other]))
    return cast("A", first), cast("B", second)


async def each(calls: Iterable[Awaitable[A]]) -> list[A]:
    """All answers in order; the first error in their order."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return cast("list[A]", answers)
