"""One thing as facts under each other, for people: what does not fit into a row of a table."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from packhouse.cli.terminal import Painted, painted, plain, width

#: Between the longest title and what stands behind it.
_GAP = 3


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """`pairs` of title and text; those without a text are left out."""
    told = [(title, text) for title, text in pairs if text.strip()]
    place = max((len(title) for title, _ in told), default=0) + 1 + _GAP
    return "".join(_fact(title, text, place) for title, text in told)


def _fact(title: str, text: str, place: int) -> str:
    """Long texts are broken at the width of the terminal, and all their lines begin at the same place."""
    parts = plain(text.strip()).splitlines()
    lines = [line for part in parts for line in textwrap.wrap(part, max(20, width() - place)) or [""]]
    if isinstance(text, Painted):
        lines = [text]
    first, *others = lines
    head = painted(f"{title}:", "cyan") + " " * (place - len(title) - 1)
    return "".join([f"{head}{first}\n", *((" " * place + line).rstrip() + "\n" for line in others)])
