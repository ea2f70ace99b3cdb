"""JSON as Go's encoding/json writes and reads it.

Called by `json.encode`, `json.decode` and the command's `-o json`. Keys are sorted, `<`, `>` and `&` are escaped unless
one asks otherwise, numbers are spelled as Go does, and what is wrong is told in Go's words (see json_faults).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.yaml.contents import Pairs, contents, scalar, unwrapped
from packhouse.template.ytt.yaml.json_faults import MAX_DEPTH, check
from packhouse.template.ytt.yaml.quoting import decimal

#: What an item counts as, in characters: a text of its own on the way, and its place in a list.
_ITEM: Final = 64

_quoted: Final[Callable[[str], str]] = json.encoder.encode_basestring
_UNLIKE_GO: Final = re.compile(r"\\[bf]|[<>&\u2028\u2029\ud800-\udfff]")
_UNLIKE_GO_BUT_HTML: Final = re.compile(r"\\[bf]|[\u2028\u2029\ud800-\udfff]")
_ESCAPE: Final = re.compile(r"\\.|[<>&\u2028\u2029\ud800-\udfff]")
_LONE: Final = re.compile("[\ud800-\udfff]")


def encode(value: Any, *, indent: int = 0, escape_html: bool = True, weigh: Callable[[int], None] | None = None) -> str:
    """A value (nodes, plain, or of a template) on one line, or with `indent` spaces for each level.

    Raises YttError for keys that are no texts, for NaN and infinity, and for what is nested too deeply.
    """
    pieces: list[str] = []
    try:
        _Writer(pieces, " " * indent, escape_html, weigh).value(value, "\n")
    except RecursionError:
        raise YttError("the value is nested too deeply for JSON") from None
    return "".join(pieces)


def decode(text: str) -> Any:
    """Dicts with sorted keys, lists and scalars; a number is a float. Raises YttError in Go's words."""
    try:
        if "\\u" not in text and text.count("[") + text.count("{") <= MAX_DEPTH and not _LONE.search(text):
            return _READ.decode(text)
    except (ValueError, YttError):
        pass  # told below: Go looks at all of the text before it reads a number
    check(text)
    return _well_formed(_READ.decode(_LONE.sub("\ufffd", text)))


class _Writer:
    __slots__ = ("_escape_html", "_indent", "_pieces", "_weigh")

    def __init__(self, pieces: list[str], indent: str, escape_html: bool, weigh: Callable[[int], None] | None) -> None:
        self._pieces = pieces
        self._indent = indent
        self._escape_html = escape_html
        self._weigh = weigh

    def value(self, value: Any, line: str) -> None:
        """`line`: a line break and the indentation of the line where the value begins."""
        if type(value) is str:
            self._pieces.append(self._text(value))
            return
        value = unwrapped(value)
        pairs, items = contents(value)
        if pairs is not None:
            self._collection("{}", [(self._key(key), item) for key, item in _sorted(pairs)], line)
        elif items is not None:
            self._collection("[]", [("", item) for item in items], line)
        else:
            value = scalar(value)
            self._pieces.append(self._text(value) if isinstance(value, str) else _scalar(value))

    def _collection(self, brackets: str, items: list[tuple[str, Any]], line: str) -> None:
        append = self._pieces.append
        if self._weigh is not None:
            self._weigh(_ITEM * (1 + len(items)))
        if not items:
            append(brackets)
            return
        inner = f"{line}{self._indent}" if self._indent else ""
        separator = f"{brackets[0]}{inner}"
        for key, item in items:
            append(f"{separator}{key}")
            separator = f",{inner}"
            self.value(item, inner)
        append(f"{line}{brackets[1]}" if self._indent else brackets[1])

    def _key(self, key: str) -> str:
        return f"{self._text(key)}: " if self._indent else f"{self._text(key)}:"

    def _text(self, text: str) -> str:
        if self._weigh is not None:
            self._weigh(len(text))
        quoted = _quoted(text)
        unlike = _UNLIKE_GO if self._escape_html else _UNLIKE_GO_BUT_HTML
        return _ESCAPE.sub(self._escaped, quoted) if unlike.search(quoted) else quoted

    def _escaped(self, match: re.Match[str]) -> str:
        found = match[0]
        if found in ("<", ">", "&"):
            return f"\\u{ord(found):04x}" if self._escape_html else found
        return _GO_ESCAPES.get(found) or (found if found[0] == "\\" else "\\ufffd")


_GO_ESCAPES: Final = {"\\b": "\\u0008", "\\f": "\\u000c", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def _sorted(pairs: Pairs) -> list[tuple[str, Any]]:
    if not all(type(key) is str for key, _ in pairs):
        raise YttError("Expected key to be string")
    return sorted(pairs, key=_first)


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        shown = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        raise YttError(f"json: unsupported value: {shown}")
    return _float(value)


def _float(value: float) -> str:
    """The shortest digits that read back; with an exponent where a number is below 1e-6 or not below 1e21."""
    sign, digits, exponent = decimal(value)
    if value and not -6 <= exponent < 21:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{exponent:+03d}".replace("e-0", "e-")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise YttError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return value


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _by_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(sorted(dict(pairs).items()))


_READ: Final = json.JSONDecoder(
    object_pairs_hook=_by_key, parse_float=_number, parse_int=_number, parse_constant=_no_constant
)


def _well_formed(value: Any) -> Any:
    """Halves of characters that an escape left alone are taken for what cannot be read."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_well_formed(item) for item in value]
    if isinstance(value, dict):
        return _by_key([(_well_formed(key), _well_formed(item)) for key, item in value.items()])
    return value
