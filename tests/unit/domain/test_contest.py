"""When repairs are a fight, for how long an object is left alone then, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from packhouse.domain.change import Action, Change
from packhouse.domain.contest import Dispute, causes, is_repair, repaired, words
from packhouse.domain.inventory import Entry
from packhouse.ports import Json, Kind, Ref

START = datetime(2026, 1, 1, tzinfo=UTC)
COLOR = frozenset({".data.color"})
SIZE = frozenset({".data.size"})
REF = Ref(Kind("", "v1", "ConfigMap"), "demo", "web")
OBJ = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"color": "red"}}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def after(*repairs: float, hold_most: float = 600, fields: frozenset[str] = COLOR) -> Dispute:
    dispute = None
    for seconds in repairs:
        dispute = repaired(dispute, fields, at(seconds), hold_most=timedelta(seconds=hold_most))
    assert dispute is not None
    return dispute


@pytest.mark.parametrize(
    ("repairs", "held_for"),
    [
        pytest.param([0], 0, id="once"),
        pytest.param([0, 1], 0, id="twice"),
        pytest.param([0, 1, 2], 60, id="three times"),
        pytest.param([0, 20, 40], 60, id="three times, just within a minute"),
        pytest.param([0, 30, 60], 0, id="three times, not within a minute"),
        pytest.param([0, 50, 100, 150, 200, 250], 0, id="again and again, but slowly"),
        pytest.param([0, 50, 100, 105], 60, id="slowly at first, then fast"),
        pytest.param([0, 1, 2, 62], 120, id="once more after the first hold"),
        pytest.param([0, 1, 2, 62, 182], 240, id="and after the second"),
        pytest.param([0, 1, 2, 62, 182, 422], 480, id="and after the third"),
        pytest.param([0, 1, 2, 62, 182, 422, 902], 600, id="never longer than a sync period"),
        pytest.param([0, 1, 2, 200], 0, id="after a long peace it begins anew"),
    ],
)
def test_repairs_are_held_off_ever_longer_while_the_fight_goes_on(repairs: list[float], held_for: float) -> None:
    dispute, last = after(*repairs), repairs[-1]
    assert dispute.is_held(at(last)) is (held_for > 0)
    assert not dispute.is_held(at(last + held_for))
    if held_for:
        assert dispute.is_held(at(last + held_for - 0.1))


def test_a_hold_never_overflows() -> None:
    dispute = Dispute(COLOR, (START,), holds=10**6, until=START)
    assert repaired(dispute, COLOR, START, hold_most=timedelta(hours=1)).until == at(3600)


def test_repairs_of_other_fields_are_another_matter() -> None:
    dispute = after(0, 1)
    assert repaired(dispute, SIZE, at(2), hold_most=timedelta(hours=1)) == Dispute(SIZE, (at(2),))


def test_what_each_repair_was_about_is_what_the_fight_is_about() -> None:
    dispute = repaired(after(0, 1, fields=COLOR | SIZE), COLOR, at(2), hold_most=timedelta(hours=1))
    assert (dispute.fields, dispute.is_held(at(3))) == (COLOR, True)


def test_it_is_over_after_a_minute_of_peace() -> None:
    assert not after(0, 1).is_over(at(60))
    assert after(0, 1).is_over(at(61))
    assert not after(0, 1, 2).is_over(at(121))
    assert after(0, 1, 2).is_over(at(122))


CONFIRMED = Entry(REF, "uid", "wanted", "fields")


@pytest.mark.parametrize(
    ("action", "entry", "expected"),
    [
        pytest.param(Action.CONFIGURE, CONFIRMED, True, id="changed by another"),
        pytest.param(Action.CREATE, CONFIRMED, True, id="missing"),
        pytest.param(Action.CREATE, None, False, id="new"),
        pytest.param(Action.CONFIGURE, replace(CONFIRMED, desired="older"), False, id="something else is wanted"),
        pytest.param(Action.CONFIGURE, Entry(REF), False, id="not confirmed"),
        pytest.param(Action.KEEP, CONFIRMED, False, id="left as it is"),
        pytest.param(Action.SKIP, CONFIRMED, False, id="left alone"),
        pytest.param(Action.PRUNE, CONFIRMED, False, id="taken away"),
    ],
)
def test_a_repair_is_a_write_of_what_was_in_place_already(action: Action, entry: Entry | None, expected: bool) -> None:
    assert expected is is_repair(Change(REF, action, "why", OBJ, "wanted", entry))


def live(**held: Json) -> Json:
    entries = [
        {"manager": name, "operation": "Apply" if name == "packhouse" else "Update", "fieldsV1": fields}
        for name, fields in held.items()
    ]
    return {"metadata": {"managedFields": entries}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(None, {"": {""}}, id="it is gone"),
        pytest.param(live(packhouse={}, rival={"f:data": {"f:color": {}}}), {"rival": {".data.color"}}, id="taken"),
        pytest.param(live(packhouse={}), {"": {".data.color", ".data.size"}}, id="removed"),
        pytest.param(live(rival={"f:data": {"f:color": {}}}), {"rival": {".data.color"}}, id="one taken, one removed"),
        pytest.param(
            live(a={"f:data": {"f:color": {}}}, b={"f:data": {"f:size": {}}}),
            {"a": {".data.color"}, "b": {".data.size"}},
            id="two others",
        ),
    ],
)
def test_a_cause_is_a_manager_and_what_it_took(found: Json | None, expected: dict[str, set[str]]) -> None:
    obj = {**OBJ, "data": {"color": "red", "size": "1"}}
    assert causes(Change(REF, Action.CONFIGURE, "why", obj), found) == expected


@pytest.mark.parametrize(
    ("manager", "fields", "said"),
    [
        ("rival", COLOR, ["ConfigMap demo/web", ".data.color", "by rival", "stop rival", "remove it from the package"]),
        ("rival", frozenset(".abcdef"), [".,", "a, b", "4 more fields"]),
        ("", COLOR, [".data.color", "somebody who removes it"]),
        ("", frozenset({""}), ["was deleted again", "stop who deletes it"]),
    ],
)
def test_what_is_said_names_the_object_the_fields_the_other_and_the_lever(
    manager: str, fields: frozenset[str], said: list[str]
) -> None:
    text = words(REF, manager, after(0, 1, 2, fields=fields))
    assert "2026-01-01T00:01:02Z" in text
    for word in said:
        assert word in text
