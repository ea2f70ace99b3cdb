"""`make bench`: all benchmarks, or the parts that the command line names; the page is written when all were run."""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import asking, catalogue, client, page, side_by_side, sources, whole, ytt
from bench.figures import Board
from bench.machine import machine
from bench.ours import Ours
from cluster.find import Cluster, open_cluster
from cluster.registry import LocalRegistry, open_registry
from conformance_stage import ACCOUNT, namespace_with_admin
from lab import Lab, OperatorProcess, operator_kubeconfig

CRDS = Path(__file__).parents[2] / "crds"
RUNS = 5
NAMESPACE = "bench"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the parts are given."""

    board: Board
    cluster: Cluster
    lab: Lab
    registry: LocalRegistry
    kubeconfig: Path  # the operator's own identity
    folder: Path
    runs: int

    @contextmanager
    def operator(self) -> Iterator[OperatorProcess]:
        process = OperatorProcess(self.kubeconfig, self.folder)
        process.start()
        try:
            yield process
        finally:
            process.stop()

    @contextmanager
    def ours(self) -> Iterator[Ours]:
        with Ours(self.kubeconfig, NAMESPACE, ACCOUNT) as ours:
            yield ours


def contour(ground: Ground) -> None:
    with ground.ours() as ours:
        side_by_side.contour(ground.board, ours, ground.cluster, ground.folder, ground.runs)


def many(ground: Ground) -> None:
    with ground.ours() as ours:
        side_by_side.many(ground.board, ours, ground.cluster, ground.folder, ground.runs)


def operator(ground: Ground) -> None:
    with ground.operator() as process:
        whole.whole(ground.board, ground.lab, process, ground.runs)


def catalogues(ground: Ground) -> None:
    with ground.operator():
        catalogue.repositories(ground.board, ground.lab, ground.cluster, ground.runs)
        catalogue.installs(ground.board, ground.lab, ground.cluster, ground.runs)


def templates(ground: Ground) -> None:
    ytt.packages(ground.board, ground.runs)


def bundles(ground: Ground) -> None:
    sources.pulls(ground.board, ground.runs)
    with ground.operator():
        asking.requests(ground.board, ground.lab, ground.registry)


def command_line(ground: Ground) -> None:
    client.client(ground.board, ground.cluster, ground.runs)


PARTS: dict[str, Callable[[Ground], None]] = {
    "contour": contour,
    "many": many,
    "operator": operator,
    "catalogue": catalogues,
    "ytt": templates,
    "sources": bundles,
    "client": command_line,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--page", action="store_true", help="write the page too, with the other parts as they were")
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments = parser.parse_args()
    board = Board(lambda line: print(line, flush=True))
    with ExitStack() as stack:
        cluster = stack.enter_context(open_cluster())
        registry = stack.enter_context(open_registry())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print(f"cluster: {cluster.source}; {arguments.runs} runs: median (least to most)", flush=True)
        cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
        cluster.kubectl("wait", "--for=condition=Established", "-f", str(CRDS))
        lab = Lab(cluster, registry.host)
        lab.apply(*namespace_with_admin(NAMESPACE))
        identity = operator_kubeconfig(cluster, folder)
        ground = Ground(board, cluster, lab, registry, identity, folder, arguments.runs)
        for name, part in PARTS.items():
            if not arguments.part or name in arguments.part:
                part(ground)
        version = json.loads(cluster.kubectl("get", "--raw", "/version").stdout)["gitVersion"]
        if arguments.page or not arguments.part:
            page.write(board, machine(version), arguments.runs, keep=bool(arguments.part))


if __name__ == "__main__":
    main()
