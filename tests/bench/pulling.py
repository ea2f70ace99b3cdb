"""A process that pulls as the operator does: the registry adapter and its cache, for `bench.sources`.

It reads one JSON line per pull ({"image": ..., "cache": folder}) and answers with one: the seconds, and the resident
memory before the pull and at its peak, in MiB. A process of its own, since a peak counts for a whole process; one for
several pulls, as an operator is. It holds no credentials: the registry of the benchmark asks for none.
"""
# ruff: noqa: T201 - its output is read by the benchmark

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.ports import Access
from packhouse.settings import MIB, Settings


def main() -> None:
    """Pull what standard input names, until it ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(asyncio.run(pull(asked["image"], Path(asked["cache"])))), flush=True)


async def pull(image: str, cache: Path) -> dict[str, float]:
    """One pull into an empty cache, and the same once more from it."""
    registry = OrasRegistry(replace(Settings(), cache_dir=cache))
    try:
        _forget_peak()
        before, started = _memory("VmRSS"), time.perf_counter()
        tree = await registry.pull(image, Access())
        seconds = time.perf_counter() - started
        peak = _memory("VmHWM")
        started = time.perf_counter()
        await registry.pull(f"{image.rpartition(':')[0]}@{tree.digest}", Access())
        return {"seconds": seconds, "before": before, "peak": peak, "again": time.perf_counter() - started}
    finally:
        registry.close()


def _forget_peak() -> None:
    """The highest resident memory counts from here on."""
    Path("/proc/self/clear_refs").write_text("5")


def _memory(name: str) -> float:
    """VmRSS (now) or VmHWM (at its highest), in MiB."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024 / MIB


if __name__ == "__main__":
    main()
