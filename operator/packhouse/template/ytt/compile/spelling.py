"""How the original spells types and values in its messages: it is written in Go, and some messages show it.

The rooms of compile/ ask for it. Nothing is decided by these words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem, Node
from packhouse.template.ytt.values import Fragment, Struct

_TYPESETTING: Final = "".join(map(chr, range(0x2000, 0x200B)))
#: What Go takes for white space: fewer characters than Python does.
SPACES: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + _TYPESETTING

_SCALARS: Final[dict[type, str]] = {
    type(None): "<nil>",
    bool: "bool",
    int: "int64",
    float: "float64",
    str: "string",
}

_NODES: Final[dict[type, str]] = {
    DocumentSet: "document set",
    Document: "document",
    Map: "map",
    MapItem: "map item",
    Array: "array",
    ArrayItem: "array item",
}


def type_of(value: Any) -> str:
    """As `%T` of Go prints the type of a value of a template, or of a node."""
    if isinstance(value, Fragment):
        value = value.node
    if isinstance(value, Node):
        return f"*yamlmeta.{type(value).__name__}"
    if isinstance(value, Mapping | Struct):
        return "*orderedmap.Map"
    return _SCALARS.get(type(value), "[]interface {}")


def name_of(node: Node) -> str:
    """A node as users call it."""
    return _NODES[type(node)]


def key_text(key: Any) -> str:
    """As `%s` of Go prints the key of a map that was read from YAML."""
    if isinstance(key, str):
        return key
    if key is None:
        return "%!s(<nil>)"
    if isinstance(key, bool):
        return f"%!s(bool={str(key).lower()})"
    if isinstance(key, int):
        return f"%!s(int={key})"
    if isinstance(key, float):
        return f"%!s(float64={key:g})"
    return f"%!s({type_of(key)})"
