"""The order of changes: the waves of their kinds, refined by kapp's change groups and rules.

A rule must hold; the order of kinds gives way where a rule contradicts it. Rules that wait for each other are refused
with the objects that do. Pure; called by plan.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.change import REMOVALS, UPSERTS, WRITES, Action, Change, Plan
from packhouse.domain.order import WAVES, wave_of

#: For each change, by its place in the list, those that must come after it.
Edges = dict[int, set[int]]

#: What the rules of a package may say in all: a group of a thousand before another one says a million things.
PAIRS_MOST: Final = 200_000
#: What looking for circles may take where soft rules make one.
SOFT_STEPS_MOST: Final = 20_000_000

_LAST: Final = len(WAVES) - 1


def in_order(changes: Sequence[Change]) -> Plan:
    """All changes in waves. Raises RenderedInvalid for rules that make a circle."""
    firm = _edges(changes)
    circle = _circle(firm)
    if circle:
        names = " -> ".join(str(changes[number].ref) for number in circle)
        raise RenderedInvalid(
            f"these objects wait for each other by kapp.k14s.io/change-rule: {names}; remove one of the annotations"
        )
    waves = _waves(changes, firm)
    awaited = {
        changes[before].identity
        for before, later in firm.items()
        for after in later
        if changes[before].action in WRITES or changes[after].action in (Action.CREATE, Action.REPLACE)
    }
    return Plan([[changes[number] for number in wave] for wave in waves], frozenset(awaited))


def rank(change: Change) -> int:
    """Where a change stands by its kind alone: what is applied first, then what goes, in the opposite order."""
    wave = wave_of(change.ref.kind)
    return wave if change.action in UPSERTS else 2 * _LAST + 1 - wave


def _edges(changes: Sequence[Change]) -> Edges:
    """What the rules say. A soft rule is dropped where it would close a circle."""
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, change in enumerate(changes):
        for group in change.rules.groups:
            members[_doing(change), group].append(number)
    firm: Edges = defaultdict(set)
    soft: list[tuple[int, int]] = []
    pairs = 0
    for number, change in enumerate(changes):
        for rule in change.rules.order:
            if rule.action != _doing(change):
                continue
            others = members.get((rule.target_action, rule.group), ())
            pairs += len(others)
            if pairs > PAIRS_MOST:
                raise _too_many(f"order more than {PAIRS_MOST:,} pairs of objects")
            for other in others:
                edge = (other, number) if rule.when == "after" else (number, other)
                if other == number:
                    continue
                if rule.soft:
                    soft.append(edge)
                else:
                    firm[edge[0]].add(edge[1])
    return _with_soft(firm, soft, len(changes)) if soft else firm


def _with_soft(firm: Edges, soft: Sequence[tuple[int, int]], count: int) -> Edges:
    """`firm` and as many of `soft` as close no circle, in their order."""
    together: Edges = defaultdict(set, {before: set(later) for before, later in firm.items()})
    for before, after in soft:
        together[before].add(after)
    if not _circle(together):
        return together
    if _circle(firm):  # no soft rule opens that
        return firm
    if len(soft) * count > SOFT_STEPS_MOST:
        raise _too_many("make circles that take too long to open")
    behind = _behind(firm, count)
    for before, after in soft:
        if behind[after] >> before & 1:
            continue
        firm[before].add(after)
        gained = behind[after] | 1 << after
        if gained & ~behind[before]:
            for number in range(count):
                if number == before or behind[number] >> before & 1:
                    behind[number] |= gained
    return firm


def _too_many(what: str) -> RenderedInvalid:
    return RenderedInvalid(f"kapp.k14s.io/change-rule, on objects and bound to them: they {what}; make groups smaller")


def _doing(change: Change) -> str:
    """In the words of a rule; what is only forgotten takes no part."""
    if change.action in UPSERTS:
        return "upsert"
    return "delete" if change.action in REMOVALS else ""


def _waves(changes: Sequence[Change], firm: Edges) -> list[list[int]]:
    """Waves in which every rule holds, and the order of kinds as far as the rules allow."""
    ranks = [rank(change) for change in changes]
    behind = _behind(firm, len(changes))
    blocked = Counter(number for later in firm.values() for number in later)
    still_open = dict.fromkeys(sorted(set(ranks)), 0)  # by rank, as bits
    for number, place in enumerate(ranks):
        still_open[place] |= 1 << number
    free: dict[int, set[int]] = {place: set() for place in still_open}
    leading = set[int]()  # those of free that others wait for

    def freed(number: int) -> None:
        free[ranks[number]].add(number)
        if behind[number]:
            leading.add(number)

    for number in range(len(changes)):
        if not blocked[number]:
            freed(number)
    waves: list[list[int]] = []
    while any(still_open.values()):
        earliest = next(place for place, numbers in still_open.items() if numbers)
        before = _before(still_open)
        # What all that is still to come of earlier kinds waits for comes first.
        wave = free[earliest] | {number for number in leading if not before[ranks[number]] & ~behind[number]}
        if not wave:  # the order of kinds and the rules contradict each other: the rules hold
            wave = set(next(numbers for numbers in free.values() if numbers))
        waves.append(sorted(wave))
        for number in waves[-1]:
            free[ranks[number]].discard(number)
            leading.discard(number)
            still_open[ranks[number]] ^= 1 << number
        for number in waves[-1]:
            for after in firm.get(number, ()):
                blocked[after] -= 1
                if not blocked[after]:
                    freed(after)
    return waves


def _before(still_open: dict[int, int]) -> dict[int, int]:
    """By rank, in order: all that is of an earlier one."""
    so_far, found = 0, {}
    for place, numbers in still_open.items():
        found[place] = so_far
        so_far |= numbers
    return found


def _behind(edges: Edges, count: int) -> list[int]:
    """For each number all that waits for it in the end, as bits: sets of numbers would take their square in steps."""
    behind = [0] * count
    waiting = Counter(number for later in edges.values() for number in later)
    order = [number for number in edges if not waiting[number]]
    for number in order:  # it grows
        for after in edges.get(number, ()):
            waiting[after] -= 1
            if not waiting[after]:
                order.append(after)
    for number in reversed(order):
        for after in edges.get(number, ()):
            behind[number] |= behind[after] | 1 << after
    return behind


def _circle(edges: Edges) -> list[int]:
    """Numbers that lead back to the first, which stands at both ends; empty where there is no circle."""
    finished = set[int]()
    for start in edges:
        if start in finished:
            continue
        path: dict[int, None] = {start: None}  # in order
        waiting: list[Iterator[int]] = [iter(sorted(edges[start]))]
        while waiting:
            following = next(waiting[-1], None)
            if following is None:
                waiting.pop()
                finished.add(path.popitem()[0])
            elif following in path:
                numbers = list(path)
                return [*numbers[numbers.index(following) :], following]
            elif following not in finished:
                path[following] = None
                waiting.append(iter(sorted(edges.get(following, ()))))
    return []
