"""Kinds of Kubernetes that run no pods, and those of this operator: when each is as it should be."""

from __future__ import annotations

from typing import Final

from packhouse.api.conditions import ConditionType, Reason
from packhouse.api.errors import BY_REASON, Stalled
from packhouse.domain.readiness.reading import conditions, maps, section, text, unobserved
from packhouse.domain.readiness.verdict import Readiness, failed, ready, waiting
from packhouse.ports import Json

PROVISIONERS: Final = ("volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner")

#: What stalls one of our own objects, and another object of the same package may mend.
MENDED_BY_OTHERS: Final = frozenset({Reason.PACKAGE_NOT_FOUND, Reason.NO_MATCHING_VERSION, Reason.VALUES_MISSING})


def namespace(obj: Json) -> Readiness:
    phase = text(section(obj, "status"), "phase")
    return ready("it is active") if phase == "Active" else waiting(f"its phase is {phase or 'not known yet'}")


def service(obj: Json) -> Readiness:
    spec = section(obj, "spec")
    # Only a load balancer is made by somebody who takes time; external IPs need none.
    if text(spec, "type") != "LoadBalancer" or spec.get("externalIPs"):
        return ready("it exists")
    if not maps(section(obj, "status", "loadBalancer"), "ingress"):
        return waiting("its load balancer has no address yet")
    return ready("its load balancer has an address")


def persistent_volume_claim(obj: Json) -> Readiness:
    """A claim that nobody works on is as ready as it will be: its class may wait for the first pod that uses it, which
    may never come (that of a CronJob, of another package). A pod that needs it is waited for itself, and says so."""
    phase = text(section(obj, "status"), "phase")
    if phase == "Bound":
        return ready("it is bound")
    if phase == "Lost":
        return failed("the volume it was bound to is gone")
    annotations = section(obj, "metadata", "annotations")
    provisioner = next((text(annotations, name) for name in PROVISIONERS if name in annotations), "")
    if provisioner:
        return waiting(f"{provisioner} has not made its volume yet")
    return ready("it is bound once a pod uses it")


def persistent_volume(obj: Json) -> Readiness:
    status = section(obj, "status")
    match text(status, "phase"):
        case "Failed":
            return failed(f"its volume cannot be reclaimed ({text(status, 'message') or 'no reason given'})")
        case "Available" | "Bound" | "Released" as phase:
            return ready(f"it is {phase.lower()}")
        case phase:
            return waiting(f"its phase is {phase or 'not known yet'}")


def custom_resource_definition(obj: Json) -> Readiness:
    found = conditions(obj)
    names, established = found.get("NamesAccepted"), found.get("Established")
    if names is not None and names.status == "False":
        return failed(f"its names are not accepted ({names.why})")
    if established is not None and established.status == "True":
        return ready("it is established")
    return waiting("it is not established yet")


def api_service(obj: Json) -> Readiness:
    available = conditions(obj).get("Available")
    if available is None:
        return waiting("nobody has looked yet whether it is available")
    if available.status == "True":
        return ready("it is available")
    return waiting(f"it is not available ({available.why})")


def pod_disruption_budget(obj: Json) -> Readiness:
    allowed = conditions(obj).get("DisruptionAllowed")
    # Its controller cannot count the pods it selects, which is no fault of the install, and then observes nothing.
    if allowed is not None and allowed.reason == "SyncFailed":
        return ready(f"its pods cannot be counted ({allowed.why})")
    return unobserved(obj, required=True) or ready("its disruptions are counted")


def ours(obj: Json) -> Readiness:
    """InstalledPackage and PackageRepository."""
    spec, found = section(obj, "spec"), conditions(obj)
    for lever in ("paused", "canceled"):
        if spec.get(lever) is True:
            return ready(f"spec.{lever} is set")
    current = {kind: condition for kind, condition in found.items() if not condition.is_stale(obj)}
    failure = current.get(ConditionType.RECONCILE_FAILED)
    if failure is not None and failure.status == "True":
        error = BY_REASON.get(failure.reason)
        if error is not None and issubclass(error, Stalled) and failure.reason not in MENDED_BY_OTHERS:
            return failed(f"it cannot be reconciled ({failure.why})")
        return waiting(f"it could not be reconciled yet ({failure.why})")
    success = current.get(ConditionType.RECONCILE_SUCCEEDED)
    if success is not None and success.status == "True":
        return ready("it is reconciled")
    progress = current.get(ConditionType.RECONCILING)
    return waiting(f"it is being reconciled ({progress.why})" if progress is not None else "it is not reconciled yet")


#: Conditions of custom resources: at work, beyond hope, and asked for (the first that is there decides).
AT_WORK: Final = ("Reconciling",)
HOPELESS: Final = ("Stalled", "Failed", "ReconcileFailed")
ASKED_FOR: Final = ("Ready", "ReconcileSucceeded", "Available")


def custom(obj: Json) -> Readiness:
    """Any other kind, by the conditions that most controllers use. One that says nothing is ready: most kinds never
    say anything, and to wait for them would be to wait for ever."""
    if (pending := unobserved(obj, required=False)) is not None:
        return pending
    found = conditions(obj)
    current = {kind: condition for kind, condition in found.items() if not condition.is_stale(obj)}
    for kind in AT_WORK:
        if kind in current and current[kind].status == "True":
            return waiting(f"it is being reconciled ({current[kind].why})")
    for kind in HOPELESS:
        if kind in current and current[kind].status == "True":
            return failed(f"its condition {kind} is True ({current[kind].why})")
    asked = next((found[kind] for kind in ASKED_FOR if kind in found), None)
    if asked is None:
        return ready("it exists")
    if asked.is_stale(obj):
        return waiting(f"its condition {asked.type} is of generation {asked.generation} still")
    if asked.status == "True":
        return ready(f"its condition {asked.type} is True")
    return waiting(f"its condition {asked.type} is {asked.status or 'not known'} ({asked.why})")
