"""The items of what a builtin was given, counted before they are taken."""

from __future__ import annotations

from typing import Any

from packhouse.template.ytt.starlark.sequences import iterate, rounds
from packhouse.template.ytt.starlark.thread import ITEM


def items_of(thread: Any, value: Any) -> list[Any]:
    """Of a value that can be iterated over."""
    thread.tick(rounds(value))
    return list(iterate(value) or ())


def new_list(thread: Any, items: Any) -> list[Any]:
    """The same, for a list that is kept."""
    thread.weigh(ITEM * rounds(items))
    return items_of(thread, items)
