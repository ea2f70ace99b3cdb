"""The lines of a program as they are put together.

The compilers write here; what comes out is for the language. A call of an instruction that stands for nothing in the
user's file has no place, and shows itself in messages with what it is about.
"""

from __future__ import annotations

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Source
from packhouse.template.ytt.starlark.instructions import PREFIX
from packhouse.template.ytt.starlark.lines import CodeLine
from packhouse.template.ytt.words import SPACES


def own_code(code: str) -> str:
    """Code of the user's, as it may be put into a call of an instruction. Raises YttError where it spells one: they are
    for the compilers alone. Strings of YAML may spell them without their source showing it."""
    if PREFIX in code:
        raise YttError(f"\n- undefined: {PREFIX}")
    return code


class Lines:
    """Indentation means nothing and goes, except after a backslash at the end of a line."""

    __slots__ = ("_goes_on", "all")

    def __init__(self) -> None:
        self.all: list[CodeLine] = []
        self._goes_on = False

    def add(self, text: str, source: Source | None = None, line: int = 0, shown: str | None = None) -> None:
        """A line of code and its place; a `line` of 0 says that there is none. Code with line breaks inside becomes
        lines with places one below the other. `shown` is what messages show of the place."""
        if not self._goes_on:
            text = text.lstrip(SPACES)
        self._goes_on = text.endswith("\\")
        if not line:
            source = None
        if "\n" not in text:
            self.all.append(CodeLine(text, source, line, shown))
            return
        for offset, part in enumerate(text.split("\n")):
            self.all.append(CodeLine(part, source, line + offset if line else 0, shown))
