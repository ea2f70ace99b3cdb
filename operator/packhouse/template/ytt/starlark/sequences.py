"""What can be iterated over, how long things are, and what counts as true."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from packhouse.template.ytt.convert import to_template
from packhouse.template.ytt.nodes import Map
from packhouse.template.ytt.starlark.containers import OrderedSet, TextElements
from packhouse.template.ytt.values import Fragment, Struct

_ITERABLE: Final = frozenset({list, tuple, dict, set, OrderedSet, range, TextElements})
_SIZED: Final = frozenset({str, list, tuple, dict, set, OrderedSet, range})


def iterate(value: Any) -> Iterable[Any] | None:
    """The items of a value, the keys of a mapping; None where it cannot be iterated over (a text cannot)."""
    kind = type(value)
    if kind in _ITERABLE:
        items: Iterable[Any] = value
        return items
    if kind is Struct:
        return list(value.fields())
    if kind is Fragment:
        return fragment_items(value)
    return None


def fragment_items(value: Fragment) -> list[Any]:
    """The keys of a map, the values of an array or of documents."""
    node = value.node
    if node is None:
        return []
    if type(node) is Map:
        return [to_template(item.key) for item in node.items]
    return [to_template(item.value) for item in node.items]


def length(value: Any) -> int:
    """-1 where a value has none. Of a text: its bytes."""
    kind = type(value)
    if kind is str:
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogateescape"))
    if kind in _SIZED:
        return len(value)
    if kind is Struct:
        return len(value.fields())
    if kind is Fragment:
        return len(value.node.items) if value.node is not None else 0
    return -1


def rounds(value: Any) -> int:
    """How often a loop over a value goes round, and at least 1: also of what has no length to a template."""
    return max(length(value.text) if type(value) is TextElements else length(value), 1)


def truth(value: Any) -> bool:
    """What `if value:` asks; structs and fragments are true where they hold something (values.py says how)."""
    return bool(value)
