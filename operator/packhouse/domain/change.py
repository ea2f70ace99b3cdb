"""What a plan is made of: one Change per object, in waves. Plain data; made by plan.py, ordered by waves.py.

Carried out by deploy/, which decides nothing; the same values print the dry run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from packhouse.domain.inventory import Entry, Identity
from packhouse.domain.kapp.rules import Rules, UpdateStrategy
from packhouse.ports import Json, Ref


class Action(StrEnum):
    """What happens to an object. Each is an upsert or a removal, or neither where nothing is touched."""

    CREATE = "create"
    CONFIGURE = "configure"
    REPLACE = "replace"  #: deleted, and created anew once it is gone
    KEEP = "keep"  #: it is as it should be
    SKIP = "skip"  #: it is left as it is on purpose
    EXPECT = "expect"  #: somebody else makes it; what comes after waits for it
    PRUNE = "prune"
    ORPHAN = "orphan"  #: it is left in the cluster, without our marks
    FORGET = "forget"  #: nothing is there that is ours: only the record goes


WRITES = frozenset({Action.CREATE, Action.CONFIGURE, Action.REPLACE})
UPSERTS = WRITES | {Action.KEEP, Action.SKIP, Action.EXPECT}
REMOVALS = frozenset({Action.PRUNE, Action.ORPHAN})

#: Kinds that are not replaced where a field of theirs cannot change: all that belongs to them would go along.
NEVER_REPLACED: Final = frozenset({("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition")})
#: Kinds that are replaced then only where the object itself says so.
DATA_HOLDERS: Final = frozenset({("", "PersistentVolumeClaim"), ("", "PersistentVolume")})


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one object, and why. `obj` is what is applied, None for what goes.

    `entry` is what the inventory said before; `uid` that of the live object, "" where there is none. `adopting`: it
    exists and does not say that it is ours. `former`: the JSON patch that makes fields which another deploy tool
    applied ours, so that the next apply removes what is no longer wanted.
    """

    ref: Ref
    action: Action
    why: str
    obj: Json | None = field(default=None, repr=False)
    desired: str = ""
    entry: Entry | None = None
    uid: str = ""
    rules: Rules = field(default_factory=Rules)
    adopting: bool = False
    former: Sequence[Json] = ()

    @property
    def identity(self) -> Identity:
        return Identity.of(self.ref)

    @property
    def brings_webhook(self) -> bool:
        """Whether the API server asks a webhook because of this object."""
        spec = (self.obj or {}).get("spec")
        return self.ref.kind.kind.endswith("WebhookConfiguration") or bool(
            isinstance(spec, dict) and spec.get("conversion")
        )

    @property
    def is_misrecorded(self) -> bool:
        """Whether an object that is made once and then left is there and not recorded as what it is: as this very one
        where it is ours, not at all where it is not. What is left to another writer for a while keeps its record, and
        what others make from now on has none."""
        if self.action is Action.EXPECT:
            return self.entry is not None
        if self.action is not Action.SKIP or self.rules.update is not UpdateStrategy.SKIP or not self.uid:
            return False
        return self.entry is not None if self.adopting else self.entry is None or self.entry.uid != self.uid

    def __str__(self) -> str:
        return f"{self.action} {self.ref}: {self.why}"


@dataclass(frozen=True, slots=True)
class Plan:
    """`waves`: all changes, in the order in which they are carried out. `awaited`: what must be ready before the wave
    that comes after its own."""

    waves: Sequence[Sequence[Change]]
    awaited: frozenset[Identity] = frozenset()

    def __iter__(self) -> Iterator[Change]:
        return (change for wave in self.waves for change in wave)

    @property
    def desired(self) -> Sequence[Change]:
        return [change for change in self if change.action in UPSERTS]

    @property
    def writes(self) -> Sequence[Change]:
        return [change for change in self if change.action in WRITES]

    @property
    def has_webhooks(self) -> bool:
        """Whether a webhook of the package itself may be what refuses an object of it."""
        return any(change.brings_webhook for change in self.desired)

    @property
    def removals(self) -> Sequence[Change]:
        return [change for change in self if change.action in REMOVALS]

    def skipping(self, why: Mapping[Identity, str]) -> Plan:
        """The same plan, in which the objects named are left as they are."""
        if not why:
            return self
        return replace(
            self,
            waves=[
                [
                    replace(change, action=Action.SKIP, why=why[change.identity]) if change.identity in why else change
                    for change in wave
                ]
                for wave in self.waves
            ],
        )

    @property
    def is_empty(self) -> bool:
        """True where the cluster already is as it should be, and is recorded as such."""
        return not any(
            change.action in WRITES or change.action not in UPSERTS or change.is_misrecorded for change in self
        )
