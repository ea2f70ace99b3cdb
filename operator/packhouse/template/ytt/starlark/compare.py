"""Equality and order, by Starlark's rules: True is not 1, 1 is 1.0, containers are compared item by item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError, LimitExceeded
from packhouse.template.ytt.starlark.containers import OrderedSet, TextElements
from packhouse.template.ytt.starlark.keys import has_key
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.values import Fragment

Tick = Callable[[int], None]

_DEEPEST: Final = 10
_MOST: Final = 10_000_000

_SCALARS: Final = frozenset({int, float, bool, type(None)})
_NUMBERS: Final = frozenset({int, float})
_ORDERED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
}


class _Count:
    """Counts where the caller has no thread."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _MOST

    def __call__(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise LimitExceeded(f"a comparison took more than {_MOST} steps")


def equal(x: Any, y: Any, tick: Tick | None = None, depth: int = _DEEPEST) -> bool:
    """Whether x == y. `tick` counts the items that are looked at. Raises EvalError where values cannot be compared."""
    kind, other = type(x), type(y)
    if kind is str:
        return other is str and bool(x == y)
    if depth < 1:
        raise EvalError("comparison exceeded maximum recursion depth")
    if kind is not other:
        if kind in _NUMBERS and other in _NUMBERS:
            return bool(x == y)
        return x is y
    if kind in _SCALARS or kind is range:
        return bool(x == y)
    if kind is list or kind is tuple:
        if len(x) != len(y):
            return False
        tick = _counted(tick, len(x))
        return all(equal(a, b, tick, depth - 1) for a, b in zip(x, y, strict=True))
    if kind is dict:
        return _equal_dicts(x, y, _counted(tick, len(x)), depth)
    if kind is OrderedSet:
        _counted(tick, len(x))
        return len(x) == len(y) and all(has_key(y, item) for item in x)
    if kind is Fragment:
        raise EvalError("yamlfragment.CompareSameType: Not implemented")
    return bool(x.text == y.text) if kind is TextElements else x is y


def _counted(tick: Tick | None, steps: int) -> Tick:
    tick = tick or _Count()
    tick(steps)
    return tick


def _equal_dicts(x: dict[Any, Any], y: dict[Any, Any], tick: Tick, depth: int) -> bool:
    if len(x) != len(y):
        return False
    return all(has_key(y, key) and equal(value, y[key], tick, depth - 1) for key, value in x.items())


def compare(op: str, x: Any, y: Any, tick: Tick | None = None, depth: int = _DEEPEST) -> bool:
    """`x op y` for ==, !=, <, <=, >, >=. Raises EvalError: "int < string not implemented"."""
    if op == "==":
        return equal(x, y, tick, depth)
    if op == "!=":
        return not equal(x, y, tick, depth)
    kind, other = type(x), type(y)
    if (kind is other and (kind is str or kind in _SCALARS)) or (kind in _NUMBERS and other in _NUMBERS):
        return _ORDERED[op](0, 0) if x is None else _ORDERED[op](x, y)
    if depth < 1:
        raise EvalError("comparison exceeded maximum recursion depth")
    if kind is other and (kind is list or kind is tuple):
        tick = _counted(tick, min(len(x), len(y)))
        for a, b in zip(x, y, strict=False):
            if not equal(a, b, tick, depth - 1):
                return compare(op, a, b, tick, depth - 1)
        return _ORDERED[op](len(x), len(y))
    if kind is other and kind is Fragment:
        raise EvalError("yamlfragment.CompareSameType: Not implemented")
    raise EvalError(f"{type_name(x)} {op} {type_name(y)} not implemented")


def member(x: Any, items: Any, tick: Tick) -> bool:
    """Whether a list or a tuple holds a value that is equal to x."""
    tick(len(items))
    if type(x) is str:
        return any(type(item) is str and item == x for item in items)
    return any(equal(item, x, tick) for item in items)
