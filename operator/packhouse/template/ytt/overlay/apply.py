"""Puts overlays over trees: what each item of the right one means on the left, and what becomes of it.

Called by the module `overlay`, and by the workspace for data values and for what files render. The left tree is never
changed; the result shares what stayed the same. Messages are those of the original: each item on the way names itself
and its place. Nothing here knows how matching is done (`drafts`, `matchers`) or which arguments there are
(`annotations`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError, LimitExceeded
from packhouse.template.ytt.nodes import Array, Document, DocumentSet, Map, Value
from packhouse.template.ytt.overlay import annotations as notes
from packhouse.template.ytt.overlay.drafts import ArrayDraft, DocumentsDraft, Draft, MapDraft, Spot
from packhouse.template.ytt.overlay.expects import ONE, CountError, Expectation
from packhouse.template.ytt.overlay.strip import item_without_overlays, without_overlays
from packhouse.template.ytt.values import Thread
from packhouse.template.ytt.words import kind_of

#: Says that the right value takes the place of the left one: it is no container.
_RIGHT: Final = object()

#: Steps that an item of the right tree takes beside the search for what it means.
_STEPS: Final = 30


def apply(left: Value, rights: Iterable[Value], thread: Thread, *, exact: bool = False) -> Value:
    """`left` with all of `rights` over it, one after the other; all are values of nodes.

    No annotation of an overlay is left in the result. `exact`: of sets of one document each, the documents are merged
    whatever `#@overlay/match` says. Raises EvalError.
    """
    overlays = list(rights)
    try:
        left = without_overlays(left, thread) if overlays else left
        for right in overlays:
            merged = _Overlay(thread, exact).over(left, right, ONE)
            left = left if merged is _RIGHT else merged
    except RecursionError:
        raise _too_deep() from None
    return left


def apply_document(left: Document, right: Document, thread: Thread) -> Document:
    """Two documents of data values. Raises EvalError, also where the left one is removed."""
    draft = DocumentsDraft([[left]], exact=True)
    try:
        _Overlay(thread, exact=True).work(draft, [right], ONE)
    except RecursionError:
        raise _too_deep() from None
    if not draft.groups[0]:
        raise EvalError(f"{draft.title(right)}: Expected a document to be left")
    document: Document = draft.groups[0][0]
    return document


def apply_sets(lefts: Sequence[DocumentSet], rights: Iterable[DocumentSet], thread: Thread) -> list[DocumentSet]:
    """What files rendered, each of `lefts` one file, with the documents of `rights` over them in their order.

    Documents are matched over all sets, and counted through; each set keeps its own. Raises EvalError.
    """
    draft = DocumentsDraft([each.items for each in lefts], exact=False)
    try:
        for right in rights:
            _Overlay(thread, exact=False).work(draft, right.items, ONE)
    except RecursionError:
        raise _too_deep() from None
    return [left.with_items(items) for left, items in zip(lefts, draft.groups, strict=True)]


class _Overlay:
    """One tree that is put over another. `_bare`: items of the right without annotations, by their identity."""

    __slots__ = ("_bare", "exact", "thread")

    def __init__(self, thread: Thread, exact: bool) -> None:
        self.thread = thread
        self.exact = exact
        self._bare: dict[int, Any] = {}

    def over(self, left: Value, right: Value, inherited: Expectation) -> Value:
        """The merged value, or _RIGHT. Raises EvalError."""
        draft: Draft
        if isinstance(right, Map):
            if not isinstance(left, Map):
                raise EvalError(f"Expected map, but was {kind_of(left)}")
            draft = MapDraft(left.items)
        elif isinstance(right, Array):
            if not isinstance(left, Array):
                raise EvalError(f"Expected array, but was {kind_of(left)}")
            draft = ArrayDraft(left.items)
        elif isinstance(right, DocumentSet):
            if not isinstance(left, DocumentSet):
                raise EvalError(f"Expected document set, but was {kind_of(left)}")
            draft = DocumentsDraft([left.items], self.exact)
        else:
            return _RIGHT
        self.work(draft, right.items, inherited)
        return left.with_items(draft.groups[0])

    def work(self, draft: Draft, items: Iterable[Any], inherited: Expectation) -> None:
        """All items of the right container. Raises EvalError with the name and the place of the item."""
        for item in items:
            self.thread.tick(_STEPS)
            try:
                operation = notes.operation_of(item)
                if operation not in draft.operations:
                    raise draft.unsupported(operation, item)
                _ACTIONS[operation](self, draft, item, inherited)
            except EvalError as error:
                raise EvalError(f"{draft.title(item)}: {error.message}") from error

    def merge(self, draft: Draft, item: Any, inherited: Expectation) -> None:
        defaults = notes.defaults_of(item, inherited)
        spots = self._find(draft, item, draft.match(item, inherited))
        if spots == [] and draft.appends_unmatched:
            draft.append(self._clean(item))
        for spot in spots or ():
            old = _at(spot)
            new = _RIGHT if old.value is None else self.over(old.value, item.value, defaults)
            if new is not _RIGHT:
                draft.put(spot, old.with_value(new))
            else:
                _allowed(draft, item.value)
                draft.put(spot, draft.taken(old, self._clean(item)))

    def remove(self, draft: Draft, item: Any, inherited: Expectation) -> None:
        draft.remove(self._find(draft, item, draft.match(item, inherited)) or ())

    def replace(self, draft: Draft, item: Any, inherited: Expectation) -> None:
        match = draft.match(item, inherited)
        replacement = notes.Replacement(item)
        spots = self._find(draft, item, match)
        for spot in spots or ():
            value = replacement.value(_at(spot).value, item.value, self.thread)
            draft.put(spot, self._with(draft, item, value))
        if spots == [] and replacement.or_add:
            draft.append(self._with(draft, item, replacement.value(None, item.value, self.thread)), group=0)

    def insert(self, draft: Draft, item: Any, inherited: Expectation) -> None:
        spots = self._find(draft, item, draft.match(item, inherited))
        if spots is None:
            return
        insertion = notes.Insertion(item)
        beside = {
            (id(group), index): self._with(draft, item, insertion.value(group[index].value, item.value, self.thread))
            for group, index in spots
        }
        self.thread.weigh(len(beside) * (insertion.before + insertion.after))
        draft.insert(beside, insertion.before, insertion.after)

    def append(self, draft: Draft, item: Any, inherited: Expectation) -> None:
        draft.append(self._clean(item))

    def check(self, draft: Draft, item: Any, inherited: Expectation) -> None:
        """`#@overlay/assert`; what is below may still be changed."""
        defaults = notes.defaults_of(item, inherited)
        match = draft.match(item, inherited)
        assertion = notes.Assertion(item)
        for spot in self._find(draft, item, match) or ():
            old = _at(spot)
            assertion.check(old.value, item.value, self.thread)
            new = self.over(old.value, item.value, defaults)
            if new is not _RIGHT:
                draft.put(spot, old.with_value(new))

    def _find(self, draft: Draft, item: Any, match: tuple[Any, Expectation]) -> list[Spot] | None:
        """None where `when` does not hold. Raises EvalError."""
        matcher, expectation = match
        spots = draft.spots(item, matcher, self.thread)
        try:
            expectation.check([_at(spot) for spot in spots], self.thread)
        except CountError as error:
            if error.conditional:
                return None
            raise
        return spots

    def _clean(self, item: Any) -> Any:
        """The item as it is put into the left tree; made once for all places where it is put."""
        known = self._bare.get(id(item))
        if known is None:
            known = self._bare[id(item)] = item_without_overlays(item, self.thread)
        return known

    def _with(self, draft: Draft, item: Any, value: Value) -> Any:
        """The item with another value, as it is put into the left tree."""
        _allowed(draft, value)
        if value is item.value:
            return self._clean(item)
        return self._clean(item).with_value(without_overlays(value, self.thread))


_Action = Callable[[_Overlay, Draft, Any, Expectation], None]

_ACTIONS: Final[dict[str, _Action]] = {
    notes.MERGE: _Overlay.merge,
    notes.REMOVE: _Overlay.remove,
    notes.REPLACE: _Overlay.replace,
    notes.INSERT: _Overlay.insert,
    notes.APPEND: _Overlay.append,
    notes.ASSERT: _Overlay.check,
}


def _at(spot: Spot) -> Any:
    group, index = spot
    return group[index]


def _allowed(draft: Draft, value: Value) -> None:
    if isinstance(value, DocumentSet):
        raise EvalError(f"{draft.may_contain}; this is a {kind_of(value)}")


def _too_deep() -> LimitExceeded:
    return LimitExceeded("an overlay is nested too deeply")
