"""How something is followed at a terminal: a line per object that changes in its place, and plain lines elsewhere.

All of it goes to standard error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import typer

from packhouse.cli.terminal import is_coloured, is_terminal, is_unicode, plain
from packhouse.domain.readiness import State

if TYPE_CHECKING:
    from packhouse.client.following import Watcher

_MARKS: Final = {State.READY: ("✓", "+", "green"), State.WAITING: ("…", "~", "yellow"), State.FAILED: ("✗", "!", "red")}
#: Lines of the terminal that are left to the head and to what was there before.
_SPARED_LINES: Final = 4


@contextmanager
def progress() -> Iterator[Watcher]:
    """Shows while it is open. On a terminal the last picture stays."""
    if is_terminal(sys.stderr):
        with _live() as live:
            yield live
    else:
        yield _Lines()


class _Lines:
    """Each line once, and again when it says something else."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def head(self, text: str) -> None:
        self._say("", text)

    def line(self, key: str, text: str, state: State) -> None:
        self._say(key, f"  {_mark(state, is_unicode(sys.stderr))} {text}")

    def _say(self, key: str, text: str) -> None:
        if self._said.get(key) != text:
            self._said[key] = text
            typer.echo(plain(text), err=True)


@contextmanager
def _live() -> Iterator[Watcher]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, no_color=not is_coloured(sys.stderr), highlight=False)
    picture = _Picture(console)
    with Live(picture, console=console, refresh_per_second=8, transient=False):
        yield picture
        picture.is_over = True


class _Picture:
    """What rich draws: a spinner with the head and the time, then the objects, those that are not ready first."""

    def __init__(self, console: Any) -> None:
        from rich.spinner import Spinner

        self.is_over = False
        self._is_unicode = is_unicode(sys.stderr)  # later, rich stands in its place
        self._head = ""
        self._lines: dict[str, tuple[str, State]] = {}
        self._begun = time.monotonic()
        self._spinner = Spinner("dots" if self._is_unicode else "line")

    def head(self, text: str) -> None:
        self._head = text

    def line(self, key: str, text: str, state: State) -> None:
        self._lines[key] = (text, state)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.text import Text

        seconds = f" ({time.monotonic() - self._begun:.0f} s)"
        head = Text(plain(self._head) + seconds, no_wrap=True, overflow="ellipsis")
        self._spinner.update(text=head)
        if not self.is_over:
            yield self._spinner
        elif self._head:
            yield head
        room = max(console.size.height - _SPARED_LINES, 3)
        ordered = sorted(self._lines.values(), key=lambda line: line[1] is State.READY)
        shown = ordered if len(ordered) <= room else ordered[: room - 1]
        for text, state in shown:
            mark = _mark(state, self._is_unicode)
            yield Text(f"  {mark} {plain(text)}", style=_MARKS[state][2], no_wrap=True, overflow="ellipsis")
        if len(shown) < len(ordered):
            ready = sum(state is State.READY for _, state in self._lines.values())
            yield Text(f"  ... and {len(ordered) - len(shown)} more; {ready} of {len(ordered)} are ready")


def _mark(state: State, unicode: bool) -> str:
    return _MARKS[state][0 if unicode else 1]
