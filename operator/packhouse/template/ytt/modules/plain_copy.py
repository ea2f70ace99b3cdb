"""Values of templates made anew, of nothing but dicts or structs, lists and scalars.

Called by the modules that hand a value on or write it. Unlike `convert`, every item counts as a step: values that share
their parts are small in a template and may be endless once they are written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from packhouse.template.ytt import words
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.arguments import go_value_type, no_go_value
from packhouse.template.ytt.nodes import Array, DocumentSet, Map
from packhouse.template.ytt.values import Fragment, Opaque, Struct, Thread

_INT_LEAST: Final = -(2**63)
_INT_MOST: Final = 2**64 - 1

#: Steps that an item takes, and what it weighs: it is made anew.
_STEPS: Final = 4
_WEIGHT: Final = 16


class PlainCopy:
    """`structs`: maps become structs, not dicts. `yaml`: YAML becomes dicts and lists; otherwise it is refused."""

    __slots__ = ("_path", "_structs", "_thread", "_yaml")

    def __init__(self, thread: Thread, *, structs: bool = False, yaml: bool = False) -> None:
        self._thread = thread
        self._structs = structs
        self._yaml = yaml
        self._path: set[int] = set()

    def of(self, value: Any) -> Any:
        """Raises EvalError for what is no plain value: a function, a value that holds itself."""
        if value is None or isinstance(value, str | bool | float):
            return value
        if isinstance(value, int):
            if not _INT_LEAST <= value <= _INT_MOST:
                raise EvalError("not sure how to get int")
            return value
        if isinstance(value, Struct):
            return self._map(value.fields())
        if isinstance(value, Mapping):
            return self._within(value, "dict", self._map)
        if isinstance(value, list):
            return self._within(value, "list", self._list)
        if isinstance(value, tuple | set | frozenset):
            return self._list(value)
        if isinstance(value, Opaque) and value.plain is not None:
            return self.of(value.plain)
        if isinstance(value, Fragment) and (self._yaml or value.node is None):
            return self._node(value.node)
        if isinstance(value, Fragment):
            raise EvalError(f"unknown type {go_value_type(value)} for conversion to starlark value")
        if isinstance(value, Map | Array | DocumentSet):
            return self._node(value)
        raise no_go_value(value)

    def _within(self, value: Any, kind: str, copy: Callable[[Any], Any]) -> Any:
        if id(value) in self._path:
            raise EvalError(f"Unable to convert value: self-referencing {kind}")
        self._path.add(id(value))
        made = copy(value)
        self._path.discard(id(value))
        return made

    def _map(self, items: Mapping[Any, Any]) -> Any:
        self._count(2 * len(items))
        made = {}
        for key, item in items.items():
            name, copy = self.of(key), self.of(item)
            if self._structs and not isinstance(name, str):
                raise EvalError(f"expected struct key {words.go_string(name, 'int64')} to be string")
            if not isinstance(name, list):  # of a tuple; what has become no key is left out without a word
                made[name] = copy
        return Struct(made) if self._structs else made

    def _list(self, items: Iterable[Any]) -> list[Any]:
        made = [self.of(item) for item in items]
        self._count(len(made))
        return made

    def _count(self, items: int) -> None:
        self._thread.tick(_STEPS * (1 + items))
        self._thread.weigh(_WEIGHT * (1 + items))

    def _node(self, node: Map | Array | DocumentSet | None) -> Any:
        if node is None:
            return None
        if isinstance(node, DocumentSet):
            raise EvalError("Unexpected docset value within document")
        if isinstance(node, Array):
            return self._list([item.value for item in node.items])
        self._count(2 * len(node.items))
        made: dict[Any, Any] = {}
        for item in node.items:
            if item.key in made:
                raise EvalError(f"Unexpected duplicate key: {words.go_string(item.key, 'int64')}")
            made[item.key] = self.of(item.value)
        return made
