"""Fill values in: what a schema declares and a document leaves out gets its default.

The first look at values: only whether maps and arrays stand where they may. Called by `document` for data values and by
`reading` for the values of annotations. Nodes that are given stay as they are; what changes is copied.
"""

from __future__ import annotations

from typing import Any, TypeVar

from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem, Node, Value
from packhouse.template.ytt.schema.report import Findings, mismatch
from packhouse.template.ytt.schema.types import AnyType, ArrayType, MapType, Member, ValueType, bare, key_of

_Item = TypeVar("_Item", MapItem, ArrayItem, Document)


def filled_item(member: Member, item: _Item, findings: Findings) -> _Item:
    """The item (or document) with all that is missing under it; the same one where nothing is."""
    findings.look()
    value = filled(member.value, item.value, findings, item)
    return item if value is item.value else item.with_value(value)


def filled(declared: ValueType, value: Value, findings: Findings, holder: Node | None = None) -> Value:
    """The value with all that is missing in it. A scalar where a map is declared, and so on, is one of `findings`."""
    declared = bare(declared)
    if not isinstance(value, Map | Array | DocumentSet) or isinstance(declared, AnyType):
        return value
    if isinstance(declared, MapType) and isinstance(value, Map):
        return _filled_map(declared, value, findings)
    if isinstance(declared, ArrayType) and isinstance(value, Array):
        items = [filled_item(declared.items, item, findings) for item in value.items]
        return value.with_items(items) if _differ(items, value.items) else value
    findings.add(mismatch(value, declared, holder))
    return value


def _filled_map(declared: MapType, value: Map, findings: Findings) -> Map:
    items, given = [], set()
    for item in value.items:
        key = key_of(item.key)
        member = declared.members.get(key)
        items.append(item if member is None else filled_item(member, item, findings))
        given.add(key)
    findings.look(len(declared.members))
    missing = [member.default_item() for key, member in declared.members.items() if key not in given]
    return value.with_items([*items, *missing]) if missing or _differ(items, value.items) else value


def _differ(items: list[Any], before: list[Any]) -> bool:
    return any(one is not other for one, other in zip(items, before, strict=True))
