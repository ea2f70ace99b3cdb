"""Whether a repair is a fight: the same fields of the same object, repaired again and again because of the same writer.

Pure: what was repaired and when comes in, what is left alone and until when goes out. The memory of it is
reconcile/contests.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from packhouse.api.names import APPLY_MANAGER
from packhouse.domain.change import WRITES, Change
from packhouse.domain.managed_fields import lost
from packhouse.ports import Json, Ref

#: This many repairs within this time are a fight.
REPAIRS: Final = 3
WINDOW: Final = timedelta(seconds=60)
#: How long the object is left alone then; twice as long after each new try that was in vain.
HOLD_FIRST: Final = timedelta(seconds=60)
DOUBLINGS_MOST: Final = 20
FIELDS_NAMED: Final = 3

#: The fields that were lost, by the manager who holds them now ("" where nobody is known).
Causes = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Dispute:
    """The repairs of one object because of one other writer. `fields`: what each of them was about."""

    fields: frozenset[str]
    repairs: tuple[datetime, ...]
    holds: int = 0
    until: datetime | None = None  # it is left alone until then

    def is_held(self, now: datetime) -> bool:
        return self.until is not None and now < self.until

    def is_over(self, now: datetime) -> bool:
        """Whether it was quiet for so long that the next repair is a first one again."""
        return now >= (self.until or self.repairs[-1]) + WINDOW


def is_repair(change: Change) -> bool:
    """Whether an object is written only because it is no longer as it was recorded."""
    entry = change.entry
    return change.action in WRITES and entry is not None and bool(entry.managed) and entry.desired == change.desired


def causes(change: Change, found: Json | None) -> Causes:
    """Why a repair is needed. `found`: the live metadata; None where the object is gone."""
    by_manager: dict[str, set[str]] = {}
    for loss in lost(found, change.obj or {}, APPLY_MANAGER):
        by_manager.setdefault(loss.manager, set()).add(loss.path)
    if len(by_manager) > 1:  # what is known of somebody says more than what is known of nobody
        by_manager.pop("", None)
    return {manager: frozenset(fields) for manager, fields in by_manager.items()}


def repaired(dispute: Dispute | None, fields: frozenset[str], at: datetime, *, hold_most: timedelta) -> Dispute:
    """`dispute` after one more repair at `at`; `hold_most` bounds how long the object is left alone."""
    # The first one, the first after a long peace, or about other fields.
    if dispute is None or dispute.is_over(at) or not dispute.fields & fields:
        return Dispute(fields, (at,))
    recent = [moment for moment in dispute.repairs if at - moment < WINDOW]
    now = replace(dispute, fields=dispute.fields & fields, repairs=(*recent[1 - REPAIRS :], at))
    # The other writer may still come round.
    if not now.holds and len(now.repairs) < REPAIRS:
        return now
    # A fight, or one more try in it.
    hold = min(HOLD_FIRST * 2 ** min(now.holds, DOUBLINGS_MOST), hold_most)
    return replace(now, holds=now.holds + 1, until=at + hold)


def words(ref: Ref, manager: str, dispute: Dispute) -> str:
    """What is said of an object that is left alone: fields, the other manager and the lever."""
    until = f"{dispute.until:%Y-%m-%dT%H:%M:%SZ}"
    if "" in dispute.fields:
        return (
            f"{ref} was deleted again after each of {REPAIRS} repairs within a minute, by somebody whom the API server "
            f"does not name; it stays away until {until}. Remove it from the package, or stop who deletes it"
        )
    names = sorted(dispute.fields)
    more = f" and {len(names) - FIELDS_NAMED} more fields" if len(names) > FIELDS_NAMED else ""
    fields = ", ".join(names[:FIELDS_NAMED]) + more
    who, stop = (f"by {manager}", f"stop {manager}") if manager else ("by somebody who removes it", "find who does it")
    return (
        f"{ref}: {fields} was changed again after each of {REPAIRS} repairs within a minute, {who}; the object is left "
        f"as it is until {until}. Leave the field to one of the two: remove it from the package, or {stop}"
    )
