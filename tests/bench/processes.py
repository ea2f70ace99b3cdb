"""What a process and its children used of the CPU, from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

PROC = Path("/proc")


def is_known() -> bool:
    """Whether this system tells."""
    return (PROC / "self" / "stat").is_file()


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and of all below it, those that ended included."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended in this moment
            continue
        number = int(folder.name)
        parents[number] = int(fields[1])
        ticks[number] = sum(int(field) for field in fields[11:15])  # utime, stime, and those of awaited children
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(ticks.get(number, 0) for number in family) / os.sysconf("SC_CLK_TCK")


def cpu_over_idle(pid: int, work: Callable[[], None]) -> float:
    """CPU seconds during `work`, less what the same process used in as much time before it, at rest."""
    started, before = time.monotonic(), cpu_seconds(pid)
    work()
    lasted, used = time.monotonic() - started, cpu_seconds(pid) - before
    before = cpu_seconds(pid)
    time.sleep(lasted)
    return max(0.0, used - (cpu_seconds(pid) - before))
