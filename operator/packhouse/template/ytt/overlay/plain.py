"""Makes an overlay of a values file, which has no annotations: new keys may come, arrays and scalars are replaced.

Called by the workspace for values from outside. That the file is plain is checked there, with `NOT_PLAIN` as message.
"""

from __future__ import annotations

from typing import Final

from packhouse.template.ytt.nodes import Annotation, Annotations, Document, Map, MapItem, Value
from packhouse.template.ytt.overlay.annotations import MATCH, REPLACE

NOT_PLAIN: Final = "Expected to be plain YAML, having no annotations (hint: remove comments starting with `#@`)"

_MAY_MISS: Final[Annotations] = {MATCH: Annotation((), {"missing_ok": True})}
_TAKES_PLACE: Final[Annotations] = {**_MAY_MISS, REPLACE: Annotation((), {"or_add": True})}


def annotate_plain(document: Document) -> Document:
    """The same document as an overlay. The one that is given stays as it is."""
    return document.with_value(_below(document.value)).with_annotations(_annotations(document.value))


def _below(value: Value) -> Value:
    if not isinstance(value, Map):
        return value
    return value.with_items([_item(item) for item in value.items])


def _item(item: MapItem) -> MapItem:
    return item.with_value(_below(item.value)).with_annotations(_annotations(item.value))


def _annotations(value: Value) -> Annotations:
    return _MAY_MISS if isinstance(value, Map) else _TAKES_PLACE
