"""The plan: desired objects, the inventory and live metadata become changes in waves, as data, with the why.

Pure. Decided here, carried out by deploy/; the same plan is printed as a dry run.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from packhouse.api.errors import DeletionPending, OwnershipConflict, RenderedInvalid
from packhouse.api.names import APPLY_MANAGER
from packhouse.domain.change import Action, Change, Plan
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.kapp.rules import Rules, UpdateStrategy, read_rules
from packhouse.domain.objects import digest, has_owner_label, kind_of, managed_digest, owner_of, ref_of
from packhouse.domain.takeover import taking_over
from packhouse.domain.waves import in_order
from packhouse.ports import Json, Ref

#: Namespaces that the API server refuses to delete, whoever asks. Real packages bring kube-system along.
IMMORTAL: Final = frozenset({"default", "kube-public", "kube-system"})


@dataclass(frozen=True, slots=True)
class Desired:
    """What is wanted: objects as they will be applied, and what their annotations and the package's Config say of them.

    `kept`: recorded objects that are wanted no more and stay all the same, as long as they are there (older versions of
    versioned ones).
    """

    objects: Sequence[Json]
    rules: Mapping[Identity, Rules] = field(default_factory=dict)
    kept: frozenset[Identity] = frozenset()

    def rules_of(self, ref: Ref) -> Rules:
        return self.rules.get(Identity.of(ref)) or Rules()


def plan(
    desired: Desired,
    inventory: Inventory,
    live: Mapping[Identity, Json],
    *,
    owner: str,
    owners: Container[str],
    adopt_all: bool = False,
) -> Plan:
    """`live`: metadata of what exists of desired and inventory. `owner`: this install, "namespace/name"; `owners`: all
    installs that exist; `adopt_all`: spec.adopt is true. Raises OwnershipConflict, DeletionPending, RenderedInvalid."""
    refuse_others(desired, live, owner=owner, owners=owners)
    changes = [_change(obj, desired, inventory, live, owner, adopt_all) for obj in desired.objects]
    wanted = {change.identity for change in changes} | (desired.kept & live.keys())
    staying = frozenset(change.uid for change in changes if change.uid)
    leaving = [
        leave(entry, live.get(identity), owner, staying)
        for identity, entry in inventory.entries.items()
        if identity not in wanted
    ]
    return in_order([*changes, *leaving])


def refuse_others(desired: Desired, live: Mapping[Identity, Json], *, owner: str, owners: Container[str]) -> None:
    """Two installs never fight over an object: whoever came second is told who came first."""
    for obj in desired.objects:
        ref = ref_of(obj)
        found = live.get(Identity.of(ref))
        if found is None or desired.rules_of(ref).exists:
            continue
        other = owner_of(found)
        if other is not None and other != owner and other in owners:
            raise OwnershipConflict(
                f"{ref} belongs to install {other}; remove it from one of the two packages, or delete that install"
            )
        if found["metadata"].get("deletionTimestamp"):
            raise DeletionPending(f"{ref} is being deleted; it is applied again once it is gone")


def _change(
    obj: Json, desired: Desired, inventory: Inventory, live: Mapping[Identity, Json], owner: str, adopt_all: bool
) -> Change:
    ref, wanted = ref_of(obj), digest(obj)
    rules, entry, found = desired.rules_of(ref), inventory.find(ref), live.get(Identity.of(ref))
    uid = found["metadata"]["uid"] if found is not None else ""
    if rules.exists:
        theirs = found is not None and owner_of(found) != owner
        return Change(ref, Action.EXPECT, "something else makes it", obj, wanted, entry, uid, rules, theirs)
    # Nothing of that name: it was never there, or somebody deleted it.
    if found is None:
        absent = "it is new" if entry is None else "it is missing"
        return Change(ref, Action.CREATE, absent, obj, wanted, entry, uid, rules)
    # It is made once and then belongs to whoever edits it.
    if rules.update is UpdateStrategy.SKIP:
        theirs = owner_of(found) != owner
        return Change(ref, Action.SKIP, "its update-strategy is skip", obj, wanted, entry, uid, rules, theirs)
    why = _why_configure(entry, uid, wanted, found)
    if why is None:
        return Change(ref, Action.KEEP, "it is as it should be", obj, wanted, entry, uid, rules)
    # What we recorded is ours, though somebody took our mark away.
    adopting = owner_of(found) != owner and (entry is None or entry.uid != uid)
    former = taking_over(found, by_hand=adopt_all) if adopting else ()
    if rules.update is UpdateStrategy.ALWAYS_REPLACE and not adopting:
        return Change(ref, Action.REPLACE, why, obj, wanted, entry, uid, rules)
    return Change(ref, Action.CONFIGURE, why, obj, wanted, entry, uid, rules, adopting, former)


def _why_configure(entry: Entry | None, uid: str, wanted: str, found: Json) -> str | None:
    """None where nothing is to be done."""
    # It exists and we have no record of it, or none of its last apply.
    if entry is None or not entry.uid:
        return "its apply is not recorded"
    # Somebody deleted it and made another of the same name.
    if entry.uid != uid:
        return "it was made anew by somebody else"
    # The package, the values or the version changed.
    if entry.desired != wanted:
        return "what is wanted changed"
    # Another writer took over or removed fields of ours.
    if not entry.is_intact(uid, managed_digest(found, APPLY_MANAGER)):
        return "it was changed by another writer"
    return None


def leave(entry: Entry, found: Json | None, owner: str, staying: frozenset[str] = frozenset()) -> Change:
    """What becomes of an object that is recorded and no longer wanted. `staying`: uids of what is wanted."""
    # It is gone already: the record goes too.
    if found is None:
        return Change(entry.ref, Action.FORGET, "it is gone", entry=entry)
    uid = found["metadata"]["uid"]
    ref = Ref(kind_of(found), entry.ref.namespace, entry.ref.name)  # as it is served now
    # Somebody else's by now, or never ours: it stays.
    if owner_of(found) != owner or not (uid == entry.uid or has_owner_label(found, owner)):
        return Change(ref, Action.FORGET, "it is not this install's any more", entry=entry, uid=uid)
    # Kinds move between API groups: the same object is wanted under the name of another one.
    if uid in staying:
        return Change(ref, Action.FORGET, "it is wanted under another API group", entry=entry, uid=uid)
    rules = _rules_of_live(found)
    if rules.noop:
        return Change(ref, Action.FORGET, "its annotation noop leaves it alone", entry=entry, uid=uid, rules=rules)
    if rules.orphan:
        return Change(ref, Action.ORPHAN, "its delete-strategy is orphan", entry=entry, uid=uid, rules=rules)
    # Only what we put into it goes.
    if (ref.kind.group, ref.kind.kind) == ("", "Namespace") and ref.name in IMMORTAL:
        return Change(ref, Action.ORPHAN, "the API server never deletes this namespace", entry=entry, uid=uid)
    return Change(ref, Action.PRUNE, "it is no longer wanted", entry=entry, uid=uid, rules=rules)


def _rules_of_live(found: Json) -> Rules:
    """Anybody may have written anything into the annotations of a live object: what cannot be read says nothing."""
    try:
        return read_rules(found)
    except RenderedInvalid:
        return Rules()


def drifted(inventory: Inventory, live: Mapping[Identity, Json]) -> bool:
    """Whether anything recorded is missing, another object, or changed by another writer."""
    for identity, entry in inventory.entries.items():
        found = live.get(identity)
        if found is None or not entry.is_intact(found["metadata"]["uid"], managed_digest(found, APPLY_MANAGER)):
            return True
    return False
