"""Progress where there is no terminal, and where there is one."""

from __future__ import annotations

import io
import sys

import pytest

from packhouse.cli.progress import progress
from packhouse.domain.readiness import State


def test_without_a_terminal_each_news_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as watcher:
        watcher.head("InstalledPackage demo/web: applying")
        watcher.line("d", "Deployment demo/web: 0 of 1 ready", State.WAITING)
        watcher.line("d", "Deployment demo/web: 0 of 1 ready", State.WAITING)
        watcher.head("InstalledPackage demo/web: applying")
        watcher.line("d", "Deployment demo/web: ready", State.READY)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split(" ", 3)[-1] for line in captured.err.splitlines()] == [
        "applying",
        "Deployment demo/web: 0 of 1 ready",
        "Deployment demo/web: ready",
    ]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_line_changes_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress() as watcher:
        watcher.head("InstalledPackage demo/web: applying")
        for place in range(100):
            watcher.line(str(place), f"ConfigMap demo/{place}: [bold]x", State.READY)
        watcher.line("d", "Deployment demo/web: 0 of 1 ready", State.WAITING)
    last = terminal.getvalue().rpartition("applying")[2]
    assert "Deployment demo/web: 0 of 1 ready" in last, "what is not ready is shown first"
    assert "[bold]x" in last, "what objects are called is no markup"
    assert "100 of 101 are ready" in last
