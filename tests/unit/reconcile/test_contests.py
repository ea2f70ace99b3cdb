"""The memory of repairs: whom it holds off, what it says, and what it forgets.

Real: the decisions of domain/contest.py. Faked: nothing; time is handed in.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from packhouse.api.errors import Contested
from packhouse.domain.change import Action, Change
from packhouse.domain.inventory import Entry, Identity
from packhouse.ports import Json, Kind, Ref
from packhouse.reconcile.contests import Contests

START = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = "demo/web"
MOST = timedelta(minutes=10)


def change(name: str = "web", wanted: str = "wanted", action: Action = Action.CONFIGURE) -> Change:
    ref = Ref(Kind("", "v1", "ConfigMap"), "demo", name)
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"color": "red"}}
    return Change(ref, action, "it was changed by another writer", obj, wanted, Entry(ref, "uid", "wanted", "fields"))


def taken_by(manager: str, *changes: Change) -> dict[Identity, Json]:
    entry = {"manager": manager, "operation": "Update", "fieldsV1": {"f:data": {"f:color": {}}}}
    return {one.identity: {"metadata": {"managedFields": [entry]}} for one in changes}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def fought(contests: Contests, *changes: Change, owner: str = OWNER, begin: float = 0.0) -> None:
    """Three repairs within three seconds because of `rival`."""
    for second in range(3):
        contests.note(owner, changes, taken_by("rival", *changes), at(begin + second), hold_most=MOST)


def test_the_fourth_repair_within_a_minute_is_held_off() -> None:
    contests, web = Contests(), change()
    for second in range(3):
        assert contests.held_off(OWNER, [web], taken_by("rival", web), at(second)) == {}
        contests.note(OWNER, [web], taken_by("rival", web), at(second), hold_most=MOST)
    held = contests.held_off(OWNER, [web], taken_by("rival", web), at(3))
    assert set(held) == {web.identity}
    assert "rival" in held[web.identity]
    assert contests.held_off(OWNER, [web], taken_by("rival", web), at(62)) == {}


@pytest.mark.parametrize(
    ("changes", "manager"),
    [
        pytest.param([change("other")], "rival", id="another object"),
        pytest.param([change(action=Action.KEEP)], "rival", id="no repair"),
        pytest.param([change()], "newcomer", id="another writer"),
        pytest.param([change(wanted="new")], "rival", id="something else is wanted now"),
    ],
)
def test_nothing_else_is_held_off(changes: list[Change], manager: str) -> None:
    contests = Contests()
    fought(contests, change())
    assert contests.held_off(OWNER, changes, taken_by(manager, *changes), at(3)) == {}


def test_another_install_is_not_held_off() -> None:
    contests, web = Contests(), change()
    fought(contests, web)
    assert contests.held_off("demo/other", [web], taken_by("rival", web), at(3)) == {}


def test_a_deletion_is_told_from_a_change() -> None:
    contests, web = Contests(), change(action=Action.CREATE)
    for second in range(3):
        contests.note(OWNER, [web], {}, at(second), hold_most=MOST)
    assert "deleted" in contests.held_off(OWNER, [web], {}, at(3))[web.identity]
    assert contests.held_off(OWNER, [web], taken_by("rival", web), at(3)) == {}


def test_what_is_left_alone_is_no_repair_and_ends_no_fight() -> None:
    contests, web = Contests(), change()
    fought(contests, web)
    contests.note(OWNER, [change(action=Action.SKIP)], taken_by("rival", web), at(3), hold_most=MOST)
    assert set(contests.held_off(OWNER, [web], taken_by("rival", web), at(4))) == {web.identity}


def test_something_else_that_is_wanted_ends_the_fight() -> None:
    contests, web, new = Contests(), change(), change(wanted="new")
    fought(contests, web)
    contests.note(OWNER, [new], taken_by("rival", new), at(3), hold_most=MOST)
    assert contests.held_off(OWNER, [web], taken_by("rival", web), at(4)) == {}


def test_the_error_says_the_first_and_how_many_and_comes_back_when_the_first_hold_ends() -> None:
    contests, web, other = Contests(), change(), change("other")
    fought(contests, web)
    fought(contests, other, begin=10)
    found = taken_by("rival", web, other)
    held = contests.held_off(OWNER, [web, other], found, at(20))
    error = contests.error(OWNER, held, at(20))
    assert isinstance(error, Contested)
    assert error.message.startswith("ConfigMap demo/web (v1): .data.color")
    assert error.message.endswith("so it is with 1 more object")
    assert error.retry_after_seconds == 42


def test_nothing_is_kept_of_an_install_that_is_gone_or_at_peace() -> None:
    contests, web = Contests(), change()
    fought(contests, web)
    contests.forget(OWNER)
    assert contests._disputes == {}
    fought(contests, web)
    contests.note(OWNER, [], {}, at(1000), hold_most=MOST)
    assert contests._disputes == {}
