"""What a terminal can show, and what is said beside the answer. The answer goes to standard output, all else here.

Names, descriptions and messages are written by strangers: whatever goes to a terminal passes `plain`, or `painted`,
which does that too.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import IO, Final

import typer

#: Signs that are no letters and do nothing: line breaks, tabs, wide spaces, and what joins letters and pictures.
_HARMLESS: Final = frozenset("\n\t\xa0\u202f\u3000\u200c\u200d")


class Painted(str):
    """A text with colours of ours, in which all else is plain."""

    __slots__ = ()


def is_terminal(stream: IO[str] | None = None) -> bool:
    stream = stream or sys.stdout
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def is_coloured(stream: IO[str] | None = None) -> bool:
    """https://no-color.org: any value that is not empty means no."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def is_unicode(stream: IO[str] | None = None) -> bool:
    """Whether it takes more than ASCII: by its locale."""
    return str(getattr(stream or sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"


def plain(text: str) -> str:
    """The text with what would move, colour or turn around anything written out, as in `\\x1b`."""
    if isinstance(text, Painted) or text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in _HARMLESS else ascii(sign)[1:-1] for sign in text)


def painted(text: str, colour: str, *, stream: IO[str] | None = None, bold: bool = False) -> Painted:
    """`colour`: green, red, yellow, cyan, bright_black ..."""
    shown = plain(text)
    return Painted(typer.style(shown, fg=colour, bold=bold) if is_coloured(stream) else shown)


def width() -> int:
    """Columns for text; lines longer than 120 are hard to read."""
    return max(40, min(120, shutil.get_terminal_size((100, 24)).columns))


def as_called(text: str) -> str:
    """Commands in it as the caller writes them: with `packhouse`, or as the plug-in of kubectl."""
    match Path(sys.argv[0]).name:
        case "packhouse":
            return text.replace("kubectl package ", "packhouse package ")
        case "kubectl-package":
            return text.replace("packhouse package ", "kubectl package ")
        case _:
            return text


def begins(text: str) -> None:
    """What is being done, before it is known how it ends: `| Retrieving available packages...`."""
    typer.echo(f"| {plain(text)}", err=True)


def note(text: str) -> None:
    """Something that the caller should know, beside the answer."""
    typer.echo(plain(as_called(text)), err=True)


def warn(text: str) -> None:
    typer.echo(f"{painted('warning:', 'yellow', stream=sys.stderr)} {plain(as_called(text))}", err=True)


def say_trouble(what: str, help: str = "") -> None:
    """How every error is told: what happened, and what to do."""
    typer.echo(f"{painted('error:', 'red', stream=sys.stderr, bold=True)} {plain(what)}", err=True)
    if help:
        typer.echo(f"{painted('help:', 'cyan', stream=sys.stderr, bold=True)}  {plain(as_called(help))}", err=True)
