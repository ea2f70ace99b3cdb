"""What a key of a dict or an item of a set may be.

Starlark tells True from 1 as a key, Python does not: a look-up asks for the key that is really there. A dict that would
hold both is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.containers import BoundMethod, NativeBuiltin
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.values import Builtin

#: Values that are keys as they are.
_PLAIN_KEYS: Final = frozenset({str, int, float, bool, type(None), FunctionType, Builtin, NativeBuiltin, BoundMethod})
_RIVALS: Final = frozenset({bool, int, float})


def key_of(value: Any, tick: Callable[[int], None]) -> Any:
    """The value, where it can be a key. `tick` counts the items of tuples: Python looks at all of them, too, as often
    as they are there. Raises EvalError where it cannot."""
    kind = type(value)
    if kind in _PLAIN_KEYS:
        return value
    if kind is tuple:
        tick(1 + len(value))
        for item in value:
            if type(item) not in _PLAIN_KEYS:
                key_of(item, tick)
        return value
    raise EvalError(_unhashable(value))


def _unhashable(value: Any) -> str:
    name = type_name(value)
    return f"unhashable: {name}" if name in ("range", "elems", "codepoints", "module") else f"unhashable type: {name}"


def has_key(held: dict[Any, Any] | set[Any], key: Any) -> bool:
    """Whether a dict or a set holds a key of `key_of`, and not its rival (True for 1)."""
    if key not in held:
        return False
    kind = type(key)
    if kind in _RIVALS and (key == 0 or key == 1):
        probe = _Probe(key)
        return probe in held and (type(probe.met) is bool) == (kind is bool)
    return True


class _Probe:
    """Finds out which key a dict holds: Python asks it whether it is equal to that one."""

    __slots__ = ("key", "met")

    def __init__(self, key: Any) -> None:
        self.key = key
        self.met: Any = None

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        if type(other) not in _RIVALS or other != self.key:
            return False
        self.met = other
        return True


def put(held: dict[Any, Any], key: Any, value: Any) -> None:
    """Set a key of `key_of`."""
    if type(key) in _RIVALS and key in held and not has_key(held, key):
        raise EvalError("a dict cannot hold both a bool and the number that Python takes for the same key")
    held[key] = value
