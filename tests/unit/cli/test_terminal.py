"""What strangers wrote does nothing to a terminal, whichever way it is shown."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from typer import echo

from packhouse.cli import terminal
from packhouse.cli.facts import facts
from packhouse.cli.output import Column, Form, Listing, rendered
from packhouse.cli.progress import progress
from packhouse.cli.terminal import Painted, as_called, begins, note, painted, plain, say_trouble, warn
from packhouse.cli.verb import ended
from packhouse.cli.yaml_diff import diff_lines
from packhouse.domain.readiness import State

EVIL = "a\x1b]0;owned\x07\x1b[2J\x9b1m\u202e\rz"
HARMLESS = r"a\x1b]0;owned\x07\x1b[2J\x9b1m\u202e\rz"


def test_what_is_no_letter_is_written_out_and_letters_of_all_languages_stay() -> None:
    assert plain(EVIL) == HARMLESS
    for text in (
        "Zertifikate f\xfcr alle\xa0!",
        "\u6771\u4eac",
        "\u0646\u0645\u06cc\u200c\u062e",
        "one\n\ttwo",
        "\u2713 \U0001f680",
    ):
        assert plain(text) == text


def test_colours_are_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "is_coloured", lambda stream=None: True)
    green = painted(EVIL, "green")
    assert green == f"\x1b[32m\x1b[22m{HARMLESS}\x1b[0m"
    assert plain(green) == green
    assert plain(f"{green}") != green  # put together with other texts it is nobody's


def _lines() -> None:
    with progress() as watcher:
        watcher.head(EVIL)
        watcher.line("x", EVIL, State.READY)


def _bug() -> None:
    with pytest.raises(BaseException, match="1"), ended(debug=True):
        raise ValueError(EVIL)


@pytest.mark.parametrize(
    "says",
    [
        lambda: begins(EVIL),
        lambda: note(EVIL),
        lambda: warn(EVIL),
        lambda: say_trouble(EVIL, EVIL),
        _lines,
        _bug,
        lambda: echo(rendered(Listing([Column(EVIL)], [[EVIL]], [], [EVIL]), Form.NAME)),
        lambda: echo(rendered(Listing([Column("A")], [[EVIL]], []), Form.TABLE)),
        lambda: echo(facts([("A", EVIL)])),
        lambda: echo("\n".join(diff_lines({"a": 1, "b": EVIL}, {"a": 2, "b": EVIL}, EVIL))),
    ],
)
def test_no_way_of_showing_hands_on_what_a_terminal_obeys(
    says: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    says()
    said = "".join(capsys.readouterr())
    assert said.replace("\n", "").isprintable()


def test_a_picture_that_is_drawn_anew_shows_none_either(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    from packhouse.cli.progress import _Picture

    console = Console(file=io.StringIO(), force_terminal=True, color_system=None)
    picture = _Picture(console)
    picture.is_over = True
    picture.head(EVIL)
    picture.line("x", EVIL, State.FAILED)
    console.print(picture)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().replace("\n", "").isprintable()


def test_a_fact_with_a_colour_keeps_it() -> None:
    assert facts([("A", Painted("\x1b[32mwell\x1b[0m"))]).endswith("\x1b[32mwell\x1b[0m\n")


def test_prose_broken_for_another_width_flows_and_lists_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")

    told = facts([("ABOUT", "It does one thing and does it\nwell.\n\n- a list\n- of two")])

    assert [line[9:] for line in told.splitlines()] == [
        "It does one thing and does it",
        "well.",
        "",
        "- a list",
        "- of two",
    ]
    assert facts([("ABOUT", "one line that is too long for the place\nand another")]).splitlines() == [
        "ABOUT:   one line that is too long for",
        "         the place and another",
    ]


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("/usr/bin/packhouse", "packhouse package available list"),
        ("/usr/bin/kubectl-package", "kubectl package available list"),
    ],
)
def test_commands_are_told_as_the_caller_writes_them(
    program: str, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [program])

    for word in ("packhouse", "kubectl"):
        assert as_called(f"{word} package available list") == shown
        say_trouble("there is none", f"see them: {word} package available list")
        assert capsys.readouterr().err == f"error: there is none\nhelp:  see them: {shown}\n"
