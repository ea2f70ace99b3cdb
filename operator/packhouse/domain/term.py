"""The time that a deletion has, and how it is spent. Pure: time is handed in.

Before half of it is over, what is deleted later waits for what is deleted first. After that nothing waits for anything
else, and at the end the install is released whatever is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: How long one look waits for a wave to be gone: at first, and when it is plain that something holds it.
FIRST_SECONDS: Final = 10.0
LATER_SECONDS: Final = 1.0
#: Looks at what is held come the rarer the longer it lasts, up to this.
LULL_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Term:
    """From `began`, for `seconds`."""

    began: datetime
    seconds: float

    @classmethod
    def of(cls, deleted_at: str, *, watching_since: datetime, seconds: float) -> Term:
        """`watching_since`: what was deleted while no operator ran has its whole time all the same."""
        try:
            began = max(datetime.fromisoformat(deleted_at), watching_since)
        except ValueError:
            began = watching_since
        return cls(began, seconds)

    @property
    def ends(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds)

    def is_over(self, now: datetime) -> bool:
        return now >= self.ends

    def is_half_over(self, now: datetime) -> bool:
        return now >= self._halfway

    def patience(self, now: datetime) -> float:
        """Seconds that a look may wait for each wave."""
        if now >= self.began + timedelta(seconds=FIRST_SECONDS):
            return LATER_SECONDS
        milestone = self._halfway if now < self._halfway else self.ends
        return min(FIRST_SECONDS, max(LATER_SECONDS, (milestone - now).total_seconds()))

    def lull(self, now: datetime) -> float:
        """Seconds after which what is held is looked at again, at the least."""
        return min(LULL_SECONDS, max(0.0, (now - self.began).total_seconds() / 10))

    def next_look(self, now: datetime, delay: float) -> float:
        """`delay`, or less: neither the half nor the end of the time is missed."""
        ahead = [(moment - now).total_seconds() for moment in (self._halfway, self.ends) if moment > now]
        return min([delay, *ahead])

    def __str__(self) -> str:
        return self.ends.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def _halfway(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds / 2)
