"""Report: the only writer of status, and of Events. One server-side apply where something differs, nothing where not.

Times and counters move only together with another change, so an object at rest is not written at every sync period.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from packhouse.api.conditions import Condition, ConditionType, find, read_conditions
from packhouse.api.errors import ClusterUnavailable, NamespaceTerminating, PackhouseError
from packhouse.api.names import INSTALL_API, INSTALLED_PACKAGE, STATUS_MANAGER
from packhouse.api.views import Meta
from packhouse.domain.history import Attempt, noted
from packhouse.ports import Cluster, Json
from packhouse.reconcile.outcome import Outcome, conditions

log = logging.getLogger(__name__)

STANZAS: Final = ("fetch", "template", "deploy")
TIMES: Final = frozenset({"startedAt", "updatedAt", "lastTransitionTime"})
COUNTERS: Final = frozenset({"consecutiveReconcileSuccesses", "consecutiveReconcileFailures"})
#: Counts of the deploy stanza that are changes in the cluster.
CHANGING: Final = ("created", "configured", "replaced", "deleted")
NOTE_CHARACTERS: Final = 1024
#: Events of cluster-scoped objects live where Kubernetes' own controllers put them.
CLUSTER_EVENTS_NAMESPACE: Final = "default"

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Subject:
    """The object whose status is written, and what that was."""

    kind: str
    meta: Meta
    status: Json


class Reporter:
    """Writes status and Events as the operator."""

    def __init__(self, cluster: Cluster, *, keep: Callable[[str, Json], None], clock: Clock = utc_now) -> None:
        """`keep(kind, object)` is handed what the API server answered, so that the stores know it at once."""
        self._cluster = cluster
        self._keep = keep
        self._clock = clock

    async def report(self, subject: Subject, outcome: Outcome, fields: Mapping[str, Any], *, started: datetime) -> Json:
        """The new status, written where it differs; `fields` replace those of the same name, None takes one away."""
        now = _rfc3339(self._clock())
        status = merged(subject, outcome, fields, now=now)
        if _lasting(status) == _lasting(_ours(subject.status)):
            return subject.status
        _stamp(status, subject.status, outcome, started=_rfc3339(started), now=now)
        if (
            subject.kind == INSTALLED_PACKAGE
            and (attempt := _attempt(status, fields, outcome, started, now)) is not None
        ):
            status["history"] = noted(status.get("history"), attempt)
        metadata = {"name": subject.meta.name, "uid": subject.meta.uid}
        if subject.meta.namespace:
            metadata["namespace"] = subject.meta.namespace
        body = {"apiVersion": INSTALL_API, "kind": subject.kind, "metadata": metadata, "status": status}
        answer = await self._cluster.apply(body, manager=STATUS_MANAGER, subresource="status")
        self._keep(subject.kind, answer)
        before, after = read_conditions(subject.status.get("conditions")), read_conditions(status["conditions"])
        if _is_news(before, after, outcome):
            await self._tell(subject, outcome)
        if (news := _of_sources(before, after, outcome)) is not None:
            await self._tell(subject, news)
        return status

    async def announce(self, subject: Subject, namespace: str, *, reason: str, note: str, warning: bool) -> None:
        """An Event on `subject` in another namespace, which outlives it. The same words are told once.

        Raises ClusterUnavailable, so that they are told later.
        """
        event = self._event(subject, namespace, reason, note, warning=warning, serial=f"{reason}{note}")
        try:
            await self._cluster.create(event)
        except ClusterUnavailable:
            raise
        except PackhouseError as error:
            log.warning("no event for %s %s: %s", subject.kind, subject.meta.name, error.message)

    async def is_ending(self, subject: Subject) -> bool:
        """Whether the namespace of `subject` is being deleted: it would then take no Event. Nothing is written."""
        try:
            await self._tried(subject, subject.meta.namespace)
        except NamespaceTerminating:
            return True
        except PackhouseError:  # nothing is known; it is asked again at the next look
            return False
        return False

    async def exists(self, subject: Subject, namespace: str) -> bool:
        """Whether a namespace does: one that is not there has no place for an Event. Nothing is written."""
        try:
            return await self._tried(subject, namespace) is not None
        except PackhouseError:  # it is there, or nothing is known
            return True

    async def _tried(self, subject: Subject, namespace: str) -> Json | None:
        """An Event on trial: who may tell of everything can ask so what no right of his says."""
        event = self._event(subject, namespace, "Deleting", "", warning=False, serial="trial")
        return await self._cluster.create(event, dry_run=True)

    async def _tell(self, subject: Subject, outcome: Outcome) -> None:
        namespace = subject.meta.namespace or CLUSTER_EVENTS_NAMESPACE
        serial = f"{self._clock().isoformat()}{outcome.reason}"
        event = self._event(
            subject, namespace, str(outcome.reason), outcome.message, warning=outcome.failed, serial=serial
        )
        try:
            await self._cluster.create(event)
        except NamespaceTerminating:  # it takes no Events any more, and nobody will look for them
            pass
        except PackhouseError as error:  # an Event is a courtesy: status has said the same already
            log.warning("no event for %s %s: %s", subject.kind, subject.meta.name, error.message)

    def _event(self, subject: Subject, namespace: str, reason: str, note: str, *, warning: bool, serial: str) -> Json:
        """`serial`, with the subject's uid, makes its name: of two with the same one, the second is refused."""
        meta = subject.meta
        name = hashlib.sha256(f"{meta.uid}{serial}".encode()).hexdigest()[:16]
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{meta.name[:200]}.{name}", "namespace": namespace},
            "eventTime": self._clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingController": "packhouse",
            "reportingInstance": "packhouse",
            "action": "Reconcile",
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "note": note if len(note) <= NOTE_CHARACTERS else f"{note[: NOTE_CHARACTERS - 3]}...",
            "regarding": {
                "apiVersion": INSTALL_API,
                "kind": subject.kind,
                "name": meta.name,
                "namespace": meta.namespace,
                "uid": meta.uid,
            },
        }


def merged(subject: Subject, outcome: Outcome, fields: Mapping[str, Any], *, now: str) -> Json:
    """The whole status after `outcome`, times and counters as they were."""
    status = {**subject.status, **fields}
    before = read_conditions(subject.status.get("conditions"))
    after = conditions(before, outcome, generation=subject.meta.generation, now=now)
    status |= {
        "observedGeneration": subject.meta.generation,
        "conditions": [condition.to_wire() for condition in after],
        "friendlyDescription": outcome.description,
        "usefulErrorMessage": outcome.error or None,
    }
    return {name: value for name, value in status.items() if value is not None}


def _stamp(status: Json, before: Json, outcome: Outcome, *, started: str, now: str) -> None:
    for name in STANZAS:
        stanza, old = status.get(name), before.get(name) or {}
        if stanza is not None and _lasting(stanza) != _lasting(old):
            status[name] = {**stanza, "startedAt": started, "updatedAt": now}
        elif stanza is not None:
            status[name] = old
    # What the outcome itself says: under a pause or a deletion the success of long ago still stands in the conditions.
    if outcome.failed:
        status["consecutiveReconcileFailures"] = before.get("consecutiveReconcileFailures", 0) + 1
        status["consecutiveReconcileSuccesses"] = 0
    elif outcome.statuses.get(ConditionType.RECONCILE_SUCCEEDED) == "True":
        status["consecutiveReconcileSuccesses"] = before.get("consecutiveReconcileSuccesses", 0) + 1
        status["consecutiveReconcileFailures"] = 0


def _attempt(status: Json, fields: Mapping[str, Any], outcome: Outcome, started: datetime, now: str) -> Attempt | None:
    """What the history is told; None for a pause, a deletion, and where no version was chosen."""
    succeeded = outcome.statuses.get(ConditionType.RECONCILE_SUCCEEDED) == "True"
    if ConditionType.RECONCILING not in outcome.statuses or "lastAttemptedVersion" not in fields:
        return None
    template, deploy = fields.get("template") or {}, fields.get("deploy") or {}
    return Attempt(
        package=(status.get("packageRef") or {}).get("name", ""),
        version=status["lastAttemptedVersion"],
        digest="" if "error" in template else template.get("digest", ""),  # beside an error it is an older one
        reason=str(outcome.reason),
        message=outcome.message,
        succeeded=succeeded,
        ended=succeeded or outcome.failed,
        changed=sum(deploy.get(count, 0) for count in CHANGING),
        started=_rfc3339(started),
        now=now,
    )


def _ours(status: Json) -> Json:
    """`status` without the conditions of others, which a write of ours leaves as they are."""
    if "conditions" not in status:
        return status
    return {**status, "conditions": [condition.to_wire() for condition in read_conditions(status["conditions"])]}


def _lasting(value: Any) -> Any:
    """`value` without times and counters."""
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if key not in TIMES and key not in COUNTERS}
    if isinstance(value, list):
        return [_lasting(item) for item in value]
    return value


def _is_news(before: Sequence[Condition], after: Sequence[Condition], outcome: Outcome) -> bool:
    """Whether the outcome is another one than before: Ready or deletion says something else now."""
    if outcome.statuses.get(ConditionType.RECONCILING) == "True":
        return False
    return any(
        (old := find(before, kind)) is None
        or (old.status, old.reason, old.message) != (new.status, new.reason, new.message)
        for kind in outcome.statuses
        if (new := find(after, kind)) is not None
    )


def _of_sources(before: Sequence[Condition], after: Sequence[Condition], outcome: Outcome) -> Outcome | None:
    """What an Event says of sources that went away or came back, where the outcome itself does not say it."""
    old, new = find(before, ConditionType.SOURCE_AVAILABLE), find(after, ConditionType.SOURCE_AVAILABLE)
    if outcome.source is None or new is None or outcome.failed:
        return None
    was_away = old is not None and old.status == "False"
    if new.status == "False" and (not was_away or old is None or old.reason != new.reason):
        words = f"{outcome.source.message}; nothing new is needed of it, and what is there goes on"
        return replace(outcome, reason=outcome.source.reason, message=words, failed=True)
    if new.status == "True" and was_away:
        return replace(outcome, reason=outcome.source.reason, message="the sources answer again")
    return None


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
