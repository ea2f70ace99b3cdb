"""What is in a value that is to be written, one level at a time.

Called by the writers of YAML and JSON: a value whose parts are shared (lists within lists, each twice) is never copied
as a whole, so that what is written can be counted while it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Array, Document, DocumentSet, Map
from packhouse.template.ytt.values import Fragment, Opaque, Struct

Pairs: TypeAlias = Collection[tuple[Any, Any]]
Items: TypeAlias = Collection[Any]


def contents(value: Any) -> tuple[Pairs | None, Items | None]:
    """The pairs of a map or the items of an array, neither of a scalar. Raises YttError for a key that is repeated."""
    kind = type(value)
    if kind is Map:
        return _pairs(value), None
    if kind is dict:
        return value.items(), None
    if kind is Array or kind is DocumentSet:
        return None, [item.value for item in value.items]
    if kind is list or kind is tuple:
        return None, value
    if kind is Struct:
        return value.fields().items(), None
    if isinstance(value, Mapping):
        return value.items(), None
    if isinstance(value, set | frozenset):
        return None, list(value)
    return None, None


def unwrapped(value: Any) -> Any:
    """What a fragment, a document or a value with another form stands for; other values are what they are."""
    while True:
        if isinstance(value, Fragment):
            value = value.node
        elif isinstance(value, Document):
            value = value.value
        elif isinstance(value, Opaque) and value.plain is not None:
            value = value.plain
        else:
            return value


def scalar(value: Any) -> Any:
    """A value without contents, as it can be written. Raises YttError for what has no form."""
    return to_plain(value)


def _pairs(value: Map) -> list[tuple[Any, Any]]:
    pairs = [(item.key, item.value) for item in value.items]
    if len({key for key, _ in pairs}) != len(pairs):
        _refuse_twice(pairs)
    return pairs


def _refuse_twice(pairs: list[tuple[Any, Any]]) -> None:
    seen = set()
    for key, _ in pairs:
        typed = (type(key), key)  # True and 1 are two keys
        if typed in seen:
            raise YttError(f"Unexpected duplicate key: {key}")
        seen.add(typed)
