"""How an install is, in a few words, read from what it says of itself. Pure."""

from __future__ import annotations

from packhouse.api.conditions import ConditionType, Reason, Status, find
from packhouse.api.views import InstalledPackage

C = ConditionType


def is_ready(install: InstalledPackage) -> bool:
    """Whether all is in place as it is wanted now. What is held is as it was left."""
    ready = find(install.conditions, C.READY)
    return ready is not None and ready.status is Status.TRUE and is_seen(install) and not install.meta.deleting


def is_seen(install: InstalledPackage) -> bool:
    """Whether the operator has taken up what is wanted now."""
    return bool(install.status.get("observedGeneration", 0) >= install.meta.generation and install.conditions)


def state(install: InstalledPackage) -> str:
    """The same words for installs that are alike: "Reconcile failed: ValuesInvalid"."""
    deletion, failure = (find(install.conditions, kind) for kind in (C.DELETE_FAILED, C.RECONCILE_FAILED))
    if install.meta.deleting:
        stuck = deletion is not None and deletion.status is Status.TRUE
        return f"Delete failed: {deletion.reason}" if stuck and deletion is not None else "Deleting"
    if install.paused or install.canceled:
        return "Paused" if install.paused else "Canceled"
    if not is_seen(install):
        return "Changed, not looked at yet" if install.conditions else "Not looked at yet"
    if failure is not None and failure.status is Status.TRUE:
        return f"Reconcile failed: {failure.reason}"
    if not is_ready(install):
        ready = find(install.conditions, C.READY)
        why = ready.reason if ready is not None else ""
        return f"Reconciling: {why}" if why and why != Reason.PROGRESSING else "Reconciling"
    return "Reconcile succeeded, source away" if trouble_of_sources(install) else "Reconcile succeeded"


def words(install: InstalledPackage) -> str:
    """All that is said of how it is, with where and what helps; "" where nothing is."""
    kinds = (C.DELETING, C.READY) if install.meta.deleting else (C.READY,)
    told = [one for kind in kinds if (one := find(install.conditions, kind)) is not None and one.message]
    message = told[0].message if told else ""
    return str(install.status.get("usefulErrorMessage") or message)


def trouble_of_sources(install: InstalledPackage) -> str:
    """Why sources of the package gave no answer; "" where they did, or were not asked."""
    found = find(install.conditions, C.SOURCE_AVAILABLE)
    if found is None or found.status is not Status.FALSE:
        return ""
    return found.message or found.reason


def failed_stage(install: InstalledPackage) -> str:
    """fetch, template or deploy; "" where none of them failed."""
    stages = ("fetch", "template", "deploy")
    return next((stage for stage in stages if (install.status.get(stage) or {}).get("error")), "")
