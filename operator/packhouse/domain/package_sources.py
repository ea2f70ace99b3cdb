"""Where the packages of a repository are fetched from after the repository's bundle was copied with all its images.

Pure; called by reconcile/. The bundle's lock says where an image lies now; a Package that names the image by what the
lock calls it, its bundle above all, is fetched from there. Nothing else of a Package changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from packhouse.api.errors import InvalidSpec
from packhouse.api.names import PACKAGE
from packhouse.domain.references import read_reference
from packhouse.ports import Json

_REFERENCES: Final = {"imgpkgBundle": "image", "image": "url"}


def relocated_packages(documents: Sequence[Json], relocated: Mapping[str, str]) -> list[Json]:
    """The documents, references of their fetch steps replaced as `relocated` (old -> new) says."""
    if not relocated:
        return list(documents)
    return [_relocated(document, relocated) if document.get("kind") == PACKAGE else document for document in documents]


def _relocated(package: Json, relocated: Mapping[str, str]) -> Json:
    spec = package["spec"]
    inner = spec["template"]["spec"]
    fetch = [_step(step, relocated) for step in inner["fetch"]]
    if fetch == inner["fetch"]:
        return package
    return {**package, "spec": {**spec, "template": {**spec["template"], "spec": {**inner, "fetch": fetch}}}}


def _step(step: Json, relocated: Mapping[str, str]) -> Json:
    changed = dict(step)
    for kind, field in _REFERENCES.items():
        stanza = step.get(kind)
        if isinstance(stanza, dict) and stanza.get("tagSelection") is None:
            new = _new(stanza.get(field), relocated)
            if new is not None:
                changed[kind] = {**stanza, field: new}
    return changed


def _new(reference: Any, relocated: Mapping[str, str]) -> str | None:
    if not isinstance(reference, str):
        return None
    if reference in relocated:
        return relocated[reference]
    try:
        return relocated.get(str(read_reference(reference)))
    except InvalidSpec:
        return None
