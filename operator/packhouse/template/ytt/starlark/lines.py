"""A line of code and where a reader finds it. Who compiles templates makes them, the language reads them."""

from __future__ import annotations

from packhouse.template.ytt.nodes import Source


class CodeLine:
    """One physical line of code. `source` is None for a generated line, which has no place of its own.

    `shown` is what an error message shows of the place; the line of the source where it is None. A source without a
    name (plain Starlark files) is shown by its line number alone.
    """

    __slots__ = ("line", "shown", "source", "text")

    def __init__(self, text: str, source: Source | None, line: int, shown: str | None = None) -> None:
        self.text = text
        self.source = source
        self.line = line
        self.shown = shown

    @property
    def prefixed(self) -> str:
        """`file.yml:3 | key: #@ value`; only for a line with a source."""
        assert self.source is not None  # noqa: S101 - callers have asked
        place = f"{self.source.name}:{self.line}" if self.source.name else str(self.line)
        return f"{place} | {self.source.line(self.line) if self.shown is None else self.shown}"
