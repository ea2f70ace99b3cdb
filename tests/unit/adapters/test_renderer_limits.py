"""Bombs. Real: worker processes with short limits, and the pool around them; no socket. Asserted: which limit is told,
that nobody else's job notices, and that the pool has all its workers again.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from packhouse.adapters.worker_pool import PoolSize, WorkerPool
from packhouse.api.errors import RendererUnavailable, RenderLimitExceeded
from packhouse.ports import Rendered
from packhouse.settings import MIB
from packhouse.template import answers, jobs
from packhouse.template.limits import Limits
from render_jobs import config_map, job

TIMEOUT = "PACKHOUSE_RENDER_TIMEOUT_SECONDS"
MEMORY = "PACKHOUSE_RENDER_MEMORY_BYTES"
OUTPUT = "PACKHOUSE_RENDER_OUTPUT_MOST_BYTES"
LIMITS = Limits(seconds=2, cpu_seconds=30, memory_bytes=256 * MIB, output_most_bytes=1 * MIB)

LOOPS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
BOMBS = {
    "nested silent loops": (LOOPS, TIMEOUT),
    "a loop in a condition": ("{% for i in range(99999) if range(99999) | sum < 0 %}{% endfor %}", TIMEOUT),
    "a regular expression": ("{{ ('a' * 40 ~ '!') | regex_replace('(a+)+$', '') }}", TIMEOUT),
    "sorting": ("{% for i in range(9999) %}{% set x = range(99999) | sort %}{% endfor %}", TIMEOUT),
    "a printing loop": ("{% for i in range(99999) %}{{ 'x' * 9999 }}{% endfor %}", OUTPUT),
    "a macro that prints": (
        "{% macro m() %}{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}{% endmacro %}{{ m() }}",
        MEMORY,
    ),
    "doubling": ("{% set n = namespace(s='x') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}", MEMORY),
    "padding": ("{{ 'a'.ljust(10**12) }}", MEMORY),
    "a wide format": ("{{ '%0999999999d' | format(1) }}", MEMORY),
    "many aliases": (
        "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 6))
        + "apiVersion: v1\nkind: A\nmetadata: {name: a}\n",
        OUTPUT,
    ),
}


async def rendered(pool: WorkerPool, text: str) -> Rendered:
    async with pool.turn() as worker:
        return answers.read_render((await worker.run(jobs.pack_render(job({"a.yml": text})))).header)


async def good(pool: WorkerPool) -> int:
    return len((await rendered(pool, config_map())).objects)


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    async with WorkerPool(PoolSize(workers=2), LIMITS) as opened:
        yield opened


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_is_ended_by_its_limit_and_nobody_else_notices(pool: WorkerPool, bomb: str) -> None:
    text, setting = BOMBS[bomb]
    before = await good(pool)
    bombed = asyncio.create_task(rendered(pool, text))
    others = [await good(pool) for _ in range(20)]
    with pytest.raises(RenderLimitExceeded, match=setting):
        await bombed
    assert [*others, before, await good(pool), await good(pool)] == [1] * 23
    async with pool.turn(), pool.turn():
        assert len(pool.pids) == 2


@pytest.mark.parametrize("text", ["{{ 9 ** 9 ** 9 ** 9 ** 9 }}", "{{ 'a' * 10**9 }}", "{{ range(10**9) | list }}"])
async def test_what_is_weighed_before_it_is_computed_costs_no_worker(pool: WorkerPool, text: str) -> None:
    await good(pool)
    pids = sorted(pool.pids)
    async with pool.turn() as worker:
        answer = json.loads((await worker.run(jobs.pack_render(job({"a.yml": text})))).header)
    assert answer["reason"] == "TemplateFailed"
    assert answer["message"].startswith("a.yml:1: ")
    assert set(pids) <= set(pool.pids)


async def test_cpu_has_a_limit_of_its_own_that_begins_anew_with_each_job() -> None:
    limits = Limits(seconds=60, cpu_seconds=1, memory_bytes=256 * MIB, output_most_bytes=MIB)
    busy = "{% for i in range(99999) %}{% for j in range(3) %}{% endfor %}{% endfor %}" + config_map()
    async with WorkerPool(PoolSize(workers=1), limits) as pool:
        for _ in range(20):
            await rendered(pool, busy)
        [pid] = pool.pids
        assert resource.prlimit(pid, resource.RLIMIT_CPU)[0] > 1
        with pytest.raises(RenderLimitExceeded, match=f"more than 1 s of cpu.*{TIMEOUT}"):
            await rendered(pool, LOOPS)
        assert await good(pool) == 1


async def test_the_wait_in_the_queue_does_not_count_for_the_job() -> None:
    limits = Limits(seconds=1, cpu_seconds=9, memory_bytes=256 * MIB, output_most_bytes=MIB)
    async with WorkerPool(PoolSize(workers=1), limits) as pool:
        bombs = [asyncio.create_task(rendered(pool, LOOPS)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert await good(pool) == 1
        assert all(
            isinstance(ended, RenderLimitExceeded) for ended in await asyncio.gather(*bombs, return_exceptions=True)
        )


async def test_the_queue_is_bounded_in_length_and_in_time() -> None:
    async with WorkerPool(PoolSize(workers=1, waiting_most=1), LIMITS) as pool:
        assert await good(pool) == 1  # its start may take longer than the wait below
        pool.size = replace(pool.size, waiting_seconds=0.3)
        async with pool.turn():
            waiting = asyncio.create_task(good(pool))
            await asyncio.sleep(0.05)
            with pytest.raises(RendererUnavailable, match="takes no more"):
                await good(pool)
            with pytest.raises(RendererUnavailable, match=r"no worker of the renderer became free within 0\.3 s"):
                await waiting
        pool.size = replace(pool.size, waiting_seconds=30)
        assert await good(pool) == 1


async def test_a_worker_is_replaced_after_its_number_of_jobs() -> None:
    async with WorkerPool(PoolSize(workers=1, jobs_per_worker=3), LIMITS) as pool:
        seen = []
        for _ in range(7):
            async with pool.turn():
                seen.append(pool.pids[0])
            await good(pool)
        assert len(set(seen)) > 1


async def test_a_worker_that_was_killed_fails_its_own_job_and_is_replaced(pool: WorkerPool) -> None:
    await good(pool)
    async with pool.turn() as worker:
        running = asyncio.create_task(worker.run(jobs.pack_render(job({"a.yml": LOOPS}))))
        await asyncio.sleep(0.2)
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(RendererUnavailable, match="killed from outside"):
            await running
    assert [await good(pool) for _ in range(4)] == [1] * 4


async def test_a_worker_that_crashes_is_the_fault_of_its_job(pool: WorkerPool) -> None:
    async with pool.turn() as worker:
        running = asyncio.create_task(worker.run(jobs.pack_render(job({"a.yml": LOOPS}))))
        await asyncio.sleep(0.2)
        os.kill(worker.pid, signal.SIGSEGV)
        with pytest.raises(RenderLimitExceeded, match=r"crashed its worker \(SIGSEGV\)"):
            await running
    assert await good(pool) == 1


async def test_a_worker_that_was_killed_while_idle_is_never_used(pool: WorkerPool) -> None:
    await good(pool)
    for pid in pool.pids:
        os.kill(pid, signal.SIGKILL)
    await asyncio.sleep(0.3)
    assert [await good(pool) for _ in range(4)] == [1] * 4


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Linux only")
async def test_a_worker_has_no_environment_no_files_and_no_way_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/secret/kubeconfig")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    with (tmp_path / "token").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        async with WorkerPool(PoolSize(workers=1), LIMITS) as pool:
            await good(pool)
            home = Path(f"/proc/{pool.pids[0]}")
            status = dict(line.split(":\t", 1) for line in (home / "status").read_text().splitlines() if ":\t" in line)
            assert status["NoNewPrivs"] == "1"
            rows = (home / "limits").read_text().splitlines()
            limits = {row[:26].strip(): row[26:].split()[:2] for row in rows[1:]}
            assert limits["Max address space"] == [str(256 * MIB)] * 2
            assert limits["Max core file size"] == limits["Max processes"] == limits["Max file size"] == ["0", "0"]
            assert int(limits["Max open files"][1]) <= 16
            try:
                environment = (home / "environ").read_bytes()
                files = {int(entry.name): str(entry.readlink()) for entry in (home / "fd").iterdir()}
            except PermissionError:  # not root: the worker has closed its own inside to this user
                return
            names = {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry}
            assert names <= {b"PYTHONPATH", b"PYTHONHOME", b"LC_CTYPE"}
            assert [name for number, name in files.items() if number > 2 and not name.startswith("pipe:")] == []
            assert files[0] == files[1] == "/dev/null"
