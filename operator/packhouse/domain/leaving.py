"""The plan of a deletion: all that an inventory records, in the order in which it goes. Pure.

Called by reconcile/removal.py; what becomes of one object is decided as in any other plan (domain/plan.py).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from packhouse.api.errors import RenderedInvalid
from packhouse.api.names import OWNER_LABEL
from packhouse.domain.change import Action, Change
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.kapp.rules import Rules
from packhouse.domain.objects import owner_label
from packhouse.domain.plan import leave
from packhouse.domain.waves import in_order
from packhouse.ports import Json


def leaving(
    inventory: Inventory, live: Mapping[Identity, Json], untold: Container[Identity], *, owner: str
) -> Sequence[Sequence[Change]]:
    """`untold`: those of which nobody could say whether they are there; they go by their recorded uid."""
    changes = [
        Change(entry.ref, Action.PRUNE, "it cannot be looked at", entry=entry, uid=entry.uid)
        if identity in untold
        else leave(entry, live.get(identity), owner)
        for identity, entry in inventory.entries.items()
    ]
    try:
        return in_order(changes).waves
    except RenderedInvalid:  # rules that wait for each other: a deletion goes on without them
        return in_order([replace(change, rules=Rules()) for change in changes]).waves


def is_proven(entry: Entry | None, found: Json, owner: str) -> bool:
    """Whether a live object is beyond doubt the recorded one and this install's: by its uid and by its owner label."""
    metadata = found["metadata"]
    if entry is None or not entry.uid or entry.uid != metadata["uid"]:
        return False
    return (metadata.get("labels") or {}).get(OWNER_LABEL) == owner_label(owner)
