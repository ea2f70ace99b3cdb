"""Events of libyaml become nodes: the part of reading that runs once for each word of a file.

Called by read alone, which turns the errors of libyaml into ours. What follows go-yaml v2: that a merge (`<<`) is
taken over as items where it stands and may be overridden behind it, that a list of merges is refused, that an item of
an array is where its "-" is (of `[a, b]`: where "[" or "," is).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Array, ArrayItem, Document, Map, MapItem, Source, Value
from packhouse.template.ytt.yaml.comments import Comments, Lines
from packhouse.template.ytt.yaml.scalars import MERGE, WORDS_ALONE, resolve_strict, resolve_tagged, value_of

#: Maps and arrays within one another. Kubernetes objects have 40 at most; those who walk trees recurse.
MAX_DEPTH: Final = 200
#: Nodes that aliases may copy in one text.
MAX_COPIES: Final = 200_000

_FLOW: Final = -1
_BLOCK_STYLES: Final = ("|", ">")
_BLANK: Final = re.compile(r"(?:[ \t\r\n\x85\u2028\u2029\ufeff]+|#[^\r\n\x85\u2028\u2029]*)*")


class _Merge(MapItem):
    """`<<`: stands nowhere among the items, its value's items do."""

    __slots__ = ()


class Builder:
    """One text on its way to documents. `first_line` is what libyaml's line 0 is called."""

    def __init__(self, source: Source, text: str, first_line: int, *, comments: bool, strict: bool) -> None:
        self._source = source
        self._text = text
        self._first_line = first_line
        self._strict = strict
        self._tagged = "!" in text
        self._comments = Comments(text, first_line) if comments and "#" in text else None
        self._anchors: dict[str, Value] = {}
        self._open: list[Map | Array] = []  # those with an anchor that are not complete
        self._copies = 0
        self._lines = Lines(text)
        try:
            self._next: Callable[[], Any] = CParser(text).get_event
        except UnicodeEncodeError:  # it holds bytes that were no UTF-8: libyaml says so in its own words
            self._next = CParser(text.encode("utf-8", "surrogateescape")).get_event

    def documents(self) -> list[Document]:
        """Raises YttError, and the errors of PyYAML."""
        documents: list[Document] = []
        while True:
            event: Any = self._next()
            kind = type(event)
            if kind is StreamEndEvent:
                break
            if kind is not DocumentStartEvent:
                continue
            start = event.start_mark
            document = Document(None, self._source, start.line + self._first_line)
            if self._comments is not None:
                self._comments.begin(document, start.index, event.end_mark.index)
            self._anchors = {}
            end = self._content(document)
            if end.explicit and self._comments is not None:
                self._comments.cut(end.end_mark.index)
            document.line = document.line or 1
            documents.append(document)
        return documents + self._comments.end(self._source) if self._comments is not None else documents

    def _content(self, document: Document) -> Any:
        """Fill a document. The event that ends it is returned."""
        source, first_line, following, comments = self._source, self._first_line, self._next, self._comments
        text, strict = self._text, self._strict or self._tagged
        register = comments.nodes.append if comments is not None else None
        stack: list[Any] = []
        items: list[Any] = []  # of the map or array that is open
        in_map = False
        owner: Any = document  # of which the next value is the value; None where a key comes, or an item of an array
        column = 0  # of the "-" of an array, or _FLOW
        event: Any = None
        while True:
            previous, event = event, following()
            kind = type(event)
            if kind is ScalarEvent:
                value = event.value
                if comments is not None and ("#" in value or event.style in _BLOCK_STYLES):
                    comments.hide(event.start_mark.index, event.end_mark.index)
                if event.tag is not None or event.anchor is not None or (strict and not event.style):
                    value = self._scalar(event)
                elif not event.style:
                    value = value_of(value) if value < ":" else WORDS_ALONE.get(value, value)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                if self._open and self._open[-1].items is items:
                    self._open.pop()
                items, in_map, owner, column = stack.pop()
                if type(owner) is _Merge:
                    items += _merged(owner.value)
                    owner = None
                continue
            elif kind is AliasEvent:
                value = self._copy(event.anchor, event.start_mark.line + first_line if owner is None else owner.line)
            elif kind is DocumentEndEvent:
                return event
            else:
                if len(stack) == MAX_DEPTH:
                    raise YttError(f"yaml: exceeded max depth of {MAX_DEPTH}")
                after = owner if type(owner) is _Merge else None
                mark, end = event.start_mark, event.end_mark
                is_key = owner is None and in_map
                if owner is None:
                    line = first_line + (mark.line if in_map else self._item_line(mark, previous, column))
                    owner = MapItem(None, None, source, line) if in_map else ArrayItem(None, source, line)
                    items.append(owner)
                    if register is not None:
                        register(owner)
                    after = owner if is_key else None
                stack.append((items, in_map, after, column))
                items, in_map = [], kind is MappingStartEvent
                below = Map(items, source, owner.line or 1) if in_map else Array(items, source, owner.line or 1)
                if is_key:
                    owner.key = below
                else:
                    owner.value = below
                if event.anchor is not None:
                    self._anchors[event.anchor] = below
                    self._open.append(below)
                column = _FLOW if event.flow_style else end.column - (not text.startswith("-", end.index))
                owner = None
                continue
            if owner is not None:
                owner.value = value
                if type(owner) is _Merge:
                    items += _merged(value)
                owner = None
            elif in_map:
                kept = value != "<<" or kind is not ScalarEvent or not (event.implicit[0] or event.tag == MERGE)
                owner = (MapItem if kept else _Merge)(value, None, source, event.start_mark.line + first_line)
                if kept:
                    items.append(owner)
                    if register is not None:
                        register(owner)
            else:
                mark = event.start_mark
                if column >= 0 and text.startswith("-", mark.index - mark.column + column):
                    line = mark.line + first_line
                else:
                    line = self._item_line(mark, previous, column) + first_line
                made = ArrayItem(value, source, line)
                items.append(made)
                if register is not None:
                    register(made)

    def _scalar(self, event: Any) -> Value:
        """A scalar that has a tag or an anchor, or that is read strictly."""
        value: Value = event.value
        plain = event.implicit[0] and not event.style
        if event.tag is not None:
            value = resolve_tagged(event.tag, value)
        elif plain and self._tagged and self._text.startswith("!", event.start_mark.index):
            pass  # "! 5" is a text
        elif plain:
            value = resolve_strict(value) if self._strict else value_of(value)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _item_line(self, mark: Any, previous: Any, column: int) -> int:
        """Where the "-" of an item is, or the "[" or "," before it. `previous`: the event before the item's first."""
        text = self._text
        if column == _FLOW:
            end = previous.end_mark
            if end.line == mark.line:
                return int(mark.line)
            blank = _BLANK.match(text, end.index)
            comma = blank.end() if blank else end.index
            # behind "[" nothing stands between it and the item
            return int(end.line + (self._lines.between(end.index, comma) if text[comma : comma + 1] == "," else 0))
        start, line = mark.index - mark.column, mark.line
        while start > 0 and text[start + column : start + column + 1] != "-":
            start = text.rfind("\n", 0, start - 1) + 1
            line -= 1
        return int(line)

    def _copy(self, anchor: str, line: int) -> Value:
        """What an alias stands for. Maps and arrays are copied: each node has comments of its own."""
        if anchor not in self._anchors:
            raise YttError(f"yaml: unknown anchor '{anchor}' referenced")
        value = self._anchors[anchor]
        if any(value is node for node in self._open):
            raise YttError(f"yaml: anchor '{anchor}' value contains itself")
        return self._copied(value, line)

    def _copied(self, value: Value, line: int) -> Value:
        if not isinstance(value, Map | Array):
            return value
        self._copies += len(value.items)
        if self._copies > MAX_COPIES:
            raise YttError("yaml: document contains excessive aliasing")
        items: list[Any] = []
        for item in value.items:
            made = item.with_value(None)
            made.comments = ()
            items.append(made)
            if self._comments is not None:
                self._comments.nodes.append(made)
            made.value = self._copied(item.value, made.line)
        return type(value)(items, self._source, line)


def _merged(value: Value) -> list[MapItem]:
    if isinstance(value, Map):
        return value.items
    if isinstance(value, Array) and not value.items:
        return []
    raise YttError("yaml: map merge requires map or sequence of maps as the value")
