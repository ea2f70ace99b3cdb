"""The renderer's door: a Unix socket that takes one job per connection and hands it to a worker.

Run by cli/renderer.py. A job is read from its connection only when a worker is free, so what waits costs no memory;
a client that goes away ends its job.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import stat
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from packhouse.api.errors import InvalidSpec, PackhouseError, RendererUnavailable
from packhouse.template import wire
from packhouse.template.answers import error_answer
from packhouse.template.limits import Limits

_log = logging.getLogger(__name__)

_TRANSFER_SECONDS: Final = 60.0  # for a job to arrive and for an answer to be taken
_PATH_MOST: Final = 100  # bytes; the kernel takes 108 at most


class Worker(Protocol):
    """What runs one job (adapters/worker_pool.py)."""

    async def run(self, job: wire.Frame) -> wire.Frame: ...


class Pool(Protocol):
    """Where workers come from."""

    limits: Limits

    def turn(self) -> contextlib.AbstractAsyncContextManager[Worker]: ...


@asynccontextmanager
async def serving(pool: Pool, path: Path) -> AsyncIterator[None]:
    """Serves on `path` while the block runs. Raises InvalidSpec where the socket cannot be made there."""
    listener, own = _listen(path)
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(_serve_one(pool, reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_unix_server(accept, sock=listener)
    try:
        yield
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        _remove(path, own)


def _listen(path: Path) -> tuple[socket.socket, int]:
    """A socket that nobody but this user can connect to, in the place of a stale one; and its inode."""
    if len(bytes(path)) > _PATH_MOST:
        raise InvalidSpec(f"socket {path}: the path has over {_PATH_MOST} bytes; choose a shorter one")
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)  # nobody can connect before listen()
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise InvalidSpec(f"socket {path} cannot be made: {error.strerror}") from error
    return listener, path.stat().st_ino


def _remove(path: Path, own: int) -> None:
    """Unless somebody put another one there."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_ino == own:
            path.unlink()


def _clear(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise InvalidSpec(f"socket {path}: something that is no socket is there; choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise InvalidSpec(f"socket {path}: another renderer answers there; end it or choose another path")


async def _serve_one(pool: Pool, reader: StreamReader, writer: StreamWriter) -> None:
    try:
        try:
            answer = await _answer(pool, reader)
        except PackhouseError as error:
            answer = wire.frame(error_answer(error))
        if answer is not None:
            writer.writelines(answer.chunks())
            async with asyncio.timeout(_TRANSFER_SECONDS):
                await writer.drain()
    except (OSError, TimeoutError, wire.WireError, asyncio.IncompleteReadError) as error:
        _log.warning("a connection ended early: %s", type(error).__name__)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _answer(pool: Pool, reader: StreamReader) -> wire.Frame | None:
    """None where the client left before there was an answer; its worker is then given back or ended."""
    async with pool.turn() as worker:
        try:
            async with asyncio.timeout(_TRANSFER_SECONDS):
                job = await wire.receive(reader, pool.limits.request_most_bytes)
        except wire.WireError as error:
            raise RendererUnavailable(f"the renderer was asked in a way it does not know: {error}") from error
        running = asyncio.create_task(worker.run(job))
        leaving = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return await running if running.done() else None
        finally:
            for task in (running, leaving):
                task.cancel()
            await asyncio.gather(running, leaving, return_exceptions=True)
