"""The other forms in which `packhouse ytt` prints documents: JSON, and each line with the place that it came from.

Called by ytt.py alone. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.nodes import Array, Document, DocumentSet, Map, Node
from packhouse.template.ytt.yaml import json
from packhouse.template.ytt.yaml.write import is_empty, write


def as_json(documents: DocumentSet) -> str:
    """One JSON text after another, keys sorted, without a line between them: as the original does it."""
    return "".join(json.encode(to_plain(document.value)) for document in documents.items if not is_empty(document))


def with_positions(documents: DocumentSet) -> str:
    """A line for each node, behind "file:line | "."""
    places = _Places()
    shown = [document for document in documents.items if not is_empty(document)]
    return "".join(line for document in shown for line in places.document(document))


class _Places:
    """The width of the first column grows with the places that it has held."""

    def __init__(self) -> None:
        self._width = 0

    def document(self, document: Document) -> Iterator[str]:
        yield f"{self._place(document)}[doc]\n"
        yield from self._value(document.value, "  ")

    def _value(self, value: Any, indent: str) -> Iterator[str]:
        if isinstance(value, DocumentSet):
            for document in value.items:
                yield from self.document(document)
        elif isinstance(value, Map):
            for item in value.items:
                yield from self._item(item, f"{item.key}:", item.value, indent)
        elif isinstance(value, Array):
            for index, entry in enumerate(value.items):
                yield from self._item(entry, f"[{index}]", entry.value, indent)
        else:
            yield f"{self._padded('')}{indent}{_scalar(value)}\n"

    def _item(self, node: Node, name: str, value: Any, indent: str) -> Iterator[str]:
        text = None if isinstance(value, Node) else _scalar(value)
        if text is None or "\n" in text:
            yield f"{self._place(node)}{indent}{name}\n"
            yield from self._value(value, f"{indent}  ")
        else:
            yield f"{self._place(node)}{indent}{name} {text}\n"

    def _place(self, node: Node) -> str:
        return self._padded(node.place) if node.line else ""

    def _padded(self, text: str) -> str:
        if len(text) > self._width:
            self._width = len(text) + 10
        return f"{text:>{self._width}} | "


def _scalar(value: Any) -> str:
    return write([value])[:-1]
