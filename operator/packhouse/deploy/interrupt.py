"""Requests that may hang, such as at a webhook that never answers, do not hold a reconcile that is over.

For reads and dry runs. A write is waited for to its end: one that lands later could undo a newer one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: How often it is asked whether the work is still wanted.
TURN_SECONDS: Final = 0.5


async def unless_stopped(work: Coroutine[Any, Any, T], stop: Callable[[], None]) -> T:
    """What `work` gives. Where `stop` raises meanwhile, the work is cancelled, and that is raised."""
    task = asyncio.create_task(work)
    try:
        while not (await asyncio.wait({task}, timeout=TURN_SECONDS))[0]:
            stop()
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
