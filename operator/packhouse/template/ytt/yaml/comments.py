"""Which comment belongs to which node.

libyaml passes over comments: they are the `#` outside of scalars. Each goes to the last node of its line or, where its
line has none, to the first node of the next line that has one. What stands behind the last node of a document goes to
the next document, and behind the last document to one without a value that is made for it. Called by read alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Any, Final

from packhouse.template.ytt.nodes import Comment, Document, Node, Source

_BREAK: Final = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_REST: Final = re.compile(r"[^\r\n\x85\u2028\u2029\x00]*")
_UNUSUAL: Final = re.compile(r"\r(?!\n)|[\x85\u2028\u2029]")


class Lines:
    """Counts lines as libyaml does, which knows more line breaks than one."""

    __slots__ = ("_text", "_unusual")

    def __init__(self, text: str) -> None:
        self._text = text
        self._unusual = _UNUSUAL.search(text) is not None

    def between(self, start: int, end: int) -> int:
        """How many line breaks there are from `start` to `end`, which are offsets in the text."""
        if self._unusual:
            return sum(1 for _ in _BREAK.finditer(self._text, start, end))
        return self._text.count("\n", start, end)


class Comments:
    """The comments of one text. `begin` a document, `hide` its scalars as they come, and `end` the text."""

    def __init__(self, text: str, first_line: int) -> None:
        self._text = text
        self._lines = Lines(text)
        self._line = first_line  # of _counted
        self._counted = 0
        self._at = 0  # everything before it is told
        self._hidden: list[tuple[int, int]] = []
        self._document: Document | None = None
        self._left: list[Comment] = []  # of the document before, without a node behind them
        #: In the order of the text; who makes a node that has a line appends it.
        self.nodes: list[Node] = []

    def begin(self, document: Document, start: int, end: int) -> None:
        """A document begins: its marker, and directives before it, are from `start` to `end`."""
        self._close(start)
        self._document = document
        document.comments = tuple(self._left)
        self._left = []
        self.nodes = [document] if document.line else []
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
        last: dict[int, Any] = {node.line: node for node in self.nodes}
        first: dict[int, Any] = {node.line: node for node in reversed(self.nodes)}
        populated = sorted(last)
        for comment in found:
            place = bisect_left(populated, comment.line)
            if place == len(populated):
                self._left.append(comment)
                continue
            line = populated[place]
            owner = last[line] if line == comment.line else first[line]
            owner.comments = (*owner.comments, comment)

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
            self._line += self._lines.between(self._counted, at)
            self._counted = at
            found.append(Comment(text[at + 1 : stop], self._line))
            at = stop
