"""Errors: each reason that is an error has one class, and each class says in one way what happens next."""

from __future__ import annotations

import pytest

from packhouse.api import errors
from packhouse.api.conditions import Reason
from packhouse.api.errors import BY_REASON, Failed, PackhouseError, Stalled, Waiting

#: What goes well, and a bug of ours, which has no class of its own.
NO_ERRORS = {
    Reason.RECONCILE_SUCCEEDED,
    Reason.AVAILABLE,
    Reason.PROGRESSING,
    Reason.PAUSED,
    Reason.CANCELED,
    Reason.DELETING,
    Reason.INTERNAL_ERROR,
}
CLASSES = sorted(BY_REASON.values(), key=lambda error: error.__name__)


def test_each_reason_that_is_an_error_has_its_class() -> None:
    assert {Reason(word) for word in BY_REASON} == set(Reason) - NO_ERRORS


def test_no_two_classes_have_the_same_reason() -> None:
    classes = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, PackhouseError) and hasattr(value, "reason")
    }
    assert classes == set(BY_REASON.values())


@pytest.mark.parametrize("error", CLASSES)
def test_a_class_is_named_like_its_reason(error: type[PackhouseError]) -> None:
    assert error.__name__ == error.reason.value


@pytest.mark.parametrize("error", CLASSES)
def test_what_happens_next_is_said_in_one_way(error: type[PackhouseError]) -> None:
    assert sum(issubclass(error, base) for base in (Stalled, Waiting, Failed)) == 1


@pytest.mark.parametrize("error", CLASSES)
def test_an_error_becomes_itself_again_from_its_reason_and_message(error: type[PackhouseError]) -> None:
    again = BY_REASON[str(error("what happened").reason)]("what happened")
    assert type(again) is error
    assert (again.message, str(again)) == ("what happened", "what happened")


@pytest.mark.parametrize("error", [error for error in CLASSES if issubclass(error, Waiting)])
def test_who_waits_looks_again_soon(error: type[Waiting]) -> None:
    assert 0 < error.retry_after_seconds <= 60


def test_a_failure_carries_the_wait_that_the_other_side_named() -> None:
    assert errors.FetchFailed("busy", retry_after_seconds=7).retry_after_seconds == 7
    assert errors.FetchFailed("broken").retry_after_seconds is None
