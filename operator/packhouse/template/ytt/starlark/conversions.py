"""The builtins `int` and `float`."""

from __future__ import annotations

import re
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.args import ABSENT, named
from packhouse.template.ytt.starlark.formats import as_float, number_to_int
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.operators import bounded
from packhouse.template.ytt.values import Args, Kwargs
from packhouse.template.ytt.words import quote

_MOST_DIGITS: Final = 4_000
_DIGITS: Final = r"[0-9]+(?:_[0-9]+)*"
_FLOAT: Final = re.compile(
    rf"[+-]?(?:(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?|(?i:inf|infinity|nan))"
)
_PREFIXES: Final = {"0o": 8, "0x": 16, "0b": 2}


def make_float(thread: Any, args: Args, kwargs: Kwargs) -> float:
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


def make_int(thread: Any, args: Args, kwargs: Kwargs) -> int:
    x, base = named("int", args, kwargs, "x: any", "base?: any")
    if type(x) is str:
        thread.tick(1 + len(x) // 10)  # digits cost more the more there are
        return bounded(_parsed(x, 10 if base is ABSENT else base))
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
