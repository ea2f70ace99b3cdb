"""How far a copy is: a bar on a terminal, a line now and then elsewhere.

Called by bundle.py. On standard error, so that the result stands alone on standard output.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from packhouse.adapters.bundle_copy import Watcher

_LINE_SECONDS: Final = 10.0


@contextmanager
def watching(quiet: bool) -> Iterator[Watcher]:
    if quiet:
        yield _Quiet()
    elif sys.stderr.isatty():
        with _bar() as watcher:
            yield watcher
    else:
        yield _Lines()


def size(count: float) -> str:
    """In words: 12.3 MiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return ""


class _Quiet:
    def begins(self, what: str, total_bytes: int) -> None:
        """Says nothing."""

    def moved(self, count: int) -> None:
        """Says nothing."""

    def says(self, words: str) -> None:
        typer.echo(words, err=True)


class _Lines:
    def __init__(self) -> None:
        self._what = ""
        self._total = 0
        self._there = 0
        self._said = time.monotonic()
        self._mutex = threading.Lock()

    def begins(self, what: str, total_bytes: int) -> None:
        with self._mutex:
            self._what, self._total, self._there, self._said = what, total_bytes, 0, time.monotonic()
        typer.echo(f"{what}: {size(total_bytes)}", err=True)

    def moved(self, count: int) -> None:
        with self._mutex:
            self._there += count
            if time.monotonic() - self._said < _LINE_SECONDS:
                return
            self._said = time.monotonic()
            words = f"{self._what}: {size(self._there)} of {size(self._total)}"
        typer.echo(words, err=True)

    def says(self, words: str) -> None:
        typer.echo(words, err=True)


@contextmanager
def _bar() -> Iterator[Watcher]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _Bar(progress)


class _Bar:
    def __init__(self, progress: object) -> None:
        from rich.progress import Progress, TaskID

        assert isinstance(progress, Progress)  # noqa: S101 - rich is imported only where there is a terminal
        self._progress = progress
        self._task: TaskID | None = None

    def begins(self, what: str, total_bytes: int) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total_bytes)

    def moved(self, count: int) -> None:
        if self._task is not None:
            self._progress.advance(self._task, count)

    def says(self, words: str) -> None:
        self._progress.console.print(words, markup=False, highlight=False)
