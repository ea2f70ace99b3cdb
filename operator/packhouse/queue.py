"""One keyed queue: each key is worked on by one worker at a time, however often it is added.

A key that is added while it is being worked on runs once more afterwards. Delays keep the earliest due time. What a
reconcile returns (seconds until the next look, or None) is the next due time; an addition by a watch comes before it.
Work that has nothing left to do but wait is parked: it goes on, and its place among the workers is another's.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

log = logging.getLogger(__name__)


class Key(NamedTuple):
    """An object to reconcile. `kind` is the word of the API, `namespace` is "" for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


#: Reconciles a key; seconds until it should be looked at again, None for not before something changes.
Work = Callable[[Key], Awaitable[float | None]]

#: What to do after a bug of ours: seconds to wait.
BUG_SECONDS: Final = 30.0


class Queue:
    """Keys and due times. All methods belong to one event loop."""

    def __init__(self, work: Work, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._clock = clock
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._serial = itertools.count()
        self._busy: set[Key] = set()
        self._parked: set[Key] = set()
        self._at_work: dict[Key, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._jobs: asyncio.Queue[Key] = asyncio.Queue()
        self._free = 0  # how many more keys may be worked on now
        self._spare = 0  # how many may be parked

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        """Make `key` due; an earlier due time stands."""
        due = self._clock() + after_seconds
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._heap, (due, next(self._serial), key))
            self._wake.set()

    def forget(self, key: Key) -> None:
        """The object is gone: no further look at it."""
        self._due.pop(key, None)

    def __len__(self) -> int:
        return len(self._due)

    def is_due(self, key: Key) -> bool:
        """Whether `key` was added and its time has come: what works on it now works on something older."""
        return self._due.get(key, float("inf")) <= self._clock()

    def is_busy(self, key: Key) -> bool:
        """Whether `key` is being worked on, and be it that the work only waits."""
        return key in self._busy

    def is_working(self, key: Key) -> bool:
        """Whether `key` is being worked on and is not parked."""
        return key in self._busy and key not in self._parked

    def park(self, key: Key) -> None:
        """The work on `key` only waits from here on: another key may have its place, for `spare` keys at a time."""
        if key in self._busy and key not in self._parked and len(self._parked) < self._spare:
            self._parked.add(key)
            self._free += 1
            self._wake.set()

    async def let_go(self) -> None:
        """End the work that only waits. For the end of the process: whoever begins next waits again."""
        tasks = [self._at_work[key] for key in self._parked]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def run(self, workers: int, spare: int = 0) -> None:
        """Work until cancelled: `workers` keys at a time, and up to `spare` that are parked."""
        self._free, self._spare = workers, spare
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hand_out())
            for _ in range(workers + spare):
                group.create_task(self._worker())

    async def _worker(self) -> None:
        while True:
            key = await self._jobs.get()
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a coroutine runs in a task
            self._at_work[key] = task
            delay: float | None = BUG_SECONDS
            try:
                delay = await self._work(key)
            except Exception:
                log.exception("%s: reconcile ended with a bug", key)
            finally:
                self._done(key)
            if delay is not None:
                self.add(key, delay)

    def _done(self, key: Key) -> None:
        del self._at_work[key]
        self._busy.discard(key)
        if key in self._parked:
            self._parked.discard(key)
        else:
            self._free += 1
        self._wake.set()

    async def _hand_out(self) -> None:
        while True:
            key, wait = self._next() if self._free > 0 else (None, None)
            if key is not None:
                self._free -= 1
                self._jobs.put_nowait(key)
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(wait):  # wait_for would make a task, and kopf waits for younger ones
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _next(self) -> tuple[Key | None, float | None]:
        """A key that is due and not being worked on, or the seconds until there may be one."""
        now, waiting = self._clock(), []
        try:
            while self._heap:
                due, serial, key = self._heap[0]
                if self._due.get(key) != due:  # forgotten, or due earlier by now
                    heapq.heappop(self._heap)
                elif due > now:
                    return None, due - now
                else:
                    heapq.heappop(self._heap)
                    if key not in self._busy:
                        del self._due[key]
                        self._busy.add(key)
                        return key, None
                    waiting.append((due, serial, key))
            return None, None
        finally:
            for item in waiting:
                heapq.heappush(self._heap, item)
