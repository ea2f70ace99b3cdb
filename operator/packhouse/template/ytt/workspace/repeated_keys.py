"""Keys that a file of plain YAML gives more than once: the last one counts, where the first one stands.

Called for files without templating alone; in a template the second key is refused, unless it is asked for. So what
stands behind a merge (`<<`) overrides what was merged.
"""

from __future__ import annotations

from packhouse.template.ytt.nodes import Array, DocumentSet, Map, MapItem, Value


def without_repeated_keys(documents: DocumentSet) -> DocumentSet:
    """The documents themselves where no key is repeated, else a copy along the paths that change."""
    made = [_unique(document.value) for document in documents.items]
    if all(value is document.value for value, document in zip(made, documents.items, strict=True)):
        return documents
    return documents.with_items(
        [document.with_value(value) for value, document in zip(made, documents.items, strict=True)]
    )


def _unique(value: Value) -> Value:
    kind = type(value)
    if kind is not Map and kind is not Array:
        return value
    items = value.items
    if kind is Map and len({item.key for item in items}) != len(items):
        items = _latest(items)
    for number, item in enumerate(items):
        below = item.value
        if type(below) is not Map and type(below) is not Array:
            continue
        made = _unique(below)
        if made is not below:
            if items is value.items:
                items = list(items)
            items[number] = item.with_value(made)
    return value if items is value.items else value.with_items(items)


def _latest(items: list[MapItem]) -> list[MapItem]:
    found = {(type(item.key), item.key): item for item in items}  # True and 1 are two keys
    return list(found.values())
