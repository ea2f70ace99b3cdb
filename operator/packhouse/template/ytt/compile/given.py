"""What the code of a template gives to a node, made into nodes.

The contexts call it for every computed value. Work is weighed as it is done: a list may hold another many times over,
and then a few lines of code ask for more nodes than there is memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from packhouse.template.ytt.convert import to_nodes
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import NOWHERE, Array, ArrayItem, DocumentSet, Map, MapItem, Source, Value
from packhouse.template.ytt.starlark.names import function_name, is_callable, type_name
from packhouse.template.ytt.values import Fragment, Struct, Thread

#: Maps and arrays inside of each other. Whatever walks a tree does so by recursion.
_DEEPEST: Final = 250

#: A node takes the memory of that many characters.
_ITEM_WEIGHT: Final = 64

_SCALARS: Final = frozenset({type(None), bool, float, str})


class _Making:
    """One value on its way: its place, the containers around what is being made, and what was made of others. All by
    identity, of containers that live as long as the value does."""

    __slots__ = ("done", "line", "source", "within")

    def __init__(self, source: Source, line: int) -> None:
        self.source = source
        self.line = line
        self.within: set[int] = set()
        self.done: dict[int, Map | Array] = {}


class Giver:
    """For one evaluation. It remembers how large the fragments are that went by, so that each is counted once."""

    __slots__ = ("_known", "_thread")

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._known: dict[int, tuple[Value, int, int]] = {}

    def weigh(self, items: int) -> None:
        """Count items that are handed on. Raises LimitExceeded."""
        self._thread.weigh(items * _ITEM_WEIGHT)

    def give(self, value: Any, source: Source = NOWHERE, line: int = 0) -> Value:
        """`source` and `line` are the place of what is made. Raises EvalError for what has no form in YAML, and
        LimitExceeded."""
        if type(value) in _SCALARS:
            return value
        return self._made(value, _Making(source, line))

    def _made(self, value: Any, making: _Making) -> Value:
        if isinstance(value, Fragment | Map | Array | DocumentSet):
            return self._weighed(value.node if isinstance(value, Fragment) else value, len(making.within))
        if isinstance(value, Struct):
            value = value.fields()
        if isinstance(value, Mapping):
            return self._container(value, "dict", making)
        if isinstance(value, list | tuple | set | frozenset):
            return self._container(value, "list", making)
        if is_callable(value):
            call = f"{type_name(value)} does not encode (did you mean to call {function_name(value)}()?)"
            raise EvalError(f"Unable to convert value: {call}")
        return to_nodes(value, making.source, making.line)

    def _container(self, value: Any, kind: str, making: _Making) -> Value:
        """What occurs many times in a value is made once, and counted each time."""
        known = making.done.get(id(value))
        if known is not None:
            return self._weighed(known, len(making.within))
        if id(value) in making.within:
            raise EvalError(f"Unable to convert value: self-referencing {kind}")
        if len(making.within) >= _DEEPEST:
            raise _too_deep()
        self.weigh(len(value))
        making.within.add(id(value))
        source, line = making.source, making.line
        made: Map | Array
        if isinstance(value, Mapping):
            items: list[MapItem] = []
            for key, item in value.items():
                inner = self._made(item, making)
                items.append(MapItem(self._made(key, making), inner, source, line))
            made = Map(items, source, line)
        else:
            made = Array([ArrayItem(self._made(item, making), source, line) for item in value], source, line)
        making.within.discard(id(value))
        making.done[id(value)] = made
        return made

    def _weighed(self, value: Value, above: int) -> Value:
        size, depth = self._measured(value)
        if above + depth > _DEEPEST:
            raise _too_deep()
        self.weigh(size)
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
