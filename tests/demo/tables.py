"""Reads the tables that kubectl prints, so that what is shown is what is checked. Pure; called by `story`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_COLUMN = re.compile(r"\S+(?: \S+)*")


class NotAsTold(AssertionError):
    """The world is not what the story says; the message tells what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Table:
    """The header's words, and each row by them. Both are empty for "No resources found"."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]

    def column(self, name: str) -> list[str]:
        """The cells of one column, from top to bottom. Raises NotAsTold where there is no such column."""
        if self.rows and name not in self.columns:
            raise NotAsTold(f"the table has no column {name}, only {', '.join(self.columns)}")
        return [row[name] for row in self.rows]


def read_table(text: str) -> Table:
    """Read one table. A cell begins below the first letter of its header; it may hold spaces and may be empty."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return Table((), ())
    headers = list(_COLUMN.finditer(lines[0]))
    names = tuple(found.group() for found in headers)
    starts = [found.start() for found in headers]
    spans = list(zip(starts, [*starts[1:], None], strict=True))
    return Table(
        names,
        tuple(
            {name: line[start:end].strip() for name, (start, end) in zip(names, spans, strict=True)}
            for line in lines[1:]
        ),
    )


def read_tables(text: str) -> list[Table]:
    """Read what `kubectl get` prints for several kinds: a table each, with an empty line between."""
    return [read_table(part) for part in text.split("\n\n") if part.strip()]


def same(what: str, expected: object, found: object) -> None:
    """Raises NotAsTold unless both are equal."""
    if expected != found:
        raise NotAsTold(f"{what}: expected {expected!r}, found {found!r}")
