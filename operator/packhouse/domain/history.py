"""The history of an install: its last roll-outs, and how each ended. Pure; kept in status by reconcile/report.py.

A roll-out is a version with what was rendered of it. Whatever is reported of the same one belongs to its entry: a
repair, a failure that is tried again, the success in the end. The newest stands first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from packhouse.api.conditions import Reason
from packhouse.api.errors import BY_REASON, PackhouseError, Stalled
from packhouse.ports import Json

MOST: Final = 10
MESSAGE_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one report says. `digest`: of what was rendered, "" where it did not come to that or nothing was rendered
    anew; `ended`: it succeeded or failed, and is not under way; times in RFC 3339."""

    package: str
    version: str
    digest: str
    reason: str
    message: str
    succeeded: bool
    ended: bool
    changed: int
    started: str
    now: str


def noted(history: object, attempt: Attempt) -> list[Json]:
    """The history with the attempt in it."""
    entries = [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []
    if not entries or not _is_same(entries[0], attempt):
        if attempt.succeeded and not attempt.digest:  # nothing was rolled out
            return entries
        return [_entry({"startedAt": attempt.started}, attempt), *entries][:MOST]
    is_over = entries[0].get("reason") == Reason.RECONCILE_SUCCEEDED  # what comes after that is no roll-out: a repair
    if is_over or (entries[0].get("reason") == attempt.reason and "finishedAt" in entries[0]):
        return entries
    return [_entry(entries[0], attempt), *entries[1:]]


def _is_same(entry: Json, attempt: Attempt) -> bool:
    if entry.get("version") != attempt.version:
        return False
    digest = entry.get("digest", "")
    # What only a change mends was brought by one: other values, most often, that gave no objects.
    if digest and not attempt.digest and _is_stalled(attempt):
        return False
    # What failed before it was rendered has none yet; what is reported without one renders nothing new.
    return not digest or not attempt.digest or bool(digest == attempt.digest)


def _is_stalled(attempt: Attempt) -> bool:
    return issubclass(BY_REASON.get(attempt.reason, PackhouseError), Stalled)


def _entry(before: Json, attempt: Attempt) -> Json:
    digest = attempt.digest or before.get("digest", "")
    entry = {
        "version": attempt.version,
        "package": attempt.package,
        "digest": digest,
        "startedAt": before["startedAt"],
        "finishedAt": attempt.now if attempt.ended else "",
        "reason": attempt.reason,
        "message": _short(attempt.message),
    }
    changed = attempt.changed or before.get("changed", 0)
    return {key: value for key, value in entry.items() if value} | {"changed": changed}


def _short(message: str) -> str:
    line = message.partition("\n")[0]
    return line if len(line) <= MESSAGE_CHARACTERS else f"{line[: MESSAGE_CHARACTERS - 3]}..."
