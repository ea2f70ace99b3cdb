"""Real packages through a worker of the renderer, and through the command: ytt and kbld, without a cluster.

`make bench` calls it; `python -m bench.ytt` prints it alone. Each figure is over all packages of the conformance
folder, each sample one package.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import real_packages
from bench.figures import Board, Figure, Target, timed
from packhouse.adapters.worker_pool import Worker
from packhouse.ports import RenderJob, ValuesDocument
from packhouse.settings import MIB, Settings
from packhouse.template.jobs import pack_render
from packhouse.template.limits import Limits
from packhouse.template.wire import Frame
from real_packages import RealPackage
from render_jobs import CONTEXT

CACHED = Target(most=12)
COMPILING = Target(most=25)
COMMAND = Target(most=0.35)
MEMORY = Target(most=150)


def packages(board: Board, runs: int) -> None:
    """All figures of this part."""
    chosen = real_packages.packages()
    if not chosen:
        board.skip("ytt: no conformance folder here")
        return
    asyncio.run(_workers(board, chosen, runs))
    board.add(
        Figure(
            f"ytt, {len(chosen)} real packages: the command, cold start",
            [statistics.median(_command(package) for _ in range(runs)) for package in chosen],
            target=COMMAND,
        )
    )


async def _workers(board: Board, chosen: Sequence[RealPackage], runs: int) -> None:
    name = f"ytt and kbld, {len(chosen)} real packages: a job of a worker"
    async with _worker() as worker:
        for package in chosen:
            await worker.run(_job(package))
        cached = [statistics.median([await _run(worker, _job(package)) for _ in range(runs)]) for package in chosen]
        resident = _resident_mib(worker.pid)
        compiling = [
            statistics.median([await _run(worker, _job(package, run + 1)) for run in range(runs)]) for package in chosen
        ]
    board.add(
        Figure(f"{name}, templates compiled before", cached, unit="ms", target=CACHED),
        Figure(f"{name}, nothing compiled yet", compiling, unit="ms", target=COMPILING),
        Figure("memory of that worker after all packages", [resident], unit="MiB", target=MEMORY),
    )


@asynccontextmanager
async def _worker() -> AsyncIterator[Worker]:
    worker = await Worker.start(Limits.from_settings(Settings()))
    try:
        yield worker
    finally:
        await worker.end()


def _job(package: RealPackage, lines: int = 0) -> Frame:
    """`lines` empty ones stand at the end of each file, so that nothing that was kept of it is found."""
    values = [ValuesDocument("Secret demo/values key values.yml", package.values, "values.yml")]
    return pack_render(
        RenderJob(
            files={path: content + b"\n" * lines for path, content in package.files.items()},
            steps=package.steps,
            values=values if package.values else (),
            values_schema=None,
            enforce_schema=True,
            context=CONTEXT,
        )
    )


async def _run(worker: Worker, asked: Frame) -> float:
    """Milliseconds from the question to the answer, which must be objects."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = await worker.run(asked)
    taken = loop.time() - started
    assert answer.header.startswith(b'{"objects":'), answer.header[:500]
    return taken * 1000


def _command(package: RealPackage) -> float:
    program = Path(sys.executable).with_name("packhouse")
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as values:
        values.write(package.values)
        values.flush()
        words = [str(program), "ytt", "-f", "config", *(["--data-values-file", values.name] if package.values else [])]
        return timed(lambda: subprocess.run(words, cwd=package.bundle, check=True, stdout=subprocess.DEVNULL))


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024 / MIB


if __name__ == "__main__":
    packages(Board(print), int(sys.argv[1]) if sys.argv[1:] else 3)
