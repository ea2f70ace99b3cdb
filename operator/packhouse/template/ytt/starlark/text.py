"""What values are called and how they are written, in Starlark's words.

Used by the language and by whoever makes messages or texts of values of a template.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, Final

from packhouse.template.ytt.errors import LimitExceeded
from packhouse.template.ytt.nodes import Array, DocumentSet, Map
from packhouse.template.ytt.starlark.compare import compare, equal
from packhouse.template.ytt.starlark.containers import BoundMethod, NativeBuiltin, OrderedSet, TextElements
from packhouse.template.ytt.starlark.names import function_name, type_name
from packhouse.template.ytt.starlark.sequences import iterate, length, truth
from packhouse.template.ytt.values import Builtin, Fragment, Module, Opaque, Struct
from packhouse.template.ytt.words import quote

__all__ = ["compare", "equal", "function_name", "iterate", "length", "to_repr", "to_str", "truth", "type_name"]

#: A text of more characters or more pieces than this is refused rather than made.
_LONGEST: Final = 1 << 26
_MOST_PIECES: Final = 1_000_000

_FRAGMENTS: Final[dict[type, str]] = {
    Map: "*yamlmeta.Map",
    Array: "*yamlmeta.Array",
    DocumentSet: "*yamlmeta.DocumentSet",
    type(None): "<nil>",
}


def float_text(value: float) -> str:
    """Six digits, as this version of Starlark writes floats: 1.0 is "1", 1234567.0 is "1.23457e+06"."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:g}"


def to_str(value: Any) -> str:
    """What `str(value)` gives: a text itself, anything else as `to_repr`."""
    return value if type(value) is str else to_repr(value)


def to_repr(value: Any) -> str:
    """What `repr(value)` gives. Raises LimitExceeded where the text gets too long."""
    simple = _SIMPLE.get(type(value))
    if simple:
        return simple(value)
    writer = _Writer()
    writer.write(value, ())
    return "".join(writer.parts)


def _opaque(value: Opaque) -> str:
    return value.text


_SIMPLE: Final[dict[type, Callable[[Any], str]]] = {
    str: quote,
    int: str,
    bool: str,
    type(None): str,
    float: float_text,
    range: lambda value: _range(value),
    FunctionType: lambda value: f"<function {function_name(value)}>",
    NativeBuiltin: lambda value: f"<built-in function {value.name}>",
    Builtin: lambda value: f"<built-in function {value.name}>",
    BoundMethod: lambda value: f"<built-in method {value.name} of {type_name(value.receiver)} value>",
    Struct: lambda value: "struct(...)",
    Module: lambda value: f"<module {quote(value.name)}>",
    Opaque: _opaque,
    TextElements: lambda value: value.text,
    Fragment: lambda value: f"yamlfragment({_FRAGMENTS[type(value.node)]})",
}


def _range(value: range) -> str:
    if value.step != 1:
        return f"range({value.start}, {value.stop}, {value.step})"
    return f"range({value.start}, {value.stop})" if value.start else f"range({value.stop})"


class _Writer:
    """Writes containers; one that holds itself is written as "..."."""

    __slots__ = ("left", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.left = _LONGEST

    def write(self, value: Any, path: tuple[int, ...]) -> None:
        kind = type(value)
        if kind is list:
            self.sequence("[", value, "]", path, own=value)
        elif kind is dict:
            self.mapping(value, path)
        elif kind is tuple:
            self.sequence("(", value, ",)" if len(value) == 1 else ")", path)
        elif kind is OrderedSet:
            self.sequence("set([", value, "])", path)
        else:
            simple = _SIMPLE.get(kind)
            self.put(simple(value) if simple else f"<{type_name(value)}>")

    def put(self, text: str) -> None:
        self.left -= len(text)
        if self.left < 0:
            raise LimitExceeded(f"a text got longer than {_LONGEST} characters")
        self.parts.append(text)
        if len(self.parts) > _MOST_PIECES:
            raise LimitExceeded(f"a text got more than {_MOST_PIECES} pieces")

    def sequence(self, opening: str, value: Any, closing: str, path: tuple[int, ...], own: Any = None) -> None:
        self.put(opening)
        if own is not None:
            if id(own) in path:
                self.put("...]")
                return
            path = (*path, id(own))
        for number, item in enumerate(value):
            if number:
                self.put(", ")
            self.write(item, path)
        self.put(closing)

    def mapping(self, value: dict[Any, Any], path: tuple[int, ...]) -> None:
        if id(value) in path:
            self.put("{...}")
            return
        self.put("{")
        inner = (*path, id(value))
        separator = ""
        for key, item in value.items():
            self.put(separator)
            self.write(key, path)
            self.put(": ")
            self.write(item, inner)
            separator = ", "
        self.put("}")
