"""What a kapp Config says, as values: rules that hold for the objects they match. Plain data.

Read by config_sections.py; used by config.py, rebase.py, versioned.py and by whoever waits for objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from packhouse.domain.kapp.matchers import Matcher
from packhouse.domain.kapp.paths import Path


class Source(StrEnum):
    NEW = "new"  #: what was rendered
    EXISTING = "existing"  #: what is live


@dataclass(frozen=True, slots=True)
class RebaseRule:
    """For objects that match: the value at each path is that of the first source that has one, or, without sources,
    the paths are left out."""

    matches: Matcher
    paths: tuple[Path, ...]
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class ConditionRule:
    """What a condition of that type and status means. `observed_generation`: only once it was made for the present
    generation. `unblocks`: what waits for the object may go on, and the object is still waited for."""

    type: str
    status: str
    success: bool = False
    failure: bool = False
    observed_generation: bool = False
    unblocks: bool = False


@dataclass(frozen=True, slots=True)
class WaitRule:
    """How objects that match say that they are ready or have failed.

    `observed_generation`: nothing counts before status.observedGeneration is the present generation.
    """

    matches: Matcher
    conditions: tuple[ConditionRule, ...]
    observed_generation: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """Where objects that match refer to another: at `path` stands a map, in which `name_key` holds the name."""

    matches: Matcher
    path: Path
    name_key: str = "name"


@dataclass(frozen=True, slots=True)
class TemplateRule:
    """Where versioned objects that match are referred to."""

    matches: Matcher
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class GroupBinding:
    """A change group for objects that match; `name` may hold placeholders."""

    matches: Matcher
    name: str
    where: str


@dataclass(frozen=True, slots=True)
class RuleBinding:
    """Change rules for objects that match; `soft` rules give way where they would close a circle."""

    matches: Matcher
    rules: tuple[str, ...]
    soft: bool
    where: str


@dataclass(frozen=True, slots=True)
class Config:
    """All Configs of a package in one. `labels` are on the objects already that `split_config` gives."""

    rebase: tuple[RebaseRule, ...] = ()
    waits: tuple[WaitRule, ...] = ()
    templates: tuple[TemplateRule, ...] = ()
    group_bindings: tuple[GroupBinding, ...] = ()
    rule_bindings: tuple[RuleBinding, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, later: Config) -> Config:
        merged = {
            each.name: getattr(self, each.name) + getattr(later, each.name)
            for each in fields(self)
            if each.name != "labels"
        }
        return Config(**merged, labels={**self.labels, **later.labels})
