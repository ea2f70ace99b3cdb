"""What a roll-out knows before it begins: how long the install's objects have, and how the last one ended.

Called by rollout.py. Pure, but for what Begun remembers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from packhouse.api.conditions import ConditionType, Reason, Status, find
from packhouse.api.views import InstalledPackage, Key
from packhouse.domain.kapp.options import Options
from packhouse.domain.schedule import seconds_of

#: Where neither the install nor the package says how long objects may take to become ready.
WAIT_SECONDS: Final = 900.0
#: After these the objects had all the time there was: without a change, one look tells whether they are ready by now.
GAVE_UP: Final = frozenset({Reason.WAIT_TIMED_OUT, Reason.ROLLOUT_FAILED})


class Begun:
    """Since when the objects of each install are waited for. What ends a wait early does not begin their time anew,
    unless something else is rolled out; otherwise a Secret that changes often would hide what never becomes ready."""

    def __init__(self) -> None:
        self._since: dict[Key, tuple[object, datetime]] = {}

    def seconds_since(self, install: Key, what: object, now: datetime) -> float:
        """How long `what` (its generation, what it renders) has been waited for."""
        before = self._since.get(install)
        if before is None or before[0] != what:
            self._since[install] = before = (what, now)
        return (now - before[1]).total_seconds()

    def forget(self, install: Key) -> None:
        self._since.pop(install, None)


def patience(install: InstalledPackage, options: Options) -> float:
    """How many seconds the objects have: what the install says, else what the package says, the shorter of its two."""
    if install.wait_timeout is not None and (said := seconds_of(install.wait_timeout)) is not None:
        return said
    package = [options.wait_timeout_seconds, options.wait_resource_timeout_seconds]
    return min((seconds for seconds in package if seconds), default=WAIT_SECONDS)


def last_word(install: InstalledPackage) -> str:
    """The reason that Ready has for this generation; "" where it speaks of an older one, or of what is under way."""
    ready = find(install.conditions, ConditionType.READY)
    if ready is None or ready.observed_generation != install.meta.generation or ready.status is Status.UNKNOWN:
        return ""
    return ready.reason


def lingers(install: InstalledPackage) -> bool:
    """Whether the last one ended while something that was deleted was not gone."""
    ready = find(install.conditions, ConditionType.READY)
    return ready is not None and ready.reason == Reason.DELETION_PENDING
