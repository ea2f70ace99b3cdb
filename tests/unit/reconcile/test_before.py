"""What a roll-out knows before it begins: how much of their time the objects have left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from packhouse.api.errors import DeletionPending
from packhouse.api.views import Meta
from packhouse.reconcile.before import Begun
from packhouse.reconcile.pace import LINGERING_MOST_SECONDS, Pace
from packhouse.settings import Settings

KEY = ("demo", "web")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_wait_that_is_taken_up_again_goes_on_with_the_time_that_is_left() -> None:
    begun = Begun()
    assert begun.seconds_since(KEY, "v1", at(0)) == 0
    assert begun.seconds_since(KEY, "v1", at(40)) == 40
    assert begun.seconds_since(KEY, "v1", at(90)) == 90


def test_something_else_has_all_its_time() -> None:
    begun = Begun()
    begun.seconds_since(KEY, "v1", at(0))
    assert begun.seconds_since(KEY, "v2", at(40)) == 0
    assert begun.seconds_since(("demo", "other"), "v1", at(40)) == 0


def test_a_wait_that_ended_is_forgotten() -> None:
    begun = Begun()
    begun.seconds_since(KEY, "v1", at(0))
    begun.forget(KEY)
    begun.forget(KEY)
    assert begun.seconds_since(KEY, "v1", at(40)) == 0


def test_what_is_deleted_and_does_not_go_is_looked_at_less_and_less_often() -> None:
    pace = Pace(Settings(), lambda: 0.0)
    meta = Meta("demo", "web", "u", "1", 1, False, "", (), {})
    delays = [pace.after_failure(meta, DeletionPending("it is held"), "10m") for _ in range(8)]
    assert delays[:4] == [2.0, 4.0, 8.0, 16.0]
    assert delays[-1] == LINGERING_MOST_SECONDS
