"""The door to the renderer (ports.Renderer): one connection per job to its Unix socket, every wait bounded.

Without settings.renderer_socket the renderer is a child process of ours, on a socket in a private folder, started
anew when it ends. What it answers is read by template/answers.py, which believes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self, TypeVar

from packhouse.api.errors import RendererUnavailable
from packhouse.ports import BundleContent, Json, Rendered, RenderJob
from packhouse.settings import PREFIX, Settings
from packhouse.template import answers, jobs, wire
from packhouse.template.limits import Limits

_log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

_CONNECT_SECONDS: Final = 5.0
_QUEUE_SECONDS: Final = 120.0  # what the renderer itself allows a job to wait
_MARGIN_SECONDS: Final = 15.0
_END_SECONDS: Final = 10.0
_BACKOFF_FIRST_SECONDS: Final = 0.2
_BACKOFF_MOST_SECONDS: Final = 30.0
_STEADY_SECONDS: Final = 60.0  # a renderer that lived this long is started at once the next time
_AT_ONCE_SECONDS: Final = 0.5
_JOBS_AT_ONCE: Final = 16
_FRAME_SLACK_BYTES: Final = 64 * 1024

#: What a child inherits: where Python and our code are, how to log, and the limits. No token, no kubeconfig.
_INHERITED: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "TZ")
_TOLD: Final = (
    *("render_workers", "render_timeout_seconds", "render_memory_bytes", "render_output_most_bytes"),
    "helm_program",
)


class RendererClient:
    """`async with` it, or start() and close(). Safe to call from many tasks at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = Limits.from_settings(settings)
        self._places = asyncio.Semaphore(_JOBS_AT_ONCE)
        self._child: ChildRenderer | None = None
        self._socket = Path(settings.renderer_socket) if settings.renderer_socket else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Starts the child where no socket was given; it serves within a second or two."""
        if self._socket is None:
            self._child = ChildRenderer(self._settings)
            self._socket = await self._child.start()

    async def close(self) -> None:
        """Ends the child, if there is one."""
        if self._child is not None:
            await self._child.close()
            self._child, self._socket = None, None

    async def render(self, job: RenderJob) -> Rendered:
        """See ports.Renderer."""
        return await self._ask(jobs.pack_render(job), answers.read_render)

    async def read_bundle(self, files: Mapping[str, bytes], schemas: Mapping[str, Json]) -> BundleContent:
        """See ports.Renderer."""
        return await self._ask(jobs.pack_bundle(files, schemas), answers.read_bundle)

    async def _ask(self, job: wire.Frame, read: Callable[[bytes], _Answer]) -> _Answer:
        if job.size > self._limits.request_most_bytes:
            raise self._limits.request_exceeded(job.size)
        whole = self._limits.seconds + _QUEUE_SECONDS + _MARGIN_SECONDS
        try:
            async with asyncio.timeout(whole), self._places:
                answer = await self._exchange_anew(job)
        except TimeoutError:
            raise self._unavailable(f"it did not answer within {whole:g} s") from None
        except (OSError, asyncio.IncompleteReadError) as error:
            raise self._unavailable(f"it ended while a job ran ({type(error).__name__})") from error
        except wire.WireError as error:
            raise self._unavailable(f"it sent {error}") from error
        return await asyncio.to_thread(read, answer)  # up to tens of MiB of JSON

    async def _exchange_anew(self, job: wire.Frame) -> bytes:
        """Once more where a connection breaks at once: it was the last breath of a renderer that is being replaced."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await self._exchange(job)
        except (OSError, asyncio.IncompleteReadError):
            if loop.time() - began > _AT_ONCE_SECONDS:
                raise
        await asyncio.sleep(_BACKOFF_FIRST_SECONDS * (1 + random.random()))  # noqa: S311 - jitter, no secret
        return await self._exchange(job)

    async def _exchange(self, job: wire.Frame) -> bytes:
        reader, writer = await self._connect()
        try:
            # A refusal may come before the whole job is taken, so both directions go at once.
            sending = asyncio.create_task(_send(writer, job))
            try:
                answer = await wire.receive(reader, self._limits.output_most_bytes + _FRAME_SLACK_BYTES)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            return answer.header
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Tries again for a while: a renderer that is being started is there in a moment."""
        if self._socket is None:
            raise RendererUnavailable("the renderer was not started, or is closed")
        delay = 0.02
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CONNECT_SECONDS
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    return await asyncio.open_unix_connection(str(self._socket))
            except TimeoutError:
                raise self._unavailable(f"nothing took the connection within {_CONNECT_SECONDS:g} s") from None
            except OSError as error:
                if loop.time() + delay > deadline:
                    raise self._unavailable(error.strerror or type(error).__name__) from error
            await asyncio.sleep(delay)
            delay = min(delay * 1.5, 0.5)

    def _unavailable(self, why: str) -> RendererUnavailable:
        return RendererUnavailable(
            f"the renderer on {self._socket} cannot be used: {why}; see its log, or {PREFIX}RENDERER_SOCKET"
        )


async def _send(writer: asyncio.StreamWriter, job: wire.Frame) -> None:
    writer.writelines(job.chunks())
    await writer.drain()


class ChildRenderer:
    """`packhouse renderer` as a child process, started anew with a growing delay when it ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder: Path | None = None
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> Path:
        """The socket that it serves on. Raises RendererUnavailable if no process can be started at all."""
        self._folder = Path(tempfile.mkdtemp(prefix="packhouse-renderer-"))
        path = self._folder / "socket"
        try:
            self._process = await self._spawn(path)
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise RendererUnavailable(f"the renderer cannot be started: {error.strerror}") from error
        self._keeper = asyncio.create_task(self._keep(path, self._process), name="keep the renderer")
        return path

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._process is not None:
            await _end(self._process)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _keep(self, path: Path, process: Process) -> None:
        delay = _BACKOFF_FIRST_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            born = loop.time()
            code = await process.wait()
            _release(process)
            if loop.time() - born > _STEADY_SECONDS:
                delay = _BACKOFF_FIRST_SECONDS
            _log.warning("the renderer ended (%s), starting it anew in %.1f s", code, delay)
            await asyncio.sleep(delay * (1 + random.random() / 4))  # noqa: S311 - jitter, no secret
            delay = min(delay * 2, _BACKOFF_MOST_SECONDS)
            try:
                self._process = process = await self._spawn(path)
            except OSError as error:
                _log.warning("the renderer cannot be started: %s", error.strerror)

    async def _spawn(self, path: Path) -> Process:
        settings = self._settings
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        for name in _TOLD:
            environment[PREFIX + name.upper()] = str(getattr(settings, name))
        environment[PREFIX + "LOG_LEVEL"] = settings.log_level
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "packhouse.cli.renderer", "--socket", str(path), "--parent-watch"),
            stdin=PIPE,  # its end is how the child learns that we are gone
            stdout=DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    _release(process)


def _release(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    process._transport.close()  # type: ignore[attr-defined] # asyncio offers no public way to close the pipes
