"""Pulls of a small and of a large bundle, beside oras and crane; and what many installs of one bundle ask a registry.

`make bench` calls it; `python -m bench.sources` prints the pulls alone. Each sample begins with an empty cache and an
empty folder; the tools take turns, against the same registry on this machine.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Board, Figure, Target, timed
from cluster import binaries
from cluster.registry import LocalRegistry, open_registry
from packhouse.adapters.oras_push import push_bundle_blocking
from packhouse.settings import MIB, Settings

KIB = 1024
#: What the layer of each has, compressed; and how many times as many runs: what takes milliseconds varies most.
SIZES = {"60 KB": (60 * KIB, 5), "100 MiB": (100 * MIB, 1)}
FILES = 20
AS_FAST = Target(ratio_most=1.3)
GROWTH = Target(most=64)
SEED = 6


def pulls(board: Board, runs: int) -> None:
    """All figures of one bundle after the other."""
    with open_registry() as registry, tempfile.TemporaryDirectory() as name:
        for words, (size, times) in SIZES.items():
            folder = Path(name) / words.replace(" ", "")
            published = publish(registry, folder, words.replace(" ", "").lower(), size)
            with ours() as puller:
                measured = compare(puller, published, folder, runs * times)
            report(board, f"pull of {words}", measured)
            shutil.rmtree(folder)


# ---- what is pulled --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Published:
    """The same files twice, since oras unpacks what oras has packed, and crane takes images of layers."""

    bundle: str
    artifact: str


def publish(registry: LocalRegistry, folder: Path, name: str, size: int) -> Published:
    """Push them both, warm in the registry's page cache."""
    content = folder / "content"
    (content / "config").mkdir(parents=True)
    chance = random.Random(SEED)
    each = size // FILES
    for number in range(FILES):
        # half of it is text that can be packed by a quarter, half cannot be packed: manifests and charts, so to say
        data = chance.randbytes(each)
        data = base64.b64encode(data) if number % 2 else data
        (content / "config" / f"{number:02}").write_bytes(data)
    published = Published(f"{registry.host}/{name}/bundle:1.0.0", f"{registry.host}/{name}/artifact:1.0.0")
    push_bundle_blocking(content, published.bundle, None, Settings())
    run("oras", "push", "--plain-http", published.artifact, "content", folder=folder)
    return published


# ---- pulling it ------------------------------------------------------------------------------------------


class Puller:
    """The process of `bench.pulling`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.pulling"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def pull(self, image: str, cache: Path) -> dict[str, float]:
        """What bench.pulling.pull answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"image": image, "cache": str(cache)}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer

    def end(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


@contextmanager
def ours() -> Iterator[Puller]:
    """The process, ended at the end."""
    puller = Puller()
    try:
        yield puller
    finally:
        puller.end()


@dataclass(slots=True)
class Measured:
    """Seconds by tool, and what our process held, in MiB."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    growth: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)

    def add(self, tool: str, seconds: float) -> None:
        self.seconds.setdefault(tool, []).append(seconds)


OURS = "packhouse"
COMMAND = "packhouse bundle pull"
PROGRAM = Path(sys.executable).with_name("packhouse")


def compare(puller: Puller, published: Published, folder: Path, runs: int) -> Measured:
    """Each tool in each run; another one begins each time. One round before is not counted."""
    measured = Measured()
    target = folder / "target"

    def operator() -> float:
        answer = puller.pull(published.bundle, target)
        measured.growth.append(answer["peak"] - answer["before"])
        measured.peak.append(answer["peak"])
        measured.again.append(answer["again"] * 1000)
        return answer["seconds"]

    tools: dict[str, Callable[[], float]] = {
        OURS: operator,
        "oras pull": lambda: process("oras", "pull", "--plain-http", published.artifact, "-o", str(target)),
        "crane export": lambda: process("crane", "export", "--insecure", published.bundle, str(target / "tar")),
    }
    if has_command():
        tools[COMMAND] = lambda: command(published.bundle, target)
    names = list(tools)
    for number in range(runs + 1):
        for name in [*names[number % len(names) :], *names[: number % len(names)]]:
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            os.sync()  # nobody pays for what another one wrote
            seconds = tools[name]()
            if number:
                measured.add(name, seconds)
    shutil.rmtree(target)
    return measured


def process(name: str, *words: str) -> float:
    """Seconds that a whole process of a peer takes."""
    return timed(lambda: run(name, *words))


def command(image: str, target: Path) -> float:
    """Seconds that our command takes as a whole, start of Python included."""
    return timed(lambda: _quietly([PROGRAM, "bundle", "pull", image, "-o", str(target / "out")]))


def has_command() -> bool:
    """Whether this version has the verb."""
    return subprocess.run([PROGRAM, "bundle", "pull", "--help"], check=False, capture_output=True).returncode == 0


def run(name: str, *words: str, folder: Path | None = None) -> None:
    """A program of the peers."""
    _quietly([binaries.path(name), *words], folder)


def _quietly(words: Sequence[str | Path], folder: Path | None = None) -> None:
    done = subprocess.run(words, cwd=folder, check=False, timeout=300, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr[-500:]}"


def report(board: Board, words: str, measured: Measured) -> None:
    """Each of ours beside each peer."""
    mine = measured.seconds[OURS]
    peers: Sequence[str] = [name for name in measured.seconds if name not in (OURS, COMMAND)]
    for peer in peers:
        board.add(Figure(f"{words}", mine, peer=peer, peer_samples=measured.seconds[peer], target=AS_FAST))
    board.add(
        Figure(f"{words}: memory that is added at the peak", measured.growth, unit="MiB", target=GROWTH),
        Figure(f"{words}: memory of the process at the peak", measured.peak, unit="MiB"),
        Figure(f"{words}: again, from the cache", measured.again, unit="ms"),
    )
    if COMMAND in measured.seconds:
        theirs = measured.seconds["oras pull"]
        board.add(
            Figure(
                f"{words}: the command, start of Python included",
                measured.seconds[COMMAND],
                peer="oras pull",
                peer_samples=theirs,
            )
        )


if __name__ == "__main__":
    pulls(Board(print), int(sys.argv[1]) if sys.argv[1:] else 3)
