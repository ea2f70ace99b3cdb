"""Events of libyaml become nodes: the part of reading that runs once for each word of a file.

Called by read alone, which turns the errors of libyaml into ours. What follows go-yaml v2: that a merge (`<<`) is
taken over as items where it stands and may be overridden behind it, that a list of merges is refused, that an item of
an array is where its "-" is (of `[a, b]`: where "[" or "," is), that a document is read to its end before a value of it
is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from sys import intern
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
from packhouse.template.ytt.words import to_bytes
from packhouse.template.ytt.yaml.comments import Comments
from packhouse.template.ytt.yaml.scalars import MERGE, WORDS_ALONE, resolve_strict, resolve_tagged, value_of

#: Maps and arrays within one another. Kubernetes objects have 40 at most; those who walk trees recurse.
MAX_DEPTH: Final = 200
#: Nodes that aliases may copy in one text.
MAX_COPIES: Final = 200_000

_FLOW: Final = -1
_BLOCK_STYLES: Final = ("|", ">")
_BLANK: Final = re.compile(r"(?:[ \t\n\u2028\u2029\ufeff]+|#[^\n\u2028\u2029]*)*")
_PROPERTIES: Final = re.compile(r"(?:[&!]\S*|[ \t\n\u2028\u2029]+|#[^\n\u2028\u2029]*)*")
_MARK: Final = re.compile(r"[!&](?<=[ \t\n\[{,\u2028\u2029].)")


class _Merge(MapItem):
    """`<<`: stands nowhere among the items, its value's items do."""

    __slots__ = ()


#: Items of the map or array that is open; whether it is a map; of whom the next value is the value (None where a key
#: comes, or an item of an array); the column of an array's "-", or _FLOW.
_State = tuple[list[Any], bool, Any, int]


class Builder:
    """One text on its way to documents. `first_line` is what libyaml's line 0 is called; line breaks are "\\n"."""

    def __init__(self, source: Source, text: str, first_line: int, *, comments: bool, strict: bool) -> None:
        self._source = source
        self._text = text
        self._first_line = first_line
        self._strict = strict
        self._unusual = strict or _is_unusual(text)
        self._comments = Comments(text, first_line) if comments and "#" in text else None
        self._anchors: dict[str, Value] = {}
        self._open: list[list[Any]] = []  # the items of maps and arrays with an anchor that are not complete
        self._stack: list[_State] = []
        self._fault: YttError | None = None
        self._copies = 0
        try:
            self._next: Callable[[], Any] = CParser(text).get_event
        except UnicodeEncodeError:  # it holds bytes that were no UTF-8: libyaml says so in its own words
            self._next = CParser(to_bytes(text)).get_event

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
            if self._fault is not None:
                raise self._fault
            if end.explicit and self._comments is not None:
                self._comments.cut(end.end_mark.index)
            documents.append(document)
        if self._comments is not None:
            documents += self._comments.end(self._source)
        if documents and not documents[0].line:
            documents[0].line = 1
        return documents

    def _content(self, document: Document) -> Any:
        """Fill a document. The event that ends it is returned."""
        source, first_line, following, unusual = self._source, self._first_line, self._next, self._unusual
        hide = self._comments.hide if self._comments is not None else None
        items: list[Any] = []
        in_map = False
        owner: Any = document
        column = 0
        event: Any = None
        while True:
            previous, event = event, following()
            kind = type(event)
            if kind is ScalarEvent:
                value = event.value
                style = event.style
                if hide is not None and ("#" in value or (style and style in _BLOCK_STYLES)):
                    hide(self._start(event) if unusual else event.start_mark.index, event.end_mark.index)
                if not style and column < 0 and "?" in value:
                    raise self._question(event, in_map=in_map)
                if unusual:
                    value = self._scalar(event)
                elif not style:
                    value = value_of(value) if value < ":" else WORDS_ALONE.get(value, value)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                items, in_map, owner, column = self._end(items)
                continue
            elif kind is AliasEvent:
                line = event.start_mark.line + first_line
                value = self._copy(event.anchor, line if owner is None else owner.line)
            elif kind is DocumentEndEvent:
                return event
            else:
                items, in_map, owner, column = self._begin(event, previous, (items, in_map, owner, column))
                continue

            if owner is not None:
                owner.value = value
                if unusual and type(owner) is _Merge:
                    items += self._merged(value)
                owner = None
            elif in_map:
                line = event.start_mark.line + first_line
                if unusual and value == "<<" and _is_merge(event):
                    owner = _Merge(value, None, source, line)
                else:
                    if type(value) is str:
                        value = intern(value)  # many files have the same keys, and are kept
                    owner = MapItem(value, None, source, line)
                    items.append(owner)
            else:
                items.append(ArrayItem(value, source, self._item_line(event, previous, column)))

    def _begin(self, event: Any, previous: Any, state: _State) -> _State:
        """A map or an array begins, in what `state` tells."""
        if len(self._stack) == MAX_DEPTH:
            raise _too_deep()
        items, in_map, owner, column = state
        is_key = owner is None and in_map
        if is_key:
            owner = MapItem(None, None, self._source, event.start_mark.line + self._first_line)
            items.append(owner)
        elif owner is None:
            owner = ArrayItem(None, self._source, self._item_line(event, previous, column))
            items.append(owner)
        self._stack.append((items, in_map, owner if is_key or type(owner) is _Merge else None, column))
        below: list[Any] = []
        is_map = type(event) is MappingStartEvent
        made = (Map if is_map else Array)(below, self._source, owner.line or 1)
        if is_key:
            owner.key = made
        else:
            owner.value = made
        if event.anchor is not None:
            self._anchors[event.anchor] = made
            self._open.append(below)
        if event.flow_style or is_map:
            return below, is_map, None, _FLOW if event.flow_style else 0
        end = event.end_mark  # before the "-", or behind it where the array is not indented
        return below, is_map, None, end.column - (not self._text.startswith("-", end.index))

    def _end(self, items: list[Any]) -> _State:
        """The map or array with these items is complete. What is open then."""
        if self._open and self._open[-1] is items:
            self._open.pop()
        state = self._stack.pop()
        owner = state[2]
        if type(owner) is not _Merge:
            return state
        outer = state[0]
        outer += self._merged(owner.value)
        return outer, True, None, state[3]

    def _scalar(self, event: Any) -> Value:
        """A scalar of a text in which not all is plain."""
        value: Value = event.value
        is_plain = event.implicit[0] and not event.style
        try:
            if event.tag is not None:
                value = resolve_tagged(event.tag, value)
            elif is_plain and not self._text.startswith("!", event.start_mark.index):  # "! 5" is a text
                value = resolve_strict(value) if self._strict else value_of(value)
        except YttError as error:
            self._refuse(error.message)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _start(self, event: Any) -> int:
        """Where a scalar begins behind its anchor and tag; comments may be between them."""
        start: int = event.start_mark.index
        properties = _PROPERTIES.match(self._text, start)
        return properties.end() if properties else start

    def _question(self, event: Any, *, in_map: bool) -> YttError:
        """go-yaml takes a "?" within brackets for a key's, wherever it is."""
        start = event.start_mark
        breaks = self._text.count("\n", start.index, self._text.index("?", start.index))
        line = max(start.line + breaks + self._first_line - 1, 1)
        return YttError(f"yaml: line {line}: did not find expected ',' or '{'}' if in_map else ']'}'")

    def _item_line(self, event: Any, previous: Any, column: int) -> int:
        """Where the "-" of an item is, or the "[" or "," before it. `previous`: the event before the item's first."""
        text, mark = self._text, event.start_mark
        line: int = mark.line + self._first_line
        if column == _FLOW:
            end = previous.end_mark
            if end.line != mark.line:
                blank = _BLANK.match(text, end.index)
                comma = blank.end() if blank else end.index
                # behind "[" nothing stands between it and the item
                line = end.line + self._first_line
                if text.startswith(",", comma):
                    line += _breaks(text, end.index, comma)
            return line
        start = mark.index - mark.column
        while not text.startswith("-", start + column) or "#" in text[start : start + column]:
            if start <= 0:
                break
            start = max(text.rfind(found, 0, start - 1) for found in "\n\u2028\u2029") + 1
            line -= 1
        return line

    def _copy(self, anchor: str, line: int) -> Value:
        """What an alias stands for. Maps and arrays are copied: each node has comments of its own."""
        if anchor not in self._anchors:
            raise YttError(f"yaml: unknown anchor '{anchor}' referenced")
        value = self._anchors[anchor]
        if isinstance(value, Map | Array) and any(value.items is items for items in self._open):
            self._refuse(f"yaml: anchor '{anchor}' value contains itself")
            return None
        if self._comments is not None:
            self._comments.is_sorted = False
        return self._copied(value, line, len(self._stack))

    def _copied(self, value: Value, line: int, depth: int) -> Value:
        if not isinstance(value, Map | Array):
            return value
        if depth >= MAX_DEPTH:
            raise _too_deep()
        self._copies += len(value.items)
        if self._copies > MAX_COPIES:
            raise YttError("yaml: document contains excessive aliasing")
        items: list[Any] = []
        for item in value.items:
            made = item.with_value(self._copied(item.value, item.line, depth + 1))
            made.comments = ()
            items.append(made)
        return type(value)(items, self._source, line)

    def _merged(self, value: Value) -> list[MapItem]:
        if isinstance(value, Map):
            return value.items
        if not isinstance(value, Array) or value.items:
            self._refuse("yaml: map merge requires map or sequence of maps as the value")
        return []

    def _refuse(self, message: str) -> None:
        """The first refusal of a document counts."""
        self._fault = self._fault or YttError(message)


def _too_deep() -> YttError:
    return YttError(f"yaml: exceeded max depth of {MAX_DEPTH}")


def _is_unusual(text: str) -> bool:
    """Whether there may be tags, anchors or merges; most texts have none, and are read on a shorter way."""
    return "<<" in text or (("!" in text or "&" in text) and _MARK.search(text) is not None)


def _is_merge(event: Any) -> bool:
    return type(event) is ScalarEvent and (event.implicit[0] or event.tag == MERGE)


def _breaks(text: str, start: int, end: int) -> int:
    return sum(text.count(found, start, end) for found in "\n\u2028\u2029")
