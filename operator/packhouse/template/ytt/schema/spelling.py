"""The name that was probably meant, for hints. Called by `report` alone; it decides nothing else."""

from __future__ import annotations

from collections.abc import Iterable

#: Longer names than this are no typing errors, and comparing them would cost their product.
_LONGEST = 256


def nearest(name: str, candidates: Iterable[str]) -> str:
    """The candidate that differs from `name` in less than half of its letters, the nearest one, the first of those;
    empty where there is none. Case and underscores do not count."""
    folded = _fold(name)
    if len(folded) > _LONGEST:
        return ""
    best, least = "", (len(folded) + 1) // 2
    for candidate in candidates:
        distance = _distance(folded, _fold(candidate), least)
        if distance < least:
            best, least = candidate, distance
    return best


def _fold(name: str) -> bytes:
    return name.replace("_", "").lower().encode()


def _distance(one: bytes, other: bytes, limit: int) -> int:
    """How many bytes are to be changed, added or removed; any number of at least `limit` where it is no less."""
    if len(other) - len(one) >= limit or len(one) - len(other) >= limit:
        return limit
    row = list(range(len(other) + 1))
    for index, byte in enumerate(one, 1):
        before, row[0] = row[0], index
        for column, against in enumerate(other, 1):
            before, row[column] = (
                row[column],
                min(before + (byte != against), row[column] + 1, row[column - 1] + 1),
            )
        if min(row) >= limit:
            return limit
    return row[-1]
