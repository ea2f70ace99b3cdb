"""Which Secrets and ConfigMaps the template steps of a package name, and what else they ask of an install.

Pure. Asked by reconcile/outside.py, which reads them before anything is rendered; the engines find them by the same
names. The API server has checked the form of the steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from packhouse.ports import Json

#: A kind and a name: ("Secret", "tls").
Named = tuple[str, str]


def references(steps: Sequence[Json]) -> list[Named]:
    """Each once, in the order of their names."""
    return sorted({named for source in _sources(steps) if (named := referred(source)) is not None})


def uses_metadata(steps: Sequence[Json]) -> bool:
    """Whether a step takes values from the install's own metadata."""
    return any(source.get("downwardAPI") for source in _sources(steps))


def referred(source: Json) -> Named | None:
    """What an entry of `pathsFrom` or `valuesFrom` names; None where it names neither kind."""
    for kind, field in (("Secret", "secretRef"), ("ConfigMap", "configMapRef")):
        if source.get(field):
            return kind, source[field]["name"]
    return None


def _sources(steps: Sequence[Json]) -> Iterator[Json]:
    for step in steps:
        for engine in step.values():
            options: dict[str, Any] = engine or {}
            yield from (options.get("inline") or {}).get("pathsFrom") or ()
            yield from options.get("valuesFrom") or ()
            if keys := (options.get("age") or {}).get("privateKeysSecretRef"):
                yield {"secretRef": keys}
