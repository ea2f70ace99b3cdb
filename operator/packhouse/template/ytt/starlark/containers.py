"""Values of the language that Python has no own for, and what keys of a dict are.

Starlark tells True from 1 as a key, Python does not: a look-up asks for the key that is really there. A dict that would
hold both is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.values import Builtin


class OrderedSet(set[Any]):
    """A set of Starlark: in the order of insertion, and never changed once it is made."""

    __slots__ = ("_order",)

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._order = dict.fromkeys(items)
        super().__init__(self._order)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._order)


class BoundMethod:
    """`"a,b".split` without the call."""

    __slots__ = ("name", "receiver", "run")
    type_name = "builtin_function_or_method"

    def __init__(self, receiver: Any, name: str, run: Callable[..., Any]) -> None:
        self.receiver = receiver
        self.name = name
        self.run = run


class NativeBuiltin(Builtin):
    """A builtin of the language itself: what it raises is said as it is, without its name in front."""

    __slots__ = ()


class TextElements:
    """What `"abc".elems()` and its three siblings give: it can be iterated over, and nothing else."""

    __slots__ = ("items", "text", "type_name")

    def __init__(self, items: Iterable[Any], text: str, type_name: str) -> None:
        self.items = items
        self.text = text
        self.type_name = type_name

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)


#: Values that are keys as they are.
_PLAIN_KEYS: Final = frozenset({str, int, float, bool, type(None), FunctionType, Builtin, NativeBuiltin, BoundMethod})
_RIVALS: Final = frozenset({bool, int, float})


def key_of(value: Any) -> Any:
    """The value, where it can be a key. Raises EvalError where it cannot."""
    kind = type(value)
    if kind in _PLAIN_KEYS:
        return value
    if kind is tuple:
        for item in value:
            key_of(item)
        return value
    raise EvalError(unhashable(value))


def unhashable(value: Any) -> str:
    from packhouse.template.ytt.starlark.text import type_name  # text needs the classes of this room

    name = type_name(value)
    return f"unhashable: {name}" if name in ("range", "elems", "codepoints") else f"unhashable type: {name}"


def has_key(held: dict[Any, Any] | set[Any], key: Any) -> bool:
    """Whether a dict or a set holds a key of `key_of`, and not its rival (True for 1)."""
    if key not in held:
        return False
    kind = type(key)
    if kind in _RIVALS and (key == 0 or key == 1):
        return any((type(other) is bool) == (kind is bool) for other in held if type(other) in _RIVALS and other == key)
    return True


def put(held: dict[Any, Any], key: Any, value: Any) -> None:
    """Set a key of `key_of`."""
    if type(key) in _RIVALS and key in held and not has_key(held, key):
        raise EvalError("a dict cannot hold both a bool and the number that Python takes for the same key")
    held[key] = value
