"""The plan: desired objects, the inventory and live metadata become a list of changes, as data, with the why.

Pure. Decided here, carried out by deploy/; the same plan can be printed as a dry run. Waiting for readiness and
change groups will refine the waves here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from packhouse.api.errors import DeletionPending, OwnershipConflict
from packhouse.api.names import APPLY_MANAGER
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.objects import digest, kind_of, managed_digest, owner_of, ref_of
from packhouse.domain.order import WAVES, wave_of
from packhouse.ports import Json, Ref


class Action(StrEnum):
    CREATE = "create"
    CONFIGURE = "configure"
    KEEP = "keep"
    PRUNE = "prune"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one object, and why. `obj` is what is applied, None for what goes.

    `entry` is what the inventory said before; `uid` that of the live object, "" where there is none.
    """

    ref: Ref
    action: Action
    why: str
    obj: Json | None = None
    desired: str = ""
    entry: Entry | None = None
    uid: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.ref}: {self.why}"


@dataclass(frozen=True, slots=True)
class Plan:
    """`waves`: what is desired, in the order of application. `leaving`: what is recorded and no longer desired,
    in the order of deletion."""

    waves: Sequence[Sequence[Change]]
    leaving: Sequence[Sequence[Change]]

    @property
    def desired(self) -> Iterable[Change]:
        return (change for wave in self.waves for change in wave)

    @property
    def writes(self) -> Sequence[Change]:
        return [change for change in self.desired if change.action is not Action.KEEP]

    @property
    def is_empty(self) -> bool:
        """True where the cluster already is as it should be, and is recorded as such."""
        return not self.writes and not any(self.leaving)


def plan(
    desired: Sequence[Json], inventory: Inventory, live: Mapping[Identity, Json], *, owner: str, owners: Container[str]
) -> Plan:
    """`live`: metadata of what exists of desired and inventory. `owner`: this install, "namespace/name"; `owners`: all
    installs that exist. Raises OwnershipConflict, DeletionPending."""
    refuse_others(desired, live, owner=owner, owners=owners)
    changes = [_change(obj, inventory.find(ref_of(obj)), live.get(Identity.of(ref_of(obj)))) for obj in desired]
    wanted = {Identity.of(change.ref) for change in changes}
    leaving = [
        _leave(entry, live.get(identity), owner)
        for identity, entry in inventory.entries.items()
        if identity not in wanted
    ]
    return Plan(in_waves(changes), in_waves(leaving)[::-1])


def refuse_others(
    desired: Sequence[Json], live: Mapping[Identity, Json], *, owner: str, owners: Container[str]
) -> None:
    """Two installs never fight over an object: whoever came second is told who came first."""
    for obj in desired:
        found = live.get(Identity.of(ref_of(obj)))
        if found is None:
            continue
        other = owner_of(found)
        if other is not None and other != owner and other in owners:
            raise OwnershipConflict(
                f"{ref_of(obj)} belongs to install {other}; remove it from one of the two packages, "
                f"or delete that install"
            )
        if found["metadata"].get("deletionTimestamp"):
            raise DeletionPending(f"{ref_of(obj)} is being deleted; it is applied again once it is gone")


def in_waves(changes: Iterable[Change]) -> list[list[Change]]:
    """`changes` by the wave of their kind; empty waves are left out."""
    waves: list[list[Change]] = [[] for _ in WAVES]
    for change in changes:
        waves[wave_of(change.ref.kind)].append(change)
    return [wave for wave in waves if wave]


def _change(obj: Json, entry: Entry | None, found: Json | None) -> Change:
    ref, wanted = ref_of(obj), digest(obj)
    # Nothing of that name: it was never there, or somebody deleted it.
    if found is None:
        why = "it is new" if entry is None else "it is missing"
        return Change(ref, Action.CREATE, why, obj, wanted, entry)
    uid = found["metadata"]["uid"]
    # It exists and we have no record of it: taken over, since nobody else owns it.
    if entry is None or not entry.uid:
        return Change(ref, Action.CONFIGURE, "its apply is not recorded", obj, wanted, entry, uid)
    # Somebody deleted it and made another of the same name.
    if entry.uid != uid:
        return Change(ref, Action.CONFIGURE, "it was made anew by somebody else", obj, wanted, entry, uid)
    # The package, the values or the version changed.
    if entry.desired != wanted:
        return Change(ref, Action.CONFIGURE, "what is wanted changed", obj, wanted, entry, uid)
    # Another writer took over or removed fields of ours.
    if entry.managed != managed_digest(found, APPLY_MANAGER):
        return Change(ref, Action.CONFIGURE, "it was changed by another writer", obj, wanted, entry, uid)
    return Change(ref, Action.KEEP, "it is as it should be", obj, wanted, entry, uid)


def _leave(entry: Entry, found: Json | None, owner: str) -> Change:
    # It is gone already: the record goes too.
    if found is None:
        return Change(entry.ref, Action.FORGET, "it is gone", entry=entry)
    uid = found["metadata"]["uid"]
    ref = Ref(kind_of(found), entry.ref.namespace, entry.ref.name)  # as it is served now
    # Somebody else's by now, or never ours: it stays.
    if owner_of(found) != owner:
        return Change(ref, Action.FORGET, "it is not this install's any more", entry=entry, uid=uid)
    return Change(ref, Action.PRUNE, "it is no longer wanted", entry=entry, uid=uid)


def drifted(inventory: Inventory, live: Mapping[Identity, Json]) -> bool:
    """Whether anything recorded is missing, another object, or changed by another writer."""
    for identity, entry in inventory.entries.items():
        found = live.get(identity)
        if found is None or found["metadata"]["uid"] != entry.uid:
            return True
        if managed_digest(found, APPLY_MANAGER) != entry.managed:
            return True
    return False
