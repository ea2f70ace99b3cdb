"""Helm beside a worker. Real: worker processes with their limits, the process that starts helm, helm. Asserted: which
limit is told, that nobody else's job notices, what is reached from inside (nothing), and that no process stays behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest

from packhouse.adapters.renderer_client import RendererClient
from packhouse.adapters.worker_pool import PoolSize, WorkerPool
from packhouse.api.errors import RendererUnavailable, RenderLimitExceeded, TemplateFailed
from packhouse.ports import Outside, Rendered, RenderJob
from packhouse.settings import MIB, Settings
from packhouse.template import answers, jobs, landlock
from packhouse.template.limits import Limits
from render_jobs import config_map, job

TIMEOUT = "PACKHOUSE_RENDER_TIMEOUT_SECONDS"
MEMORY = "PACKHOUSE_RENDER_MEMORY_BYTES"
OUTPUT = "PACKHOUSE_RENDER_OUTPUT_MOST_BYTES"

LOOP = "{{ range until 99999 }}{{ range until 99999 }}{{ end }}{{ end }}"
BOMBS = {
    "a loop": (LOOP, TIMEOUT),
    "a list": ("{{ range until 1000000000 }}{{ end }}", MEMORY),
    "a text": ('{{ repeat 700000000 "a" }}', MEMORY),
    "a text beyond all bounds": ('{{ repeat 9000000000 "a" }}', MEMORY),
    "doubling": (
        '{{ $s := "xxxxxxxxxxxxxxxx" }}{{ range until 60 }}{{ $s = printf "%s%s" $s $s }}{{ end }}',
        MEMORY,
    ),
    "much output": ("{{ range until 40000 }}# xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n{{ end }}" + config_map(), OUTPUT),
}


def charted(template: str, **files: str) -> RenderJob:
    chart = {"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "templates/x.yaml": template}
    return job(chart | {name.replace("__", "."): text for name, text in files.items()}, steps=[{"helmTemplate": {}}])


GOOD = charted(config_map())


async def rendered(pool: WorkerPool, asked: RenderJob) -> Rendered:
    async with pool.turn() as worker:
        return answers.read_render((await worker.run(jobs.pack_render(asked))).header)


def processes(program: Path) -> list[int]:
    """The processes of this machine that run the program."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                running = (folder / "exe").readlink() == program.resolve()
            except OSError:
                continue
            if running:
                found.append(int(folder.name))
    return found


@pytest.fixture
def limits(helm: Path) -> Limits:
    settings = Settings(helm_program=str(helm), render_memory_bytes=320 * MIB, render_output_most_bytes=MIB)
    return replace(Limits.from_settings(settings), seconds=4)


@pytest.fixture
async def pool(limits: Limits) -> AsyncIterator[WorkerPool]:
    async with WorkerPool(PoolSize(workers=2), limits) as opened:
        yield opened


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_is_ended_by_its_limit_and_nobody_else_notices(pool: WorkerPool, bomb: str) -> None:
    template, setting = BOMBS[bomb]
    assert len((await rendered(pool, GOOD)).objects) == 1
    bombed = asyncio.create_task(rendered(pool, charted(template)))
    others = [len((await rendered(pool, GOOD)).objects) for _ in range(5)]
    with pytest.raises(RenderLimitExceeded, match=setting):
        await bombed
    assert [*others, len((await rendered(pool, GOOD)).objects)] == [1] * 6
    async with pool.turn(), pool.turn():
        assert len(pool.pids) == 2


async def test_cpu_has_a_limit_of_its_own(limits: Limits) -> None:
    async with WorkerPool(PoolSize(workers=1), replace(limits, seconds=60, cpu_seconds=2)) as pool:
        with pytest.raises(RenderLimitExceeded, match=f"more than 2 s of cpu.*{TIMEOUT}"):
            await rendered(pool, charted(LOOP))
        assert len((await rendered(pool, GOOD)).objects) == 1


async def test_a_refusal_costs_no_worker(pool: WorkerPool) -> None:
    await rendered(pool, GOOD)
    before = sorted(pool.pids)
    with pytest.raises(TemplateFailed, match="helm: execution error at"):
        await rendered(pool, charted('{{ fail "no" }}'))
    assert set(before) <= set(pool.pids)


async def test_helm_ends_with_its_worker_and_the_worker_with_the_job(helm: Path, pool: WorkerPool) -> None:
    await rendered(pool, GOOD)
    before = processes(helm)
    running = asyncio.create_task(rendered(pool, charted(LOOP)))
    while not set(processes(helm)) - set(before):
        await asyncio.sleep(0.02)
    for pid in pool.pids:
        os.kill(pid, 9)
    with pytest.raises(RendererUnavailable, match="killed from outside"):
        await running
    for _ in range(100):
        if not set(processes(helm)) - set(before):
            break
        await asyncio.sleep(0.02)
    assert set(processes(helm)) - set(before) == set()

    async def alive() -> int:
        async with pool.turn(), pool.turn():
            return len(pool.pids)

    async with asyncio.timeout(20):
        while await alive() != 2:  # that a process has ended is told some moments later
            await asyncio.sleep(0.02)


async def test_without_its_launcher_a_worker_ends_and_the_next_one_serves(limits: Limits) -> None:
    async with WorkerPool(PoolSize(workers=1), limits) as pool:
        await rendered(pool, GOOD)
        [pid] = pool.pids
        [launcher] = children(pid)
        os.kill(launcher, 9)
        with pytest.raises(RendererUnavailable, match="what runs helm for the renderer has ended"):
            await rendered(pool, GOOD)
        assert len((await rendered(pool, GOOD)).objects) == 1
        assert pool.pids != [pid]


async def test_a_worker_and_its_launcher_have_given_up_privileges_and_network(pool: WorkerPool) -> None:
    await rendered(pool, GOOD)
    for pid in pool.pids:
        for process in (pid, *children(pid)):
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
            told = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            assert (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2")


async def test_a_worker_decrypts_within_its_limits(pool: WorkerPool, sops: Path, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "a.yml").write_text(config_map(password="secret"))
    command = [sops, "encrypt", "--encrypted-regex", "^data$", "--age", str(identity.to_public()), "a.yml"]
    encrypted = subprocess.run(command, cwd=tmp_path, env={"HOME": "/"}, capture_output=True, timeout=60, check=True)
    asked = job({"a.sops.yml": encrypted.stdout}, steps=[{"sops": {"age": {"privateKeysSecretRef": {"name": "age"}}}}])
    outside = Outside(references={("Secret", "age"): {"k": str(identity).encode()}})
    [found] = (await rendered(pool, replace(asked, outside=outside))).objects
    assert found["data"] == {"password": "secret"}


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """A port, and what was sent to it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    heard.append(connection.recv(100))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield server.getsockname()[1], heard
        finally:
            ended.set()
            thread.join()


async def test_a_chart_reaches_no_network_not_even_by_its_schema(pool: WorkerPool) -> None:
    with listening() as (port, heard):
        schema = f'{{"$ref": "http://127.0.0.1:{port}/schema.json"}}'
        with pytest.raises(TemplateFailed, match="permission denied"):
            await rendered(pool, charted(config_map(), values__schema__json=schema))
    assert heard == []


async def test_values_stand_in_no_argument_and_no_file(
    helm: Path, pool: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = job(dict(charted(LOOP).files), steps=[{"helmTemplate": {}}], values="password: hunter22hunter\n")
    before = processes(helm)
    running = asyncio.create_task(rendered(pool, asked))
    while not (found := set(processes(helm)) - set(before)):
        await asyncio.sleep(0.02)
    [pid] = found
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    values = [word.partition(b"=")[2] for word in arguments if word.startswith(b"--values=")]
    opened = Path(f"/proc/{pid}/fd")
    files = [str((opened / path.rpartition(b"/")[2].decode()).readlink()) for path in values]
    assert files == ["/memfd:packhouse (deleted)"]
    assert b"hunter" not in b" ".join(arguments) + environment
    assert {word.partition(b"=")[0] for word in environment.split(b"\0") if word} == {
        *(b"HOME", b"KUBECONFIG", b"KUBERNETES_SERVICE_HOST", b"GOMAXPROCS", b"GOMEMLIMIT"),
        *(b"HELM_PLUGINS", b"HELM_CACHE_HOME", b"HELM_CONFIG_HOME", b"HELM_DATA_HOME"),
    }
    with pytest.raises(RenderLimitExceeded):
        await running
    async with pool.turn(), pool.turn():  # a worker that is just being started is not ended cleanly
        assert len(pool.pids) == 2


@pytest.mark.skipif(not landlock.is_there(), reason="this kernel takes no files away from a program (Landlock)")
@pytest.mark.parametrize("where", ["a file", "what another process of this user holds open"])
async def test_the_schema_of_a_chart_reads_no_file_of_the_renderer(
    pool: WorkerPool, tmp_path: Path, where: str
) -> None:
    (tmp_path / "told.json").write_text('{"type": "string"}')
    held = os.open(tmp_path / "told.json", os.O_RDONLY)
    path = tmp_path / "told.json" if where == "a file" else Path(f"/proc/{os.getpid()}/fd/{held}")
    schema = json.dumps({"properties": {"size": {"$ref": f"file://{path}"}}})
    asked = charted(config_map(), values__schema__json=schema, values__yaml="size: 1\n")
    try:
        with pytest.raises(TemplateFailed, match="permission denied"):
            await rendered(pool, asked)
    finally:
        os.close(held)


async def test_a_renderer_as_a_child_process_is_told_where_helm_is(helm: Path) -> None:
    async with RendererClient(Settings(helm_program=str(helm), render_workers=1)) as client:
        assert len((await client.render(GOOD)).objects) == 1
    async with RendererClient(Settings(helm_program="no-such-program", render_workers=1)) as client:
        with pytest.raises(RendererUnavailable, match="the renderer has no helm"):
            await client.render(GOOD)
