"""The values of string and number literals."""

from __future__ import annotations

import re
from typing import Final

from packhouse.template.ytt.errors import EvalError

#: Digits that Python turns into an int, and bits that it turns into digits, without being asked twice.
_MOST_DIGITS: Final = 4_000
_MOST_BITS: Final = 14_000

_BASES: Final = {"0x": 16, "0o": 8, "0b": 2}
_ESCAPE: Final = re.compile(r"\\(?:([0-7]{1,3})|x(.{0,2})|(.)|$)", re.DOTALL)
_SIMPLE: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "\n": "",
}


def unquote(literal: str) -> str:
    """The value of a string literal, with its quotes and perhaps an r in front. Raises EvalError.

    A byte that is no UTF-8 stands in the value as surrogateescape has it.
    """
    raw = literal[0] == "r"
    if raw:
        literal = literal[1:]
    mark = literal[0]
    width = 3 if literal.startswith(mark * 3) and len(literal) >= 6 else 1
    inner = literal[width:-width]
    if raw or "\\" not in inner:
        return inner
    with_bytes = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal with_bytes
        octal, hexadecimal, simple = match.groups()
        if simple is not None:
            return _SIMPLE.get(simple, match[0])  # a backslash before anything else is one
        code = _octal(octal) if octal else _hexadecimal(hexadecimal, inner[match.start() :])
        if code < 0x80:
            return chr(code)
        with_bytes = True
        return chr(0xDC00 + code)

    value = _ESCAPE.sub(replaced, inner)
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") if with_bytes else value


def _octal(digits: str) -> int:
    code = int(digits, 8)
    if code >= 256:
        raise EvalError(f"invalid escape sequence \\{code:03o}")
    return code


def _hexadecimal(digits: str, rest: str) -> int:
    if len(digits) < 2:
        raise EvalError(f"truncated escape sequence {rest}")
    try:
        return int(digits, 16)
    except ValueError:
        raise EvalError(f"invalid escape sequence {rest[:4]}") from None


def number(literal: str) -> int | float:
    """The value of a number literal as `tokens` reads it. Raises EvalError."""
    prefix = literal[:2].lower()
    if prefix in _BASES:
        value = _int(literal[2:], _BASES[prefix])
        if prefix != "0x" and value >= 1 << 63:
            raise EvalError("invalid int literal")
        return value
    if "." in literal or "e" in literal or "E" in literal:
        try:
            fraction = float(literal)
        except ValueError:
            raise EvalError("invalid float literal") from None
        if fraction in (float("inf"), float("-inf")):
            raise EvalError("invalid float literal")
        return fraction
    if literal[0] == "0" and literal.strip("0"):
        if literal.strip("01234567") == "":
            raise EvalError(f"obsolete form of octal literal; use 0o{literal[1:]}")
        raise EvalError("invalid int literal")
    return _int(literal, 10)


def _int(digits: str, base: int) -> int:
    if len(digits) > _MOST_DIGITS:
        raise EvalError("invalid int literal")
    value = int(digits, base)
    if value.bit_length() > _MOST_BITS:
        raise EvalError("invalid int literal")
    return value
