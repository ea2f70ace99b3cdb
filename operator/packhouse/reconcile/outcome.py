"""How a reconcile ended, as conditions: the only map from errors to conditions, and from errors to delays. Pure.

At rest exactly one of ReconcileSucceeded and ReconcileFailed is True. While something rolls out neither is, and Ready
is Unknown, so that a good upgrade never shows a stale failure and `kubectl wait` never sees a stale success.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from packhouse.api.conditions import Condition, ConditionType, Reason, Status, find, set_condition
from packhouse.api.errors import (
    SOURCE_ERRORS,
    DeletionPending,
    DigestMismatch,
    Failed,
    FetchLimitExceeded,
    NotHealthy,
    PackhouseError,
    SignatureInvalid,
    Stalled,
    Superseded,
    ValuesInvalid,
    Waiting,
)
from packhouse.domain.schedule import backoff

DESCRIPTION_CHARACTERS: Final = 100
#: A condition takes 32,768; the longest messages name all rights that an account lacks.
MESSAGE_CHARACTERS: Final = 32_000

#: Errors that only say "not yet": the object goes on reconciling and has not failed.
NOT_YET: Final = (NotHealthy, DeletionPending, Superseded)

#: What a fetch may end with although its source answered: what it said is no good.
ANSWERED: Final = (SignatureInvalid, DigestMismatch, FetchLimitExceeded)

T, F, U = Status.TRUE, Status.FALSE, Status.UNKNOWN
C = ConditionType

#: Both come after rendering, so the values have passed their check by then.
UNDER_WAY: Final = {
    C.RECONCILING: T,
    C.RECONCILE_SUCCEEDED: U,
    C.RECONCILE_FAILED: F,
    C.READY: U,
}


@dataclass(frozen=True, slots=True)
class SourceWord:
    """What is known of an object's sources: whether they answered when they were last asked."""

    status: Status
    reason: Reason
    message: str = ""


AVAILABLE: Final = SourceWord(T, Reason.AVAILABLE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the conditions will say. `message` is for the conditions, `description` for the table of kubectl.

    `source`: None where the sources were not asked, and what was said of them stands.
    """

    statuses: dict[ConditionType, Status]
    reason: Reason
    message: str
    description: str
    failed: bool = False
    source: SourceWord | None = None

    @property
    def error(self) -> str:
        """For status.usefulErrorMessage."""
        return self.message if self.failed else ""


def succeeded(message: str) -> Outcome:
    statuses = {
        C.RECONCILING: F,
        C.RECONCILE_SUCCEEDED: T,
        C.RECONCILE_FAILED: F,
        C.READY: T,
    }
    return Outcome(statuses, Reason.RECONCILE_SUCCEEDED, message, "Reconcile succeeded")


def progressing(message: str) -> Outcome:
    return Outcome(dict(UNDER_WAY), Reason.PROGRESSING, message, _short(f"Reconciling: {message}"))


def values_checked(outcome: Outcome, error: Exception | None = None) -> Outcome:
    """`outcome` of an install, which also says whether its values fit the package."""
    failed = T if isinstance(error, ValuesInvalid) else F
    return replace(outcome, statuses={**outcome.statuses, C.VALUES_SCHEMA_CHECK_FAILED: failed})


def away(error: PackhouseError) -> SourceWord:
    """A source that gave no answer, whatever becomes of the object."""
    return SourceWord(F, error.reason, error.message[:MESSAGE_CHARACTERS])


def after_fetch_failed(error: Exception) -> SourceWord | None:
    """What the end of a fetch says of its sources; None where it says nothing."""
    if isinstance(error, SOURCE_ERRORS):
        return away(error)
    return AVAILABLE if isinstance(error, ANSWERED) else None


def held(reason: Reason) -> Outcome:
    """Paused or canceled: what the other conditions say is left as it is, but for what was under way."""
    word = "Paused" if reason is Reason.PAUSED else "Canceled"
    lever = "paused" if reason is Reason.PAUSED else "canceled"
    return Outcome({C.RECONCILING: F}, reason, f"spec.{lever} is set; remove it to go on", word)


def deleting(message: str) -> Outcome:
    statuses = {C.DELETING: T, C.DELETE_FAILED: F, C.READY: F}
    return Outcome(statuses, Reason.DELETING, message, _short(f"Deleting: {message}"))


def not_deleted(error: Exception) -> Outcome:
    if isinstance(error, DeletionPending):
        return deleting(error.message)
    reason, message = _words(error)
    statuses = {C.DELETING: T, C.DELETE_FAILED: T, C.READY: F}
    return Outcome(statuses, reason, message, _short(f"Delete failed: {message}"), failed=True)


def not_reconciled(error: Exception) -> Outcome:
    reason, message = _words(error)
    if isinstance(error, NOT_YET):
        return Outcome(dict(UNDER_WAY), reason, message, _short(f"Reconciling: {message}"))
    statuses = {
        C.RECONCILING: F,
        C.RECONCILE_SUCCEEDED: F,
        C.RECONCILE_FAILED: T,
        C.READY: F,
    }
    return Outcome(statuses, reason, message, _short(f"Reconcile failed: {message}"), failed=True)


def conditions(existing: Sequence[Condition], outcome: Outcome, *, generation: int, now: str) -> tuple[Condition, ...]:
    """`existing` with the outcome's; each False of an outcome carries its reason, and no message of its own."""
    merged, statuses = tuple(existing), outcome.statuses
    is_held = len(statuses) == 1
    ready = find(existing, C.READY)
    # What was under way is not any more: its words would promise what nobody does.
    if is_held and ready is not None and ready.status is U:
        statuses = {**statuses, C.RECONCILE_SUCCEEDED: U, C.READY: U}
    for kind, status in statuses.items():
        speaks = status is not F or kind is C.READY or is_held
        new = Condition(kind, status, outcome.reason, outcome.message if speaks else "", "", generation)
        merged = set_condition(merged, new, now=now)
    if outcome.source is not None:
        merged = set_condition(merged, _of_sources(existing, outcome.source, generation), now=now)
    return merged


def _of_sources(existing: Sequence[Condition], word: SourceWord, generation: int) -> Condition:
    """The same trouble keeps the words that told of it first: times and addresses in them may change with each try."""
    before = find(existing, C.SOURCE_AVAILABLE)
    told = before is not None and (before.status, before.reason) == (word.status, word.reason)
    message = before.message if before is not None and told and before.observed_generation == generation else ""
    return Condition(C.SOURCE_AVAILABLE, word.status, word.reason, message or word.message, "", generation)


def delay_after(error: Exception, failures: int, *, first: float, most: float, chance: float) -> float | None:
    """Seconds until the next try; None where only a change helps. `failures` counts this one."""
    match error:
        case Stalled():
            return None
        case Waiting():
            return error.retry_after_seconds * (1 + 0.1 * chance)
        case Failed():
            return max(error.retry_after_seconds or 0.0, backoff(failures, first=first, most=most, chance=chance))
        case _:
            return backoff(failures, first=first, most=most, chance=chance)


def _words(error: Exception) -> tuple[Reason, str]:
    if isinstance(error, PackhouseError):
        return error.reason, error.message[:MESSAGE_CHARACTERS]
    return Reason.INTERNAL_ERROR, f"a bug of packhouse ({type(error).__name__}); the operator's log has the traceback"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= DESCRIPTION_CHARACTERS else line[: DESCRIPTION_CHARACTERS - 3] + "..."
