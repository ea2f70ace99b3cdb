"""Ends the programs and removes the folder of a run whose process died without doing so, even by SIGKILL.

`processes` starts it as a process of its own, by file path, and writes lines to its stdin: `group PGID`, `folder PATH`,
`done`. When the pipe closes or the parent is gone without `done`, it cleans up. It must never import anything but the
standard library, and never outlive its parent by more than a second.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys

LOOK_SECONDS = 0.5


def clean_up(groups: list[int], folders: list[str]) -> None:
    """Kill each process group, then remove each folder."""
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def watch(parent: int) -> None:
    """Read lines until `done` (do nothing) or until the parent is gone (clean up)."""
    groups: list[int] = []
    folders: list[str] = []
    rest = b""
    while True:
        # The pipe alone is not enough: a forked child of the parent may hold its other end open. And what the parent
        # wrote before it died counts, so the end comes only when nothing is left to read.
        alive = os.getppid() == parent
        if not select.select([0], [], [], LOOK_SECONDS if alive else 0)[0]:
            if alive:
                continue
            break
        chunk = os.read(0, 4096)
        if not chunk:
            break
        *lines, rest = (rest + chunk).split(b"\n")
        for word, _, value in (line.decode().partition(" ") for line in lines):
            if word == "done":
                return
            if word == "group":
                groups.append(int(value))
            elif word == "folder":
                folders.append(value)
    clean_up(groups, folders)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(int(sys.argv[1]))
