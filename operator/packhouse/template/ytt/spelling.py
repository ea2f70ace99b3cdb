"""Which of the known names an unknown one was probably meant to be: a hint in messages, which decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

#: Longer names are no typing errors.
_LONGEST_BYTES: Final = 256
_MOST_NAMES: Final = 2_000
#: Bytes that are held against bytes, of all candidates together.
_MOST_WORK: Final = 50_000


def nearest(name: str, candidates: Iterable[str]) -> str:
    """The candidate that differs from `name` in less than half of its bytes, the first of the nearest; "" if none.

    Case and underscores do not count.
    """
    wanted = _folded(name)
    if len(wanted) > _LONGEST_BYTES:
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


def _folded(name: str) -> bytes:
    return name.replace("_", "").lower().encode(errors="replace")


def _distance(one: bytes, other: bytes) -> int:
    """How many bytes are to be changed, added or removed."""
    row = list(range(len(other) + 1))
    for index, byte in enumerate(one, 1):
        before, row[0] = row[0], index
        for column, against in enumerate(other, 1):
            before, row[column] = row[column], min(before + (byte != against), 1 + row[column - 1], 1 + row[column])
    return row[-1]
