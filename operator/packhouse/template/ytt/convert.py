"""Between nodes, the values of templates, and plain dicts and lists.

Where the original goes through "Go values", these are the same steps: a dict of Starlark is an ordered map, a tuple and
a set are lists, a fragment is its nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import NOWHERE, Array, ArrayItem, Document, DocumentSet, Map, MapItem, Source, Value
from packhouse.template.ytt.values import Fragment, Opaque, Struct

_INT_LEAST = -(2**63)
_INT_MOST = 2**64 - 1

_OPEN: Final = object()


def to_template(value: Value) -> Any:
    """What a template sees of a value of a node: nodes become a fragment."""
    return Fragment(value) if isinstance(value, Map | Array | DocumentSet) else value


def to_nodes(value: Any, source: Source = NOWHERE, line: int = 0) -> Value:
    """A value of a template as the value of a node: dicts and structs become maps, lists, tuples and sets arrays.

    `source` and `line` are the place of what is made. What occurs many times in `value` is made once. Raises EvalError
    for what has no form in YAML (a function, a list that holds itself).
    """
    return _nodes(value, source, line, {})


def _nodes(value: Any, source: Source, line: int, made: dict[int, Any]) -> Value:
    """`made`: what containers became, by identity; _OPEN while one is being walked."""
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return _within(value)
    if isinstance(value, Fragment):
        return value.node
    if isinstance(value, Map | Array | DocumentSet):
        return value
    if isinstance(value, Opaque):
        if value.plain is None:
            raise _no_form(value)
        return _nodes(value.plain, source, line, made)
    if isinstance(value, Struct):
        value = value.fields()
    known = _known(value, made)
    if known is not None:
        return known
    made[id(value)] = _OPEN
    node: Map | Array
    if isinstance(value, Mapping):
        items = [
            MapItem(_nodes(key, source, line, made), _nodes(item, source, line, made), source, line)
            for key, item in value.items()
        ]
        node = Map(items, source, line)
    elif isinstance(value, list | tuple | set | frozenset):
        node = Array([ArrayItem(_nodes(item, source, line, made), source, line) for item in value], source, line)
    else:
        raise _no_form(value)
    made[id(value)] = node
    return node


def to_plain(value: Any) -> Any:
    """Dicts, lists and scalars, from nodes or from values of a template. A set of documents is a list.

    What occurs many times in `value` is one dict or list at all these places. Raises EvalError for what has no form,
    and for a key that a map holds twice.
    """
    return _plain(value, {})


def _plain(value: Any, made: dict[int, Any]) -> Any:
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return _within(value)
    if isinstance(value, Fragment):
        return _plain(value.node, made)
    if isinstance(value, Document):
        return _plain(value.value, made)
    if isinstance(value, Opaque):
        if value.plain is None:
            raise _no_form(value)
        return _plain(value.plain, made)
    if isinstance(value, Struct):
        value = value.fields()
    known = _known(value, made)
    if known is not None:
        return known
    made[id(value)] = _OPEN
    plain: Any
    if isinstance(value, Map):
        plain = {item.key: _plain(item.value, made) for item in value.items}
        if len(plain) != len(value.items):
            raise _twice(value)
    elif isinstance(value, Array | DocumentSet):
        plain = [_plain(item.value, made) for item in value.items]
    elif isinstance(value, Mapping):
        plain = {_plain(key, made): _plain(item, made) for key, item in value.items()}
    elif isinstance(value, list | tuple | set | frozenset):
        plain = [_plain(item, made) for item in value]
    else:
        raise _no_form(value)
    made[id(value)] = plain
    return plain


def _known(value: Any, made: dict[int, Any]) -> Any:
    known = made.get(id(value))
    if known is _OPEN:
        raise EvalError("unable to convert a value that holds itself to YAML")
    return known


def _twice(value: Map) -> EvalError:
    seen: set[Any] = set()
    for item in value.items:
        if item.key in seen:
            break
        seen.add(item.key)
    return EvalError(f"Unexpected duplicate key: {item.key}")


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
