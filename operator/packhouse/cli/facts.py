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
    room = max(20, width() - place)
    parts = _flowing(plain(text.strip()).splitlines(), room)
    lines = [line for part in parts for line in textwrap.wrap(part, room) or [""]]
    if isinstance(text, Painted):
        lines = [text]
    first, *others = lines
    head = painted(f"{title}:", "cyan") + " " * (place - len(title) - 1)
    return "".join([f"{head}{first}\n", *((" " * place + line).rstrip() + "\n" for line in others)])


def _flowing(lines: Sequence[str], room: int) -> list[str]:
    """Prose that was broken for another width becomes whole again; what fits, lists and what is indented stay."""
    if all(len(line) <= room for line in lines):
        return list(lines)
    flowing: list[str] = []
    for line in lines:
        if flowing and flowing[-1][:1].isalpha() and line[:1].isalpha():
            flowing[-1] += f" {line}"
        else:
            flowing.append(line)
    return flowing
