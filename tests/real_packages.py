"""The real packages of the conformance folder with their bundles: what to push, which values to give, what to expect.

Used by tests/e2e/test_ytt_packages.py and the benchmark. Nothing is copied from the folder; see conformance.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

import conformance
from conformance import Case
from packhouse.adapters.oras_push import push_bundle
from packhouse.api.errors import RenderedInvalid
from packhouse.domain.yaml_text import load_all
from packhouse.settings import Settings
from packhouse.template.documents import Document
from packhouse.template.objects import to_objects

Json = dict[str, Any]

#: What no folder has values for, and the API server refuses without: a field of its own custom resource.
NEEDED_VALUES = {
    "ako-operator": "akoOperator:\n  config:\n    avi_service_engine_group: group\n"
    "    avi_management_cluster_service_engine_group: group\n",
}


@dataclass(frozen=True)
class RealPackage:
    """One version of a package. `name` is NAME@VERSION."""

    folder: Path

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}@{self.folder.name}"

    @cached_property
    def document(self) -> Json:
        loaded: Json = yaml.safe_load((self.folder / "package.yaml").read_text())
        return loaded

    @property
    def is_valid(self) -> bool:
        """Whether its name is what its spec says: three of the folder are not."""
        spec = self.document["spec"]
        return bool(self.document["metadata"]["name"] == f"{spec['refName']}.{spec['version']}")

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The bundle, by path."""
        paths = sorted(path for path in self.bundle.rglob("*") if path.is_file())
        return {path.relative_to(self.bundle).as_posix(): path.read_bytes() for path in paths}

    @property
    def steps(self) -> list[Json]:
        steps: list[Json] = self.document["spec"]["template"]["spec"]["template"]
        return steps

    @cached_property
    def case(self) -> Case | None:
        """The first output that the original gave for it: without values, else with the first that it takes."""
        expected = [case for case in conformance.rendered() if case.name.startswith(f"{self.name}")]
        own = [case for case in expected if case.name == self.name or case.name.startswith(f"{self.name}@")]
        return own[0] if own else None

    @property
    def values(self) -> str:
        """The values to install it with."""
        _, _, named = self.case.name.removeprefix(f"{self.name}").partition("@") if self.case else ("", "", "")
        if named and conformance.FOLDER is not None:
            return (conformance.FOLDER / "values" / f"{named}.yml").read_text()
        return NEEDED_VALUES.get(self.folder.parent.name, "")

    @property
    def has_own_values(self) -> bool:
        """Whether it is installed with values that the original was not given."""
        return self.folder.parent.name in NEEDED_VALUES

    @cached_property
    def images(self) -> dict[str, str]:
        """What its lock says: name in the manifests -> reference by digest."""
        entries = yaml.safe_load((self.bundle / ".imgpkg" / "images.yml").read_text()).get("images") or []
        return {entry["annotations"]["kbld.carvel.dev/id"]: entry["image"] for entry in reversed(entries)}

    def expected(self) -> list[Json]:
        """The objects of the expected output, their images as the lock says."""
        assert self.case is not None
        loaded = load_all(self.case.text, self.case.name, RenderedInvalid)
        documents = [Document(self.case.name, line, self._locked(value)) for line, value in loaded]
        return to_objects(documents)

    def _locked(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: self.images.get(inner, inner) if key == "image" and isinstance(inner, str) else self._locked(inner)
                for key, inner in value.items()
            }
        return [self._locked(inner) for inner in value] if isinstance(value, list) else value

    def push(self, registry_host: str) -> str:
        """Pushes the bundle; its reference with the digest."""
        image = f"{registry_host}/packages/{self.folder.parent.name}"
        digest = asyncio.run(push_bundle(self.bundle, f"{image}:{self.folder.name}", None, Settings()))
        return f"{image}@{digest}"

    def published(self, image: str) -> str:
        """package.yaml with `image` in the place of the bundle that it names."""
        [fetch] = self.document["spec"]["template"]["spec"]["fetch"]
        return (self.folder / "package.yaml").read_text().replace(fetch["imgpkgBundle"]["image"], image)

    def __str__(self) -> str:
        return self.name


def packages() -> list[RealPackage]:
    """All of them, by name and version; none where there is no folder."""
    return list(_packages())


def metadata() -> list[str]:
    """The metadata.yaml of each."""
    folder = conformance.FOLDER
    return [path.read_text() for path in sorted(folder.glob("packages/*/metadata.yaml"))] if folder is not None else []


def _packages() -> Iterator[RealPackage]:
    if conformance.FOLDER is not None:
        for path in sorted(conformance.FOLDER.glob("packages/*/*/package.yaml")):
            if (path.parent / "bundle").is_dir():
                yield RealPackage(path.parent)
