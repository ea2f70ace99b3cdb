"""Whether one value holds what another one says: maps by the keys of the right one, arrays from their beginning.

Called by the matchers `overlay.subset` and `overlay.map_key`, and by `#@overlay/assert`. It changes nothing.
"""

from __future__ import annotations

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import Array, DocumentSet, Map, MapItem, Value
from packhouse.template.ytt.values import Thread
from packhouse.template.ytt.words import go_value_type, kind_of

#: From so many keys on, the left ones are looked up instead of being walked for each.
_FEW = 8


def difference(left: Value, right: Value, thread: Thread) -> str:
    """Why `left` is not `right`, or not more than it; empty where it is.

    Both are values of nodes. Raises EvalError where `right` holds a set of documents.
    """
    if isinstance(right, Map):
        if not isinstance(left, Map):
            return f"Expected map, but was {kind_of(left)}"
        return _of_maps(left, right, thread)
    if isinstance(right, Array):
        if not isinstance(left, Array):
            return f"Expected array, but was {kind_of(left)}"
        return _of_arrays(left, right, thread)
    if isinstance(right, DocumentSet):
        raise EvalError("Unexpected document set")
    if same(left, right):
        return ""
    types = f"{go_value_type(left, 'int')} {go_value_type(right, 'int')}"
    return f"Expected leaf values to match {types}"


def same(left: Value, right: Value) -> bool:
    """Of two scalars, or two keys. Types count: 1, 1.0 and true differ."""
    return left is right or (type(left) is type(right) and bool(left == right))


def _of_maps(left: Map, right: Map, thread: Thread) -> str:
    held, wanted_items = left.items, right.items
    thread.tick(len(held) + len(wanted_items))
    found = _by_key(held) if len(wanted_items) > _FEW else None
    for wanted in wanted_items:
        key, value = wanted.key, wanted.value
        kind = type(key)
        missing = True
        for item in held if found is None else found.get((kind, key), ()):
            if item.key == key and type(item.key) is kind:
                missing = False
                reason = difference(item.value, value, thread)
                if reason:
                    return reason
        if missing:
            return "Expected at least one map item to match by key"
    return ""


def _by_key(items: list[MapItem]) -> dict[tuple[type, Value], list[MapItem]]:
    found: dict[tuple[type, Value], list[MapItem]] = {}
    for item in items:
        found.setdefault((type(item.key), item.key), []).append(item)
    return found


def _of_arrays(left: Array, right: Array, thread: Thread) -> str:
    thread.tick(len(right.items))
    for index, wanted in enumerate(right.items):
        if index >= len(left.items):
            return "Expected to have matching number of array items"
        reason = difference(left.items[index].value, wanted.value, thread)
        if reason:
            return reason
    return ""
