"""Search rules: which values of an object are image references, and how they are put back.

Pure. locks.py reads them from a kbld Config, references.py follows them. The first rule that matches a value counts;
the last one is always the key `image`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

#: Where a value stands: keys of maps and places in lists, from the top.
Path = tuple[str | int, ...]

#: In a rule's path: every place of a list.
ANY_PLACE: Final = None

_TAG: Final = re.compile(r"[A-Za-z0-9_.-]+")
_SIGN: Final = re.compile(r"[:@]")


class Strategy(StrEnum):
    """What a matching value is: a reference, none at all, or a text that holds references itself."""

    ENTIRE_VALUE = "entireValue"
    NONE = "none"
    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Rule:
    """One search rule. A condition that is empty holds for every value; `nested` are those of the text inside."""

    name: str = ""  # the last key
    path: tuple[str | int | None, ...] = ()  # the whole path
    image: str = ""  # the value, exactly
    repository: str = ""  # the value without tag and digest
    strategy: Strategy = Strategy.ENTIRE_VALUE
    nested: tuple[Rule, ...] = ()

    def matches(self, path: Path, value: Any) -> bool:
        if self.name:
            if path[-1] != self.name:
                return False
        elif self.path and not _leads(self.path, path):
            return False
        if self.image:
            return bool(value == self.image)
        return not self.repository or (isinstance(value, str) and repository(value) == self.repository)


IMAGE_KEY: Final = Rule(name="image")


@dataclass(slots=True)
class Rules:
    """Rules in their order. Those that only name a key, as nearly all do, are found by it."""

    ordered: Sequence[Rule] = ()
    by_name: dict[str, tuple[int, Rule]] = field(default_factory=dict)
    others: list[tuple[int, Rule]] = field(default_factory=list)

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Rules:
        made = cls(tuple(rules))
        for order, rule in enumerate(made.ordered):
            if rule.name and not rule.image and not rule.repository:
                made.by_name.setdefault(rule.name, (order, rule))
            else:
                made.others.append((order, rule))
        return made

    def find(self, path: Path, value: Any) -> Rule | None:
        """The first that matches."""
        last = path[-1]
        named = self.by_name.get(last) if isinstance(last, str) else None
        for order, rule in self.others:
            if named is not None and named[0] < order:
                break
            if rule.matches(path, value):
                return rule
        return named[1] if named is not None else None


def _leads(wanted: tuple[str | int | None, ...], path: Path) -> bool:
    if len(wanted) != len(path):
        return False
    return all(
        isinstance(part, int) if step is ANY_PLACE else step == part and isinstance(step, int) == isinstance(part, int)
        for step, part in zip(wanted, path, strict=True)
    )


def repository(reference: str) -> str:
    """A reference without its tag and its digest, told apart by form alone: "nginx:1@sha256:..." is "nginx"."""
    last_colon = reference.rfind(":", 0, -1)
    for sign in _SIGN.finditer(reference, 1):
        end = sign.start()
        if reference[end] == ":":
            tag = _TAG.match(reference, end + 1)
            if tag is None:
                continue
            end = tag.end()
        # behind the tag is nothing, or a digest: "@", its algorithm, ":" and its digits
        if end == len(reference) or (reference[end] == "@" and last_colon >= end + 2):
            return reference[: sign.start()]
    return reference
