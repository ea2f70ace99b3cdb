"""Work on what a stranger wrote, ended when it takes too long. The operator has a process of its own for that."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from packhouse.api.errors import PackhouseError

_TICK_SECONDS: Final = 0.01
_TIDYING: Final = ("weakref.py", "_weakrefset.py")


@contextmanager
def at_most(seconds: float, error: PackhouseError) -> Iterator[None]:
    """Raises `error` in the middle of what is done inside. Signals are heard by the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ended(_: int, frame: FrameType | None) -> None:
        # What is raised while Python tidies up is lost, and so is the time: the next tick comes soon.
        if frame is None or not frame.f_code.co_filename.endswith(_TIDYING):
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise error

    before = signal.signal(signal.SIGALRM, ended)
    waiting, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _TICK_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, waiting, interval)
        signal.signal(signal.SIGALRM, before)
