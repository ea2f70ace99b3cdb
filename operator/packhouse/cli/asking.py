"""What verbs that change something have in common: whether it is agreed to, and how long they wait."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from packhouse.cli.terminal import plain
from packhouse.client.errors import ExitCode, Trouble

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Whether to wait until it is done.")]


def seconds(words: str | float) -> float:
    """A duration such as 90s, 5m or 1h30m; a bare number is seconds."""
    from packhouse.domain.schedule import seconds_of

    text = str(words)
    found = seconds_of(text)
    if found is None and text.replace(".", "", 1).isdecimal():
        found = float(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no duration: write it like 90s, 5m or 1h30m")
    return found


Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", parser=seconds, metavar="DURATION", show_default="5m", help="How long to wait, such as 90s or 5m."
    ),
]
#: What Timeout is where nobody says otherwise.
TIMEOUT_SECONDS = 300.0


def agree(question: str, *, yes: bool) -> None:
    """Returns if it is agreed to; else raises Trouble (code DECLINED)."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Trouble(
            "this needs your consent, and there is no terminal to ask on", "pass --yes to consent", ExitCode.DECLINED
        )
    if not typer.confirm(plain(question), err=True):
        raise Trouble("you said no, and nothing was changed", code=ExitCode.DECLINED)
