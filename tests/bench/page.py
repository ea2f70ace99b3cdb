"""Writes docs/benchmarks: latest.json for machines, README.md for readers. The only room that knows how they look."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figures import Board

FOLDER = Path(__file__).parents[2] / "docs" / "benchmarks"

#: A figure as latest.json has it.
Row = dict[str, Any]

PAGE = """\
# Benchmarks

`make bench` measures Packhouse beside kubectl, helm, oras and crane, which do the same on the same cluster in the same
run, and writes this page and [latest.json](latest.json). It takes some minutes and what the [tests](../howto/test.md)
need. `python -m bench PART --page` measures one part and leaves the other rows as they were.

{figures}

Taken on: {machine}. Each figure is the median of {runs} runs or more, with the least and the most; the tools take
turns. The machine is shared and its times vary, so read the ratios. A bench asserts nothing: a target that is
missed says so.

## What is measured
- **plan and apply**: live objects, plan, preflight and apply as the operator does them, within one process, with the
  token of a service account and with discovery known, as in an operator that runs. It begins with rendered objects;
  what rendering, fetching and status cost is in the figures of the whole operator.
- **kubectl** is a process per call and reads the same file; its own limit of requests per second holds, as it does for
  its users. **helm** installs the same objects as a chart, without waiting.
- **no-op**: the same once more, where nothing is left to do.
- **whole operator**: from the start of `kubectl apply` of the InstalledPackage to the condition in its status. The
  package is in a registry. "Over the pods' own time": what waiting for readiness adds to the time from the first
  workload seen to the last one ready. Services of type LoadBalancer are made NodePort there, since nobody gives
  addresses.
- **delete, all but the namespace**: the same package without the namespace that it brings. Kubernetes begins to empty a
  namespace five seconds after its deletion was asked for, whoever asks; "delete" waits for that.
- **CPU**: of the operator and its renderer, what an idle operator uses in the same time taken off.
- **ytt and kbld**: every package of the conformance folder, each sample one package. A job of a worker is timed from
  the question to the answer, pipes and JSON included; the original takes 44 to 48 ms for each as a process on such a
  machine.
- **pull**: a bundle from a registry on the same machine into an empty cache, verified and unpacked, by the adapter of
  the operator in a process that runs already, as the operator does. The size is that of the packed layer; half of the
  files can be packed by a quarter, half not at all. oras is a process per pull and unpacks the same files from an
  artifact that it pushed itself; crane is a process too, and writes them as one tar. "Again": the same digest once
  more, which asks nobody. Memory: resident, of that process, at the highest moment of a pull. The small one is pulled
  five times as often, since what takes milliseconds varies most.
- **installs of one bundle**: named by a tag, with a sync period of 10 s; five periods after all of them are ready,
  counted in the registry's log.
- **packhouse --help**, **available list**: a process per call, start of Python included. kubectl lists the same 2,000
  Packages; ours shows one line for each of the 400 names, with the words of their metadata.
- **kapp-controller (published)**: measured on such a machine before, and not in this run; for orientation.
{skipped}
## latest.json
A list of `name`, `unit`, `median`, `min`, `max`, `peer`, `peer_median`, `ratio`, `target`, `met`. Where there is no
peer or no target, the field is null.
"""


def write(board: Board, machine: Mapping[str, str], runs: int, folder: Path = FOLDER, *, keep: bool = False) -> None:
    """`keep`: what latest.json has and this run has not stays, since only some parts were run."""
    folder.mkdir(parents=True, exist_ok=True)
    wire = [figure.to_wire() for figure in board.figures]
    latest = folder / "latest.json"
    if keep and latest.exists():
        wire = merged(json.loads(latest.read_text()), wire)
    latest.write_text(json.dumps(wire, indent=2) + "\n")
    skipped = [f"- not measured: {what}\n" for what in board.skipped]
    text = PAGE.format(
        figures=table(wire),
        machine=", ".join(f"{name} {value}" for name, value in machine.items()),
        runs=runs,
        skipped="".join(skipped),
    )
    (folder / "README.md").write_text(text)


def merged(before: Sequence[Row], now: Sequence[Row]) -> list[Row]:
    """The rows of `before`, each replaced by that of the same name and peer, then what is new."""
    new = {(row["name"], row["peer"]): row for row in now}
    rows = [new.pop((row["name"], row["peer"]), row) for row in before]
    return [*rows, *new.values()]


def table(rows: Sequence[Row]) -> str:
    lines = [
        "| | median | least to most | peer | its median | ratio | target | met |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            row["name"],
            f"{row['median']:g} {row['unit']}",
            f"{row['min']:g} to {row['max']:g}",
            row["peer"] or "",
            "" if row["peer_median"] is None else f"{row['peer_median']:g} {row['unit']}",
            "" if row["ratio"] is None else f"{row['ratio']:g}",
            row["target"] or "",
            {True: "yes", False: "**no**", None: ""}[row["met"]],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
