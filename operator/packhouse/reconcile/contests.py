"""The memory of repairs: which objects of an install are fought over, and are therefore left alone for a while.

Called by the install's roll-out: `held_off` before the plan is carried out, `note` for what was.
In memory alone: a restart forgets it and repairs three times before it sees the same fight again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from packhouse.api.errors import Contested
from packhouse.domain.change import Change
from packhouse.domain.contest import Dispute, causes, is_repair, repaired, words
from packhouse.domain.inventory import Identity
from packhouse.ports import Json

#: An object and the manager who takes it.
Parties = tuple[Identity, str]


class Contests:
    """Disputes by install ("namespace/name"). What is over is dropped with the next note of the same install."""

    def __init__(self) -> None:
        self._disputes: dict[str, dict[Parties, Dispute]] = {}

    def forget(self, owner: str) -> None:
        self._disputes.pop(owner, None)

    def held_off(
        self, owner: str, changes: Iterable[Change], live: Mapping[Identity, Json], now: datetime
    ) -> dict[Identity, str]:
        """The repairs to leave alone for now, and why. Changes nothing."""
        known = self._disputes.get(owner)
        if not known:
            return {}
        held: dict[Identity, str] = {}
        for change in changes:
            if not is_repair(change):
                continue
            for manager, fields in causes(change, live.get(change.identity)).items():
                dispute = known.get((change.identity, manager))
                if dispute is not None and dispute.is_held(now) and dispute.fields & fields:
                    held[change.identity] = words(change.ref, manager, dispute)
        return held

    def note(
        self,
        owner: str,
        changes: Iterable[Change],
        live: Mapping[Identity, Json],
        now: datetime,
        *,
        hold_most: timedelta,
    ) -> None:
        """`changes` were carried out; `hold_most`, the sync period, bounds how long one is left alone."""
        before = self._disputes.pop(owner, {})
        known = {parties: dispute for parties, dispute in before.items() if not dispute.is_over(now)}
        for change in changes:
            if is_repair(change):
                for manager, fields in causes(change, live.get(change.identity)).items():
                    parties = (change.identity, manager)
                    known[parties] = repaired(known.get(parties), fields, now, hold_most=hold_most)
            elif change.entry is not None and change.entry.desired not in ("", change.desired):
                # What is wanted of it changed: that may be the end of the fight.
                known = {parties: dispute for parties, dispute in known.items() if parties[0] != change.identity}
        if known:
            self._disputes[owner] = known

    def error(self, owner: str, held: Mapping[Identity, str], now: datetime) -> Contested:
        """What the install says once all the rest was carried out; tried again when the first is no longer held."""
        known = self._disputes.get(owner) or {}
        ends = [
            dispute.until
            for (identity, _), dispute in known.items()
            if identity in held and dispute.until is not None and dispute.until > now
        ]
        texts = list(held.values())
        more = f"; so it is with {len(texts) - 1} more object{'s' if len(texts) > 2 else ''}" if len(texts) > 1 else ""
        seconds = (min(ends) - now).total_seconds() if ends else None
        return Contested(f"{texts[0]}{more}", retry_after_seconds=seconds)
