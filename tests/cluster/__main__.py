"""`python -m cluster up` runs a cluster and a registry until a signal, for the demo; `build` builds all programs.

Reads arguments and prints; the work is in `find`, `registry` and `binaries`.
"""
# ruff: noqa: T201  a command prints

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from cluster import binaries
from cluster.find import ClusterNotFound, open_cluster
from cluster.processes import StartFailed
from cluster.registry import open_registry


def main() -> int:
    """Run the verb that the command line names and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    up_parser = verbs.add_parser("up", help="start a cluster and a registry, stop them on Ctrl-C or SIGTERM")
    up_parser.add_argument("--keep-dir", type=Path, help="folder for kubeconfig, logs and data; it stays at the end")
    build_parser = verbs.add_parser("build", help="build programs in advance, all by default")
    build_parser.add_argument("program", nargs="*", help=f"of {', '.join(binaries.PROGRAMS)}")
    arguments = parser.parse_args()
    try:
        return up(arguments.keep_dir) if arguments.verb == "up" else build(arguments.program or list(binaries.PROGRAMS))
    except (ClusterNotFound, StartFailed, binaries.BuildFailed) as error:
        print(error, file=sys.stderr)
        return 1


def build(names: list[str]) -> int:
    """Build each program that is not in the cache folder and print its path."""
    for name in names:
        print(binaries.path(name))
    return 0


def up(keep_dir: Path | None) -> int:
    """Start, print what a shell needs as `NAME=value` lines, and wait for a signal."""
    stops = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    with ExitStack() as stack:
        for number in stops:  # during the start, a signal unwinds the stack
            signal.signal(number, _interrupt)
        cluster = stack.enter_context(open_cluster(keep_dir=keep_dir / "cluster" if keep_dir else None))
        registry = stack.enter_context(open_registry(keep_dir=keep_dir / "registry" if keep_dir else None))
        print(f"# {cluster.source}\nKUBECONFIG={cluster.kubeconfig}\nREGISTRY={registry.host}", flush=True)
        signal.pthread_sigmask(signal.SIG_BLOCK, stops)
        signal.sigwait(stops)
    return 0


def _interrupt(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
