"""Plain values as an overlay, from `with_data_values(..., plain=True)`."""

from __future__ import annotations

from typing import Any

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Array, Document, DocumentSet, Map
from packhouse.template.ytt.overlay.plain import NOT_PLAIN, annotate_plain


def plain_overlay(document: Document) -> Document:
    """Raises YttError where the document has annotations or code: it would look as if they counted."""
    if _annotated(document):
        raise YttError(NOT_PLAIN)
    return annotate_plain(document)


def _annotated(node: Any) -> bool:
    if node.annotations:
        return True
    if isinstance(node, Map | Array | DocumentSet):
        return any(_annotated(item) for item in node.items)
    return isinstance(node.value, Map | Array | DocumentSet) and _annotated(node.value)
