"""The recording of the tour: what is kept of it agrees with the README and with the page. Nothing is played here."""

from __future__ import annotations

import json

import pytest

from demo import cast
from demo.recording import CAST, PAGE, README, recording_of, tour, with_recording
from packhouse.cli.complete_line import read
from packhouse.cli.tree import ROOT


def test_the_readme_shows_what_the_recording_shows() -> None:
    assert recording_of(README.read_text()) == cast.text(cast.read(CAST))


def test_the_recording_is_of_the_tour_and_of_no_machine() -> None:
    shown = cast.text(cast.read(CAST))
    assert [line[2:] for line in shown.splitlines() if line.startswith("$ ")] == tour()
    for word in ("127.0.0.1", "localhost", "/tmp", "/home", "/root", "Traceback"):
        assert word not in shown
    header = json.loads(CAST.read_text().splitlines()[0])
    assert (header["version"], header["width"]) == (2, cast.COLUMNS)


@pytest.mark.parametrize("command", tour())
def test_each_command_of_the_tour_is_one_of_ours_with_options_that_it_has(command: str) -> None:
    program, *words = command.split()
    assert program == "packhouse"
    line = read(ROOT, [*words, ""])
    assert line.verb is not None, command
    known = {name for param in line.params for name in param.opts}
    assert {word for word in words if word.startswith("-")} <= known
    assert PAGE.name == "client.md"


def test_a_text_takes_the_place_of_the_one_before() -> None:
    page = with_recording("# A\n" + with_recording("", "old\n") + "the rest\n", "new\n")
    assert recording_of(page) == "new\n"
    assert page.startswith("# A\n")
    assert page.endswith("the rest\n")


@pytest.mark.parametrize(
    ("shown", "left"),
    [
        ("a\r\nb\r\n", "a\nb\n"),
        ("abc\rx\r\n", "xbc\n"),
        ("\x1b[32m$\x1b[0m ls\r\n", "$ ls\n"),
        ("one\r\ntwo\r\n\x1b[2A\x1b[2Kthree\r\n", "three\ntwo\n"),
        ("one\r\ntwo\x1b[1A\r\x1b[Jx", "x\n"),
        ("abc\x1b[2D\x1b[Kd", "ad\n"),
        ("\x1b[?25l\x1b[1Gab\x1b[1Cc\x1b[?25h", "ab c\n"),
        ("a\x1b[Bb\x08c\a\x1b(B", "a\n c\n"),
    ],
)
def test_lines_that_were_drawn_over_are_gone(shown: str, left: str) -> None:
    assert cast.text([(0.0, shown)]) == left
    assert cast.text([(0.0, char) for char in (shown if "\x1b" not in shown else [shown])]) == left
