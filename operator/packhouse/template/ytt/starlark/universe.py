"""The builtins that every template has: None, True, False and 29 functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import packhouse.template.ytt.starlark.methods_containers as containers
import packhouse.template.ytt.starlark.methods_text  # noqa: F401 - fills the table of methods
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.access import attr_names, find_attr
from packhouse.template.ytt.starlark.args import ABSENT, int32, named, positional
from packhouse.template.ytt.starlark.containers import NativeBuiltin
from packhouse.template.ytt.starlark.conversions import make_float, make_int
from packhouse.template.ytt.starlark.formats import character, code_point
from packhouse.template.ytt.starlark.items import items_of, new_list
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.ordering import extreme_of, make_sorted
from packhouse.template.ytt.starlark.sequences import iterate, length
from packhouse.template.ytt.starlark.text import to_repr, to_str
from packhouse.template.ytt.starlark.thread import ITEM
from packhouse.template.ytt.values import Args, Kwargs

_MOST_CODE: Final = 0x10FFFF


def _any(thread: Any, args: Args, kwargs: Kwargs) -> bool:
    (items,) = positional("any", args, kwargs, 1, "iterable")
    return any(items_of(thread, items))


def _all(thread: Any, args: Args, kwargs: Kwargs) -> bool:
    (items,) = positional("all", args, kwargs, 1, "iterable")
    return all(items_of(thread, items))


def _bool(thread: Any, args: Args, kwargs: Kwargs) -> bool:
    (x,) = positional("bool", args, kwargs, 0, "any")
    return bool(x)


def _one(name: str, args: Args, kwargs: Kwargs, exactly: str = "") -> Any:
    if kwargs:
        raise EvalError(f"{name} does not accept keyword arguments")
    if len(args) != 1:
        raise EvalError(f"{name}: got {len(args)} arguments, want {exactly}1")
    return args[0]


def _chr(thread: Any, args: Args, kwargs: Kwargs) -> str:
    x = _one("chr", args, kwargs)
    try:
        code = int32(x)
    except EvalError:
        raise EvalError(f"chr: got {type_name(x)}, want int") from None
    if code < 0:
        raise EvalError(f"chr: Unicode code point {code} out of range (<0)")
    if code > _MOST_CODE:
        raise EvalError(f"chr: Unicode code point U+{code:X} out of range (>0x10FFFF)")
    return character(code)


def _dict(thread: Any, args: Args, kwargs: Kwargs) -> dict[Any, Any]:
    if len(args) > 1:
        raise EvalError(f"dict: got {len(args)} arguments, want at most 1")
    made: dict[Any, Any] = {}
    try:
        containers.update(thread, made, args, kwargs)
    except EvalError as refused:
        raise EvalError(f"dict: {refused.message}") from None
    return made


def _dir(thread: Any, args: Args, kwargs: Kwargs) -> list[str]:
    return sorted(attr_names(_one("dir", args, kwargs)))


def _enumerate(thread: Any, args: Args, kwargs: Kwargs) -> list[Any]:
    items, start = positional("enumerate", args, kwargs, 1, "iterable", "int")
    found = items_of(thread, items)
    thread.weigh(ITEM * len(found))
    return list(enumerate(found, start or 0))


def _words(args: Args, separator: str) -> str:
    return separator.join(map(to_str, args))


def _fail(thread: Any, args: Args, kwargs: Kwargs) -> None:
    (separator,) = named("fail", (), kwargs, "sep?: string")
    raise EvalError("fail: " + _words(args, " " if separator is ABSENT else separator))


def _print(thread: Any, args: Args, kwargs: Kwargs) -> None:
    (separator,) = named("print", (), kwargs, "sep?: string")
    text = _words(args, " " if separator is ABSENT else separator)
    thread.weigh(len(text))
    if thread.printed is not None:
        thread.printed(text)


def _getattr(thread: Any, args: Args, kwargs: Kwargs) -> Any:
    x, name, default = positional("getattr", args, kwargs, 2, "any", "string", "any")
    found = find_attr(x, name)
    if found is not ABSENT:
        return found
    if default is ABSENT:
        raise EvalError(f"getattr: {type_name(x)} has no .{name} field or method")
    return default


def _hasattr(thread: Any, args: Args, kwargs: Kwargs) -> bool:
    x, name = positional("hasattr", args, kwargs, 2, "any", "string")
    return find_attr(x, name) is not ABSENT


def _hash(thread: Any, args: Args, kwargs: Kwargs) -> int:
    """As Java hashes a string, code point by code point."""
    (text,) = positional("hash", args, kwargs, 1, "string")
    thread.tick(1 + len(text) // 100)
    value = 0
    for letter in text:
        value = (31 * value + ord(letter)) & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _len(thread: Any, args: Args, kwargs: Kwargs) -> int:
    (x,) = positional("len", args, kwargs, 1, "any")
    if type(x) is str:
        thread.tick(1 + len(x) // 1_000)
    found = length(x)
    if found < 0:
        raise EvalError(f"len: value of type {type_name(x)} has no len")
    return found


def _list(thread: Any, args: Args, kwargs: Kwargs) -> list[Any]:
    (items,) = positional("list", args, kwargs, 0, "iterable")
    return [] if items is ABSENT else new_list(thread, items)


def _ord(thread: Any, args: Args, kwargs: Kwargs) -> int:
    x = _one("ord", args, kwargs)
    if type(x) is not str:
        raise EvalError(f"ord: got {type_name(x)}, want string")
    if len(x) != 1:
        raise EvalError(f"ord: string encodes {len(x)} Unicode code points, want 1")
    return code_point(x)


def _range(thread: Any, args: Args, kwargs: Kwargs) -> range:
    start, stop, step = positional("range", args, kwargs, 1, "int", "int", "int")
    if stop is ABSENT:
        start, stop = 0, start
    if step is ABSENT:
        step = 1
    if step == 0:
        raise EvalError("range: step argument must not be zero")
    return range(start, stop, step)


def _repr(thread: Any, args: Args, kwargs: Kwargs) -> str:
    (x,) = positional("repr", args, kwargs, 1, "any")
    text = to_repr(x)
    thread.weigh(len(text))
    return text


def _reversed(thread: Any, args: Args, kwargs: Kwargs) -> list[Any]:
    (items,) = positional("reversed", args, kwargs, 1, "iterable")
    return new_list(thread, items)[::-1]


def _set(thread: Any, args: Args, kwargs: Kwargs) -> Any:
    (items,) = positional("set", args, kwargs, 0, "iterable")
    try:
        return containers.make_set(thread, () if items is ABSENT else items_of(thread, items))
    except EvalError as refused:
        raise EvalError(f"set: {refused.message}") from None


def _str(thread: Any, args: Args, kwargs: Kwargs) -> str:
    x = _one("str", args, kwargs, "exactly ")
    if type(x) is str:
        return x
    text = to_repr(x)
    thread.weigh(len(text))
    return text


def _tuple(thread: Any, args: Args, kwargs: Kwargs) -> tuple[Any, ...]:
    (items,) = positional("tuple", args, kwargs, 0, "iterable")
    return () if items is ABSENT else tuple(new_list(thread, items))


def _type(thread: Any, args: Args, kwargs: Kwargs) -> str:
    return type_name(_one("type", args, kwargs, "exactly "))


def _zip(thread: Any, args: Args, kwargs: Kwargs) -> list[Any]:
    if kwargs:
        raise EvalError("zip does not accept keyword arguments")
    for number, value in enumerate(args):
        if iterate(value) is None:
            raise EvalError(f"zip: argument #{number + 1} is not iterable: {type_name(value)}")
    columns = [items_of(thread, value) for value in args]
    thread.weigh(ITEM * sum(map(len, columns)))
    return list(zip(*columns, strict=False))


_FUNCTIONS: Final[dict[str, Callable[[Any, Args, Kwargs], Any]]] = {
    "any": _any,
    "all": _all,
    "bool": _bool,
    "chr": _chr,
    "dict": _dict,
    "dir": _dir,
    "enumerate": _enumerate,
    "fail": _fail,
    "float": make_float,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "hash": _hash,
    "int": make_int,
    "len": _len,
    "list": _list,
    "max": extreme_of("max", ">"),
    "min": extreme_of("min", "<"),
    "ord": _ord,
    "print": _print,
    "range": _range,
    "repr": _repr,
    "reversed": _reversed,
    "set": _set,
    "sorted": make_sorted,
    "str": _str,
    "tuple": _tuple,
    "type": _type,
    "zip": _zip,
}

UNIVERSE: Final[dict[str, Any]] = {
    "None": None,
    "True": True,
    "False": False,
    **{name: NativeBuiltin(name, function) for name, function in _FUNCTIONS.items()},
}
