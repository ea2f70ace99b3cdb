"""Loops, comprehensions and assignments to several names.

What a loop runs over cannot be changed by its body; the rounds are counted when the loop begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.keys import has_key, key_of, put
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.sequences import iterate, length, rounds
from packhouse.template.ytt.starlark.text import to_repr
from packhouse.template.ytt.starlark.thread import Thread

#: A longer range is counted round by round, since its loop may end long before.
_LONG: Final = 1_000


def each(thread: Thread, x: Any) -> Iterable[Any]:
    """The items of x for a loop."""
    kind = type(x)
    if kind is list or kind is dict:
        thread.tick(len(x))
        return x if not x or id(x) in thread.frozen else _held(thread, x)
    items = iterate(x)
    if items is None:
        raise EvalError(f"{type_name(x)} value is not iterable")
    if kind is range and len(x) > _LONG:
        return _counted(thread, x)
    thread.tick(rounds(x))
    return items


def _held(thread: Thread, x: Any) -> Iterator[Any]:
    busy, identity = thread.busy, id(x)
    busy[identity] = busy.get(identity, 0) + 1
    try:
        yield from x
    finally:
        if busy[identity] == 1:
            del busy[identity]
        else:
            busy[identity] -= 1


def _counted(thread: Thread, x: range) -> Iterator[int]:
    tick = thread.tick
    for number in x:
        tick()
        yield number


def each_unpacked(thread: Thread, x: Any, shape: Any) -> Iterator[Any]:
    """As `each`, for a loop with several names."""
    return (unpack(thread, item, shape) for item in each(thread, x))


def unpack(thread: Thread, x: Any, shape: Any) -> Any:
    """As many values as `shape` says: a number, or the number and the shapes of the values."""
    count, parts = (shape, None) if type(shape) is int else shape
    if type(x) is tuple or type(x) is list:
        found = len(x)
        values = x
    else:
        items = iterate(x)
        if items is None:
            raise EvalError(f"got {type_name(x)} in sequence assignment")
        found = length(x)
        values = list(islice(items, count + 1))
    if len(values) > count:
        raise EvalError(f"too many values to unpack (got {found}, want {count})")
    if len(values) < count:
        raise EvalError(f"too few values to unpack (got {len(values)}, want {count})")
    if parts is None:
        return values
    return [value if part is None else unpack(thread, value, part) for value, part in zip(values, parts, strict=True)]


def key(thread: Thread, x: Any) -> Any:
    """A key of a dict comprehension."""
    return key_of(x, thread.tick)


class PlacedError(EvalError):
    """An error in a line of its own, of the code that called."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def make_dict(thread: Thread, *entries: tuple[Any, Any, int]) -> dict[Any, Any]:
    """A dict display whose keys are not all known before: keys, values and lines."""
    made: dict[Any, Any] = {}
    for name, value, line in entries:
        try:
            key_of(name, thread.tick)
            if has_key(made, name):
                raise EvalError(f"duplicate key: {to_repr(name)}")
            put(made, name, value)
        except EvalError as refused:
            raise PlacedError(refused.message, line) from None
    return made
