"""The renderer's workers: processes of their own, one job at a time each, ended and replaced when they break a limit.

Used by template/server.py. A worker is a fresh interpreter with an empty environment on two pipes, not a fork: what
the renderer holds in memory or in open files never reaches it. One broken worker fails its own job only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from packhouse.api.errors import PackhouseError, RendererUnavailable
from packhouse.template import wire
from packhouse.template.limits import OUT_OF_MEMORY, Limits, crashed

_log = logging.getLogger(__name__)

_START_SECONDS: Final = 30.0
_END_SECONDS: Final = 5.0
_BACKOFF_MOST_SECONDS: Final = 30.0
_FRAME_SLACK_BYTES: Final = 64 * 1024  # an error message may be larger than a tiny output limit

#: All that a worker's environment may hold: where Python finds our own code, if it was told.
_ENVIRONMENT: Final = ("PYTHONPATH", "PYTHONHOME")


@dataclass(frozen=True, slots=True)
class PoolSize:
    """How many workers there are, and how long the queue before them may be."""

    workers: int
    waiting_most: int = 64
    waiting_seconds: float = 120.0
    jobs_per_worker: int = 200  # then it is replaced: what a library leaks, leaks this often


class WorkerPool:
    """`async with` it; then `turn()` waits for a worker, and the turn runs one job."""

    def __init__(self, size: PoolSize, limits: Limits) -> None:
        self.size = size
        self.limits = limits
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._workers: set[Worker] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._waiting = 0

    async def __aenter__(self) -> WorkerPool:
        for _ in range(self.size.workers):
            self._replace()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        await asyncio.gather(*(worker.end() for worker in self._workers))
        self._workers.clear()

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self._workers if worker.alive]

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[Worker]:
        """A worker for one job. RendererUnavailable when the queue is full or the wait too long."""
        worker = await self._wait()
        try:
            yield worker
        finally:
            if worker.alive and worker.jobs < self.size.jobs_per_worker:
                self._free.put_nowait(worker)
            else:
                self._workers.discard(worker)
                self._replace(worker)

    async def _wait(self) -> Worker:
        if self._waiting >= self.size.waiting_most:
            raise RendererUnavailable(
                f"the renderer has {self._waiting} jobs waiting and takes no more; it is tried again, "
                "and more PACKHOUSE_RENDER_WORKERS shorten the queue"
            )
        self._waiting += 1
        try:
            async with asyncio.timeout(self.size.waiting_seconds):
                while not (worker := await self._free.get()).alive:
                    self._workers.discard(worker)
                    self._replace(worker)
                return worker
        except TimeoutError:
            raise RendererUnavailable(
                f"no worker of the renderer became free within {self.size.waiting_seconds:g} s; it is tried again, "
                "and more PACKHOUSE_RENDER_WORKERS shorten the queue"
            ) from None
        finally:
            self._waiting -= 1

    def _replace(self, old: Worker | None = None) -> None:
        task = asyncio.create_task(self._start(old), name="start a render worker")
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start(self, old: Worker | None) -> None:
        if old is not None:
            await old.end()
        delay = 0.5
        while True:
            try:
                worker = await Worker.start(self.limits)
            except (OSError, RendererUnavailable) as error:
                _log.warning("a render worker does not start, trying again in %.1f s: %s", delay, error)
                await asyncio.sleep(delay * (1 + random.random() / 4))  # noqa: S311 - jitter, no secret
                delay = min(delay * 2, _BACKOFF_MOST_SECONDS)
                continue
            self._workers.add(worker)
            self._free.put_nowait(worker)
            return


class Worker:
    """One process and its pipes."""

    def __init__(self, process: Process, limits: Limits) -> None:
        assert process.stdin is not None  # noqa: S101 - asked for below; for the type checker
        assert process.stdout is not None  # noqa: S101 - asked for below; for the type checker
        self._process = process
        self._jobs = process.stdin
        self._answers = process.stdout
        self._limits = limits
        self._usable = True
        self.jobs = 0

    @classmethod
    async def start(cls, limits: Limits, environment: Mapping[str, str] = os.environ) -> Worker:
        told = json.dumps(asdict(limits) | {"parent": os.getpid()})
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "packhouse.template.worker", told),
            stdin=PIPE,
            stdout=PIPE,
            env={name: environment[name] for name in _ENVIRONMENT if name in environment},
            cwd="/",
            start_new_session=True,
        )
        worker = cls(process, limits)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await wire.receive(worker._answers, _FRAME_SLACK_BYTES)
        except (TimeoutError, asyncio.IncompleteReadError, wire.WireError) as error:
            await worker.end()
            raise RendererUnavailable(f"a render worker did not start ({type(error).__name__})") from error
        except BaseException:
            await worker.end()
            raise
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._usable and self._process.returncode is None

    async def run(self, job: wire.Frame) -> wire.Frame:
        """The answer to one job. Raises RenderLimitExceeded, and RendererUnavailable if somebody else ended it."""
        self.jobs += 1
        answered = False
        try:
            async with asyncio.timeout(self._limits.seconds):
                answer = await self._exchange(job)
            answered = True
        except TimeoutError:
            raise self._limits.time_exceeded() from None
        except wire.WireError:
            raise self._limits.output_exceeded() from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise await self._why_it_ended() from None
        finally:
            self._usable = answered
        self._usable = not answer.flags & wire.LAST
        return answer

    async def _exchange(self, job: wire.Frame) -> wire.Frame:
        self._jobs.writelines(job.chunks())
        await self._jobs.drain()
        return await wire.receive(self._answers, self._limits.output_most_bytes + _FRAME_SLACK_BYTES)

    async def _why_it_ended(self) -> PackhouseError:
        """The pipes closed by themselves; our own kills come later, in `end`."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                code = await self._process.wait()
        except TimeoutError:
            return crashed("it closed its pipes")
        if code == -signal.SIGXCPU:
            return self._limits.cpu_exceeded()
        if code == OUT_OF_MEMORY:
            return self._limits.memory_exceeded()
        if code == -signal.SIGKILL:
            return RendererUnavailable(
                "a render worker was killed from outside, most often because the container's memory limit is below "
                "PACKHOUSE_RENDER_WORKERS times PACKHOUSE_RENDER_MEMORY_BYTES; it is tried again"
            )
        return crashed(signal.Signals(-code).name if code < 0 else f"exit code {code}")

    async def end(self) -> None:
        """Kills it; a worker has nothing to tidy up."""
        self._usable = False
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._jobs.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        self._process._transport.close()  # type: ignore[attr-defined] # asyncio offers no public way to close the pipes
