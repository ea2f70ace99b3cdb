"""The order of changes: the waves of their kinds, refined by kapp's change groups and rules.

A rule must hold; the order of kinds gives way where a rule contradicts it. Rules that wait for each other are refused
with the objects that do. Pure; called by plan.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.change import REMOVALS, UPSERTS, WRITES, Action, Change, Plan
from packhouse.domain.order import WAVES, wave_of

#: For each change, by its place in the list, those that must come after it.
Edges = dict[int, set[int]]

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
    for number, change in enumerate(changes):
        for rule in change.rules.order:
            if rule.action != _doing(change):
                continue
            for other in members[rule.target_action, rule.group]:
                edge = (other, number) if rule.when == "after" else (number, other)
                if other == number:
                    continue
                if rule.soft:
                    soft.append(edge)
                else:
                    firm[edge[0]].add(edge[1])
    for before, after in soft:
        if before not in _reachable(firm, after):
            firm[before].add(after)
    return firm


def _doing(change: Change) -> str:
    """In the words of a rule; what is only forgotten takes no part."""
    if change.action in UPSERTS:
        return "upsert"
    return "delete" if change.action in REMOVALS else ""


def _waves(changes: Sequence[Change], firm: Edges) -> list[list[int]]:
    """Waves in which every rule holds, and the order of kinds as far as the rules allow."""
    ranks = [rank(change) for change in changes]
    if not firm:
        by_rank: dict[int, list[int]] = defaultdict(list)
        for number, place in enumerate(ranks):
            by_rank[place].append(number)
        return [by_rank[place] for place in sorted(by_rank)]
    behind = {number: _reachable(firm, number) for number in firm}
    blocked: dict[int, int] = defaultdict(int)
    for later in firm.values():
        for number in later:
            blocked[number] += 1
    open_numbers, waves = set(range(len(changes))), []
    while open_numbers:
        free = [number for number in sorted(open_numbers) if not blocked[number]]
        earliest = min(ranks[number] for number in open_numbers)
        wave = [
            number
            for number in free
            if ranks[number] == earliest or _comes_first(number, ranks, open_numbers, behind.get(number))
        ]
        if not wave:  # the order of kinds and the rules contradict each other: the rules hold
            lowest = min(ranks[number] for number in free)
            wave = [number for number in free if ranks[number] == lowest]
        waves.append(wave)
        open_numbers.difference_update(wave)
        for number in wave:
            for after in firm.get(number, ()):
                blocked[after] -= 1
    return waves


def _comes_first(number: int, ranks: Sequence[int], open_numbers: set[int], behind: set[int] | None) -> bool:
    """Whether all that is still to come of earlier kinds waits, by rules, for `number`."""
    if not behind:
        return False
    return all(ranks[other] >= ranks[number] or other in behind for other in open_numbers)


def _reachable(edges: Edges, start: int) -> set[int]:
    found, waiting = set[int](), [start]
    while waiting:
        for number in edges.get(waiting.pop(), ()):
            if number not in found:
                found.add(number)
                waiting.append(number)
    return found


def _circle(edges: Edges) -> list[int]:
    """Numbers that lead back to the first, which stands at both ends; empty where there is no circle."""
    finished = set[int]()
    for start in edges:
        path: list[int] = []
        waiting: list[tuple[int, Iterable[int]]] = [(start, iter(sorted(edges[start])))]
        path.append(start)
        while waiting:
            following = next(iter(waiting[-1][1]), None)
            if following is None:
                waiting.pop()
                finished.add(path.pop())
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following not in finished:
                path.append(following)
                waiting.append((following, iter(sorted(edges.get(following, ())))))
    return []
