"""The renderer as a process, and what answers in its place. Real: `packhouse renderer`, its socket, its workers; the
hostile renderers are a few lines on a socket. Asserted: errors by class, and that the next job is served.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from packhouse.adapters.renderer_client import RendererClient
from packhouse.adapters.worker_pool import PoolSize, WorkerPool
from packhouse.api.errors import InvalidSpec, RendererUnavailable, RenderLimitExceeded
from packhouse.settings import MIB, Settings
from packhouse.template import wire
from packhouse.template.limits import Limits
from packhouse.template.server import serving
from render_jobs import config_map, job

SETTINGS = Settings(render_timeout_seconds=20, render_workers=1)
GOOD = job({"a.yml": config_map()})
LOOPS = job({"a.yml": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"})


def child_of(client: RendererClient) -> int:
    assert client._child is not None
    assert client._child.pid is not None
    return client._child.pid


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_renderer_that_is_killed_fails_the_running_job_and_comes_back() -> None:
    async with RendererClient(SETTINGS) as client:
        assert len((await client.render(GOOD)).objects) == 1
        before = child_of(client)
        workers = children(before)
        running = asyncio.create_task(client.render(LOOPS))
        await asyncio.sleep(0.8)  # what breaks within half a second is asked once more
        os.kill(before, signal.SIGKILL)
        with pytest.raises(RendererUnavailable):
            await running
        assert len((await client.render(GOOD)).objects) == 1
        assert child_of(client) != before
        assert [await gone(pid) for pid in workers] == [True] * len(workers)


async def test_closing_ends_the_renderer_its_workers_and_its_folder() -> None:
    async with RendererClient(SETTINGS) as client:
        await client.render(GOOD)
        pid = child_of(client)
        pids = [pid, *children(pid)]
        assert client._socket is not None
        folder = client._socket.parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(client._socket.stat().st_mode) == 0o600
    assert [await gone(pid) for pid in pids] == [True] * len(pids)
    assert not folder.exists()
    with pytest.raises(RendererUnavailable, match="not started, or is closed"):
        await client.render(GOOD)


async def test_a_client_that_leaves_ends_its_job() -> None:
    async with RendererClient(SETTINGS) as client:
        await client.render(GOOD)
        workers = children(child_of(client))
        running = asyncio.create_task(client.render(LOOPS))
        await asyncio.sleep(0.3)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert len((await client.render(GOOD)).objects) == 1  # there is one worker only
        assert await gone(workers[0])


async def test_a_job_larger_than_the_memory_allows_is_refused_at_once() -> None:
    client = RendererClient(Settings(render_memory_bytes=2 * MIB))
    with pytest.raises(RenderLimitExceeded, match=r"its files are .* PACKHOUSE_RENDER_MEMORY_BYTES"):
        await client.render(job({"a": b"x" * (1 * MIB + 1)}))


@pytest.mark.timeout(30)
async def test_a_renderer_that_is_not_there_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packhouse.adapters.renderer_client._CONNECT_SECONDS", 0.2)
    client = RendererClient(Settings(renderer_socket=str(tmp_path / "none")))
    with pytest.raises(RendererUnavailable, match="PACKHOUSE_RENDERER_SOCKET"):
        await client.render(GOOD)


# ---- hostile answers -------------------------------------------------------------------------------------

PREFIX = wire.Frame(b"").chunks()[0]
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "another protocol": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "half a frame": b"".join(wire.frame({"objects": [], "warnings": [], "asked": []}).chunks())[:-3],
    "a frame without an end": PREFIX[:-8] + (1 << 62).to_bytes(8, "big") + b"x" * 1000,
    "no JSON": b"".join(wire.Frame(b"\x80\x04\x95pickle").chunks()),
    "deep JSON": b"".join(wire.Frame(b'{"objects": ' + b"[" * 100_000).chunks()),
    "another shape": b"".join(wire.frame({"objects": [{"kind": "A"}], "warnings": [], "asked": []}).chunks()),
    "another's error": b"".join(wire.frame({"reason": "AuthenticationFailed", "message": "x"}).chunks()),
}


@asynccontextmanager
async def answering(
    path: Path, answer: Callable[[asyncio.StreamWriter], Awaitable[None]]
) -> AsyncIterator[RendererClient]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        await answer(writer)
        writer.close()

    server = await asyncio.start_unix_server(serve, str(path))
    try:
        yield RendererClient(Settings(renderer_socket=str(path), render_timeout_seconds=0))
    finally:
        server.close()


@pytest.mark.parametrize("said", HOSTILE)
async def test_a_hostile_answer_makes_the_renderer_unavailable(tmp_path: Path, said: str) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HOSTILE[said])

    async with answering(tmp_path / "s", answer) as client:
        with pytest.raises(RendererUnavailable):
            await client.render(GOOD)


async def test_a_renderer_that_never_answers_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packhouse.adapters.renderer_client._QUEUE_SECONDS", 0.1)
    monkeypatch.setattr("packhouse.adapters.renderer_client._MARGIN_SECONDS", 0.1)
    released = asyncio.Event()

    async def answer(_: asyncio.StreamWriter) -> None:
        await released.wait()

    async with answering(tmp_path / "s", answer) as client:
        with pytest.raises(RendererUnavailable, match=r"did not answer within 0\.2 s"):
            await client.render(GOOD)
        released.set()
        await asyncio.sleep(0)


# ---- the server ------------------------------------------------------------------------------------------


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    limits = Limits(seconds=5, cpu_seconds=5, memory_bytes=256 * MIB, output_most_bytes=MIB)
    async with WorkerPool(PoolSize(workers=1), limits) as opened:
        yield opened


async def test_a_stale_socket_is_replaced_and_the_own_one_removed(pool: WorkerPool, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    async with serving(pool, path):
        client = RendererClient(Settings(renderer_socket=str(path)))
        assert len((await client.render(GOOD)).objects) == 1
    assert not path.exists()


async def test_a_living_renderer_is_not_pushed_away(pool: WorkerPool, tmp_path: Path) -> None:
    async with serving(pool, tmp_path / "s"):
        with pytest.raises(InvalidSpec, match="another renderer answers there"):
            async with serving(pool, tmp_path / "s"):
                pass
        assert (tmp_path / "s").exists()


async def test_what_is_no_socket_is_left_alone(pool: WorkerPool, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("mine")
    with pytest.raises(InvalidSpec, match="something that is no socket"):
        async with serving(pool, tmp_path / "s"):
            pass
    assert (tmp_path / "s").read_text() == "mine"


async def test_a_request_of_another_protocol_is_refused_and_costs_no_worker(pool: WorkerPool, tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with serving(pool, path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await wire.receive(reader, 10_000)
        writer.close()
        assert b"RendererUnavailable" in answer.header
        client = RendererClient(Settings(renderer_socket=str(path)))
        assert len((await client.render(GOOD)).objects) == 1


@pytest.mark.parametrize("end", ["SIGTERM", "parent"])
async def test_the_command_ends_with_its_parent_and_on_sigterm(tmp_path: Path, end: str) -> None:
    (tmp_path / "own").mkdir()
    path = tmp_path / "own" / "s"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "packhouse.cli.renderer", "--socket", str(path), "--parent-watch"),
        stdin=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    try:
        await RendererClient(Settings(renderer_socket=str(path))).render(GOOD)
        if end == "SIGTERM":
            process.terminate()
        else:
            process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert not path.exists()
        assert path.parent.exists() is (end == "SIGTERM")  # nobody else would remove the folder of a dead parent
    finally:
        process.stdin.close()
        if process.returncode is None:
            process.kill()
            await process.wait()
