"""How messages call nodes and values, and how they write them: as users know them, or as Go, in which the original is
written, spells them.

Any room asks for it. Nothing is decided by these words.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem, Node, Value
from packhouse.template.ytt.values import Fragment, Struct

_TYPESETTING: Final = "".join(map(chr, range(0x2000, 0x200B)))
#: What Go takes for white space: fewer characters than Python does.
SPACES: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + _TYPESETTING

#: The scalars, as users know them.
STRING, FLOAT, INTEGER, BOOLEAN = "string", "float", "integer", "boolean"

_NODES: Final[dict[type, str]] = {
    DocumentSet: "document set",
    Document: "document",
    Map: "map",
    MapItem: "map item",
    Array: "array",
    ArrayItem: "array item",
}
_SCALARS: Final[dict[type, str]] = {type(None): "null", bool: BOOLEAN, int: INTEGER, float: FLOAT, str: STRING}
_GO_SCALARS: Final[dict[type, str]] = {type(None): "<nil>", bool: "bool", float: "float64", str: "string"}
_INT64_MOST: Final = 2**63 - 1

_ESCAPES: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


# ---- as users know them ------------------------------------------------------------------------------------


def kind_of(value: Value) -> str:
    """A node, or a scalar in one: "map item", "integer", "null"; of any other value what Go calls it."""
    kind = type(value)
    return _NODES.get(kind) or _SCALARS.get(kind) or go_value_type(value)


# ---- as Go spells them -------------------------------------------------------------------------------------


def go_value_type(value: Any, integer: str = "int64") -> str:
    """As `%T` of Go prints the type of a node, or of a value of a template that was made a value of Go.

    `integer`: what an int is, where it is not too big for that: one that was read from YAML is an "int".
    """
    return known_go_value_type(value, integer) or "interface {}"


def known_go_value_type(value: Any, integer: str = "int64") -> str | None:
    """None for what cannot be made a value of Go: a function, a parsed URL."""
    if type(value) is int:
        return integer if value <= _INT64_MOST else "uint64"
    if isinstance(value, Fragment):
        value = value.node
    if isinstance(value, Node):
        return f"*yamlmeta.{type(value).__name__}"
    if isinstance(value, Mapping | Struct):
        return "*orderedmap.Map"
    if isinstance(value, list | tuple | set | frozenset):
        return "[]interface {}"
    return _GO_SCALARS.get(type(value))


def go_string(value: Any, integer: str = "int") -> str:
    """As `%s` of Go prints a scalar, such as a key, where a text is expected: `5` is `%!s(int=5)`."""
    if isinstance(value, str):
        return value
    if value is None:
        return "%!s(<nil>)"
    shown = go_scalar(value) if isinstance(value, bool | int | float) else "?"
    return f"%!s({go_value_type(value, integer)}={shown})"


def go_scalar(value: Any) -> str:
    """As `%v` of Go prints a scalar: `name`, `5`, `true`, `<nil>`; a float with the shortest digits, and an exponent
    only from 1e+21 on and below 1e-4."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _float(value) if isinstance(value, float) else str(value)


def _float(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    exponent = text.partition("e")[2]
    if not exponent:
        return text.removesuffix(".0")
    return format(Decimal(text), "f") if 0 < int(exponent) < 21 else text


def quote(text: str) -> str:
    """As `%q` of Go: in double quotes, what cannot be printed escaped."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    known = _ESCAPES.get(character)
    if known:
        return known
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as decoded by surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# ---- texts as the bytes that they stand for ----------------------------------------------------------------


def to_bytes(text: str) -> bytes:
    """UTF-8; a byte that was none is again the byte that it was (see `from_bytes`)."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def from_bytes(data: bytes) -> str:
    """A text of a template may hold any bytes; those that are no UTF-8 are kept as lone surrogates."""
    return data.decode("utf-8", "surrogateescape")
