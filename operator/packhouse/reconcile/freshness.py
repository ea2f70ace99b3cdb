"""How old an answer of a source may be, for each look at an object.

A look that somebody asked for, by a change of spec or annotations, asks anew; one that is due asks once a sync period;
one that an event of another kind brought (labels, status, a changed Secret) asks nobody. An answer serves all objects
that ask the same, so that a hundred installs of one bundle cost one request in a period. Memory only: lost at a
restart, which is a first look again.
"""

from __future__ import annotations

from typing import Final

from packhouse.api.views import Key, Meta
from packhouse.domain.schedule import seconds_of

#: For the first look of a process: many objects are then looked at within a short time.
FIRST_LOOK_SECONDS: Final = 30.0
#: Of the sync period: a little less than 1, so that a look that comes with the period does ask.
OF_SYNC_PERIOD: Final = 0.95

#: What somebody changes in order to be heard: the object, its generation, its annotations.
_Mark = tuple[str, int, tuple[tuple[str, str], ...]]


class Freshness:
    """One for each kind of object."""

    def __init__(self) -> None:
        self._answered: dict[Key, _Mark | None] = {}

    def seconds(self, meta: Meta, sync_period: str) -> float:
        """How old an answer may be that this look at the object takes."""
        if meta.key not in self._answered:
            return FIRST_LOOK_SECONDS
        if self._answered[meta.key] != _mark(meta):
            return 0.0
        return OF_SYNC_PERIOD * (seconds_of(sync_period) or 0.0)

    def answered(self, meta: Meta) -> None:
        """All sources gave an answer for the object as it is now."""
        self._answered[meta.key] = _mark(meta)

    def distrust(self, meta: Meta) -> None:
        """What the sources said led nowhere: the next look asks anew."""
        self._answered[meta.key] = None

    def forget(self, key: Key) -> None:
        self._answered.pop(key, None)


def _mark(meta: Meta) -> _Mark:
    return meta.uid, meta.generation, tuple(sorted(meta.annotations.items()))
