"""Prints the demo: headings, notes, commands and their output. Colours only on a terminal; decides nothing."""

from __future__ import annotations

from typing import IO

from rich.console import Console
from rich.text import Text


class Screen:
    """One after the other, nothing is rewritten: the same lines make sense in a log."""

    def __init__(self, file: IO[str] | None = None) -> None:
        """`file`: where to, standard output by default."""
        # Output of commands is passed on as it is: no wrapping, no markup, no colours for numbers.
        self._console = Console(file=file, soft_wrap=True, markup=False, highlight=False, emoji=False)

    def heading(self, number: int, title: str) -> None:
        self._line(f"\n{number}. {title}", "bold cyan")

    def note(self, text: str) -> None:
        """A sentence to the reader, as a comment of a shell."""
        self._line(f"# {text}", "dim")

    def command(self, line: str) -> None:
        self._line(f"$ {line}", "bold")

    def output(self, text: str) -> None:
        if text.strip():
            self._line(text.rstrip("\n"), "")

    def success(self, text: str) -> None:
        self._line(f"\n{text}", "bold green")

    def failure(self, text: str) -> None:
        self._line(f"\n{text}", "bold red")

    def _line(self, text: str, style: str) -> None:
        try:
            self._console.print(Text(text, style=style))
        except OSError:  # the terminal was closed: the cleaning up that follows must not fail of that
            self._console.quiet = True
