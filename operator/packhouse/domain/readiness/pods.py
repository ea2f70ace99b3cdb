"""What a person needs to know of a workload's pods: which one is in trouble, why, and whether that will pass.

A pod is read into a Note, which is all that a waiting install remembers of it. Time is handed in. Called by
deploy/wait.py with the pods of one workload, and by workloads.py for a pod of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

from packhouse.domain.readiness.reading import Condition, conditions, line, maps, number, section, text
from packhouse.ports import Json

#: What a pod template says wrongly, or a registry does not have. It rarely passes by itself.
UNSTARTABLE: Final = frozenset(
    {
        "CreateContainerConfigError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
    }
)
#: How controllers mark the pods of one revision.
REVISION_LABELS: Final = ("pod-template-hash", "controller-revision-hash")


class Sort(IntEnum):
    """Kinds of trouble, the most telling first."""

    UNSTARTABLE = 0
    CRASHING = 1
    UNSCHEDULABLE = 2
    FAILED = 3
    SLOW = 4
    NONE = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """When trouble counts as failure, and when slowness is worth a word."""

    grace_seconds: float = 120.0  # that a container cannot be started
    crashes: int | None = 5  # restarts of a container that crashes again and again; None: never
    quiet_seconds: float = 10.0  # that a pod may take to start without a word


@dataclass(frozen=True, slots=True)
class Note:
    """What is remembered of one pod. `since`: how long the trouble has lasted, as far as the pod says."""

    name: str
    created: str
    revision: str
    sort: Sort = Sort.NONE
    words: str = ""
    since: datetime | None = None
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """`message`: "pod web-abc: ImagePullBackOff: ...". `hopeless`: it has lasted too long to pass by itself."""

    message: str
    since: datetime | None
    hopeless: bool


def trouble(pods: Sequence[Json], now: datetime, limits: Limits | None = None) -> Trouble | None:
    """The trouble of these pods that explains most; None where none is in trouble."""
    return worst([note(pod) for pod in pods], now, limits or Limits())


def worst(notes: Iterable[Note], now: datetime, limits: Limits) -> Trouble | None:
    """Pods of the newest revision come first, and only they can be hopeless: those of an older one are on their way
    out, and what is wrong with them may be what the newest mends."""
    found = list(notes)
    newest = max(found, key=lambda one: one.created, default=None)
    if newest is None:
        return None
    telling = [one for one in found if _tells(one, now, limits)]
    if not telling:
        return None
    first = min(telling, key=lambda one: (one.revision != newest.revision, one.sort, one.name))
    hopeless = first.revision == newest.revision and _is_hopeless(first, now, limits)
    return Trouble(f"pod {first.name}: {first.words}", first.since, hopeless)


def begun(before: Note | None, after: Note, now: datetime) -> Note:
    """`after`, with the time its trouble began where `before` saw the same pod without it: a pod that took long to
    pull its image has not been in trouble all that time."""
    if after.sort is not Sort.UNSTARTABLE or before is None:
        return after
    return replace(after, since=before.since if before.sort is Sort.UNSTARTABLE else now)


def note(pod: Json) -> Note:
    """A pod that is being deleted, or has done its work, is in no trouble."""
    metadata, status, found = section(pod, "metadata"), section(pod, "status"), conditions(pod)
    labels = section(metadata, "labels")
    plain = Note(
        text(metadata, "name"),
        text(metadata, "creationTimestamp"),
        next((text(labels, label) for label in REVISION_LABELS if label in labels), ""),
    )
    if metadata.get("deletionTimestamp") or text(status, "phase") == "Succeeded":
        return plain
    if text(status, "phase") == "Failed":
        words = ": ".join(part for part in (text(status, "reason"), text(status, "message")) if part) or _ended(status)
        return replace(plain, sort=Sort.FAILED, words=line(words or "it has failed"))
    containers = [*maps(status, "initContainerStatuses"), *maps(status, "containerStatuses")]
    if (stuck := _stuck(pod, plain, containers)) is not None:
        return stuck
    scheduled = found.get("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        return replace(plain, sort=Sort.UNSCHEDULABLE, words=scheduled.why, since=_time_of(pod, "PodScheduled"))
    return _slow(pod, plain, containers, found.get("Ready"))


def _stuck(pod: Json, plain: Note, containers: Sequence[Json]) -> Note | None:
    """A container that cannot be started, or crashes."""
    for container in containers:
        waiting = section(container, "state", "waiting")
        reason, restarts = text(waiting, "reason"), number(container, "restartCount")
        if reason in UNSTARTABLE:
            words = line(": ".join(part for part in (reason, text(waiting, "message")) if part))
            since = _time_of(pod, "ContainersReady") or _time(text(section(pod, "status"), "startTime"))
            return replace(plain, sort=Sort.UNSTARTABLE, words=words, since=since)
        if reason == "CrashLoopBackOff":
            words = f"{reason}: container {text(container, 'name')} was started {restarts + 1} times{_last(container)}"
            return replace(plain, sort=Sort.CRASHING, words=line(words), restarts=restarts)
    return None


def _slow(pod: Json, plain: Note, containers: Sequence[Json], is_ready: Condition | None) -> Note:
    """A pod that is not ready, and nothing says that it will not be."""
    if is_ready is None or is_ready.status == "True":
        return plain
    late = next((one for one in containers if one.get("ready") is not True and not _is_done(one)), None)
    words = _late(late) if late is not None else is_ready.why
    return replace(plain, sort=Sort.SLOW, words=line(words), since=_time_of(pod, "Ready"))


def _late(container: Json) -> str:
    name, waiting = text(container, "name"), section(container, "state", "waiting")
    if waiting:
        why = ": ".join(part for part in (text(waiting, "reason"), text(waiting, "message")) if part)
        return f"container {name} is not running yet ({why or 'no reason given'})"
    if section(container, "state", "terminated"):
        return f"container {name} has ended{_last(container, 'state')}"
    return f"container {name} runs and is not ready{_last(container)}"


def _is_done(container: Json) -> bool:
    """An init container that has ended well."""
    ended = section(container, "state", "terminated")
    return bool(ended) and number(ended, "exitCode") == 0


def _last(container: Json, state: str = "lastState") -> str:
    """How the last run ended. Its message is left out: a program writes it, and may write anything."""
    ended = section(container, state, "terminated")
    if not ended:
        return ""
    return f", the last run ended with {text(ended, 'reason') or 'Error'} (exit code {number(ended, 'exitCode')})"


def _ended(status: Json) -> str:
    """The container that made a pod fail."""
    for container in [*maps(status, "initContainerStatuses"), *maps(status, "containerStatuses")]:
        ended = section(container, "state", "terminated")
        if ended and number(ended, "exitCode") != 0:
            reason = text(ended, "reason") or "Error"
            return f"container {text(container, 'name')} ended with {reason} (exit code {number(ended, 'exitCode')})"
    return ""


def _tells(one: Note, now: datetime, limits: Limits) -> bool:
    if one.sort is Sort.SLOW:
        return one.since is not None and (now - one.since).total_seconds() >= limits.quiet_seconds
    return one.sort is not Sort.NONE


def _is_hopeless(one: Note, now: datetime, limits: Limits) -> bool:
    if one.sort is Sort.UNSTARTABLE:
        return one.since is not None and (now - one.since).total_seconds() >= limits.grace_seconds
    return one.sort is Sort.CRASHING and limits.crashes is not None and one.restarts >= limits.crashes


def _time_of(pod: Json, condition: str) -> datetime | None:
    """When a condition last changed."""
    found = (one for one in maps(section(pod, "status"), "conditions") if one.get("type") == condition)
    return next((_time(text(one, "lastTransitionTime")) for one in found), None)


def _time(rfc3339: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(rfc3339)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
