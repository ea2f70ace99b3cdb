"""The rules of a chart's .helmignore: which files helm does not see when it reads a chart from a folder.

Pure. Called by chart.py, since helm itself applies the rules to folders only and is given an archive here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import re2

from packhouse.api.errors import TemplateFailed

FILE: Final = ".helmignore"
#: Helm's own rule, behind those of the file.
_ALWAYS: Final = "templates/.?*"


@dataclass(frozen=True, slots=True)
class _Rule:
    matches: Callable[[str], object]
    whole_path: bool  # else the last part alone
    folders_only: bool
    negated: bool


class Rules:
    """`ignores(path)`: whether a file, or a folder on the way to it, is left out."""

    def __init__(self, text: str, place: str) -> None:
        """Raises TemplateFailed, with `place` and line, for a pattern that helm would refuse."""
        lines = [*text.removeprefix("\ufeff").splitlines(), _ALWAYS]
        self._rules = [
            _rule(line.strip(), f"{place}:{number}")
            for number, line in enumerate(lines, 1)
            if line.strip() and not line.strip().startswith("#")
        ]
        self._folders: dict[str, bool] = {"": False}

    def ignores(self, path: str) -> bool:
        return self._folder(path.rpartition("/")[0]) or self._matches(path, is_folder=False)

    def _folder(self, path: str) -> bool:
        if path not in self._folders:
            parent = self._folder(path.rpartition("/")[0])
            self._folders[path] = parent or self._matches(path, is_folder=True)
        return self._folders[path]

    def _matches(self, path: str, *, is_folder: bool) -> bool:
        """The first rule that fits decides. A negated one leaves out whatever it does not match: so helm reads it."""
        for rule in self._rules:
            found = bool(rule.matches(path if rule.whole_path else path.rpartition("/")[2]))
            if rule.negated:
                if not found or (rule.folders_only and not is_folder):
                    return True
            elif found and (is_folder or not rule.folders_only):
                return True
        return False


def _rule(line: str, place: str) -> _Rule:
    if "**" in line:
        raise TemplateFailed(f"{place}: ** is no pattern that helm knows; write one rule for each folder")
    pattern = line.removeprefix("!")
    folders_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    whole = "/" in pattern
    try:
        matches = re2.compile(f"(?s)^(?:{''.join(_expression(pattern.removeprefix('/')))})$", _quiet()).search
    except (ValueError, re2.error):
        raise TemplateFailed(f"{place}: the pattern cannot be read; write it as in Go's filepath.Match") from None
    return _Rule(matches, whole, folders_only, line.startswith("!"))


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


def _expression(pattern: str) -> Iterable[str]:
    """Go's filepath.Match as a regular expression. Raises ValueError where Go finds no pattern."""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*":
            yield "[^/]*"
        elif character == "?":
            yield "[^/]"
        elif character == "\\":
            yield re2.escape(_escaped(pattern, position))
            position += 1
        elif character == "[":
            text, position = _class(pattern, position)
            yield text
        else:
            yield re2.escape(character)


def _class(pattern: str, position: int) -> tuple[str, int]:
    """One of [abc], [a-z] and [^a-z], and where it ends."""
    negated = pattern[position : position + 1] == "^"
    position += negated
    ranges: list[str] = []
    while position >= len(pattern) or pattern[position] != "]" or not ranges:
        low, position = _class_character(pattern, position)
        high = low
        if pattern[position : position + 1] == "-":
            high, position = _class_character(pattern, position + 1)
        if low <= high:  # Go takes an empty range for one that matches nothing
            ranges.append(f"\\x{{{ord(low):x}}}-\\x{{{ord(high):x}}}")
        else:
            ranges.append("")
    inner = "".join(ranges)
    if not inner:
        return ("[^/]" if negated else "[^\\x{0}-\\x{10ffff}]"), position + 1
    return f"[{'^' if negated else ''}{inner}]", position + 1


def _class_character(pattern: str, position: int) -> tuple[str, int]:
    if position >= len(pattern) or pattern[position] in "-]":
        raise ValueError(pattern)
    if pattern[position] == "\\":
        return _escaped(pattern, position + 1), position + 2
    return pattern[position], position + 1


def _escaped(pattern: str, position: int) -> str:
    if position >= len(pattern):
        raise ValueError(pattern)
    return pattern[position]
