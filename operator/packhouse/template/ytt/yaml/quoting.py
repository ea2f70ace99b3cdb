"""How a scalar is written: plain, in quotes, or as a block; and what stands there then.

Called by write for each scalar. The rules are those of go-yaml v2, which are libyaml's but for a few: no line is
folded, what is beyond the basic plane is escaped, and a text is in quotes where go-yaml would read another value.
"""

from __future__ import annotations

import base64
import math
import re
from typing import Final

from packhouse.template.ytt.words import to_bytes
from packhouse.template.ytt.yaml.scalars import WORDS_ALONE, reads_as_text

#: Texts that need no quotes, found fast; what is not found so is looked at in full.
_CERTAIN: Final = re.compile(r"[a-zA-Z_/$(][!\"$-9;-~]*+(?:(?: ++|:++)[!\"$-9;-~]++)*+\Z")
_SPECIAL: Final = re.compile("[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BREAK: Final = re.compile("[\n\u2028\u2029]")
_ANY_BREAK: Final = re.compile(r"[\n\r\x85\u2028\u2029]")
_BREAK_SPACE: Final = re.compile("[\n\u2028\u2029] ")
_SPACE_BREAK: Final = re.compile(" [\n\u2028\u2029]")
_FIRST_INDICATOR: Final = re.compile(r"---|\.\.\.|[#,\[\]{}&*!|>'\"%@`]|[-?:](?: |\Z)")
_INNER_INDICATOR: Final = re.compile(r":(?: |\Z)|(?<=[ \u2028\u2029])#")
_ESCAPED: Final = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_ANY: Final = re.compile(r"(?s).")
#: Line breaks that may stand in a text that is written as it is.
BREAKS: Final = "\n\u2028\u2029"
_LINE: Final = re.compile("([\n\u2028\u2029]*)([^\n\u2028\u2029]+)")

_ESCAPES: Final = {
    "\0": "\\0",
    "\a": "\\a",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
    "\x1b": "\\e",
    '"': '\\"',
    "\\": "\\\\",
    "\x85": "\\N",
    "\xa0": "\\_",
    "\u2028": "\\L",
    "\u2029": "\\P",
}
#: What a key may be long, in bytes, without the "?" of a complex one.
_SIMPLE_MOST: Final = 128
_BASE64_LINE: Final = 70


def text(value: str, indent: str) -> str:
    """A text as it is written in the block context. `indent` is what begins each line of a block below it.

    No line break ends it, but where it is a block whose last line has one.
    """
    if _CERTAIN.match(value) and value not in WORDS_ALONE:
        return value
    if _SURROGATE.search(value):
        return _binary(value, indent)
    special = _SPECIAL.search(value) is not None
    if "\n" in value:
        is_block = not special and value[-1] != " " and _SPACE_BREAK.search(value) is None
        return _block(value, indent) if is_block else _double(value)
    if not reads_as_text(value) or special:
        return _double(value)
    breaks = _BREAK.search(value) is not None
    if breaks and (_BREAK_SPACE.search(value) or _SPACE_BREAK.search(value)):
        return _double(value)
    if breaks or " " in (value[0], value[-1]) or _FIRST_INDICATOR.match(value) or _INNER_INDICATOR.search(value):
        return _single(value, indent)
    return value


def is_simple(value: str) -> bool:
    """Whether a text may be a key without "?"."""
    if _SURROGATE.search(value):
        encoded = _base64(value)
        return "\n" not in encoded and len("!!binary") + len(encoded) <= _SIMPLE_MOST
    if _ANY_BREAK.search(value):
        return False
    return len(value) * 4 <= _SIMPLE_MOST or len(value.encode()) <= _SIMPLE_MOST


def has_breaks(written: str) -> bool:
    return _BREAK.search(written) is not None


def number(value: int | float) -> str:
    """The shortest digits that read back, with an exponent where it is below -4 or beyond 5."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    sign, digits, exponent = decimal(value)
    if not -4 <= exponent < 6:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def decimal(value: float) -> tuple[str, str, int]:
    """Sign, digits without zeros around them, and the exponent of the first."""
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = whole + fraction
    place = len(whole) - 1 + int(exponent or 0)
    stripped = digits.lstrip("0")
    if not stripped:
        return sign, "0", 0
    return sign, stripped.rstrip("0"), place - (len(digits) - len(stripped))


def _block(value: str, indent: str) -> str:
    hints = "2" if value[0] in " \n\u2028\u2029" else ""
    if value[-1] not in BREAKS:
        hints += "-"
    elif len(value) == 1 or value[-2] in BREAKS:
        hints += "+"
    return f"|{hints}\n{_LINE.sub(lambda line: f'{line[1]}{indent}{line[2]}', value)}"


def _single(value: str, indent: str) -> str:
    quoted = value.replace("'", "''")
    if _BREAK.search(quoted):
        quoted = re.sub("(?<=[\u2028\u2029])(?![\u2028\u2029]|\\Z)", indent, quoted)
    return f"'{quoted}'"


def _double(value: str) -> str:
    # go-yaml looks for a byte order mark at the beginning of the text wherever it is in it
    escaped = _ANY if value[:1] == "\ufeff" else _ESCAPED
    return f'"{escaped.sub(_escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    known = _ESCAPES.get(match[0])
    if known is not None:
        return known
    code = ord(match[0])
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _binary(value: str, indent: str) -> str:
    """Bytes that are no UTF-8."""
    encoded = _base64(value)
    return f"!!binary {_block(encoded, indent) if encoded.endswith(chr(10)) else encoded}"


def _base64(value: str) -> str:
    encoded = base64.b64encode(to_bytes(value)).decode("ascii")
    if len(encoded) < _BASE64_LINE:
        return encoded
    return "".join(f"{encoded[at : at + _BASE64_LINE]}\n" for at in range(0, len(encoded), _BASE64_LINE))
