"""`"..." % x` and `"...".format(...)`. Neither reaches anything but the arguments themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.access import mapping_get
from packhouse.template.ytt.starlark.args import ABSENT
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.text import to_repr, to_str
from packhouse.template.ytt.starlark.thread import Thread
from packhouse.template.ytt.values import Args, Kwargs
from packhouse.template.ytt.words import quote

_MOST_CODE: Final = 0x10FFFF
_INTEGERS: Final[dict[str, Callable[[int], str]]] = {
    "d": str,
    "i": str,
    "o": lambda value: f"{value:o}",
    "x": lambda value: f"{value:x}",
    "X": lambda value: f"{value:X}",
}


def interpolate(thread: Thread, format: str, x: Any) -> str:
    """`format % x`. Raises EvalError."""
    parts: list[str] = []
    _count(thread, format, "%")
    args = x if type(x) is tuple else (x,)
    index = position = 0
    while True:
        at = format.find("%", position)
        if at < 0:
            parts.append(format[position:])
            break
        parts.append(format[position:at])
        position = at + 1
        if format.startswith("%", position):
            parts.append("%")
            position += 1
            continue
        if format.startswith("(", position):
            end = format.find(")", position)
            if end < 0:
                raise EvalError("incomplete format key")
            arg = _by_key(thread, x, format[position + 1 : end])
            position = end + 1
        elif index >= len(args):
            raise EvalError("not enough arguments for format string")
        else:
            arg = args[index]
        if position >= len(format):
            raise EvalError("incomplete format")
        parts.append(_converted(format[position], arg))
        thread.weigh(len(parts[-1]))
        position += 1
        index += 1
    if index < len(args):
        raise EvalError("too many arguments for format string")
    return "".join(parts)


def _count(thread: Thread, format: str, sign: str) -> None:
    """The work that `format` itself is, before anything is put into it."""
    thread.weigh(len(format))
    thread.tick(1 + format.count(sign))


def _by_key(thread: Thread, x: Any, key: str) -> Any:
    found = mapping_get(thread, x, key)
    if found is None:
        raise EvalError("format requires a mapping")
    if found is ABSENT:
        raise EvalError(f"key not found: {key}")
    return found[0]


def _converted(conversion: str, arg: Any) -> str:
    if conversion == "s":
        return to_str(arg)
    if conversion == "r":
        return to_repr(arg)
    if conversion in _INTEGERS:
        try:
            return _INTEGERS[conversion](number_to_int(arg))
        except EvalError as refused:
            raise EvalError(f"%{conversion} format requires integer: {refused.message}") from None
    if conversion in "efgEFG":
        if type(arg) not in (int, float):
            raise EvalError(f"%{conversion} format requires float, not {type_name(arg)}")
        return _float(conversion, as_float(arg))
    if conversion == "c":
        return _character(arg)
    if conversion == "%":
        return "%"
    raise EvalError(f"unknown conversion %{conversion}")


def as_float(value: int | float) -> float:
    """The nearest float; infinite for what is too big."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def number_to_int(value: Any) -> int:
    """An int, or a float without what is behind the point. Raises EvalError."""
    if type(value) is int:
        return value
    if type(value) is not float:
        raise EvalError(f"cannot convert {type_name(value)} to int")
    if value != value:
        raise EvalError("cannot convert float NaN to integer")
    if value in (float("inf"), float("-inf")):
        raise EvalError("cannot convert float infinity to integer")
    return int(value)


def _float(conversion: str, value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    if conversion in "fFeE":
        return f"{value:{conversion}}"
    text = _shortest(value)
    return text.upper() if conversion == "G" else text


def _shortest(value: float) -> str:
    """As few digits as make this float; an exponent below 1e-4 and from 1e6 on, as %g has it in Go."""
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    fraction = "" if fraction == "0" else fraction
    power = int(exponent or 0) + len(whole) - 1
    digits = (whole + fraction).lstrip("0")
    if whole == "0" and not exponent:
        power = -1 - (len(fraction) - len(fraction.lstrip("0")))
    digits = digits.rstrip("0") or "0"
    if value == 0:
        return sign + "0"
    if -4 <= power < 6:
        if power < 0:
            return f"{sign}0.{'0' * (-power - 1)}{digits}"
        padded = digits.ljust(power + 1, "0")
        point = padded[power + 1 :]
        return sign + padded[: power + 1] + (f".{point}" if point else "")
    return f"{sign}{digits[0]}{'.' + digits[1:] if digits[1:] else ''}e{'-' if power < 0 else '+'}{abs(power):02}"


def _character(arg: Any) -> str:
    if type(arg) is int:
        if not 0 <= arg <= _MOST_CODE:
            raise EvalError(f"%c format requires a valid Unicode code point, got {arg}")
        return character(arg)
    if type(arg) is str:
        if len(arg) != 1:
            raise EvalError("%c format requires a single-character string")
        return arg
    raise EvalError(f"%c format requires int or single-character string, not {type_name(arg)}")


def character(code: int) -> str:
    """Of a code point; half of a surrogate pair is none."""
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


def code_point(character: str) -> int:
    """Of a letter; of a byte that is no UTF-8, the replacement character."""
    code = ord(character)
    return 0xFFFD if 0xDC80 <= code <= 0xDCFF else code


def format_text(thread: Thread, format: str, args: Args, kwargs: Kwargs) -> str:
    """`format.format(*args, **kwargs)`. Raises EvalError."""
    parts: list[str] = []
    _count(thread, format, "{")
    fields = _Fields(args, kwargs)
    position = 0
    while True:
        at = format.find("{", position)
        parts.append(_literal(format[position:at] if at >= 0 else format[position:]))
        if at < 0:
            break
        if format.startswith("{", at + 1):
            parts.append("{")
            position = at + 2
            continue
        end = format.find("}", at + 1)
        if end < 0:
            raise EvalError("format: unmatched '{' in format")
        parts.append(fields.value(format[at + 1 : end]))
        thread.weigh(len(parts[-1]))
        position = end + 1
    return "".join(parts)


def _literal(text: str) -> str:
    if "}" not in text:
        return text
    if "}" in text.replace("}}", ""):
        raise EvalError("format: single '}' in format")
    return text.replace("}}", "}")


class _Fields:
    """What stands between braces: its number, its name, or the next argument."""

    __slots__ = ("args", "automatic", "index", "kwargs", "manual")

    def __init__(self, args: Args, kwargs: Kwargs) -> None:
        self.args = args
        self.kwargs = kwargs
        self.index = 0
        self.automatic = self.manual = False

    def value(self, field: str) -> str:
        name, conversion, spec = field, "s", ""
        if "!" in field:
            name, _, rest = field.partition("!")
            conversion, _, spec = rest.partition(":")
        elif ":" in field:
            name, _, spec = field.partition(":")
        arg = self.argument(name)
        if spec:
            raise EvalError(f"format spec features not supported in replacement fields: {spec}")
        if conversion == "s":
            return to_str(arg)
        if conversion == "r":
            return to_repr(arg)
        raise EvalError(f"format: unknown conversion {quote(conversion)}")

    def argument(self, name: str) -> Any:
        if not name:
            if self.manual:
                raise EvalError("format: cannot switch from manual field specification to automatic field numbering")
            self.automatic = True
            self.index += 1
            return self.positional(self.index - 1)
        if name.isascii() and name.isdigit():
            if self.automatic:
                raise EvalError("format: cannot switch from automatic field numbering to manual field specification")
            self.manual = True
            return self.positional(int(name.lstrip("0")[:10] or 0))
        if name in self.kwargs:
            return self.kwargs[name]
        for sign, message in _UNSUPPORTED.items():
            if sign in name:
                raise EvalError(message.replace("%", name))
        raise EvalError(f"format: keyword {name} not found")

    def positional(self, number: int) -> Any:
        if number >= len(self.args):
            raise EvalError("format: tuple index out of range")
        return self.args[number]


_UNSUPPORTED: Final = {
    ".": "format: attribute syntax x.y is not supported in replacement fields: %",
    "[": "format: element syntax a[i] is not supported in replacement fields: %",
    "{": "format: nested replacement fields not supported",
}
