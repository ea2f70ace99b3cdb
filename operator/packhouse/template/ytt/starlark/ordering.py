"""The builtins that put values in an order: `sorted`, `min` and `max`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.args import ABSENT, named
from packhouse.template.ytt.starlark.compare import compare
from packhouse.template.ytt.starlark.items import items_of, new_list
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.sequences import iterate
from packhouse.template.ytt.starlark.thread import Thread
from packhouse.template.ytt.values import Args, Kwargs


def extreme_of(name: str, op: str) -> Callable[[Any, Args, Kwargs], Any]:
    def extreme(thread: Any, args: Args, kwargs: Kwargs) -> Any:
        if not args:
            raise EvalError(f"{name} requires at least one positional argument")
        (key,) = named(name, (), kwargs, "key?: callable")
        values: Any = args[0] if len(args) == 1 else args
        if iterate(values) is None:
            raise EvalError(f"{name}: {type_name(values)} value is not iterable")
        items = items_of(thread, values)
        if not items:
            raise EvalError(f"{name}: argument is an empty sequence")
        best = items[0]
        best_key = best if key is ABSENT else thread.call(key, (best,))
        for item in items[1:]:
            item_key = item if key is ABSENT else thread.call(key, (item,))
            try:
                better = compare(op, item_key, best_key, thread.tick)
            except EvalError as refused:
                raise EvalError(f"{name}: {refused.message}") from None
            if better:
                best, best_key = item, item_key
        return best

    return extreme


def make_sorted(thread: Any, args: Args, kwargs: Kwargs) -> list[Any]:
    items, key, reverse = named("sorted", args, kwargs, "iterable: iterable", "key?: callable", "reverse?: bool")
    values = new_list(thread, items)
    thread.tick(len(values) * max(len(values).bit_length(), 1))
    keys = values if key is ABSENT else [thread.call(key, (value,)) for value in values]
    try:
        order = sorted(range(len(values)), key=_sort_key(thread, keys), reverse=bool(reverse))
    except EvalError as first:
        raise _last_refusal(keys, bool(reverse)) or first from None
    return [values[number] for number in order]


def _last_refusal(keys: list[Any], reverse: bool) -> EvalError | None:
    """Of values that have no order among them the original tells the two that it looked at last. It sorts up to
    twenty by insertion; None for more."""
    refused: EvalError | None = None
    if len(keys) > 20:
        return None
    keys = keys.copy()
    for first in range(1, len(keys)):
        for at in range(first, 0, -1):
            x, y = (keys[at - 1], keys[at]) if reverse else (keys[at], keys[at - 1])
            try:
                if not compare("<", x, y):
                    break
            except EvalError as wrong:
                refused = wrong
                break
            keys[at - 1], keys[at] = keys[at], keys[at - 1]
    return refused


def _sort_key(thread: Thread, keys: list[Any]) -> Callable[[int], Any]:
    kinds = set(map(type, keys))
    if kinds <= {str} or kinds <= {int} or kinds <= {bool}:
        return keys.__getitem__

    def order(a: int, b: int) -> int:
        if compare("<", keys[a], keys[b], thread.tick):
            return -1
        return 1 if compare("<", keys[b], keys[a], thread.tick) else 0

    return cmp_to_key(order)
