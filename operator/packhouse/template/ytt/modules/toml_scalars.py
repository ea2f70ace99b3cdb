"""What TOML's numbers, dates and texts mean, once it is known where they end.

Called by `toml_read` alone; refuses in the words of the library that the original uses. `Refuse` raises EvalError with
the line and the key in front.
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Callable
from typing import Final, NoReturn, TypeAlias

from packhouse.template.ytt.words import quote

Refuse: TypeAlias = Callable[[str], NoReturn]

_SPECIAL: Final = frozenset(("nan", "+nan", "-nan", "inf", "-inf", "+inf"))
#: Each underscore behind a digit, and a digit at the end; hexadecimal ones count everywhere.
_UNDERSCORES: Final = re.compile("(?:[^_]|(?<=[0-9A-Fa-f])_)*(?<=[0-9A-Fa-f])")
_FLOAT: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BASES: Final = {"0b": 2, "0o": 8, "0x": 16}
_INT64: Final = range(-(2**63), 2**63)


def integer(spelling: str, refuse: Refuse) -> int:
    _check_number(spelling, [spelling], "integer", refuse)
    digits = spelling.replace("_", "")
    base = _BASES.get(digits[:2], 10)
    # Longer ones are out of range anyway; Python refuses to read very long ones.
    number = int(digits if base == 10 else digits[2:], base) if len(digits) < 100 else _INT64.stop
    if number not in _INT64:
        refuse(f"{spelling} is out of range for int64")
    return number


def decimal(spelling: str, refuse: Refuse) -> float:
    _check_number(spelling, [part for part in re.split("[.eE]", spelling) if part], "float", refuse)
    if re.search(r"\.(?![0-9])", spelling):
        refuse(f"Invalid float {quote(spelling)}: '.' must be followed by one or more digits")
    digits = spelling.replace("_", "")
    if digits in _SPECIAL:
        return float(digits.lstrip("+-") if digits.endswith("nan") else digits)
    if not _FLOAT.fullmatch(digits):
        refuse(f"Invalid float value: {quote(spelling)}")
    number = float(digits)
    if math.isinf(number):
        refuse(f"{spelling} is out of range for float64")
    return number


def _check_number(spelling: str, parts: list[str], kind: str, refuse: Refuse) -> None:
    invalid = f"Invalid {kind} {quote(spelling)}: "
    if not all(part in _SPECIAL or _UNDERSCORES.fullmatch(part) for part in parts):
        refuse(invalid + "underscores must be surrounded by digits")
    first = parts[0] if parts else ""
    unsigned = first.lstrip("+-") if first[:1] in ("+", "-") else first
    if len(unsigned) > 1 and unsigned[0] == "0" and (first != unsigned or unsigned[1] not in "box"):
        refuse(invalid + "cannot have leading zeroes")


class Moment:
    """A date, a time or both: it can be read, and templates have no value for it."""

    __slots__ = ()


_DATE: Final = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_TIME: Final = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.[0-9]+)?"
_ZONE: Final = "Z|[+-](?P<zone_hour>[0-9]{2}):(?P<zone_minute>[0-9]{2})"
_MOMENT: Final = re.compile(f"{_DATE}(?:T{_TIME}(?:{_ZONE})?)?")
_CLOCK: Final = re.compile(_TIME)
_MOST: Final = {"hour": 23, "minute": 59, "second": 59, "zone_hour": 24, "zone_minute": 60}


def moment(spelling: str, refuse: Refuse) -> Moment:
    spelling = spelling.translate(str.maketrans("zt ", "ZTT"))
    found = _MOMENT.fullmatch(spelling) or _CLOCK.fullmatch(spelling)
    parts = {name: int(digits) for name, digits in found.groupdict().items() if digits} if found else {}
    if not parts or any(parts.get(name, 0) > most for name, most in _MOST.items()) or not _is_date(parts):
        refuse(f"Invalid TOML Datetime: {quote(spelling)}.")
    return Moment()


def _is_date(parts: dict[str, int]) -> bool:
    if "year" not in parts:
        return True
    month, day = parts["month"], parts["day"]
    if not 1 <= month <= 12:
        return False
    return 1 <= day <= monthrange(parts["year"] or 4, month)[1]


_ESCAPES: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_ESCAPE: Final = re.compile(r"\\(?:u(?P<short>.{4})|U(?P<long>.{8})|(?P<letter>.))", re.DOTALL)


def unescaped(content: str, refuse: Refuse) -> str:
    """Of a text in double quotes."""

    def meaning(found: re.Match[str]) -> str:
        letter, digits = found["letter"], found["short"] or found["long"]
        if digits:
            code = int(digits, 16)
            if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
                refuse(f"Escaped character '\\u{digits}' is not valid UTF-8.")
            return chr(code)
        if letter not in _ESCAPES:
            refuse(f"invalid escape: '\\{letter}'")
        return _ESCAPES[letter]

    return _ESCAPE.sub(meaning, content) if "\\" in content else content


def without_first_break(content: str) -> str:
    if content.startswith("\n"):
        return content[1:]
    return content[2:] if content.startswith("\r\n") else content


def joined_lines(content: str, refuse: Refuse) -> str:
    """Of a text in three double quotes: a line that ends with a backslash goes on with the next one.

    From there on no line keeps its break, up to the next one that ends with backslashes: so it is read by that library.
    """
    lines = content.split("\n")
    going_on = False
    for number, line in enumerate(lines):
        last = number == len(lines) - 1
        stripped = line.rstrip(" \t\r")
        if not stripped.endswith("\\"):
            lines[number] = line.rstrip("\r") + ("" if going_on or last else "\n")
            continue
        if going_on:
            stripped = stripped.lstrip(" \t\r")
        going_on = (len(stripped) - len(stripped.rstrip("\\"))) % 2 == 1
        if not going_on:
            lines[number] = line + "\n"
            continue
        if last:
            refuse("invalid escape: '\\ '")
        lines[number] = stripped[:-1]
        lines[number + 1] = lines[number + 1].lstrip(" \t\r")
    return "".join(lines)
