"""Which of the known names an unknown one was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

_LONGEST_NAME: Final = 100
_MOST_NAMES: Final = 2_000
#: Letters that are held against letters, of all candidates together.
_MOST_WORK: Final = 50_000


def nearest(name: str, candidates: Iterable[str]) -> str:
    """The candidate that differs from `name` in less than half of its letters, the first of the nearest; "" if none."""
    wanted = _folded(name)
    if len(wanted) > _LONGEST_NAME:
        return ""
    best, least = "", (len(wanted) + 1) // 2
    work = 0
    for candidate in islice(candidates, _MOST_NAMES):
        folded = _folded(candidate)
        if abs(len(folded) - len(wanted)) >= least:
            continue
        work += len(folded) * len(wanted)
        if work > _MOST_WORK:
            break
        distance = _distance(wanted, folded)
        if distance < least:
            best, least = candidate, distance
    return best


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def _distance(x: str, y: str) -> int:
    row = list(range(len(y) + 1))
    for i, a in enumerate(x, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(y, 1):
            before, row[j] = row[j], min(before + (a != b), 1 + row[j - 1], 1 + row[j])
    return row[-1]
