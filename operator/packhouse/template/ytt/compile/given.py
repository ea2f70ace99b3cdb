"""What the code of a template gives to a node, made into nodes.

The contexts call it for every computed value. Work is weighed as it is done: a list may hold another many times over,
and then a few lines of code ask for more nodes than there is memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from packhouse.template.ytt.convert import to_nodes
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import NOWHERE, Array, ArrayItem, DocumentSet, Map, MapItem, Source, Value
from packhouse.template.ytt.starlark.names import function_name, is_callable, type_name
from packhouse.template.ytt.values import Fragment, Struct, Thread

#: Maps and arrays inside of each other. Whatever walks a tree does so by recursion.
_DEEPEST: Final = 250

_SCALARS: Final = frozenset({type(None), bool, float, str})


class Giver:
    """For one evaluation. It remembers how large the fragments are that went by, so that each is counted once."""

    __slots__ = ("_known", "_thread")

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._known: dict[int, tuple[Value, int, int]] = {}

    def weigh(self, items: int) -> None:
        """Count items that are handed on. Raises LimitExceeded."""
        self._thread.weigh(items)

    def give(self, value: Any, source: Source = NOWHERE, line: int = 0) -> Value:
        """`source` and `line` are the place of what is made. Raises EvalError for what has no form in YAML, and
        LimitExceeded."""
        if type(value) in _SCALARS:
            return value
        return self._made(value, source, line, [])

    def _made(self, value: Any, source: Source, line: int, within: list[Any]) -> Value:
        if isinstance(value, Fragment | Map | Array | DocumentSet):
            return self._weighed(value.node if isinstance(value, Fragment) else value, len(within))
        if isinstance(value, Struct):
            value = value.fields()
        if isinstance(value, Mapping):
            self._enter(value, "dict", within)
            items: list[MapItem] = []
            for key, item in value.items():
                made = self._made(item, source, line, within)
                items.append(MapItem(self._made(key, source, line, within), made, source, line))
            within.pop()
            return Map(items, source, line)
        if isinstance(value, list | tuple | set | frozenset):
            return self._array(value, len(value), source, line, within)
        if is_callable(value):
            call = f"{type_name(value)} does not encode (did you mean to call {function_name(value)}()?)"
            raise EvalError(f"Unable to convert value: {call}")
        return to_nodes(value, source, line)

    def _array(self, value: Iterable[Any], length: int, source: Source, line: int, within: list[Any]) -> Array:
        self._enter(value, "list", within)
        items = [ArrayItem(self._made(item, source, line, within), source, line) for item in value]
        within.pop()
        return Array(items, source, line)

    def _enter(self, value: Any, kind: str, within: list[Any]) -> None:
        if any(value is holder for holder in within):
            raise EvalError(f"Unable to convert value: self-referencing {kind}")
        if len(within) >= _DEEPEST:
            raise _too_deep()
        self._thread.weigh(len(value))
        within.append(value)

    def _weighed(self, value: Value, above: int) -> Value:
        size, depth = self._measured(value)
        if above + depth > _DEEPEST:
            raise _too_deep()
        self._thread.weigh(size)
        return value

    def _measured(self, value: Value) -> tuple[int, int]:
        """How many items are below, and how deep. Trees share their parts: each part is counted where it is used, and
        walked once."""
        if not isinstance(value, Map | Array | DocumentSet):
            return 0, 0
        known = self._known.get(id(value))
        if known is not None:
            return known[1], known[2]
        size = len(value.items)
        depth = 0
        for item in value.items:
            below, deeper = self._measured(item.value)
            size += below
            depth = max(depth, deeper)
        self._known[id(value)] = (value, size, depth + 1)  # with the node itself: an id is of use while it lives
        return size, depth + 1


def _too_deep() -> EvalError:
    return EvalError(f"Unable to convert value: more than {_DEEPEST} maps and lists inside of each other")
