"""The line of a node inside a document, for messages: looked up only when something is wrong.

Called by bundle.py. Follows libyaml's events: a node tree is composed by recursion in C, which deep nesting can end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

_Path = tuple[str | int, ...]


class Lines:
    """Of one file."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)

    def of(self, line: int, path: Sequence[str | int]) -> int:
        """The line of the node at `path` in the document that begins at `line`, or of the nearest node above it."""
        wanted, best, depth = tuple(path), line, 0
        try:
            for offset, found in _nodes("".join(self._document(line))):
                if len(found) > depth and found == wanted[: len(found)]:
                    best, depth = line + offset, len(found)
                if depth == len(wanted):
                    break
        except yaml.YAMLError:
            pass  # what was found before the fault is still right
        return best

    def _document(self, line: int) -> Iterator[str]:
        for number, text in enumerate(self._lines[line - 1 :]):
            if number and text.startswith("---"):
                return
            yield text


@dataclass(slots=True)
class _Open:
    """A list or a map that is being read."""

    is_map: bool
    part: str | int | None
    line: int = 0  # of the key


def _nodes(text: str) -> Iterator[tuple[int, _Path]]:
    """Line (from 0) and path of every value of the first document; of a map's entry, the line of its key."""
    loader = yaml.CSafeLoader(text)
    stack: list[_Open] = []
    try:
        while not isinstance(event := loader.get_event(), yaml.DocumentEndEvent | yaml.StreamEndEvent):
            if isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
                _next(stack)
            elif isinstance(event, yaml.NodeEvent):
                if stack and stack[-1].is_map and stack[-1].part is None:
                    stack[-1].part, stack[-1].line = getattr(event, "value", ""), _line(event)
                    continue
                parent = stack[-1] if stack else None
                line = parent.line if parent and parent.is_map else _line(event)
                yield line, tuple(entry.part for entry in stack if entry.part is not None)
                if isinstance(event, yaml.CollectionStartEvent):
                    is_map = isinstance(event, yaml.MappingStartEvent)
                    stack.append(_Open(is_map, None if is_map else 0))
                else:
                    _next(stack)
    finally:
        loader.dispose()


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line


def _next(stack: list[_Open]) -> None:
    """A value of the innermost collection is done."""
    if stack:
        part: Any = stack[-1].part
        stack[-1].part = None if stack[-1].is_map else part + 1
