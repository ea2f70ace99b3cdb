"""Conditions are merged by type, keep their transition time, and leave those of others alone."""

from __future__ import annotations

import pytest

from packhouse.api.conditions import Condition, ConditionType, Reason, Status, find, read_conditions, set_condition

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
READY = Condition(ConditionType.READY, Status.TRUE, "Fine", "all is well", EARLY, 1)


def test_the_transition_time_stays_while_the_status_does() -> None:
    new = Condition(ConditionType.READY, Status.TRUE, "Better", "even more so", "", 2)
    [ready] = set_condition([READY], new, now=LATE)
    assert ready == Condition(ConditionType.READY, Status.TRUE, "Better", "even more so", EARLY, 2)


@pytest.mark.parametrize("status", [Status.FALSE, Status.UNKNOWN])
def test_the_transition_time_moves_with_the_status(status: Status) -> None:
    [ready] = set_condition([READY], Condition(ConditionType.READY, status, "Bad"), now=LATE)
    assert (ready.status, ready.last_transition_time) == (status, LATE)


def test_a_new_condition_begins_now_whatever_time_it_carries() -> None:
    assert set_condition([], READY, now=LATE)[0].last_transition_time == LATE


def test_setting_one_condition_leaves_the_others_and_their_order() -> None:
    deleting = Condition(ConditionType.DELETING, Status.TRUE, "Deleting", "", EARLY, 1)
    existing = (READY, deleting)
    new = Condition(ConditionType.READY, Status.FALSE, "Bad")

    merged = set_condition(existing, new, now=LATE)

    assert [condition.type for condition in merged] == [ConditionType.READY, ConditionType.DELETING]
    assert merged[1] == deleting
    assert existing == (READY, deleting)


@pytest.mark.parametrize("kind", list(ConditionType))
@pytest.mark.parametrize("status", list(Status))
def test_a_condition_comes_back_from_the_wire_as_it_was(kind: ConditionType, status: Status) -> None:
    condition = Condition(kind, status, "Why", "message", EARLY, 7)
    assert read_conditions([condition.to_wire()]) == (condition,)
    assert all(type(value) in (str, int) for value in condition.to_wire().values())


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param({"type": "Healthy", "status": "True"}, id="a type of somebody else's"),
        pytest.param({"type": "Ready", "status": "Perhaps"}, id="a status that is none"),
        pytest.param({"status": "True"}, id="no type"),
        pytest.param({"type": "Ready"}, id="no status"),
    ],
)
def test_what_is_not_ours_is_left_out(wire: dict[str, str]) -> None:
    assert read_conditions([wire, READY.to_wire()]) == (READY,)


@pytest.mark.parametrize("wire", [None, {}, "x", []])
def test_no_list_means_no_conditions(wire: object) -> None:
    assert read_conditions(wire) == ()


def test_what_is_not_there_is_not_found() -> None:
    assert find([READY], ConditionType.DELETING) is None
    assert find([READY], ConditionType.READY) is READY


def test_each_reason_is_a_word_that_kubernetes_takes() -> None:
    assert all(reason.value.isascii() and reason.value.isalnum() and reason.value[0].isupper() for reason in Reason)
