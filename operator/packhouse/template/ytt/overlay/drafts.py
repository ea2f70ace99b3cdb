"""A map, an array or sets of documents while an overlay is put over them: a copy of the list of items, to be changed.

`apply` makes one for each container on its way down. A draft knows which of its items an item of the overlay means,
and what its kind allows; the items themselves are shared and never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import ArrayItem, Document, MapItem, Value
from packhouse.template.ytt.overlay.annotations import APPEND, INSERT, MATCH, OPERATIONS, at_least_one, match_of
from packhouse.template.ytt.overlay.expects import NONE, Expectation
from packhouse.template.ytt.overlay.matchers import Test, by_map_key, tester
from packhouse.template.ytt.starlark.args import ABSENT, go_type
from packhouse.template.ytt.starlark.names import is_callable
from packhouse.template.ytt.values import Thread
from packhouse.template.ytt.words import go_string

#: A list of items, and an index in it.
Spot: TypeAlias = "tuple[list[Any], int]"

#: Longer maps are asked for their keys as a list, which compares texts faster than a walk of the items.
_LONG = 16

#: Stands for a matcher: an item of an array without `#@overlay/match` means none.
_NOTHING: Final = object()


class Draft:
    """What all kinds have. `groups`: one list of items, or one for each set of documents."""

    __slots__ = ("groups",)
    operations: Sequence[str] = OPERATIONS
    may_contain = ""  # the words of a refusal
    appends_unmatched = True

    def __init__(self, groups: list[list[Any]]) -> None:
        self.groups = groups

    def title(self, item: Any) -> str:
        """What stands before an error of `item`."""
        raise NotImplementedError

    def match(self, item: Any, inherited: Expectation) -> tuple[Any, Expectation]:
        """`by` (ABSENT where it is not said), and how many matches are expected. Raises EvalError."""
        return match_of(item, inherited)

    def spots(self, item: Any, matcher: Any, thread: Thread) -> list[Spot]:
        """The items on the left that `item` means. Raises EvalError."""
        raise NotImplementedError

    def taken(self, old: Any, new: Any) -> Any:
        """The item `old` with the value of `new`, as a merge leaves it."""
        raise NotImplementedError

    def unsupported(self, operation: str, item: Any) -> EvalError:
        return EvalError(f"Overlay op {operation} is not supported")

    def put(self, spot: Spot, item: Any) -> None:
        group, index = spot
        group[index] = item

    def append(self, item: Any, group: int = -1) -> None:
        """To the end of the last group. Raises EvalError where there is none."""
        if not self.groups:
            raise EvalError("Internal inconsistency: Expected at least one *yamlmeta.DocumentSet")
        self.groups[group].append(item)

    def remove(self, spots: Iterable[Spot]) -> None:
        gone = _by_group(spots)
        for group in self.groups:
            indexes = gone.get(id(group))
            if indexes:
                group[:] = [item for index, item in enumerate(group) if index not in indexes]

    def insert(self, spots: dict[tuple[int, int], Any], before: bool, after: bool) -> None:
        """`spots`: what to put beside the items at (id of a group, index)."""
        for group in self.groups:
            items: list[Any] = []
            for index, old in enumerate(group):
                new = spots.get((id(group), index))
                if new is not None and before:
                    items.append(new)
                items.append(old)
                if new is not None and after:
                    items.append(new)
            group[:] = items

    def _tested(self, test: Test, item: Any, thread: Thread) -> list[Spot]:
        return [
            (group, index) for label, group, index, old in self._labelled(thread) if test(label, old.value, item.value)
        ]

    def _labelled(self, thread: Thread) -> Iterator[tuple[Any, list[Any], int, Any]]:
        """Documents are counted over all sets."""
        count = 0
        for group in self.groups:
            thread.tick(len(group))
            for index, old in enumerate(group):
                yield count, group, index, old
                count += 1


class MapDraft(Draft):
    __slots__ = ("_keys",)
    operations = tuple(name for name in OPERATIONS if name not in (INSERT, APPEND))
    may_contain = "map items can only contain arrays, maps, or scalars"

    def __init__(self, items: list[MapItem]) -> None:
        super().__init__([items.copy()])
        self._keys: list[Value] | None = None

    def title(self, item: MapItem) -> str:
        return f"Map item (key '{go_string(item.key)}') on line {item.place}"

    def unsupported(self, operation: str, item: MapItem) -> EvalError:
        return EvalError(
            f"Found @{operation} on map item ({item.place}); only array items can be annotated with @{operation}"
        )

    def taken(self, old: MapItem, new: MapItem) -> MapItem:
        return MapItem(old.key, new.value, new.source, new.line, old.comments, old.annotations)

    def spots(self, item: MapItem, matcher: Any, thread: Thread) -> list[Spot]:
        if matcher is ABSENT:
            return self._of_key(item.key, thread)
        return self._tested(tester(_function(matcher, by_text=True), thread), item, thread)

    def put(self, spot: Spot, item: MapItem) -> None:
        if self._keys is not None and item.key is not self._keys[spot[1]]:
            self._keys = None
        super().put(spot, item)

    def append(self, item: MapItem, group: int = -1) -> None:
        if self._keys is not None:
            self._keys.append(item.key)
        super().append(item, group)

    def remove(self, spots: Iterable[Spot]) -> None:
        self._keys = None
        super().remove(spots)

    def _of_key(self, key: Value, thread: Thread) -> list[Spot]:
        items = self.groups[0]
        thread.tick(len(items))
        kind = type(key)
        if kind is str and len(items) > _LONG:
            if self._keys is None:
                self._keys = [item.key for item in items]
            if key not in self._keys:
                return []
        return [(items, index) for index, old in enumerate(items) if old.key == key and type(old.key) is kind]

    def _labelled(self, thread: Thread) -> Iterator[tuple[Any, list[Any], int, Any]]:
        items = self.groups[0]
        thread.tick(len(items))
        for index, old in enumerate(items):
            yield old.key, items, index, old


class ArrayDraft(Draft):
    __slots__ = ()
    may_contain = "array items can only contain maps, arrays, or scalars"

    def __init__(self, items: list[ArrayItem]) -> None:
        super().__init__([items.copy()])

    def title(self, item: ArrayItem) -> str:
        return f"Array item on line {item.place}"

    def taken(self, old: ArrayItem, new: ArrayItem) -> ArrayItem:
        return ArrayItem(new.value, new.source, new.line, old.comments, old.annotations)

    def match(self, item: ArrayItem, inherited: Expectation) -> tuple[Any, Expectation]:
        if not item.annotations or MATCH not in item.annotations:
            return _NOTHING, NONE
        at_least_one(item)
        return match_of(item, inherited)

    def spots(self, item: ArrayItem, matcher: Any, thread: Thread) -> list[Spot]:
        if matcher is _NOTHING:
            return []
        if matcher is ABSENT:
            raise EvalError(f"Expected '{MATCH}' annotation keyword argument 'by' to be specified")
        return self._tested(tester(_function(matcher, by_text=True), thread), item, thread)


class DocumentsDraft(Draft):
    """`exact`: two documents are merged, whatever their annotations say of matching."""

    __slots__ = ("exact",)
    may_contain = "documents can only contain arrays, maps, or scalars"
    appends_unmatched = False

    def __init__(self, groups: Iterable[list[Document]], exact: bool) -> None:
        super().__init__([list(group) for group in groups])
        self.exact = exact

    def title(self, item: Document) -> str:
        return f"Document on line {item.place}"

    def taken(self, old: Document, new: Document) -> Document:
        return old.with_value(new.value)

    def match(self, item: Document, inherited: Expectation) -> tuple[Any, Expectation]:
        if not self.exact:
            at_least_one(item)
        return match_of(item, inherited)

    def spots(self, item: Document, matcher: Any, thread: Thread) -> list[Spot]:
        if self.exact:
            if not self.groups or not self.groups[0]:
                raise EvalError("Expected to find exactly one left document when merging exactly two documents")
            return [(self.groups[0], 0)]
        if matcher is ABSENT:
            raise EvalError(f"Expected '{MATCH}' annotation keyword argument 'by'  to be specified")
        return self._tested(tester(_function(matcher, by_text=False), thread), item, thread)


def _function(matcher: Any, by_text: bool) -> Any:
    if by_text and isinstance(matcher, str):
        return by_map_key(matcher)
    if is_callable(matcher):
        return matcher
    kinds = "either string (for map key) or function" if by_text else "function"
    raise EvalError(f"Expected '{MATCH}' annotation keyword argument 'by' to be {kinds}, but was {go_type(matcher)}")


def _by_group(spots: Iterable[Spot]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for group, index in spots:
        found.setdefault(id(group), set()).add(index)
    return found
