"""Which comment belongs to which node.

libyaml passes over comments: they are the `#` outside of scalars. Each goes to the last node of its line or, where its
line has none, to the first node of the next line that has one. What stands behind the last node of a document goes to
the next document, and behind the last document to one without a value that is made for it. Called by read alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from packhouse.template.ytt.nodes import Array, Comment, Document, Map, Source

#: All others are made these before a text is read.
_BREAKS: Final = "\n\u2028\u2029"
_REST: Final = re.compile(r"[^\n\u2028\u2029\x00]*")


class Comments:
    """The comments of one text. `begin` a document, `hide` its scalars as they come, and `end` the text."""

    def __init__(self, text: str, first_line: int) -> None:
        self._text = text
        self._line = first_line  # of _counted
        self._counted = 0
        self._at = 0  # everything before it is told
        self._hidden: list[tuple[int, int]] = []
        self._document: Document | None = None
        #: Whether the lines of the nodes grow; where aliases copied some, they do not.
        self.is_sorted = True
        self._left: list[Comment] = []  # of the document before, without a node behind them

    def begin(self, document: Document, start: int, end: int) -> None:
        """A document begins: its marker, and directives before it, are from `start` to `end`."""
        self._close(start)
        self._document = document
        document.comments = tuple(self._left)
        self._left = []
        self.is_sorted = True
        self._hidden = [(start, end)]

    def hide(self, start: int, end: int) -> None:
        """A scalar is there: it may hold "#"."""
        self._hidden.append((start, end))

    def cut(self, at: int) -> None:
        """A document was ended by "...": what follows belongs to the next one, or to none."""
        self._close(at)
        self._document = None

    def end(self, source: Source) -> list[Document]:
        """Call it after the last document: the one that holds what is left over, if anything is."""
        self._close(len(self._text))
        return [Document(None, source, 0, tuple(self._left), injected=True)] if self._left else []

    def _close(self, until: int) -> None:
        """Give the comments up to `until` to the nodes of the document."""
        if self._document is None:
            return
        found = self._find(until)
        self._at = until
        if not found:
            return
        nodes: Iterator[Any] = _nodes(self._document)
        if not self.is_sorted:
            nodes = iter(sorted(nodes, key=_line))
        owned: dict[int, tuple[Any, list[Comment]]] = {}
        before: Any = None
        node: Any = next(nodes, None)
        for comment in found:
            while node is not None and node.line <= comment.line:
                before, node = node, next(nodes, None)
            owner = before if before is not None and before.line == comment.line else node
            if owner is None:
                self._left.append(comment)
            else:
                owned.setdefault(id(owner), (owner, []))[1].append(comment)
        for having, own in owned.values():
            having.comments = (*having.comments, *own)

    def _find(self, until: int) -> list[Comment]:
        text, at = self._text, self._at
        found: list[Comment] = []
        hidden = iter(self._hidden)
        start, end = next(hidden, (until, until))
        while True:
            at = text.find("#", at, until)
            if at < 0:
                return found
            while end <= at and start < until:
                start, end = next(hidden, (until, until))
            if start <= at < end:
                at = end
                continue
            rest = _REST.match(text, at + 1)
            stop = rest.end() if rest else at + 1
            self._line += sum(text.count(line_break, self._counted, at) for line_break in _BREAKS)
            self._counted = at
            found.append(Comment(text[at + 1 : stop], self._line))
            at = stop


def _line(node: Any) -> int:
    line: int = node.line
    return line


def _nodes(node: Any) -> Iterator[Any]:
    """The nodes that have a line, from the outside in; the first document of a text without a marker has none yet."""
    if node.line:
        yield node
    rest: list[Iterator[Any]] = [iter(node.value.items)] if isinstance(node.value, Map | Array) else []
    while rest:
        item = next(rest[-1], None)
        if item is None:
            rest.pop()
            continue
        yield item
        below = item.value
        if type(below) is Map or type(below) is Array:
            rest.append(iter(below.items))
