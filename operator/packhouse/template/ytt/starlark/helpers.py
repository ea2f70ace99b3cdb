"""What compiled code calls, by name: made once for a thread."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, Final

from packhouse.template.ytt.starlark.access import attr, contains, index, path, set_field, set_index, slice_of
from packhouse.template.ytt.starlark.calls import call, direct, invoke, splat
from packhouse.template.ytt.starlark.iteration import each, each_unpacked, key, make_dict, unpack
from packhouse.template.ytt.starlark.operators import OPERATORS
from packhouse.template.ytt.starlark.thread import Thread
from packhouse.template.ytt.starlark.universe import UNIVERSE

_HELPERS: Final[dict[str, Callable[..., Any]]] = {
    "attr": attr,
    "call": call,
    "dict": make_dict,
    "direct": direct,
    "each": each,
    "each_unpacked": each_unpacked,
    "in": contains,
    "index": index,
    "invoke": invoke,
    "key": key,
    "path": path,
    "set_field": set_field,
    "set_index": set_index,
    "slice": slice_of,
    "splat": splat,
    "tick": Thread.tick,
    "unpack": unpack,
    **OPERATORS,
}


def helpers_of(thread: Thread) -> dict[str, Any]:
    """The globals that each program of a thread begins with; a copy is the caller's."""
    if thread.helpers is None:
        helpers: dict[str, Any] = {f".{name}": MethodType(function, thread) for name, function in _HELPERS.items()}
        helpers |= {f"u.{name}": value for name, value in UNIVERSE.items()}
        helpers["__builtins__"] = {}
        thread.helpers = helpers
    return thread.helpers.copy()
