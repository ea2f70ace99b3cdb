"""The builtins that every template has: None, True, False and 29 functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cmp_to_key
from typing import Any, Final

import packhouse.template.ytt.starlark.methods_containers as containers
import packhouse.template.ytt.starlark.methods_text  # noqa: F401 - fills the table of methods
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.access import attr_names, find_attr
from packhouse.template.ytt.starlark.args import ABSENT, int32, named, positional
from packhouse.template.ytt.starlark.compare import compare
from packhouse.template.ytt.starlark.containers import NativeBuiltin
from packhouse.template.ytt.starlark.formats import character, code_point, number_to_int
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.operators import as_float, bounded
from packhouse.template.ytt.starlark.sequences import iterate, length
from packhouse.template.ytt.starlark.text import quote, to_repr, to_str
from packhouse.template.ytt.starlark.thread import ITEM, Thread
from packhouse.template.ytt.values import Args, Kwargs

_MOST_DIGITS: Final = 4_000
_MOST_CODE: Final = 0x10FFFF
_DIGITS: Final = r"[0-9]+(?:_[0-9]+)*"
_FLOAT: Final = re.compile(
    rf"[+-]?(?:(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?|(?i:inf|infinity|nan))"
)
_PREFIXES: Final = {"0o": 8, "0x": 16, "0b": 2}


def _items(thread: Thread, value: Any) -> list[Any]:
    """Of a value that can be iterated over."""
    thread.tick(max(length(value), 1))
    return list(iterate(value) or ())


def _any(thread: Any, args: Args, kwargs: Kwargs) -> bool:
    (items,) = positional("any", args, kwargs, 1, "iterable")
    return any(_items(thread, items))


def _all(thread: Any, args: Args, kwargs: Kwargs) -> bool:
    (items,) = positional("all", args, kwargs, 1, "iterable")
    return all(_items(thread, items))


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
    found = _items(thread, items)
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


def _float(thread: Any, args: Args, kwargs: Kwargs) -> float:
    if kwargs:
        raise EvalError("float does not accept keyword arguments")
    if not args:
        return 0.0
    if len(args) != 1:
        raise EvalError(f"float got {len(args)} arguments, wants 1")
    x = args[0]
    if type(x) in (bool, int, float):
        return as_float(x)
    if type(x) is not str:
        raise EvalError(f"float got {type_name(x)}, want number or string")
    if not _FLOAT.fullmatch(x):
        raise EvalError(f"float: strconv.ParseFloat: parsing {quote(x)}: invalid syntax")
    value = float(x)
    if value in (float("inf"), float("-inf")) and "i" not in x.lower():
        raise EvalError(f"float: strconv.ParseFloat: parsing {quote(x)}: value out of range")
    return value


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


def _int(thread: Any, args: Args, kwargs: Kwargs) -> int:
    x, base = named("int", args, kwargs, "x: any", "base?: any")
    if type(x) is str:
        return _parsed(x, 10 if base is ABSENT else base)
    if base is not ABSENT:
        raise EvalError("int: can't convert non-string with explicit base")
    if type(x) is bool:
        return int(x)
    try:
        return bounded(number_to_int(x))
    except EvalError as refused:
        raise EvalError(f"int: {refused.message}") from None


def _parsed(text: str, base: Any) -> int:
    if type(base) is not int or (base != 0 and not 2 <= base <= 36):
        raise EvalError("int: base must be an integer >= 2 && <= 36")
    digits = text[1:] if text[:1] in ("+", "-") else text
    by_prefix = _PREFIXES.get(digits[:2].lower(), 0) if len(digits) > 2 else 0
    shown = base
    if by_prefix:
        digits = digits[2:]
    elif base == 0 and len(digits) > 1 and digits[0] == "0":
        if digits.strip("0"):
            raise _invalid(shown, text)
        return 0
    if base and by_prefix and by_prefix != base:
        raise _invalid(shown, text)
    shown = base = base or by_prefix or 10
    if not digits or not digits.isascii() or not digits.isalnum():
        raise _invalid(shown, text)
    if len(digits) > _MOST_DIGITS:
        raise _invalid(shown, text)
    try:
        value = int(digits, base)
    except ValueError:
        raise _invalid(shown, text) from None
    return -value if text[0] == "-" else value


def _invalid(base: int, text: str) -> EvalError:
    return EvalError(f"int: invalid literal with base {base}: {text}")


def _len(thread: Any, args: Args, kwargs: Kwargs) -> int:
    (x,) = positional("len", args, kwargs, 1, "any")
    found = length(x)
    if found < 0:
        raise EvalError(f"len: value of type {type_name(x)} has no len")
    return found


def _list(thread: Any, args: Args, kwargs: Kwargs) -> list[Any]:
    (items,) = positional("list", args, kwargs, 0, "iterable")
    return [] if items is ABSENT else _weighed(thread, items)


def _weighed(thread: Any, items: Any) -> list[Any]:
    thread.weigh(ITEM * max(length(items), 1))
    return _items(thread, items)


def _extreme(name: str, op: str) -> Callable[[Any, Args, Kwargs], Any]:
    def extreme(thread: Any, args: Args, kwargs: Kwargs) -> Any:
        if not args:
            raise EvalError(f"{name} requires at least one positional argument")
        (key,) = named(name, (), kwargs, "key?: callable")
        values: Any = args[0] if len(args) == 1 else args
        if iterate(values) is None:
            raise EvalError(f"{name}: {type_name(values)} value is not iterable")
        items = _items(thread, values)
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
    return _weighed(thread, items)[::-1]


def _set(thread: Any, args: Args, kwargs: Kwargs) -> Any:
    (items,) = positional("set", args, kwargs, 0, "iterable")
    try:
        return containers.make_set(thread, () if items is ABSENT else _items(thread, items))
    except EvalError as refused:
        raise EvalError(f"set: {refused.message}") from None


def _sorted(thread: Any, args: Args, kwargs: Kwargs) -> list[Any]:
    items, key, reverse = named("sorted", args, kwargs, "iterable: iterable", "key?: callable", "reverse?: bool")
    values = _weighed(thread, items)
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


def _str(thread: Any, args: Args, kwargs: Kwargs) -> str:
    x = _one("str", args, kwargs, "exactly ")
    if type(x) is str:
        return x
    text = to_repr(x)
    thread.weigh(len(text))
    return text


def _tuple(thread: Any, args: Args, kwargs: Kwargs) -> tuple[Any, ...]:
    (items,) = positional("tuple", args, kwargs, 0, "iterable")
    return () if items is ABSENT else tuple(_weighed(thread, items))


def _type(thread: Any, args: Args, kwargs: Kwargs) -> str:
    return type_name(_one("type", args, kwargs, "exactly "))


def _zip(thread: Any, args: Args, kwargs: Kwargs) -> list[Any]:
    if kwargs:
        raise EvalError("zip does not accept keyword arguments")
    for number, value in enumerate(args):
        if iterate(value) is None:
            raise EvalError(f"zip: argument #{number + 1} is not iterable: {type_name(value)}")
    columns = [_items(thread, value) for value in args]
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
    "float": _float,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "hash": _hash,
    "int": _int,
    "len": _len,
    "list": _list,
    "max": _extreme("max", ">"),
    "min": _extreme("min", "<"),
    "ord": _ord,
    "print": _print,
    "range": _range,
    "repr": _repr,
    "reversed": _reversed,
    "set": _set,
    "sorted": _sorted,
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
