"""How sops, a program in Go, spells values that are not encrypted when it sums over them.

Pure. YAML is read there by rules of its own (`yes` is a text, `0o17` a number, a date a point in time), and a sum is
right only if they are followed to the letter.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import Decimal
from typing import Final

_WORDS: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), b"True"),
    **dict.fromkeys(("false", "False", "FALSE"), b"False"),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), b"NaN"),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), b"+Inf"),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), b"-Inf"),
}
NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER: Final = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES: Final = (16, 2, 8, 10)
_MOST: Final = 2**63
_DIGITS_MOST: Final = 1000  # Python reads no number of several thousand
_TIME: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?(Z|[-+]\d\d:\d\d))| (\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?)?"
)


def plain_scalar(text: str) -> bytes | None:
    """What an unquoted scalar of YAML adds to a sum; None for one that no sum can hold."""
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] not in "+-.0123456789" or not text:
        return text.encode()
    if moment := _TIME.fullmatch(text):
        spelled = _time(moment)
        if spelled is not None:
            return spelled
    digits = text.replace("_", "") if text[0] != "." else text
    if len(digits) <= _DIGITS_MOST and (found := _INTEGER.fullmatch(digits)):
        number = next(int(part, base) for part, base in zip(found.groups()[1:], _BASES, strict=True) if part)
        number = -number if found[1] == "-" else number
        if -_MOST <= number < _MOST:
            return str(number).encode()
        if number < 2 * _MOST and found[1] != "-":
            return None  # sops itself knows no such number
    if _FLOAT.fullmatch(digits) and math.isfinite(number_read := float(digits)):
        return floating(number_read)
    return text.encode()


def floating(number: float) -> bytes:
    """Without an exponent, with as few digits as tell it apart."""
    if math.isinf(number):
        return b"+Inf" if number > 0 else b"-Inf"
    text = format(Decimal(repr(number)), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text).encode()


def _time(found: re.Match[str]) -> bytes | None:
    """RFC 3339, in the zone that was given; None for a day that no calendar has."""
    year, month, day, *rest = found.groups()
    with_zone, without = rest[:5], rest[5:]
    hour, minute, second, fraction = (with_zone if with_zone[0] else without)[:4]
    zone = with_zone[4] or "Z"
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    digits = (fraction or "")[:10].rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{digits}{'Z' if zone in ('+00:00', '-00:00') else zone}".encode()
