"""How the original calls what it meets in nodes, for its messages: types as users know them, and as it knows them.

Called by the other rooms of this folder for their errors alone; nothing is decided by these words.
"""

from __future__ import annotations

from typing import Any

from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem

_INT64_MOST = 2**63 - 1

_NODES: dict[type, str] = {
    DocumentSet: "document set",
    Document: "document",
    Map: "map",
    MapItem: "map item",
    Array: "array",
    ArrayItem: "array item",
}

_GO: dict[type, str] = {
    type(None): "<nil>",
    bool: "bool",
    float: "float64",
    str: "string",
    dict: "*orderedmap.Map",
    list: "[]interface {}",
    tuple: "[]interface {}",
    DocumentSet: "*yamlmeta.DocumentSet",
    Document: "*yamlmeta.Document",
    Map: "*yamlmeta.Map",
    MapItem: "*yamlmeta.MapItem",
    Array: "*yamlmeta.Array",
    ArrayItem: "*yamlmeta.ArrayItem",
}


def yaml_type(value: Any) -> str:
    """As users read it: "map", "integer", "null"; of a text "string"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "float"
    return _NODES.get(type(value)) or go_type(value)


def go_type(value: Any) -> str:
    """Of the value of a node, in the original's own language. Which of its sizes an integer had, is not known here."""
    if type(value) is int:
        return "int" if value <= _INT64_MOST else "uint64"
    return _GO.get(type(value), "interface {}")


def formatted_key(key: Any) -> str:
    """A key within a message that expects a text; any other has its type with it."""
    if isinstance(key, str):
        return key
    if key is None:
        return "%!s(<nil>)"
    if isinstance(key, bool):
        return f"%!s(bool={str(key).lower()})"
    return f"%!s({go_type(key)}={key if isinstance(key, int | float) else '?'})"
