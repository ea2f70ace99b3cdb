"""How far an install or a repository is, read from its status: in place, on its way, or not getting there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from packhouse.api.conditions import Condition, ConditionType, Reason, Status, find, read_conditions
from packhouse.api.errors import BY_REASON, Stalled
from packhouse.client.errors import ExitCode, Trouble
from packhouse.ports import Json

#: Besides what only a change mends: the operator tries these again, seldom, and nobody waits for that at a terminal.
_FINAL: Final = frozenset(
    {
        Reason.FORBIDDEN,
        Reason.ROLLOUT_FAILED,
        Reason.WAIT_TIMED_OUT,
        Reason.SOURCE_NOT_FOUND,
        Reason.NAME_UNRESOLVED,
        Reason.AUTHENTICATION_FAILED,
        Reason.TLS_FAILED,
        Reason.SIGNATURE_INVALID,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`words`: what it says of itself. `final`: no waiting helps. `heard`: the operator has taken up what is wanted.
    `lacking`: what is final are missing rights; those that were granted a moment ago may count a moment later."""

    ready: bool
    words: str
    final: bool = False
    heard: bool = True
    lacking: bool = False


def verdict(obj: Json) -> Verdict:
    metadata, status = obj["metadata"], obj.get("status") or {}
    spec = obj.get("spec") or {}
    for word, lever in (("paused", "resume it"), ("canceled", "take spec.canceled away")):
        if spec.get(word):
            return Verdict(False, f"it is {word}: nothing happens; {lever}", final=True)
    conditions = read_conditions(status.get("conditions"))
    ready = find(conditions, ConditionType.READY)
    if ready is None or ready.observed_generation < metadata.get("generation", 0):
        return Verdict(False, "the operator has not taken it up yet", heard=False)
    if ready.status is Status.TRUE:
        return Verdict(True, ready.message or "Reconcile succeeded")
    words = status.get("usefulErrorMessage") or ready.message or status.get("friendlyDescription") or ready.reason
    failed = find(conditions, ConditionType.RECONCILE_FAILED)
    return Verdict(
        False, words, final=_is_final(failed), lacking=failed is not None and failed.reason == Reason.FORBIDDEN
    )


def deletion_words(obj: Json) -> str:
    """What the operator says of its deletion; "" before it says anything."""
    status = obj.get("status") or {}
    deleting = find(read_conditions(status.get("conditions")), ConditionType.DELETING)
    if deleting is None or deleting.status is not Status.TRUE:
        return ""
    return str(status.get("usefulErrorMessage") or deleting.message)


def _is_final(failed: Condition | None) -> bool:
    if failed is None or failed.status is not Status.TRUE:
        return False
    kind = BY_REASON.get(failed.reason)
    return kind is not None and (issubclass(kind, Stalled) or failed.reason in _FINAL)


def not_ready(what: str, words: str, look: str) -> Trouble:
    """`look`: the command that tells more."""
    first, newline, rest = words.partition("\n")
    said, semicolon, lever = first.rpartition("; ")
    happened = f"{what}: {said if semicolon else first}"
    help_lines = ([lever + newline + rest] if semicolon else ([rest] if rest else [])) + [look]
    return Trouble(happened, "\n       ".join(help_lines), ExitCode.NOT_READY)
