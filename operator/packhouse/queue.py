"""One keyed queue: each key is worked on by one worker at a time, however often it is added.

A key that is added while it is being worked on runs once more afterwards. Delays keep the earliest due time. What a
reconcile returns (seconds until the next look, or None) is the next due time; an addition by a watch comes before it.
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
        self._wake = asyncio.Event()

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

    async def run(self, workers: int) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker())

    async def _worker(self) -> None:
        while True:
            key = await self._take()
            delay: float | None = BUG_SECONDS
            try:
                delay = await self._work(key)
            except Exception:
                log.exception("%s: reconcile ended with a bug", key)
            finally:
                self._busy.discard(key)
                self._wake.set()
            if delay is not None:
                self.add(key, delay)

    async def _take(self) -> Key:
        while True:
            key, wait = self._next()
            if key is not None:
                return key
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
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
