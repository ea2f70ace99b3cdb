"""Which parts of a file are plain, found in one walk before the file is compiled.

The compiler asks, so that a plain part becomes a single step that hands on the nodes as they are. What is plain here
has no comment that asks for anything, no text that is a template, and no key twice: such a part would come out of the
original just as it went in.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from packhouse.template.ytt.compile.comments import TEXT_TEMPLATED, Item, is_refused, is_templating
from packhouse.template.ytt.nodes import Array, DocumentSet, Map, MapItem, Value


def is_text_template(text: str) -> bool:
    """Also a text that only closes code: it is wrong, and compiling it tells so."""
    return "(@" in text or "@)" in text


def key_identity(key: Any) -> Hashable:
    """Equal for keys that are one key: 1, 1.0 and True are three."""
    return key if type(key) is str else (type(key), key)


class Survey:
    """What was found. Counts are of numbered nodes; 0 says that a part is not plain."""

    __slots__ = ("_counts", "_ignore_unknown")

    def __init__(self, documents: DocumentSet, ignore_unknown: bool) -> None:
        self._ignore_unknown = ignore_unknown
        self._counts: dict[tuple[int, bool], int] = {}
        self._items(documents, False)

    def below(self, item: Item, texted: bool) -> int:
        """The count of an item's tree when all below it is plain, whatever its own comments ask for. `texted`: strings
        are templates there."""
        return self._counts.get((id(item), texted), 0)

    def _items(self, holder: DocumentSet | Map | Array, texted: bool) -> int:
        counts = [self._item(item, texted) for item in holder.items]
        if all(counts) and not (isinstance(holder, Map) and has_repeated_keys(holder)):
            return 1 + sum(counts)
        for item, count in zip(holder.items, counts, strict=True):
            if count:
                self._counts[id(item), texted] = count
        return 0

    def _item(self, item: Item, texted: bool) -> int:
        asks = False
        for comment in item.comments:
            if is_templating(comment) or is_refused(comment, self._ignore_unknown):
                asks = True
                texted = texted or comment.text[1:].split(" ", 1)[0] == TEXT_TEMPLATED
        count = self._value(item.value, texted)
        if isinstance(item, MapItem) and texted and isinstance(item.key, str):
            count = count + 2 if count and not is_text_template(item.key) else 0
        if count == 0:
            return 0
        if asks:
            self._counts[id(item), texted] = count
            return 0
        return count

    def _value(self, value: Value, texted: bool) -> int:
        """One more than the count: that one is the item which holds the value. A plain string in the scope of text
        templates counts as a template of one piece."""
        if isinstance(value, Map | Array):
            count = self._items(value, texted)
            return count + 1 if count else 0
        if texted and isinstance(value, str):
            return 0 if is_text_template(value) else 3
        return 1


def has_repeated_keys(holder: Map) -> bool:
    identities = {key_identity(item.key) for item in holder.items}
    return len(identities) != len(holder.items)
