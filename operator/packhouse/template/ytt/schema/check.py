"""Check values that were filled in: keys that nobody declared, scalars of another type.

Called after `assign` found every map and array in its place. Pure; findings are added to a list in the order of the
document.
"""

from __future__ import annotations

from packhouse.template.ytt.nodes import Array, ArrayItem, DocumentSet, Map, MapItem, Value
from packhouse.template.ytt.schema.report import Problem, kind_of_value, mismatch, unexpected_key
from packhouse.template.ytt.schema.types import (
    FLOAT,
    INTEGER,
    AnyType,
    ArrayType,
    MapType,
    Member,
    NullType,
    ScalarType,
    ValueType,
    bare,
    key_of,
)


def check_item(member: Member, item: MapItem | ArrayItem, problems: list[Problem]) -> None:
    """A map item, an array item or a document, and all under it."""
    if isinstance(item.value, Map | Array | DocumentSet):
        check_node(member.value, item.value, problems)
    elif not accepts_scalar(member.value, item.value):
        problems.append(mismatch(item, bare(member.value)))


def check_node(declared: ValueType, value: Value, problems: list[Problem]) -> None:
    """A map or an array, and all in it."""
    declared = bare(declared)
    if isinstance(declared, MapType) and isinstance(value, Map):
        members = [(declared.members.get(key_of(item.key)), item) for item in value.items]
        problems += [unexpected_key(item, declared) for member, item in members if member is None]
        for member, item in members:
            if member is not None:
                check_item(member, item, problems)
    elif isinstance(declared, ArrayType) and isinstance(value, Array):
        for element in value.items:
            check_item(declared.items, element, problems)


def accepts_scalar(declared: ValueType, value: Value) -> bool:
    if isinstance(declared, AnyType) or (isinstance(declared, NullType) and value is None):
        return True
    declared = bare(declared)
    if not isinstance(declared, ScalarType):
        return False
    kind = kind_of_value(value)
    return kind == declared.kind or (kind == INTEGER and declared.kind == FLOAT)
