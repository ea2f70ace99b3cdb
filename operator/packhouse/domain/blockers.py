"""What holds an object that should be gone, in words: finalizers and who put them there, a refusal, a silent API.

Pure; called by deploy/remove.py and reconcile/removal.py. Nothing is decided by these words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from packhouse.api.errors import ClusterUnavailable, NamespaceTerminating, PackhouseError, ServiceAccountMissing
from packhouse.api.names import FINALIZER
from packhouse.ports import Json, Ref

MOST_NAMED: Final = 5

#: Finalizers of Kubernetes' own, and what each waits for: their field manager is whoever made the object.
KNOWN: Final = {
    "foregroundDeletion": "it waits for the objects that this one owns",
    "orphan": "the garbage collector takes it off",
    "kubernetes.io/pvc-protection": "it waits for the Pods that use the claim",
    "kubernetes.io/pv-protection": "it waits for the claim that is bound to the volume",
    "customresourcecleanup.apiextensions.k8s.io": "it waits for the objects of this kind",
    "service.kubernetes.io/load-balancer-cleanup": "it waits for the load balancer outside of the cluster",
    FINALIZER: "it waits for what packhouse deletes",
}

#: Conditions by which a namespace says why it is still there.
EMPTYING: Final = (
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceContentRemaining",
    "NamespaceFinalizersRemaining",
)


@dataclass(frozen=True, slots=True)
class Survivor:
    """An object that should be gone and is not, or of which nobody can tell. `words` name it and say why; `error`: what
    its deletion met."""

    ref: Ref
    words: str
    error: PackhouseError | None = None

    def __str__(self) -> str:
        return self.words


def held(ref: Ref, found: Json | None) -> Survivor:
    """An object that was deleted and is not gone; `found` is what was seen of it last."""
    return Survivor(ref, f"{ref} {holds(found) if found is not None else 'is not gone yet'}")


def refused(ref: Ref, error: PackhouseError) -> Survivor:
    """An object whose deletion met an error: a missing account or right, a webhook, an API that does not answer."""
    if isinstance(error, ClusterUnavailable):
        api = ref.kind.api_version
        return Survivor(ref, f"{ref}: nobody answers for {api}, its APIService may be down ({error.message})", error)
    if isinstance(error, ServiceAccountMissing | NamespaceTerminating):
        return Survivor(ref, f"{ref}: {error.message}", error)
    return Survivor(ref, error.message, error)  # it names the object


def passed_over(ref: Ref) -> Survivor:
    """An object that goes later in the order."""
    return Survivor(ref, f"{ref} has its turn when those are gone")


def holds(found: Json) -> str:
    """Why a live object is still there. A namespace says more when it was read whole."""
    metadata = found["metadata"]
    finalizers = metadata.get("finalizers") or []
    if finalizers:
        return "is held by " + " and ".join(_finalizer(found, name) for name in finalizers)
    emptying = _emptying(found)
    if emptying:
        return f"is being emptied: {'; '.join(emptying)}"
    # The timestamp of what may end in peace, such as a Pod, lies ahead.
    if metadata.get("deletionGracePeriodSeconds"):
        return f"has until {metadata.get('deletionTimestamp')} to end"
    return "is not gone yet"


def managers_of(found: Json, finalizer: str) -> list[str]:
    """The field managers that put a finalizer on the object."""
    entries = found["metadata"].get("managedFields") or []
    names = (str(entry.get("manager")) for entry in entries if f'v:"{finalizer}"' in _finalizer_fields(entry))
    return sorted(set(names))


def objects(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"


def named(words: Sequence[object], most: int = MOST_NAMED) -> str:
    """The first of them, and how many more there are."""
    more = f"; and {len(words) - most} more" if len(words) > most else ""
    return "; ".join(map(str, words[:most])) + more


def fitting(refs: Iterable[Ref], room: int) -> str:
    """As many as `room` characters take, and how many more there are."""
    waiting = [str(ref) for ref in refs]
    text = ""
    for number, word in enumerate(waiting):
        left = len(waiting) - number
        longer = f"{text}, {word}" if text else word
        if len(longer) + len(f" and {left} more") > room:
            return f"{text} and {left} more" if text else objects(left)
        text = longer
    return text


def _finalizer(found: Json, name: str) -> str:
    if name in KNOWN:
        return f"finalizer {name} ({KNOWN[name]})"
    managers = managers_of(found, name)
    return f"finalizer {name} (set by {', '.join(managers)})" if managers else f"finalizer {name}"


def _finalizer_fields(entry: Any) -> Json:
    place = entry.get("fieldsV1")
    for key in ("f:metadata", "f:finalizers"):
        place = place.get(key) if isinstance(place, dict) else None
    return place if isinstance(place, dict) else {}


def _emptying(found: Json) -> list[str]:
    conditions = (found.get("status") or {}).get("conditions") or []
    return [
        str(condition.get("message"))
        for condition in conditions
        if condition.get("type") in EMPTYING and condition.get("status") == "True"
    ]
