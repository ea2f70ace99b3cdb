"""Paths into objects as kapp's Config writes them: keys, indexes of lists, all indexes, keys by a pattern.

Called by the other rooms of kapp/. Nothing that is given in is changed: an answer shares what stayed as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from packhouse.api.errors import RenderedInvalid, UnsupportedStep

#: What is not there; null is a value.
MISSING: Final[Any] = object()


@dataclass(frozen=True, slots=True)
class AllIndexes:
    def __str__(self) -> str:
        return "(all)"


@dataclass(frozen=True, slots=True)
class Index:
    number: int

    def __str__(self) -> str:
        return f"({self.number})"


@dataclass(frozen=True, slots=True)
class Matching:
    """Every key in which the pattern is found."""

    pattern: re.Pattern[str]

    def keys(self, *values: Any) -> list[str]:
        """The keys of all `values` that are maps, each once."""
        keys = {key: None for value in values if isinstance(value, dict) for key in value}
        return [key for key in keys if len(key) <= _KEY_MOST and self.pattern.search(key)]

    def __str__(self) -> str:
        return f"(keys like {self.pattern.pattern})"


Part = str | AllIndexes | Index | Matching
Path = tuple[Part, ...]

# A pattern comes from a package and runs in this process, so it must end soon on any key: no look-around, no reference,
# nothing repeated that holds a repetition, few repetitions (one more where it need not be tried at every character).
_KEY_MOST: Final = 320  # annotations and keys of data end before that
_PATTERN_MOST: Final = 200
_REPETITIONS_MOST: Final = 2
_CHOICES_MOST: Final = 4
_TOO_CLEVER: Final = re.compile(r"\(\?|\\[1-9]|\)[*+?{]", re.ASCII)


def read_path(wire: object, where: str) -> Path:
    """Raises RenderedInvalid, and UnsupportedStep for a pattern that may take too long."""
    if not isinstance(wire, list) or not wire:
        raise RenderedInvalid(f"{where} must be a list of keys, such as [spec, replicas]")
    return tuple(_read_part(part, f"{where}[{number}]") for number, part in enumerate(wire))


def values_at(value: Any, path: Path) -> Iterator[Any]:
    """Whatever stands at `path`."""
    if not path:
        yield value
        return
    part, rest = path[0], path[1:]
    for key in _keys(value, part):
        yield from values_at(value[key], rest)


def changed(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """`value` with `change` of what stands at `path`; where that is MISSING, the key is left out."""
    if not path:
        return change(value)
    part, rest = path[0], path[1:]
    for key in _keys(value, part):
        before = value[key]
        after = changed(before, rest, change)
        if after is not before:
            value = with_item(value, key, after)
    return value


def without(value: Any, path: Path) -> Any:
    """`value` without what stands at `path`."""
    return changed(value, path, lambda found: MISSING)


def with_item(value: Any, key: Any, item: Any) -> Any:
    """A map or list with `item` in the place of `key`, which goes where it is MISSING."""
    if isinstance(value, list):
        before, after = value[:key], value[key + 1 :]
        return [*before, *after] if item is MISSING else [*before, item, *after]
    if item is MISSING:
        return {name: kept for name, kept in value.items() if name != key}
    return {**value, key: item}


def written(path: Path) -> str:
    return ".".join(str(part) for part in path)


def _keys(value: Any, part: Part) -> list[Any]:
    """Where `part` leads in `value`; nowhere, where it has no such key or is not of that shape."""
    match part:
        case str():
            return [part] if isinstance(value, dict) and part in value else []
        case AllIndexes():
            return list(range(len(value))) if isinstance(value, list) else []
        case Index(number):
            return [number] if isinstance(value, list) and number < len(value) else []
        case Matching():
            return part.keys(value)


def _read_part(wire: object, where: str) -> Part:
    if isinstance(wire, str):
        return wire
    if isinstance(wire, Mapping) and len(wire) == 1:
        match dict(wire):
            case {"allIndexes": True}:
                return AllIndexes()
            case {"index": int(number)} if not isinstance(number, bool) and number >= 0:
                return Index(number)
            case {"regex": str(pattern)}:
                return Matching(_read_pattern(pattern, where))
    raise RenderedInvalid(f"{where} must be a key, {{allIndexes: true}}, {{index: 0}} or {{regex: PATTERN}}")


def _read_pattern(pattern: str, where: str) -> re.Pattern[str]:
    repetitions = sum(pattern.count(sign) for sign in "*+{")
    if (
        len(pattern) > _PATTERN_MOST
        or repetitions > _REPETITIONS_MOST - (not pattern.startswith("^"))
        or pattern.count("|") + pattern.count("?") > _CHOICES_MOST
        or _TOO_CLEVER.search(pattern)
    ):
        raise UnsupportedStep(
            f"{where}: a pattern of keys may have one repetition ({_REPETITIONS_MOST} where it begins with ^), "
            f"{_CHOICES_MOST} choices, no repeated group and {_PATTERN_MOST} characters; "
            "give several paths, or write the keys out"
        )
    try:
        return re.compile(pattern)
    except (re.error, OverflowError):
        raise RenderedInvalid(f"{where} is no regular expression") from None
