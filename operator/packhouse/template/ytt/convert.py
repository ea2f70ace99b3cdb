"""Between nodes, the values of templates, and plain dicts and lists.

Where the original goes through "Go values", these are the same steps: a dict of Starlark is an ordered map, a tuple and
a set are lists, a fragment is its nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import NOWHERE, Array, ArrayItem, Document, DocumentSet, Map, MapItem, Source, Value
from packhouse.template.ytt.values import Fragment, Opaque, Struct

_INT_LEAST = -(2**63)
_INT_MOST = 2**64 - 1


def to_template(value: Value) -> Any:
    """What a template sees of a value of a node: nodes become a fragment."""
    return Fragment(value) if isinstance(value, Map | Array | DocumentSet) else value


def to_nodes(value: Any, source: Source = NOWHERE, line: int = 0) -> Value:
    """A value of a template as the value of a node: dicts and structs become maps, lists, tuples and sets arrays.

    `source` and `line` are the place of what is made. Raises EvalError for what has no form in YAML (a function).
    """
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return _within(value)
    if isinstance(value, Fragment):
        return value.node
    if isinstance(value, Map | Array | DocumentSet):
        return value
    if isinstance(value, Struct):
        value = value.fields()
    if isinstance(value, Mapping):
        items = [
            MapItem(to_nodes(key, source, line), to_nodes(item, source, line), source, line)
            for key, item in value.items()
        ]
        return Map(items, source, line)
    if isinstance(value, list | tuple | set | frozenset):
        return Array([ArrayItem(to_nodes(item, source, line), source, line) for item in value], source, line)
    if isinstance(value, Opaque) and value.plain is not None:
        return to_nodes(value.plain, source, line)
    raise _no_form(value)


def to_plain(value: Any) -> Any:
    """Dicts, lists and scalars, from nodes or from values of a template. A set of documents is a list.

    Raises EvalError for what has no form, and for a key that a map holds twice.
    """
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, Map):
        plain = {item.key: to_plain(item.value) for item in value.items}
        if len(plain) != len(value.items):
            seen: set[Any] = set()
            for item in value.items:
                if item.key in seen:
                    raise EvalError(f"Unexpected duplicate key: {item.key}")
                seen.add(item.key)
        return plain
    if isinstance(value, Array | DocumentSet):
        return [to_plain(item.value) for item in value.items]
    if isinstance(value, int):
        return _within(value)
    if isinstance(value, Fragment):
        return to_plain(value.node)
    if isinstance(value, Document):
        return to_plain(value.value)
    if isinstance(value, Struct):
        value = value.fields()
    if isinstance(value, Mapping):
        return {to_plain(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    if isinstance(value, Opaque) and value.plain is not None:
        return to_plain(value.plain)
    raise _no_form(value)


def to_structs(value: Any) -> Any:
    """As `data.values` gives them: maps are structs, lists are lists. From nodes or plain values.

    Raises EvalError for a key that is no text.
    """
    if isinstance(value, Map):
        return Struct({_field(item.key): to_structs(item.value) for item in value.items})
    if isinstance(value, Array):
        return [to_structs(item.value) for item in value.items]
    if isinstance(value, Fragment):
        return to_structs(value.node)
    if isinstance(value, Mapping):
        return Struct({_field(key): to_structs(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return [to_structs(item) for item in value]
    return value


def _field(key: Any) -> str:
    if not isinstance(key, str):
        raise EvalError(f"expected struct key {key} to be string")
    return key


def _within(value: int) -> int:
    if not _INT_LEAST <= value <= _INT_MOST:
        raise EvalError("not sure how to get int")
    return value


def _no_form(value: Any) -> EvalError:
    if isinstance(value, Opaque):
        return EvalError(f"Unable to convert value: {value.type_name} {value.hint}")
    return EvalError(f"unable to convert value of type {getattr(value, 'type_name', type(value).__name__)} to YAML")
