"""Plain values as TOML, byte for byte as the library that the original uses writes them.

Called by `toml` alone. Keys are sorted; those of plain values come first, then those of tables. None is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.arguments import go_value_type
from packhouse.template.ytt.words import to_bytes

_BARE: Final = re.compile("[A-Za-z0-9_-]+")
_ESCAPED: Final = re.compile('["\\\\\x00-\x1f\x7f]')
_SHORT: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}
#: What an item counts as, in characters, and a look at it.
_ITEM: Final = 64
_LOOK: Final = 8

Key = tuple[str, ...]


def write(value: Any, indent: str, weigh: Callable[[int], None]) -> str:
    """`value` is of dicts with texts as keys, lists and scalars. `weigh` is told of what is written, and of what is
    looked at again. Raises EvalError."""
    writer = _Writer(indent, weigh)
    writer.value((), value)
    return "".join(writer.parts)


def quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(lambda found: _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}", text) + '"'


def key_part(part: str) -> str:
    """As it is written: bare where that is possible."""
    return part if _BARE.fullmatch(part) else quoted(part)


def dotted(key: Key) -> str:
    return ".".join([key_part(part) for part in key])


def _is_table_array(value: list[Any], weigh: Callable[[int], None]) -> bool:
    """Whether all are tables; looks for None on the way, which no array may hold."""
    if not value:
        return False
    weigh(_LOOK * len(value))
    if any(item is None for item in value):
        raise EvalError("toml: cannot encode array with nil element")
    for item in value:
        if isinstance(item, list):
            _is_table_array(item, weigh)
    return all(isinstance(item, Mapping) for item in value)


class _Writer:
    __slots__ = ("_indent", "_weigh", "parts")

    def __init__(self, indent: str, weigh: Callable[[int], None]) -> None:
        self._indent = indent
        self._weigh = weigh
        self.parts: list[str] = []

    def value(self, key: Key, value: Any) -> None:
        if isinstance(value, Mapping):
            if len(key) == 1:
                self._break()
            if key:
                self.parts.append(f"{self._indentation(key)}[{self._dotted(key)}]")
                self._break()
            self._table(key, value)
        elif not key:
            if value is None:
                raise EvalError("reflect: call of reflect.Value.Type on zero Value")
            if isinstance(value, list):
                _is_table_array(value, self._weigh)
            raise EvalError("toml: top-level values must be Go maps or structs")
        elif isinstance(value, list) and _is_table_array(value, self._weigh):
            for item in value:
                self._break()
                self.parts.append(f"{self._indentation(key)}[[{self._dotted(key)}]]")
                self._break()
                self._table(key, item)
        else:
            self.parts.append(self._indentation(key))
            self._pair(key[-1], value)
            self._break()

    def _table(self, key: Key, table: Mapping[str, Any]) -> None:
        for name in self._names(table):
            if table[name] is not None:
                self.value((*key, name), table[name])

    def _pair(self, name: str, value: Any) -> None:
        self.parts.append(f"{key_part(name)} = ")
        self._element(value)

    def _element(self, value: Any) -> None:
        if isinstance(value, Mapping):
            self._inline(value)
        elif isinstance(value, list):
            self.parts.append("[")
            self._weigh(_ITEM * len(value))
            for number, item in enumerate(value):
                if number:
                    self.parts.append(", ")
                self._element(item)
            self.parts.append("]")
        else:
            text = _scalar(value)
            self._weigh(len(text))
            self.parts.append(text)

    def _inline(self, table: Mapping[str, Any]) -> None:
        """A comma follows also what stands before a None that is left out, as the original has it."""
        names = self._names(table)
        self.parts.append("{")
        for number, name in enumerate(names):
            if table[name] is None:
                continue
            self._pair(name, table[name])
            if number < len(names) - 1:
                self.parts.append(", ")
        self.parts.append("}")

    def _names(self, table: Mapping[str, Any]) -> list[str]:
        """In their order: first those of plain values."""
        for name in table:
            if not isinstance(name, str):
                raise EvalError("Expected key to be string")
            self._weigh(_ITEM + len(name))
        return sorted(table, key=lambda name: (self._is_table(table[name]), to_bytes(name)))

    def _is_table(self, value: Any) -> bool:
        return isinstance(value, Mapping) or (isinstance(value, list) and _is_table_array(value, self._weigh))

    def _break(self) -> None:
        if self.parts:
            self.parts.append("\n")

    def _dotted(self, key: Key) -> str:
        text = dotted(key)
        self._weigh(len(text))
        return text

    def _indentation(self, key: Key) -> str:
        self._weigh(len(key) * len(self._indent))
        return self._indent * (len(key) - 1)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, float):
        raise EvalError(f"unexpected type: {go_value_type(value)}")
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "+inf" if value > 0 else "-inf"
    digits = format(Decimal(repr(value)), "f")
    return digits if "." in digits else digits + ".0"
