"""The CRDs that kustomize and Helm install are those of the folder crds/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

KEEP = {"helm.sh/resource-policy": "keep"}


@pytest.mark.parametrize("copies", ["deploy/kustomize/crds", "deploy/helm/packhouse/files/crds"])
def test_the_copies_are_what_copy_crds_would_write_now(root: Path, copies: str) -> None:
    sources = {path.name: path.read_text() for path in (root / "crds").glob("*.yaml")}
    written = {path.name: path.read_text() for path in (root / copies).glob("*.yaml") if path.stem != "kustomization"}
    assert sources == written, "run deploy/copy-crds"


def test_the_kustomization_names_every_copy(root: Path) -> None:
    listed = yaml.safe_load((root / "deploy/kustomize/crds/kustomization.yaml").read_text())["resources"]
    assert sorted(path.name for path in (root / "crds").glob("*.yaml")) == listed


def test_the_chart_renders_each_crd_unchanged_and_keeps_it_on_uninstall(
    root: Path, template: Callable[..., dict[str, Any]]
) -> None:
    expected = {}
    for path in (root / "crds").glob("*.yaml"):
        crd = yaml.safe_load(path.read_text())
        crd["metadata"]["annotations"] = {**crd["metadata"].get("annotations", {}), **KEEP}
        expected[f"CustomResourceDefinition/{crd['metadata']['name']}"] = crd
    rendered = {name: obj for name, obj in template().items() if obj["kind"] == "CustomResourceDefinition"}
    assert expected == rendered


def test_the_chart_leaves_the_crds_out_when_told_so(template: Callable[..., dict[str, Any]]) -> None:
    kinds = {obj["kind"] for obj in template({"crds": {"install": False}}).values()}
    assert "CustomResourceDefinition" not in kinds
