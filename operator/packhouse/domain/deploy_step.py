"""The deploy step of a package, read: where its objects go, and what its kapp options say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packhouse.api.errors import UnsupportedStep
from packhouse.domain.kapp.options import Options, read_options
from packhouse.ports import Json


@dataclass(frozen=True, slots=True)
class DeployStep:
    """`into_ns`: the namespace of every namespaced object, "" where they keep theirs; `map_ns`: from one to another."""

    options: Options
    into_ns: str
    map_ns: Mapping[str, str]


def read_deploy(package: str, steps: Sequence[Json]) -> DeployStep:
    """Raises UnsupportedStep, with the Package's name."""
    if len(steps) != 1 or "kapp" not in steps[0]:
        raise UnsupportedStep(f"package {package} needs exactly one deploy step, and that must be kapp")
    kapp = steps[0]["kapp"] or {}
    try:
        options = read_options(kapp.get("rawOptions") or ())
    except UnsupportedStep as error:
        raise UnsupportedStep(f"package {package}, deploy step kapp: {error.message}") from None
    pairs = [pair.partition("=") for pair in kapp.get("mapNs") or ()]
    return DeployStep(options, kapp.get("intoNs") or "", {before: after for before, _, after in pairs})
