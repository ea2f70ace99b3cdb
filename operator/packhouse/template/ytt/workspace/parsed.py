"""A file of YAML that was read, and which of its documents are marked as data values or as their schema.

The loader makes one for each file, the execution asks which files hold data values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from packhouse.template.ytt.compile.yaml_template import has_templating
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem, Node
from packhouse.template.ytt.workspace.repeated_keys import without_repeated_keys

VALUES: Final = "data/values"
SCHEMA: Final = "data/values-schema"

_NAMES: Final[dict[type, str]] = {
    DocumentSet: "document set",
    Map: "map",
    MapItem: "map item",
    Array: "array",
    ArrayItem: "array item",
}


class ParsedFile:
    """`documents` as they were read, with comments; nothing is computed. Where there is no templating, no key of a map
    is repeated."""

    __slots__ = ("_text", "documents", "is_template")

    def __init__(self, documents: DocumentSet, text: str, has_comments: bool) -> None:
        self.is_template = has_comments and has_templating(documents)
        self.documents = documents if self.is_template else without_repeated_keys(documents)
        self._text = text if f"@{VALUES}" in text else ""

    def holds(self, name: str) -> bool:
        """Whether a document is annotated `name`. Raises YttError where something else is, or a document twice."""
        if f"@{name}" not in self._text:
            return False
        for node in _nodes(self.documents):
            if not isinstance(node, Document) and _count(node, name):
                raise _misplaced(node, name)
        counts = [_count(document, name) for document in self.documents.items]
        if any(count > 1 for count in counts):
            raise YttError(f"{name} annotation may only be used once per document")
        return any(counts)


def split(documents: DocumentSet, name: str) -> tuple[list[Document], list[Document]]:
    """What a template gave: the documents annotated `name`, and the others. Raises YttError where another node is."""
    for node in _nodes(documents):
        if not isinstance(node, Document) and node.annotations and name in node.annotations:
            raise _misplaced(node, name)
    marked: list[Document] = []
    others: list[Document] = []
    for document in documents.items:
        (marked if document.annotations and name in document.annotations else others).append(document)
    return marked, others


def is_empty(document: Document) -> bool:
    value = document.value
    return value is None or (isinstance(value, Map | Array) and not value.items)


def _nodes(node: Any) -> Iterator[Node]:
    yield node
    if isinstance(node, Map | Array | DocumentSet):
        for item in node.items:
            yield from _nodes(item)
    elif isinstance(node.value, Map | Array | DocumentSet):
        yield from _nodes(node.value)


def _count(node: Node, name: str) -> int:
    return sum(comment.text.startswith("@") and comment.text[1:].split(" ", 1)[0] == name for comment in node.comments)


def _misplaced(node: Node, name: str) -> YttError:
    found = _NAMES[type(node)]
    return YttError(f"Found @{name} on {found} ({node.place}); only documents (---) can be annotated with @{name}")
