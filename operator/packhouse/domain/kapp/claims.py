"""owned-for-deletion on the volume claims of a StatefulSet, in Kubernetes' own words.

kapp deletes such claims itself, by label. A StatefulSet can say so: `persistentVolumeClaimRetentionPolicy`. It speaks
of all of its claims, so it is set only where every template has the annotation, and never over what the package says
itself. Called by deploy/desired.py. Pure.
"""

from __future__ import annotations

from typing import Any, Final

from packhouse.domain.kapp.rules import PREFIX
from packhouse.domain.objects import kind_of
from packhouse.ports import Json

OWNED: Final = f"{PREFIX}owned-for-deletion"
POLICY: Final = "persistentVolumeClaimRetentionPolicy"


def with_claims_owned(obj: Json) -> Json:
    """`obj`; a StatefulSet whose claims are owned for deletion has them deleted with it."""
    kind = kind_of(obj)
    if (kind.group, kind.kind) != ("apps", "StatefulSet"):
        return obj
    spec = obj.get("spec")
    templates = spec.get("volumeClaimTemplates") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(templates, list) or not templates or POLICY in spec:
        return obj
    if not all(_is_owned(template) for template in templates):
        return obj
    return {**obj, "spec": {**spec, POLICY: {"whenDeleted": "Delete", "whenScaled": "Retain"}}}


def _is_owned(template: Any) -> bool:
    metadata = template.get("metadata") if isinstance(template, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return isinstance(annotations, dict) and OWNED in annotations
