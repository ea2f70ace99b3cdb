"""Check values that were filled in: keys that nobody declared, scalars of another type.

Called after `assign` found every map and array in its place. Pure; findings are added to a list in the order of the
document.
"""

from __future__ import annotations

from packhouse.template.ytt.nodes import Array, ArrayItem, DocumentSet, Map, MapItem, Value
from packhouse.template.ytt.schema.report import Findings, cost_of_key, mismatch, unexpected_key
from packhouse.template.ytt.schema.types import (
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
from packhouse.template.ytt.words import FLOAT, INTEGER, kind_of


def check_item(member: Member, item: MapItem | ArrayItem, findings: Findings) -> None:
    """A map item, an array item or a document, and all under it."""
    findings.look()
    if isinstance(item.value, Map | Array | DocumentSet):
        check_node(member.value, item.value, findings)
    elif not accepts_scalar(member.value, item.value):
        findings.add(mismatch(item, bare(member.value)))


def check_node(declared: ValueType, value: Value, findings: Findings) -> None:
    """A map or an array, and all in it."""
    declared = bare(declared)
    if isinstance(declared, MapType) and isinstance(value, Map):
        members = [(declared.members.get(key_of(item.key)), item) for item in value.items]
        for member, item in members:
            if member is None:
                findings.look(cost_of_key(item, declared))
                findings.add(unexpected_key(item, declared))
        for member, item in members:
            if member is not None:
                check_item(member, item, findings)
    elif isinstance(declared, ArrayType) and isinstance(value, Array):
        for element in value.items:
            check_item(declared.items, element, findings)


def accepts_scalar(declared: ValueType, value: Value) -> bool:
    if isinstance(declared, AnyType) or (isinstance(declared, NullType) and value is None):
        return True
    declared = bare(declared)
    if not isinstance(declared, ScalarType):
        return False
    kind = kind_of(value)
    return kind == declared.kind or (kind == INTEGER and declared.kind == FLOAT)
