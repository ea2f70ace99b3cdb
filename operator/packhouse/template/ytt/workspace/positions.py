"""Documents with the place of each node in front, as `-o pos` shows them. For the command, and for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from packhouse.template.ytt.nodes import Array, Document, DocumentSet, Map, Node
from packhouse.template.ytt.yaml.write import encode

#: How much wider than the first long place the column becomes.
_ROOM = 10
_STEP = "  "


def positions(documents: Iterable[Document]) -> str:
    """One line a node: its place, right aligned, and what is there. Without a place the line begins with the node."""
    lines = []
    width = 0
    for document in documents:
        for place, text in _shown(document):
            if place is not None and len(place) > width:
                width = len(place) + _ROOM
            lines.append(f"{text}\n" if place is None else f"{place:>{width}} | {text}\n")
    return "".join(lines)


def _shown(document: Document) -> Iterator[tuple[str | None, str]]:
    yield _place(document), "[doc]"
    yield from _value(document.value, _STEP)


def _value(value: Any, indent: str) -> Iterator[tuple[str | None, str]]:
    if isinstance(value, Map):
        for item in value.items:
            yield from _item(item, f"{indent}{item.key}:", indent)
    elif isinstance(value, Array):
        for index, each in enumerate(value.items):
            yield from _item(each, f"{indent}[{index}]", indent)
    else:
        yield "", indent + _scalar(value)


def _item(item: Any, head: str, indent: str) -> Iterator[tuple[str | None, str]]:
    scalar = "" if isinstance(item.value, Map | Array | DocumentSet) else _scalar(item.value)
    if scalar and "\n" not in scalar:
        yield _place(item), f"{head} {scalar}"
    else:
        yield _place(item), head
        yield from _value(item.value, indent + _STEP)


def _scalar(value: Any) -> str:
    return encode(value).removesuffix("\n")


def _place(node: Node) -> str | None:
    return node.place if node.line else None
