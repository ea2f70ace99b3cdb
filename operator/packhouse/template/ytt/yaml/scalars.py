"""Which value a scalar of YAML stands for, and whether a text may be written without quotes.

The rules are those of go-yaml v2: YAML 1.1 words (`yes`, `off`), numbers as Go reads them (`0x1f`, `0777`, `1_000`),
dates that stay texts but are quoted when written. Called by read and write; nothing of a document is known here.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date
from typing import Any, Final

from packhouse.template.ytt.errors import YttError

STR: Final = "tag:yaml.org,2002:str"
BOOL: Final = "tag:yaml.org,2002:bool"
INT: Final = "tag:yaml.org,2002:int"
FLOAT: Final = "tag:yaml.org,2002:float"
NULL: Final = "tag:yaml.org,2002:null"
TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"
MERGE: Final = "tag:yaml.org,2002:merge"
BINARY: Final = "tag:yaml.org,2002:binary"
_LONG: Final = "tag:yaml.org,2002:"

_RESOLVABLE: Final = frozenset({STR, BOOL, INT, FLOAT, NULL, TIMESTAMP})

_INT_LEAST: Final = -(2**63)
_INT_MOST: Final = 2**63 - 1
_UINT_MOST: Final = 2**64 - 1


def _words() -> dict[str, tuple[str, Any]]:
    words: dict[str, tuple[str, Any]] = {"": (NULL, None), "~": (NULL, None), "<<": (MERGE, "<<")}
    for stem, value in (("y", True), ("yes", True), ("true", True), ("on", True)):
        words.update(dict.fromkeys(_cases(stem), (BOOL, value)))
    for stem, value in (("n", False), ("no", False), ("false", False), ("off", False)):
        words.update(dict.fromkeys(_cases(stem), (BOOL, value)))
    words.update(dict.fromkeys(_cases("null"), (NULL, None)))
    for nan in (".nan", ".NaN", ".NAN"):
        words[nan] = (FLOAT, float("nan"))
    for inf in (".inf", ".Inf", ".INF"):
        words[inf] = words["+" + inf] = (FLOAT, float("inf"))
        words["-" + inf] = (FLOAT, float("-inf"))
    return words


def _cases(word: str) -> tuple[str, str, str]:
    return word, word.capitalize(), word.upper()


#: Words that stand for something else than themselves, with tag and value.
WORDS: Final = _words()

#: Of those, the ones that begin with no sign, digit or dot.
WORDS_ALONE: Final = {word: value for word, (_, value) in WORDS.items() if word[:1] > ":" and word != "<<"}

#: Only a scalar that begins so is looked at: go-yaml goes by the first byte. "<" is not among them, so that "<<" is a
#: text wherever it is no key.
_HINTED: Final = frozenset(["", *"+-0123456789yYnNtTfFoO~."])

_STRICT_INT: Final = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_STRICT_FLOAT: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
_SPACE: Final = re.compile(r"\s")
_DECIMAL: Final = re.compile(r"[-+]?[1-9][0-9]{0,17}\Z")
_PREFIXED: Final = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))\Z")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
#: What Go's ParseFloat takes of texts that begin with a dot.
_DOT_FLOAT: Final = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?\Z")
_BASE60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(?:Z|[-+]([0-9]{2}):([0-9]{2})))"
    r"|(?: +([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?))?\Z",
    re.ASCII,
)


#: Scalars like numbers that were met; emptied when it is full.
_met: dict[str, Any] = {}
_MET_MOST: Final = 10_000


def value_of(text: str) -> Any:
    """The value of a scalar without tag and quotes."""
    if text[:1] > ":":
        return WORDS_ALONE.get(text, text)
    if text in _met:
        return _met[text]
    value = resolve_plain(text)[1]
    if len(_met) >= _MET_MOST:
        _met.clear()
    if len(text) <= 32:
        _met[text] = value
    return value


def resolve_strict(text: str) -> Any:
    """The same where no reader of YAML may understand something else. Raises YttError for what is ambiguous."""
    tag, value = resolve_plain(text)
    certain = _certain_tag(text)
    if certain != tag:
        raise _strict(f"Found '{text}' ambigious (could be {short_tag(certain)} or {short_tag(tag)})")
    return value


def _certain_tag(text: str) -> str:
    if text == "":
        return NULL
    if text in ("true", "false"):
        return BOOL
    if _STRICT_INT.match(text):
        if not _INT_LEAST <= int(text[:24]) <= _UINT_MOST or len(text) > 24:
            reason = "invalid syntax" if text[0] == "-" else "value out of range"
            raise _strict(f"Parsing int '{text}': strconv.ParseUint: parsing \"{text}\": {reason}")
        return INT
    if _STRICT_FLOAT.match(text):
        if float(text) in (float("inf"), float("-inf")):
            raise _strict(f"Parsing float '{text}': strconv.ParseFloat: parsing \"{text}\": value out of range")
        return FLOAT
    for found, what in ((_SPACE.search(text), "whitespace"), (":" in text, "colon"), ("---" in text, "triple-dash")):
        if found:
            raise _strict(f"Strings with {what} must be explicitly quoted: '{text}'")
    return STR


def _strict(problem: str) -> YttError:
    return YttError(f"yaml: Strict parsing: {problem}")


def resolve_plain(text: str) -> tuple[str, Any]:
    """Tag and value of a scalar without tag and quotes. What looks like a date has the tag TIMESTAMP and stays text."""
    return _resolve_hinted(text, dated=True) if text[:1] in _HINTED else (STR, text)


def _resolve_hinted(text: str, *, dated: bool) -> tuple[str, Any]:
    word = WORDS.get(text)
    if word is not None:
        return word
    first = text[0]
    if first == ".":
        return _finite(text) if _DOT_FLOAT.match(text) else (STR, text)
    if first not in "+-0123456789":
        return STR, text
    if dated and is_timestamp(text):
        return TIMESTAMP, text
    plain = text.replace("_", "")
    number = _integer(plain)
    if number is not None:
        return INT, number
    if _FLOAT.match(plain):
        return _finite(text)
    return STR, text


def _finite(text: str) -> tuple[str, Any]:
    """A number too large for a float is a text."""
    value = float(text.replace("_", ""))
    return (STR, text) if value in (float("inf"), float("-inf")) else (FLOAT, value)


def _integer(plain: str) -> int | None:
    """As Go's ParseInt and then ParseUint with base 0 read it, and go-yaml's own `0b`."""
    if _DECIMAL.match(plain):
        return int(plain)
    match = _PREFIXED.match(plain)
    if match is None:
        return None
    sign, hexadecimal, binary, octal, decimal = match.groups()
    if decimal is not None:
        if len(decimal) > 20:
            return None
        value = int(decimal)
    else:
        digits, base = (hexadecimal, 16) if hexadecimal else (binary, 2) if binary else (octal, 8)
        if len(digits.lstrip("0")) > 64:
            return None
        value = int(digits, base)
    if sign:
        value = -value if sign == "-" else value
        return value if _INT_LEAST <= value <= _INT_MOST else None
    return value if value <= _UINT_MOST else None


def is_timestamp(text: str) -> bool:
    match = _TIMESTAMP.match(text)
    if match is None:
        return False
    year, month, day, *clock = (int(group) if group else None for group in match.groups())
    hour, minute, second, zone_hour, zone_minute, plain_hour, plain_minute, plain_second = clock
    try:
        date(year or 4, month or 0, day or 0)  # year 0 exists in Go; it is a leap year, as 4 is
    except ValueError:
        return False
    limits = ((hour, 24), (minute, 60), (second, 60), (plain_hour, 24), (plain_minute, 60), (plain_second, 60))
    zones = ((zone_hour, 25), (zone_minute, 61))
    return all(value is None or value < limit for value, limit in (*limits, *zones))


def resolve_tagged(tag: str, text: str) -> Any:
    """The value of a scalar that has a tag. Tags that are not known leave the text as it is."""
    if tag == BINARY:
        try:
            return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True).decode(
                "utf-8", "surrogateescape"
            )
        except (binascii.Error, ValueError):
            raise YttError("yaml: !!binary value contains invalid base64 data") from None
    if tag not in _RESOLVABLE or tag == STR:
        return text
    found: str = STR
    value: Any = text
    if text[:1] in _HINTED:
        found, value = _resolve_hinted(text, dated=tag == TIMESTAMP)
    if found == tag:
        return value
    if tag == FLOAT and isinstance(value, int) and value <= _INT_MOST and found == INT:
        return float(value)
    raise YttError(f"yaml: cannot decode {short_tag(found)} `{text}` as a {short_tag(tag)}")


def short_tag(tag: str) -> str:
    return "!!" + tag[len(_LONG) :] if tag.startswith(_LONG) else tag


def reads_as_text(text: str) -> bool:
    """Whether a text without quotes is read as that text, by this reader and by those that know sixties (`12:30`)."""
    first = text[:1]
    if first not in _HINTED:
        return True
    if first in "yYnNtTfFoO~":
        return text not in WORDS
    return resolve_plain(text)[0] == STR and not _BASE60.match(text)
