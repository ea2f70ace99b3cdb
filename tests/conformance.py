"""Real packages and what the original tools make of them: where that folder lies, its rendered outputs as cases, and
what a cluster should make of each.

Tests read the folder where it is (PACKHOUSE_CONFORMANCE, or `shared/conformance` beside the checkout) and skip where it
is not: a checkout has none of it. Nothing is copied from it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest
import yaml

from cluster.serving import Serving
from lab import Json

KAPP = "kapp.k14s.io/"
#: Namespaces that are there before any package, and stay whatever goes.
OLD_NAMESPACES = frozenset({"default", "kube-public", "kube-system"})


def find(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The folder; None where there is none."""
    given = environ.get("PACKHOUSE_CONFORMANCE")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "conformance"
    return folder if folder.is_dir() else None


FOLDER = find()
needed = pytest.mark.skipif(FOLDER is None, reason="no conformance data here")


@dataclass(frozen=True, slots=True)
class Case:
    """One rendered output: `name` is PACKAGE@VERSION, or PACKAGE@VERSION@VALUES."""

    name: str
    file: Path

    @property
    def package(self) -> str:
        return self.name.partition("@")[0]

    @property
    def slug(self) -> str:
        """The name as Kubernetes takes one."""
        return re.sub(r"[^a-z0-9]+", "-", self.name)

    @property
    def text(self) -> str:
        return self.file.read_text()

    @property
    def template(self) -> str:
        """The text, kept away from jinja."""
        assert "endraw" not in self.text
        return f"{{% raw %}}{self.text}{{% endraw %}}"

    @property
    def documents(self) -> list[Json]:
        """All that was printed: the objects, and Configs of kapp."""
        return _documents(self.file)

    @property
    def objects(self) -> list[Json]:
        """All that is to be applied: each object once, since some packages bring the same file twice; a kapp Config
        steers and is none of it."""
        return _objects(self.file)

    def __str__(self) -> str:
        return self.name


def rendered() -> list[Case]:
    """Every output that the original printed, by name; none where there is no folder."""
    files = sorted((FOLDER / "expected").glob("*.yml")) if FOLDER is not None else []
    return [Case(file.stem, file) for file in files]


@cache
def _documents(file: Path) -> list[Json]:
    return [document for document in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader) if document]


@cache
def _objects(file: Path) -> list[Json]:
    objects: list[Json] = []
    for document in _documents(file):
        if not document["apiVersion"].startswith(KAPP) and document not in objects:
            objects.append(document)
    return objects


@dataclass(frozen=True)
class Expected:
    """What a cluster should make of one case, installed into the namespace of the case's own name."""

    case: Case
    serving: Serving

    @cached_property
    def brought(self) -> dict[tuple[str, str], bool]:
        """The kinds of its own CRDs, and whether they live in namespaces."""
        served = [obj for obj in crds(self.case.objects) if self.serving.serves(obj["apiVersion"], obj["kind"])]
        return {kind: obj["spec"]["scope"] == "Namespaced" for obj in served for kind in kinds_of(obj)}

    @cached_property
    def missing(self) -> list[tuple[str, str]]:
        """The kinds that neither the API server serves nor the case brings."""
        used = {kind_of(obj) for obj in self.case.objects}
        return sorted(kind for kind in used if kind not in self.brought and not self.serving.serves(*kind))

    @property
    def foreign(self) -> list[tuple[str, str]]:
        """Where nothing but CRDs of other packages is missing: those kinds."""
        moved = any(self.serving.knows_group(api_version) for api_version, _ in self.missing)
        return [] if moved else self.missing

    def placed(self, serving: Serving | None = None) -> list[Json]:
        """The identity of each object, in its namespace."""
        scopes = {**(serving or self.serving).scopes, **self.brought}
        found = []
        for obj in self.case.objects:
            metadata = {"name": obj["metadata"]["name"]}
            if scopes.get(kind_of(obj), True):
                metadata["namespace"] = obj["metadata"].get("namespace") or self.case.slug
            found.append({"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata})
        return found

    @property
    def foreign_namespaces(self) -> list[str]:
        """Those that it is installed into and does not bring."""
        brought = {obj["metadata"]["name"] for obj in self.case.objects if obj["kind"] == "Namespace"}
        used = {obj["metadata"].get("namespace") for obj in self.case.objects}
        return sorted(used - brought - OLD_NAMESPACES - {None})

    def staying(self) -> set[str]:
        """What is left when the install is gone: what says so, and namespaces that nobody may delete."""
        return {
            ref_of(identity)
            for obj, identity in zip(self.case.objects, self.placed(), strict=True)
            if (obj["metadata"].get("annotations") or {}).get(f"{KAPP}delete-strategy") == "orphan"
            or (obj["kind"] == "Namespace" and obj["metadata"]["name"] in OLD_NAMESPACES)
        }


def crds(objects: Sequence[Json]) -> list[Json]:
    return [obj for obj in objects if obj["kind"] == "CustomResourceDefinition"]


def kinds_of(crd: Json) -> list[tuple[str, str]]:
    """The kinds that a CRD makes, one a version."""
    spec = crd["spec"]
    versions = [version["name"] for version in spec.get("versions") or [{"name": spec.get("version")}]]
    return [(f"{spec['group']}/{version}", spec["names"]["kind"]) for version in versions]


def kind_of(obj: Json) -> tuple[str, str]:
    return obj["apiVersion"], obj["kind"]


def ref_of(obj: Json) -> str:
    """As status.inventory writes it."""
    metadata = obj["metadata"]
    return f"{obj['apiVersion']}/{obj['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"
