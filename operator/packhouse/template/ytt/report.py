"""Errors as they are printed: in the form that users of the original know, and without what stands in Secrets.

Pure. The command prints them, the template step puts them into a condition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: Where the first line of a message is broken: before a sentence that tells more.
_NEXT: Final = re.compile(r": (?=[A-Z])")
_BRACKETS: Final = {")": "(", "]": "[", "}": "{"}
_BRACKET: Final = re.compile(r"[()\[\]{}]")
#: A line of a file in a message: a number or a place, a bar, the text.
_QUOTED: Final = re.compile(r"^(.*?\|)([ \t]+)(\S.*)$")
#: What a line of a Secret may show of itself: a key alone, the start of a document, an instruction to overlays.
_HARMLESS: Final = re.compile(r"-{3}|[-\w./ \"']+:|#@(?:overlay|data|schema|library)/[^\"']*")
NOT_SHOWN: Final = "(a line of a Secret)"


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


def without_secrets(message: str, secrets: Iterable[str]) -> str:
    """The message with every line of a file that is a line of one of these texts left out.

    Templates are shown as they are: a package is public. What a template's own code says of a value is its own word.
    """
    hidden = {line.strip() for text in secrets for line in text.splitlines() if line.strip()}
    if not hidden:
        return message
    return "\n".join(_shown(line, hidden) for line in message.split("\n"))


def _shown(line: str, hidden: set[str]) -> str:
    quoted = _QUOTED.match(line)
    if quoted is None or quoted[3].strip() not in hidden or _HARMLESS.fullmatch(quoted[3].strip()):
        return line
    return f"{quoted[1]}{quoted[2]}{NOT_SHOWN}"
