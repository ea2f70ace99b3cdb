"""Kinds that run pods: when their rollout is done, and which pods can say why it is not.

The numbers count for an object only once its controller has seen the newest spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from packhouse.domain.readiness.pods import note
from packhouse.domain.readiness.reading import conditions, number, section, text, unobserved
from packhouse.domain.readiness.verdict import Readiness, failed, ready, waiting
from packhouse.ports import Json


def deployment(obj: Json) -> Readiness:
    if (pending := unobserved(obj, required=True)) is not None:
        return pending
    spec, status = section(obj, "spec"), section(obj, "status")
    # Whoever paused it asked for no rollout, so there is none to wait for.
    if spec.get("paused") is True:
        return ready("it is paused")
    progressing = conditions(obj).get("Progressing")
    if progressing is not None and progressing.reason == "ProgressDeadlineExceeded":
        return failed(f"its rollout came to a halt ({progressing.why})")
    wanted = number(spec, "replicas", 1)
    updated, available = number(status, "updatedReplicas"), number(status, "availableReplicas")
    if updated < wanted:
        return waiting(f"{_of(updated, wanted, 'updated')}{_refused(obj)}")
    if (old := number(status, "replicas") - updated) > 0:
        return waiting(f"{old} old {_replicas(old)} still there")
    if (extra := updated - wanted) > 0:
        return waiting(f"{extra} {_replicas(extra)} still there that should go")
    if available < wanted:
        return waiting(f"{_of(available, wanted, 'available')}{_refused(obj)}")
    return ready(_of(available, wanted, "available"))


def stateful_set(obj: Json) -> Readiness:
    if (pending := unobserved(obj, required=True)) is not None:
        return pending
    spec, status = section(obj, "spec"), section(obj, "status")
    wanted = number(spec, "replicas", 1)
    available = number(status, "availableReplicas" if "availableReplicas" in status else "readyReplicas")
    updated = number(status, "updatedReplicas")
    one_revision = text(status, "currentRevision") == text(status, "updateRevision")
    partition = number(section(spec, "updateStrategy", "rollingUpdate"), "partition")
    # With OnDelete somebody else deletes the pods, when they see fit; pods of the old revision are as good.
    by_hand = text(section(spec, "updateStrategy"), "type") == "OnDelete"
    # A partition keeps the pods with lower numbers at the old revision, for as long as it stands.
    to_update = max(wanted - partition, 0)
    if not by_hand and not one_revision and updated < to_update:
        return waiting(_of(updated, to_update, "updated"))
    if available < wanted:
        return waiting(_of(available, wanted, "available"))
    if (extra := number(status, "replicas") - wanted) > 0:
        return waiting(f"{extra} {_replicas(extra)} still there that should go")
    if not by_hand and not one_revision and not partition:
        return waiting("its controller has not finished the rollout yet")
    return ready(_of(available, wanted, "available"))


def daemon_set(obj: Json) -> Readiness:
    if (pending := unobserved(obj, required=True)) is not None:
        return pending
    spec, status = section(obj, "spec"), section(obj, "status")
    wanted, available = number(status, "desiredNumberScheduled"), number(status, "numberAvailable")
    updated = number(status, "updatedNumberScheduled")
    by_hand = text(section(spec, "updateStrategy"), "type") == "OnDelete"
    if not by_hand and updated < wanted:
        return waiting(f"{_of(updated, wanted, 'updated', 'pods')}")
    if available < wanted:
        return waiting(f"{_of(available, wanted, 'available', 'pods')}")
    return ready(_of(available, wanted, "available", "pods"))


def replica_set(obj: Json) -> Readiness:
    """ReplicationController speaks the same words."""
    if (pending := unobserved(obj, required=True)) is not None:
        return pending
    wanted, status = number(section(obj, "spec"), "replicas", 1), section(obj, "status")
    available = number(status, "availableReplicas")
    if available < wanted:
        return waiting(f"{_of(available, wanted, 'available')}{_refused(obj)}")
    if (extra := number(status, "replicas") - wanted) > 0:
        return waiting(f"{extra} {_replicas(extra)} still there that should go")
    return ready(_of(available, wanted, "available"))


def pod(obj: Json) -> Readiness:
    status = section(obj, "status")
    phase, is_ready = text(status, "phase"), conditions(obj).get("Ready")
    words = note(obj).words
    if phase == "Succeeded":
        return ready("it has succeeded")
    # Nothing starts a pod anew that nobody controls.
    if phase == "Failed":
        return failed(words or "it has failed")
    if is_ready is not None and is_ready.status == "True":
        return ready("it is ready")
    return waiting(words or f"it is {phase.lower() or 'not seen by a scheduler'} and not ready yet")


def job(obj: Json) -> Readiness:
    """Done is done: a Job that runs is waited for, as kapp does."""
    spec, status, found = section(obj, "spec"), section(obj, "status"), conditions(obj)
    # FailureTarget comes first, while the pods that still run are ended.
    for kind in ("Failed", "FailureTarget"):
        if (condition := found.get(kind)) is not None and condition.status == "True":
            return failed(f"it has failed ({condition.why})")
    if (complete := found.get("Complete")) is not None and complete.status == "True":
        return ready("it is complete")
    # Whoever suspended it asked for no run, so there is none to wait for.
    if spec.get("suspend") is True:
        return ready("it is suspended")
    wanted = number(spec, "completions", 1)
    pods = ", ".join(f"{number(status, key)} {key}" for key in ("active", "failed") if number(status, key))
    done = f"{number(status, 'succeeded')} of {wanted} completions are done"
    return waiting(f"{done} (pods: {pods})" if pods else done)


@dataclass(frozen=True, slots=True)
class PodsOf:
    """Where to find the pods that say why a workload is not ready, and what may be read from them.

    `fresh`: pods of the newest revision exist, so the newest pods are the ones that count. `crashes_count`: restarts
    without end mean failure; a Job counts them itself.
    """

    selector: str
    fresh: bool
    crashes_count: bool


#: What counts the pods of the newest revision; "" where a workload has but one.
_FRESH: Final[Mapping[str, str]] = {
    "Deployment": "updatedReplicas",
    "StatefulSet": "updatedReplicas",
    "DaemonSet": "updatedNumberScheduled",
    "ReplicaSet": "",
    "ReplicationController": "",
    "Job": "",
}


def pods_of(obj: Json) -> PodsOf | None:
    """None where it is no workload, or selects by something else than labels alone."""
    if text(obj, "kind") not in _FRESH or text(obj, "apiVersion") not in ("apps/v1", "batch/v1", "v1"):
        return None
    selector = section(obj, "spec", "selector")
    labels = selector if obj["kind"] == "ReplicationController" else section(selector, "matchLabels")
    if not labels or "matchExpressions" in selector:
        return None
    counted = _FRESH[obj["kind"]]
    fresh = not counted or number(section(obj, "status"), counted) > 0
    return PodsOf(
        ",".join(f"{key}={value}" for key, value in labels.items()),
        fresh and unobserved(obj, required=False) is None,
        obj["kind"] != "Job",
    )


def _of(count: int, wanted: int, how: str, what: str = "replicas") -> str:
    return f"{count} of {wanted} {what} are {how}"


def _replicas(count: int) -> str:
    return "replica is" if count == 1 else "replicas are"


def _refused(obj: Json) -> str:
    """Why pods or replica sets are not made, in brackets: quota, admission ..."""
    found = conditions(obj)
    failure, progressing = found.get("ReplicaFailure"), found.get("Progressing")
    if failure is not None and failure.status == "True":
        return f" ({failure.why})"
    if progressing is not None and progressing.status == "False":
        return f" ({progressing.why})"
    return ""
