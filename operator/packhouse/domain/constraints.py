"""Reads a version constraint into intervals of the order of versions.

Called by versions.py. The language is in docs/decisions/0003-version-ranges.md: ranges as blang/semver writes them, and
beyond those partial versions, `^`, `~`, `*`, a comma for AND and a leading `v`.

It knows nothing of the prerelease policy and never looks at more than one version at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from packhouse.api.errors import InvalidConstraint
from packhouse.domain.precedence import LENGTH_MOST, LOWEST, Key, Parsed, parse_strict

#: Room for a dozen terms; whoever needs more should name versions.
CONSTRAINT_LENGTH_MOST: Final = 1_000

_TERM: Final = re.compile(
    r"(?P<operator>[<>=!~^]*)v?(?P<version>(?P<core>[0-9xX*]+(?:\.[0-9xX*]+)*)(?P<extension>[-+].*)?)",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_AFTER_OPERATOR: Final = re.compile(r"(?<=[<>=!~^])\s+")
_WILDCARDS: Final = frozenset({"x", "X", "*"})
_SAME: Final = {"": "=", "==": "=", "!": "!="}
_OPERATORS: Final = frozenset({"=", "!=", ">", ">=", "<", "<=", "^", "~"})
_HELP: Final = "write an operator (= != > >= < <= ^ ~) and a version such as 1.2.3, 1.2 or 1.x"


@dataclass(frozen=True, slots=True)
class Interval:
    """The versions from `low` to `high` (None: no bound), or, if `inverted`, all others.

    With `series`, the bounds are edges of series, not versions.
    """

    low: Key | None = None
    high: Key | None = None
    low_included: bool = True
    high_included: bool = False
    inverted: bool = False
    series: bool = False

    def holds(self, version: Parsed) -> bool:
        return self._inside(version.series_key if self.series else version.key) is not self.inverted

    def _inside(self, key: Key) -> bool:
        if self.low is not None and (key < self.low or (key == self.low and not self.low_included)):
            return False
        return self.high is None or key < self.high or (key == self.high and self.high_included)


@dataclass(frozen=True, slots=True)
class Constraint:
    """Alternatives (OR) of intervals that must all hold (AND); `named` are the versions written out with `=`."""

    text: str
    alternatives: tuple[tuple[Interval, ...], ...]
    named: frozenset[Key]

    def holds(self, version: Parsed) -> bool:
        return any(all(interval.holds(version) for interval in terms) for terms in self.alternatives)


@lru_cache(maxsize=1_024)
def parse(text: str) -> Constraint:
    """The constraint that `text` writes; blank takes every version. Raises InvalidConstraint, naming the bad term."""
    if len(text) > CONSTRAINT_LENGTH_MOST:
        raise InvalidConstraint(f"a constraint of {len(text)} characters: at most {CONSTRAINT_LENGTH_MOST} are read")
    if not text.strip():
        return Constraint(text, ((),), frozenset())
    alternatives: list[tuple[Interval, ...]] = []
    named: set[Key] = set()
    for alternative in text.split("||"):
        intervals: list[Interval] = []
        for term in _terms(alternative, text):
            interval = _interval(term, text)
            intervals.append(interval)
            if interval.low is not None and interval.low == interval.high and not interval.inverted:
                named.add(interval.low)
        alternatives.append(tuple(intervals))
    return Constraint(text, tuple(alternatives), frozenset(named))


def _terms(alternative: str, text: str) -> list[str]:
    terms: list[str] = []
    for part in _AFTER_OPERATOR.sub("", alternative).split(","):
        found = part.split()
        if not found:
            raise InvalidConstraint(f"constraint {quote(text)}: nothing stands beside '||' or ','; {_HELP}")
        terms += found
    return terms


def _interval(term: str, text: str) -> Interval:
    match = _TERM.fullmatch(term)
    operator = _SAME.get(match["operator"], match["operator"]) if match else ""
    if match is None or operator not in _OPERATORS:
        raise _unreadable(term, text)
    numbers = _numbers(match["core"])
    if numbers is None:
        raise _unreadable(term, text)
    if len(numbers) == 3:
        version = parse_strict(match["version"])
        if version is None:
            raise _unreadable(term, text)
        return _bounds(operator, numbers, version.key)
    if match["extension"]:
        raise _unreadable(term, text, "a partial version has no prerelease and no build")
    if not numbers and operator in ("!=", ">", "<"):
        raise _unreadable(term, text, "no version can satisfy it")
    return _partial_bounds(operator, numbers)


def _numbers(core: str) -> tuple[int, ...] | None:
    """The numbers before the first wildcard, three at most; None where the text is no version."""
    parts = core.split(".")
    written = [part for part in parts if part not in _WILDCARDS]
    wild_after = all(part in _WILDCARDS for part in parts[len(written) :])
    if len(parts) > 3 or len(core) > LENGTH_MOST or not wild_after:
        return None
    if not all(_NUMBER.fullmatch(part) for part in written):
        return None
    return tuple(map(int, written))


def _bounds(operator: str, numbers: tuple[int, ...], key: Key) -> Interval:
    """What a whole version stands for."""
    match operator:
        case ">":
            return Interval(low=key, low_included=False)
        case ">=":
            return Interval(low=key)
        case "<":
            return Interval(high=key)
        case "<=":
            return Interval(high=key, high_included=True)
        case "^":
            return Interval(low=key, high=_caret_end(numbers))
        case "~":
            return Interval(low=key, high=_next(numbers[:2]))
        case _:
            return Interval(low=key, high=key, high_included=True, inverted=operator == "!=")


def _partial_bounds(operator: str, numbers: tuple[int, ...]) -> Interval:
    """What one or two numbers stand for: the whole series of versions that begin with them."""
    if not numbers:
        return Interval()
    start, end = _first(numbers), _next(numbers)
    match operator:
        case ">":
            return Interval(low=end, series=True)
        case ">=":
            return Interval(low=start, series=True)
        case "<":
            return Interval(high=start, series=True)
        case "<=":
            return Interval(high=end, series=True)
        case "^":
            return Interval(low=start, high=_caret_end(numbers))
        case "~":
            return Interval(low=start, high=end)
        case _:
            return Interval(low=start, high=end, inverted=operator == "!=", series=True)


def _caret_end(numbers: tuple[int, ...]) -> Key:
    """The first number that is not 0 may not change; where all are 0, the last one written may not."""
    kept = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
    return _next(numbers[: kept + 1])


def _next(numbers: tuple[int, ...]) -> Key:
    return _first((*numbers[:-1], numbers[-1] + 1))


def _first(numbers: tuple[int, ...]) -> Key:
    """The lowest place of a series: before each prerelease of its first release."""
    major, minor, patch = (*numbers, 0, 0)[:3]
    return (major, minor, patch, LOWEST, ())


def quote(text: str) -> str:
    """`text` in quotes, cut to what fits into a condition."""
    return repr(text if len(text) <= 100 else text[:97] + "...")


def _unreadable(term: str, text: str, why: str = "") -> InvalidConstraint:
    place = f"constraint {quote(text)}: " if term != text else "constraint "
    return InvalidConstraint(f"{place}{quote(term)} cannot be read{f': {why}' if why else ''}; {_HELP}")
