"""Where objects name versioned ones: by the template rules of kapp's Config, and by the annotation
versioned-explicit-ref.

Called by versioned.py. A name counts where kind and namespace fit: an object refers to its own namespace, unless the
reference names another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from packhouse.api.errors import RenderedInvalid
from packhouse.domain import yaml_text
from packhouse.domain.inventory import Identity
from packhouse.domain.kapp.config_values import Reference, TemplateRule
from packhouse.domain.kapp.paths import changed
from packhouse.domain.kapp.rules import PREFIX
from packhouse.domain.objects import ref_of
from packhouse.ports import Json

#: The name that a versioned object goes by now; None where the reference stays as it is.
NameOf = Callable[[Identity], str | None]

_EXPLICIT: Final = f"{PREFIX}versioned-explicit-ref"
_NEEDED: Final = ("apiVersion", "kind", "name")


@dataclass(frozen=True, slots=True)
class _Target:
    identity: Identity
    api_version: str


_Targets = Mapping[str, list[_Target]]


class Referring:
    """Which of `versioned` an object names, and how it names them after they were renamed."""

    def __init__(self, versioned: Iterable[Json], rules: Iterable[TemplateRule]) -> None:
        versioned = list(versioned)
        self._all = _by_name(versioned)
        targets = [(rule, _by_name(obj for obj in versioned if rule.matches(obj))) for rule in rules]
        self._references = [(reference, found) for rule, found in targets if found for reference in rule.references]

    def named_by(self, obj: Json) -> set[Identity]:
        named: set[Identity] = set()
        self.renamed(obj, lambda identity: named.add(identity))
        return named

    def renamed(self, obj: Json, name_of: NameOf) -> Json:
        """`obj` with every reference brought up to date."""
        namespace = obj["metadata"].get("namespace") or ""
        result = obj
        for reference, targets in self._references:
            if reference.matches(obj):
                result = changed(result, reference.path, _updated(reference, targets, namespace, name_of))
        return self._explicit(result, namespace, name_of)

    def _explicit(self, obj: Json, namespace: str, name_of: NameOf) -> Json:
        marks = obj["metadata"].get("annotations") or {}
        reference = Reference(lambda obj: True, ())
        after = dict(marks)
        for key in marks:
            if key != _EXPLICIT and not key.startswith(f"{_EXPLICIT}."):
                continue
            said = _read_explicit(marks[key], f"{ref_of(obj)}: annotation {key}")
            renamed = _updated(reference, self._all, namespace, name_of)(said)
            if renamed is not said:
                after[key] = yaml.safe_dump(renamed, sort_keys=True)
        return obj if after == marks else {**obj, "metadata": {**obj["metadata"], "annotations": after}}


def _updated(reference: Reference, targets: _Targets, namespace: str, name_of: NameOf) -> Callable[[Any], Any]:
    def update(said: Any) -> Any:
        if not isinstance(said, dict) or not isinstance(said.get(reference.name_key), str):
            return said
        for target in targets.get(said[reference.name_key], ()):
            if _means(said, target, namespace):
                name = name_of(target.identity)
                return said if name is None else {**said, reference.name_key: name}
        return said

    return update


def _means(said: Json, target: _Target, namespace: str) -> bool:
    """Whether a reference in `namespace` that has the target's name means the target."""
    there = said.get("namespace") or namespace
    if there and target.identity.namespace and there != target.identity.namespace:
        return False
    return (said.get("kind") or target.identity.kind) == target.identity.kind and (
        said.get("apiVersion") or target.api_version
    ) == target.api_version


def _by_name(objects: Iterable[Json]) -> _Targets:
    targets: dict[str, list[_Target]] = defaultdict(list)
    for obj in objects:
        targets[obj["metadata"]["name"]].append(_Target(Identity.of(ref_of(obj)), obj["apiVersion"]))
    return dict(targets)


def _read_explicit(text: str, where: str) -> Json:
    documents = [document for _, document in yaml_text.load_all(text, where, RenderedInvalid)]
    said = documents[0] if len(documents) == 1 else None
    if not isinstance(said, dict) or not all(isinstance(said.get(key), str) and said[key] for key in _NEEDED):
        raise RenderedInvalid(f"{where} must be YAML with the keys apiVersion, kind and name")
    return said
