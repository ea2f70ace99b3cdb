"""Ctrl-C, SIGTERM and SIGHUP while something is written: heard, but never in the middle of a write.

Called by making.py.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def to_its_end(action: Coroutine[Any, Any, T], *, then: type[BaseException] | None = None) -> T:
    """A write that is under way when we are interrupted is waited for, since only its answer says what it made.

    `then`: raised afterwards, where we were interrupted.
    """
    task, interrupted = asyncio.ensure_future(action), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            interrupted = True
        except Exception:
            break  # it is the task's, and told below
    if interrupted and then is not None:
        with suppress(Exception):
            task.result()
        raise then
    return task.result()


@contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """SIGTERM, and SIGHUP when the terminal goes, end this task as Ctrl-C does: there is a moment to take things back.
    What is not heard already stays so, as under nohup."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    numbers = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]
    try:
        assert task is not None  # noqa: S101 - we run in one
        for number in numbers:
            loop.add_signal_handler(number, task.cancel)
    except (NotImplementedError, RuntimeError, ValueError):  # not the main thread, or no such signals
        yield
        return
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextmanager
def deaf() -> Iterator[None]:
    """Ctrl-C is not heard: asyncio would end everything at the second one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
