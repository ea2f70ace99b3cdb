"""When to look again: sync periods with jitter, back-off with a cap. Pure: chance comes in as an argument."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_DURATION: Final = re.compile(rf"(?:{_PART.pattern})+")


def seconds_of(duration: str) -> float | None:
    """A Go duration ("10m", "1h30m") in seconds; None where it is none."""
    if not _DURATION.fullmatch(duration):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(duration))


def with_jitter(seconds: float, ratio: float, chance: float) -> float:
    """`seconds`, up to `ratio` longer; `chance` is in [0, 1). Spreads what started at the same moment."""
    return seconds * (1 + ratio * chance)


def backoff(failures: int, *, first: float, most: float, chance: float) -> float:
    """Seconds before try number `failures` + 1: doubling from `first` to `most`, and of that a half by chance."""
    full = min(most, first * 2.0 ** min(failures - 1, 30))
    return full * (0.5 + 0.5 * chance)
