"""What a terminal can show, and what is said beside the answer. The answer goes to standard output, all else here."""

from __future__ import annotations

import os
import shutil
import sys
from typing import IO

import typer


def is_terminal(stream: IO[str] | None = None) -> bool:
    stream = stream or sys.stdout
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def is_coloured(stream: IO[str] | None = None) -> bool:
    """https://no-color.org: any value that is not empty means no."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def is_unicode(stream: IO[str] | None = None) -> bool:
    """Whether it takes more than ASCII: by its locale."""
    return str(getattr(stream or sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"


def painted(text: str, colour: str, *, stream: IO[str] | None = None, bold: bool = False) -> str:
    """`colour`: green, red, yellow, cyan, bright_black ..."""
    return typer.style(text, fg=colour, bold=bold) if is_coloured(stream) else text


def width() -> int:
    """Columns for text; lines longer than 120 are hard to read."""
    return max(40, min(120, shutil.get_terminal_size((100, 24)).columns))


def begins(text: str) -> None:
    """What is being done, before it is known how it ends: `| Retrieving available packages...`."""
    typer.echo(f"| {text}", err=True)


def note(text: str) -> None:
    """Something that the caller should know, beside the answer."""
    typer.echo(text, err=True)


def warn(text: str) -> None:
    typer.echo(f"{painted('warning:', 'yellow', stream=sys.stderr)} {text}", err=True)


def say_trouble(what: str, help: str = "") -> None:
    """How every error is told: what happened, and what to do."""
    typer.echo(f"{painted('error:', 'red', stream=sys.stderr, bold=True)} {what}", err=True)
    if help:
        typer.echo(f"{painted('help:', 'cyan', stream=sys.stderr, bold=True)}  {help}", err=True)
