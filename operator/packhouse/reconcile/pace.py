"""How soon an object is looked at again: its sync period with jitter, or what the error of a failure says.

Counts failures per object for the back-off; the counts are lost at a restart, and that is no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from packhouse.api.errors import DeletionPending, Failed
from packhouse.api.views import Meta
from packhouse.domain.schedule import seconds_of, with_jitter
from packhouse.reconcile.outcome import delay_after
from packhouse.settings import Settings

#: For an object whose own sync period cannot be read; it is told so in a condition.
FALLBACK_SECONDS: Final = 300.0
#: The longest time between two looks at what was deleted and is not gone.
LINGERING_MOST_SECONDS: Final = 30.0


class Pace:
    """One for all stories; objects are told apart by their uid."""

    def __init__(self, settings: Settings, chance: Callable[[], float]) -> None:
        self._settings = settings
        self._chance = chance
        self._failures: dict[str, int] = {}

    def forget(self, meta: Meta) -> None:
        self._failures.pop(meta.uid, None)

    def after_success(self, meta: Meta, sync_period: str) -> float:
        """Seconds until the next look."""
        self.forget(meta)
        return self._sync(sync_period)

    def after_outage(self, meta: Meta, error: Failed, sync_period: str) -> float:
        """Seconds until the next look at an object that needs nothing new of a source which gave no answer."""
        return self.after_failure(meta, error, sync_period)

    def after_failure(self, meta: Meta, error: Exception, sync_period: str) -> float:
        """Seconds until the next try: where only a change helps, a sync period, since sources change unwatched."""
        failures = self._failures[meta.uid] = self._failures.get(meta.uid, 0) + 1
        sync = self._sync(sync_period)
        if isinstance(error, DeletionPending):  # each look costs a whole reconcile, and a finalizer may hold for ever
            return min(error.retry_after_seconds * 2.0 ** min(failures - 1, 8), LINGERING_MOST_SECONDS)
        delay = delay_after(
            error,
            failures,
            first=self._settings.backoff_first_seconds,
            most=min(self._settings.backoff_most_seconds, sync),
            chance=self._chance(),
        )
        return sync if delay is None else delay

    def _sync(self, sync_period: str) -> float:
        return with_jitter(seconds_of(sync_period) or FALLBACK_SECONDS, self._settings.jitter_ratio, self._chance())
