"""Errors as they are printed, in the form that users of the original know.

Pure. The command prints them, the template step puts them into a condition.
"""

from __future__ import annotations

import re
from typing import Final

#: Where the first line of a message is broken: before a sentence that tells more.
_NEXT: Final = re.compile(r": (?=[A-Z])")
_BRACKETS: Final = {")": "(", "]": "[", "}": "{"}
_BRACKET: Final = re.compile(r"[()\[\]{}]")


def as_printed(message: str) -> str:
    """The message after "ytt: Error: ", its first line broken into sentences, each indented under the one before."""
    first, newline, rest = message.partition("\n")
    return f"ytt: Error: {_in_lines(first)}{newline}{rest}"


def _in_lines(line: str) -> str:
    """Sentences inside brackets stay where they are."""
    depths = [0] * (len(line) + 1)
    opened: list[str] = []
    last = 0
    for bracket in _BRACKET.finditer(line):
        depths[last : bracket.start()] = [len(opened)] * (bracket.start() - last)
        last = bracket.start()
        if bracket[0] not in _BRACKETS:
            opened.append(bracket[0])
        elif opened:
            opened.pop()
    depths[last:] = [len(opened)] * (len(depths) - last)
    broken, begin, indent = [], 0, ""
    for found in _NEXT.finditer(line):
        if depths[found.start()] == 0:
            broken.append(f"{indent}{line[begin : found.start()]}:")
            begin, indent = found.end(), f"{indent}  "
    return "\n".join([*broken, f"{indent}{line[begin:]}"])
