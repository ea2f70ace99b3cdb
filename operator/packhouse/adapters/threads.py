"""Runs calls of network.py in threads, as many as settings.fetch_parallel, each until its deadline.

One for each kind of source, built by its adapter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

from packhouse.api.errors import SourceUnreachable
from packhouse.settings import Settings

#: A thread that hangs where no socket can be shut (looking up a name) is left behind after this.
_GRACE_SECONDS: Final = 5.0

T = TypeVar("T")
C = TypeVar("C", bound="Call")


class Call(Protocol):
    """A Network, or what is made of one."""

    subject: str

    def __enter__(self) -> object: ...

    def __exit__(self, *_: object) -> None: ...

    @property
    def abort(self) -> Callable[[], None]: ...


class Threads:
    """`close` ends all calls under way."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(settings.fetch_parallel, thread_name_prefix=name)
        self._free = asyncio.Semaphore(settings.fetch_parallel)
        self._live: set[Call] = set()

    async def run(self, make: Callable[[], C], work: Callable[[C], T]) -> T:
        """`work` in a thread with the call that `make` gives (made when a thread is free: its deadline begins then).

        Canceled, or late, the call is aborted. Errors: those of `work`, SourceUnreachable.
        """
        async with self._free:
            loop = asyncio.get_running_loop()
            call = await loop.run_in_executor(self._pool, make)  # it may read authorities from a file
            self._live.add(call)
            seconds = self._settings.fetch_timeout_seconds
            watch = loop.call_later(seconds, call.abort)
            try:
                running = loop.run_in_executor(self._pool, _run, call, work)
                return await asyncio.wait_for(running, seconds + _GRACE_SECONDS)
            except TimeoutError:
                raise SourceUnreachable(
                    f"{call.subject}: the fetch was not done within {seconds:g} s "
                    "(looking up the host name, or the cache's disk, hangs)"
                ) from None
            finally:
                watch.cancel()
                call.abort()
                self._live.discard(call)

    def close(self) -> None:
        for call in list(self._live):
            call.abort()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _run(call: C, work: Callable[[C], T]) -> T:
    with call:
        return work(call)
