"""Taking over objects that another deploy tool applied, without making them anew. Pure; called by plan.py.

What kapp or a client-side apply wrote is held by a manager of theirs. Made ours before the first apply, those fields go
when the package does not want them: kapp's labels, its copy of the original, fields of an older version.

kapp also put its labels into the selectors and pod templates of workloads. A selector cannot change, and another pod
template would restart every pod, so there, and only there, the labels stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from packhouse.api.names import APPLY_MANAGER
from packhouse.ports import Json, Kind

#: The manager of a tool that deploys packages, and sends them whole: what the package does not name would go with its
#: next deploy too.
FORMER_MANAGERS: Final = frozenset({"kapp"})
#: The manager of objects applied by hand. What such an object holds beside the package is somebody's, and goes only
#: where spec.adopt says so.
BY_HAND: Final = frozenset({"kubectl-client-side-apply"})
KAPP_LABELS: Final = ("kapp.k14s.io/app", "kapp.k14s.io/association")

WORKLOADS: Final = frozenset(
    {
        ("apps", "Deployment"),
        ("apps", "DaemonSet"),
        ("apps", "StatefulSet"),
        ("apps", "ReplicaSet"),
        ("batch", "Job"),
    }
)
_TEMPLATE_LABELS: Final = ("f:spec", "f:template", "f:metadata", "f:labels")


def taking_over(found: Json, *, by_hand: bool) -> Sequence[Json]:
    """The JSON patch of managedFields; empty where no former manager holds anything. `by_hand`: also what was applied
    by hand."""
    metadata = found["metadata"]
    entries = metadata.get("managedFields") or []
    managers = FORMER_MANAGERS | BY_HAND if by_hand else FORMER_MANAGERS
    former = [entry for entry in entries if _is_of(entry, managers)]
    if not former:
        return ()
    others = [entry for entry in entries if not _is_of(entry, managers) and not _is_ours(entry)]
    held: Json = {}
    for entry in [*former, *(entry for entry in entries if _is_ours(entry))]:
        held = _united(held, entry.get("fieldsV1") or {})
    mine = {**former[0], "manager": APPLY_MANAGER, "operation": "Apply", "fieldsV1": held}
    return (
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": [*others, mine]},
    )


def keeps_kapp_labels(kind: Kind, found: Json | None) -> bool:
    """Whether a live workload's pod template has kapp's labels, which its metadata tells."""
    if found is None or (kind.group, kind.kind) not in WORKLOADS:
        return False
    return any(
        f"f:{label}" in _inside(entry.get("fieldsV1"), _TEMPLATE_LABELS)
        for entry in found["metadata"].get("managedFields") or []
        for label in KAPP_LABELS
    )


def with_kapp_labels(obj: Json, live: Json) -> Json:
    """`obj` with those of kapp's labels that the selector and the pod template of the live workload have."""
    spec, live_spec = obj.get("spec"), live.get("spec") or {}
    if not isinstance(spec, dict):
        return obj
    spec = dict(spec)
    template = spec.get("template")
    kept = _kapp_labels(_inside(live_spec, ("template", "metadata", "labels")))
    if isinstance(template, dict) and kept:
        metadata = template.get("metadata") or {}
        spec["template"] = {**template, "metadata": {**metadata, "labels": {**kept, **(metadata.get("labels") or {})}}}
    kept = _kapp_labels(_inside(live_spec, ("selector", "matchLabels")))
    selector = spec.get("selector")
    if isinstance(selector, dict) and kept:
        spec["selector"] = {**selector, "matchLabels": {**kept, **(selector.get("matchLabels") or {})}}
    return {**obj, "spec": spec}


def held_by_kapp(found: Json) -> str | None:
    """The kapp app that an object belongs to by its label; None where it has none."""
    label = (found["metadata"].get("labels") or {}).get(KAPP_LABELS[0])
    return str(label) if label else None


def _is_of(entry: Json, managers: frozenset[str]) -> bool:
    return entry.get("manager") in managers and entry.get("operation") == "Update" and not entry.get("subresource")


def _is_ours(entry: Json) -> bool:
    return entry.get("manager") == APPLY_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")


def _united(one: Json, other: Json) -> Json:
    """Both sets of fields as one; a field set is a tree of maps."""
    return {
        key: _united(one.get(key) or {}, other.get(key) or {})
        for key in [*one, *(key for key in other if key not in one)]
    }


def _inside(value: Any, path: Sequence[str]) -> Json:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _kapp_labels(labels: Json) -> Json:
    return {key: value for key, value in labels.items() if key in KAPP_LABELS}
