"""Recordings of a terminal: written as asciinema's cast v2, read back as the text that a reader is left with.

https://docs.asciinema.org/manual/asciicast/v2/. Called by `recording`, and by the test of the README.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

COLUMNS, ROWS = 110, 40
#: Whoever plays it waits no longer than that between two events.
IDLE_SECONDS: Final = 1.5

Event = tuple[float, str]

_CONTROL: Final = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b[()][0-9A-B]|\x1b[=>78]|\r|\n|\x08|[\x00-\x07\x0b-\x1f]")


def write(path: Path, title: str, events: Iterable[Event]) -> None:
    header = {
        "version": 2,
        "width": COLUMNS,
        "height": ROWS,
        "idle_time_limit": IDLE_SECONDS,
        "title": title,
        "env": {"TERM": "xterm-256color", "SHELL": "/bin/bash"},
    }
    lines = [json.dumps(header), *(json.dumps([round(at, 3), "o", text], ensure_ascii=False) for at, text in events)]
    path.write_text("".join(f"{line}\n" for line in lines))


def read(path: Path) -> Iterator[Event]:
    _, *lines = path.read_text().splitlines()
    for line in lines:
        at, kind, text = json.loads(line)
        if kind == "o":
            yield at, text


def text(events: Iterable[Event]) -> str:
    """What stands on a terminal without end once all of it was shown: lines that were drawn over are gone."""
    screen = _Screen()
    for _, shown in events:
        screen.show(shown)
    lines = [line.rstrip() for line in screen.lines]
    return "\n".join(lines).strip("\n") + "\n"


@dataclass(slots=True)
class _Screen:
    """What is used of a terminal by programs that are recorded: lines, going up, drawing anew. No colours."""

    lines: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0

    def show(self, shown: str) -> None:
        at = 0
        for control in _CONTROL.finditer(shown):
            self._put(shown[at : control.start()])
            at = control.end()
            match control[0]:
                case "\r":
                    self.column = 0
                case "\n":
                    self._down()
                case "\x08":
                    self.column = max(0, self.column - 1)
                case _ if control[2]:
                    self._obey(control[2], [int(part) for part in re.findall(r"\d+", control[1])])
        self._put(shown[at:])

    def _put(self, shown: str) -> None:
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + shown + line[self.column + len(shown) :]
        self.column += len(shown)

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")

    def _obey(self, what: str, numbers: Sequence[int]) -> None:
        first = numbers[0] if numbers else 0
        match what:
            case "A":
                self.row = max(0, self.row - (first or 1))
            case "B":
                for _ in range(first or 1):
                    self._down()
            case "C":
                self.column += first or 1
            case "D":
                self.column = max(0, self.column - (first or 1))
            case "G":
                self.column = (first or 1) - 1
            case "K":
                line = self.lines[self.row]
                kept = {0: line[: self.column], 1: " " * self.column + line[self.column :], 2: ""}
                self.lines[self.row] = kept.get(first, line)
            case "J" if first == 0:
                self.lines[self.row] = self.lines[self.row][: self.column]
                del self.lines[self.row + 1 :]
