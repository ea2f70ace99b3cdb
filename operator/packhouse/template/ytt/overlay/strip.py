"""Takes the annotations of overlays off a tree, since what was overlaid is no overlay itself.

Called for what is put into a left tree, and for the left tree of a template. What has none is given back as it is.
"""

from __future__ import annotations

from typing import Any, TypeVar

from packhouse.template.ytt.nodes import Annotations, Array, ArrayItem, DocumentSet, Map, MapItem, Value
from packhouse.template.ytt.overlay.annotations import NAMESPACE
from packhouse.template.ytt.values import Thread

_Stripped = TypeVar("_Stripped", MapItem, ArrayItem)


def without_overlays(value: Value, thread: Thread) -> Value:
    """The value of a node. What occurs at many places is walked once."""
    return _tree(value, {}, thread)


def item_without_overlays(item: _Stripped, thread: Thread) -> _Stripped:
    """The same for an item: its own annotations and those below."""
    return _bare(item).with_value(_tree(item.value, {}, thread))


def _tree(value: Value, seen: dict[int, Any], thread: Thread) -> Value:
    if not isinstance(value, Map | Array | DocumentSet):
        return value
    known = seen.get(id(value))
    if known is not None:
        return known
    thread.tick(len(value.items))
    given: list[Any] = value.items
    items: list[Any] | None = None
    for index, item in enumerate(given):
        below = item.value
        if item.annotations is None and not isinstance(below, Map | Array | DocumentSet):
            continue
        bare = _bare(item)
        stripped = _tree(below, seen, thread)
        if stripped is not below:
            bare = bare.with_value(stripped)
        if bare is not item:
            items = given.copy() if items is None else items
            items[index] = bare
    result: Any = value if items is None else value.with_items(items)
    if result.annotations:
        left = _others(result.annotations)
        if len(left) != len(result.annotations):
            result = result.with_items(result.items)
            result.annotations = left or None
    seen[id(value)] = result
    return result


def _bare(item: _Stripped) -> _Stripped:
    if not item.annotations:
        return item
    left = _others(item.annotations)
    return item if len(left) == len(item.annotations) else item.with_annotations(left or None)


def _others(annotations: Annotations) -> Annotations:
    return {name: annotation for name, annotation in annotations.items() if not name.startswith(NAMESPACE)}
