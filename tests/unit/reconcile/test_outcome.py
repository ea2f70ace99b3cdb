"""The one map from errors to conditions and delays, walked through for each error class there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from packhouse.api.conditions import Condition, ConditionType, Reason, Status
from packhouse.api.errors import (
    BY_REASON,
    SOURCE_ERRORS,
    DeletionPending,
    DeployFailed,
    DigestMismatch,
    Failed,
    FetchFailed,
    FetchLimitExceeded,
    PackhouseError,
    SignatureInvalid,
    SourceUnreachable,
    Stalled,
    TlsFailed,
    ValuesInvalid,
    Waiting,
)
from packhouse.reconcile.outcome import (
    AVAILABLE,
    DESCRIPTION_CHARACTERS,
    MESSAGE_CHARACTERS,
    NOT_YET,
    Outcome,
    SourceWord,
    after_fetch_failed,
    away,
    conditions,
    delay_after,
    deleting,
    held,
    not_deleted,
    not_reconciled,
    progressing,
    succeeded,
    values_checked,
)

CLASSES = sorted(BY_REASON.values(), key=lambda error: error.__name__)
AT_REST = [error for error in CLASSES if not issubclass(error, NOT_YET)]
NOW = "2026-01-02T00:00:00Z"
C = ConditionType
INVALID = ValuesInvalid("no")

BEFORE = {
    "nothing": (),
    "a success": conditions((), succeeded("ok"), generation=1, now="2026-01-01T00:00:00Z"),
    "a failure": conditions((), not_reconciled(FetchFailed("no")), generation=1, now="2026-01-01T00:00:00Z"),
    "invalid values": conditions(
        (), values_checked(not_reconciled(INVALID), INVALID), generation=1, now="2026-01-01T00:00:00Z"
    ),
    "progress": conditions((), progressing("applying"), generation=1, now="2026-01-01T00:00:00Z"),
}


def after(before: str, outcome: Outcome) -> dict[ConditionType, Condition]:
    merged = conditions(BEFORE[before], outcome, generation=2, now=NOW)
    assert len({condition.type for condition in merged}) == len(merged)
    return {condition.type: condition for condition in merged}


def statuses(found: dict[ConditionType, Condition]) -> dict[ConditionType, Status]:
    return {kind: condition.status for kind, condition in found.items()}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("error", [*AT_REST, RuntimeError])
def test_after_a_failure_exactly_one_of_succeeded_and_failed_is_true(before: str, error: type[Exception]) -> None:
    raised = error("what")
    found = statuses(after(before, values_checked(not_reconciled(raised), raised)))
    assert (found[C.RECONCILE_SUCCEEDED], found[C.RECONCILE_FAILED]) == (Status.FALSE, Status.TRUE)
    assert (found[C.RECONCILING], found[C.READY]) == (Status.FALSE, Status.FALSE)
    assert (found[C.VALUES_SCHEMA_CHECK_FAILED] is Status.TRUE) is (error is ValuesInvalid)


@pytest.mark.parametrize("before", BEFORE)
def test_after_a_success_exactly_one_of_succeeded_and_failed_is_true(before: str) -> None:
    found = statuses(after(before, values_checked(succeeded("ok"))))
    assert (found[C.RECONCILE_SUCCEEDED], found[C.RECONCILE_FAILED]) == (Status.TRUE, Status.FALSE)
    assert (found[C.RECONCILING], found[C.READY]) == (Status.FALSE, Status.TRUE)
    assert found[C.VALUES_SCHEMA_CHECK_FAILED] is Status.FALSE


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("outcome", [progressing("x"), *(not_reconciled(error("x")) for error in NOT_YET)])
def test_on_the_way_neither_is_true_and_ready_is_unknown(before: str, outcome: Outcome) -> None:
    found = statuses(after(before, outcome))
    assert Status.TRUE not in (found[C.RECONCILE_SUCCEEDED], found[C.RECONCILE_FAILED])
    assert (found[C.RECONCILING], found[C.READY]) == (Status.TRUE, Status.UNKNOWN)
    assert not outcome.failed
    assert outcome.error == ""


@pytest.mark.parametrize("error", AT_REST)
def test_the_reason_is_that_of_the_error_and_the_message_stands_where_it_is_read(error: type[PackhouseError]) -> None:
    found = after("a success", not_reconciled(error("what happened")))
    for kind in (C.RECONCILE_FAILED, C.READY):
        assert (found[kind].reason, found[kind].message) == (error.reason, "what happened")
    assert found[C.RECONCILE_SUCCEEDED].message == ""


def test_a_repository_says_nothing_of_values() -> None:
    for outcome in (succeeded("ok"), progressing("x"), not_reconciled(FetchFailed("no"))):
        assert C.VALUES_SCHEMA_CHECK_FAILED not in statuses(after("nothing", outcome))


def test_values_that_were_invalid_are_not_said_to_be_so_while_better_ones_roll_out() -> None:
    found = statuses(after("invalid values", values_checked(progressing("applying"))))
    assert found[C.VALUES_SCHEMA_CHECK_FAILED] is Status.FALSE


def test_a_bug_shows_no_words_that_may_hold_a_secret() -> None:
    outcome = not_reconciled(RuntimeError("password hunter2"))
    assert outcome.reason is Reason.INTERNAL_ERROR
    assert "RuntimeError" in outcome.message
    assert "hunter2" not in outcome.message + outcome.description


def test_each_condition_is_stamped_with_the_generation_and_a_time() -> None:
    found = after("a failure", succeeded("ok"))
    assert {condition.observed_generation for condition in found.values()} == {2}
    assert found[C.READY].last_transition_time == NOW
    assert found[C.RECONCILING].last_transition_time == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("reason", [Reason.PAUSED, Reason.CANCELED])
@pytest.mark.parametrize("before", ["a success", "a failure"])
def test_who_is_held_keeps_what_the_other_conditions_say(before: str, reason: Reason) -> None:
    found = after(before, held(reason))
    known = {condition.type: condition for condition in BEFORE[before]}
    assert {kind: condition for kind, condition in found.items() if kind is not C.RECONCILING} == {
        kind: condition for kind, condition in known.items() if kind is not C.RECONCILING
    }
    assert found[C.RECONCILING].reason == reason
    assert f"spec.{reason.value.lower()}" in found[C.RECONCILING].message


@pytest.mark.parametrize("reason", [Reason.PAUSED, Reason.CANCELED])
def test_who_is_held_in_the_middle_promises_no_progress(reason: Reason) -> None:
    found = after("progress", held(reason))
    for kind in (C.READY, C.RECONCILE_SUCCEEDED):
        assert (found[kind].status, found[kind].reason) == (Status.UNKNOWN, reason)
        assert found[kind].message == found[C.RECONCILING].message
    assert found[C.RECONCILING].status is Status.FALSE


def test_a_deletion_is_not_ready_and_keeps_the_rest() -> None:
    found = statuses(after("a success", deleting("waiting")))
    assert (found[C.DELETING], found[C.DELETE_FAILED], found[C.READY]) == (Status.TRUE, Status.FALSE, Status.FALSE)
    assert found[C.RECONCILE_SUCCEEDED] is Status.TRUE


@pytest.mark.parametrize("error", [error for error in CLASSES if error is not DeletionPending] + [RuntimeError])
def test_a_deletion_that_failed_says_so(error: type[Exception]) -> None:
    outcome = not_deleted(error("what"))
    found = statuses(after("a success", outcome))
    assert (found[C.DELETING], found[C.DELETE_FAILED], found[C.READY]) == (Status.TRUE, Status.TRUE, Status.FALSE)
    assert outcome.failed


def test_a_deletion_that_waits_has_not_failed() -> None:
    assert not_deleted(DeletionPending("waiting")) == deleting("waiting")


@pytest.mark.parametrize("error", [*CLASSES, RuntimeError])
@pytest.mark.parametrize("chance", [0.0, 0.999])
def test_the_delay_follows_from_the_class(error: type[Exception], chance: float) -> None:
    delay = delay_after(error("x"), 3, first=1, most=60, chance=chance)
    match error("x"):
        case Stalled():
            assert delay is None
        case Waiting() as waiting:
            assert delay is not None
            assert waiting.retry_after_seconds <= delay <= waiting.retry_after_seconds * 1.1
        case _:
            assert delay is not None
            assert 2 <= delay <= 4


def test_failures_back_off_up_to_the_most() -> None:
    delays = [delay_after(DeployFailed("x"), failures, first=1, most=60, chance=1) for failures in (1, 2, 5, 7, 1000)]
    assert delays == [1, 2, 16, 60, 60]


def test_the_wait_that_the_other_side_named_is_the_least() -> None:
    named: Failed = FetchFailed("busy", retry_after_seconds=30)
    assert delay_after(named, 1, first=1, most=60, chance=0) == 30
    assert delay_after(named, 20, first=1, most=60, chance=1) == 60


# ---- sources -------------------------------------------------------------------------------------------------


def of_sources(word: SourceWord | None, before: tuple[Condition, ...] = (), generation: int = 1) -> Condition | None:
    outcome = replace(succeeded("ok"), source=word)
    found = conditions(before, outcome, generation=generation, now=NOW)
    return next((condition for condition in found if condition.type is C.SOURCE_AVAILABLE), None)


def test_what_sources_said_stands_beside_the_outcome_with_words_of_its_own() -> None:
    away_now = of_sources(away(SourceUnreachable("took no connection")))
    assert away_now is not None
    assert (away_now.status, away_now.reason) == (Status.FALSE, Reason.SOURCE_UNREACHABLE)
    assert away_now.message == "took no connection"
    assert of_sources(None) is None
    assert of_sources(None, (away_now,)) == away_now, "who was not asked stays as he was"
    back = of_sources(AVAILABLE, (away_now,))
    assert back is not None
    assert (back.status, back.reason, back.message) == (Status.TRUE, Reason.AVAILABLE, "")


def test_the_same_trouble_keeps_its_first_words_until_the_spec_changes() -> None:
    first = of_sources(away(SourceUnreachable("after 20.1 s")))
    assert first is not None
    second = of_sources(away(SourceUnreachable("after 20.2 s")), (first,))
    assert second == first
    changed = of_sources(away(SourceUnreachable("after 20.3 s")), (first,), generation=2)
    assert changed is not None
    assert changed.message == "after 20.3 s"
    other = of_sources(away(TlsFailed("expired")), (first,))
    assert other is not None
    assert (other.reason, other.message) == (Reason.TLS_FAILED, "expired")


@pytest.mark.parametrize("error", CLASSES)
def test_the_end_of_a_fetch_says_whether_its_source_answered(error: type[PackhouseError]) -> None:
    word = after_fetch_failed(error("what"))
    if issubclass(error, SOURCE_ERRORS):
        assert word == SourceWord(Status.FALSE, error.reason, "what")
    elif error in (DigestMismatch, FetchLimitExceeded, SignatureInvalid):
        assert word == AVAILABLE
    else:
        assert word is None


def test_texts_fit_where_they_go() -> None:
    outcome = not_reconciled(DeployFailed("word\nnext " * 5000))
    assert len(outcome.message) == MESSAGE_CHARACTERS
    assert len(outcome.description) == DESCRIPTION_CHARACTERS
    assert "\n" not in outcome.description
    assert outcome.description.endswith("...")
