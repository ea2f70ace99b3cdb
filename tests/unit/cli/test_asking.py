"""Consent and durations of the verbs that change something. The terminal is faked."""

from __future__ import annotations

import io

import pytest
import typer

from packhouse.cli.asking import agree, seconds
from packhouse.client.errors import ExitCode, Trouble


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("words", "expected"), [("90s", 90.0), ("5m", 300.0), ("1h30m", 5400.0), ("12", 12.0)])
def test_a_duration_is_written_as_in_go_or_as_seconds(words: str, expected: float) -> None:
    assert seconds(words) == expected


@pytest.mark.parametrize("words", ["soon", "5 m", "-5m", "", "1.2.3"])
def test_what_is_no_duration_is_refused(words: str) -> None:
    with pytest.raises(typer.BadParameter, match="write it like 90s"):
        seconds(words)


def test_without_a_terminal_consent_is_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))

    with pytest.raises(Trouble) as refused:
        agree("Really?", yes=False)
    agree("Really?", yes=True)

    assert refused.value.code is ExitCode.DECLINED
    assert "--yes" in refused.value.help


def test_who_is_asked_may_say_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\nn\n"))

    agree("Really?", yes=False)
    with pytest.raises(Trouble) as refused:
        agree("Really?", yes=False)

    assert refused.value.code is ExitCode.DECLINED
