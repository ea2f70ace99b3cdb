"""The packages of docs/examples render with the engine that the operator uses, and keep what their README says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.api.errors import ValuesInvalid
from packhouse.ports import RenderJob, ValuesDocument
from packhouse.settings import Settings
from packhouse.template.limits import Limits
from packhouse.template.pipeline import render

Json = dict[str, Any]
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
PACKAGES = sorted(EXAMPLES.glob("packages/*/*/package.yaml"))
WEB = [path for path in PACKAGES if path.parts[-3] == "web"]
ALWAYS = ["ConfigMap", "Deployment", "PodDisruptionBudget", "Service"]

every_package = pytest.mark.parametrize("path", PACKAGES, ids=lambda path: "-".join(path.parts[-3:-1]))
every_web = pytest.mark.parametrize("path", WEB, ids=lambda path: path.parts[-2])


def read(path: Path) -> Json:
    package: Json = yaml.safe_load(path.read_text())
    return package


def rendered(path: Path, values: str = "") -> tuple[list[Json], list[str]]:
    """The objects of the package and the warnings, for an install named `demo`."""
    spec = read(path)["spec"]
    bundle = path.parent / "bundle"
    job = RenderJob(
        files={str(file.relative_to(bundle)): file.read_bytes() for file in bundle.rglob("*") if file.is_file()},
        steps=spec["template"]["spec"]["template"],
        values=[ValuesDocument("Secret demo/values", values)] if values else [],
        values_schema=spec["valuesSchema"]["openAPIv3"],
        enforce_schema=True,
        context={
            "package": {"name": spec["publicName"], "version": spec["version"]},
            "install": {"name": "demo", "namespace": "demo"},
            "cluster": {},
        },
    )
    done = render(job, Limits.from_settings(Settings()))
    return list(done.objects), list(done.warnings)


def kinds(objects: list[Json]) -> list[str]:
    return sorted(obj["kind"] for obj in objects)


def one(objects: list[Json], kind: str) -> Json:
    (found,) = (obj for obj in objects if obj["kind"] == kind)
    return found


@every_package
def test_the_folder_the_name_and_the_placeholder_agree(path: Path) -> None:
    package, (folder, version) = read(path), path.parts[-3:-1]
    spec = package["spec"]
    assert package["metadata"]["name"] == f"{spec['publicName']}.{spec['version']}"
    assert (spec["publicName"].split(".")[0], spec["version"]) == (folder, version)
    assert spec["template"]["spec"]["fetch"] == [{"imgpkgBundle": {"image": f"REGISTRY/{folder}@DIGEST"}}]


@every_package
def test_every_public_name_is_described_in_the_repository(path: Path) -> None:
    name = read(path)["spec"]["publicName"]
    metadata = yaml.safe_load((EXAMPLES / "repository" / "packages" / name / "metadata.yaml").read_text())
    assert (metadata["kind"], metadata["metadata"]["name"]) == ("PackageMetadata", name)


@every_package
def test_the_defaults_alone_render_without_a_warning(path: Path) -> None:
    objects, warnings = rendered(path)
    assert (bool(objects), warnings) == (True, [])


@every_web
def test_the_web_page_has_the_parts_that_its_values_ask_for(path: Path) -> None:
    policy = ["NetworkPolicy"] if path.parts[-2] in ("1.2.0", "2.0.0-rc.1") else []
    default, _ = rendered(path)
    scaled, _ = rendered(path, "autoscaling: {enabled: true, min: 3, max: 2}")
    single, _ = rendered(path, "replicas: 1")
    assert kinds(default) == sorted(ALWAYS + policy)
    assert kinds(scaled) == sorted([*ALWAYS, *policy, "HorizontalPodAutoscaler"])
    assert "PodDisruptionBudget" not in kinds(single)
    assert "replicas" not in one(scaled, "Deployment")["spec"]
    limits = one(scaled, "HorizontalPodAutoscaler")["spec"]
    assert (limits["minReplicas"], limits["maxReplicas"]) == (3, 3)


@every_web
def test_a_message_stays_a_text_and_starts_new_pods(path: Path) -> None:
    evil = '"<script>\\nindex: stolen\\n  - x"'
    values = f"page: {{text: {evil}}}" if path.parts[-2].startswith("2.") else f"message: {evil}"
    plain, changed = rendered(path)[0], rendered(path, values)[0]
    assert one(changed, "ConfigMap")["data"].keys() == one(plain, "ConfigMap")["data"].keys()
    assert "&lt;script&gt;" in one(changed, "ConfigMap")["data"]["index.html"]
    assert one(changed, "Deployment")["spec"]["template"] != one(plain, "Deployment")["spec"]["template"]


@every_package
def test_a_misspelt_value_is_refused_by_name(path: Path) -> None:
    with pytest.raises(ValuesInvalid, match="replicaz"):
        rendered(path, "replicaz: 2")


def test_the_values_of_the_example_install_fit_its_version() -> None:
    secret, install = yaml.safe_load_all((EXAMPLES / "install-values.yaml").read_text())
    version = install["spec"]["packageRef"]["version"]
    objects, warnings = rendered(
        EXAMPLES / "packages/web" / version / "package.yaml", secret["stringData"]["values.yml"]
    )
    container = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert warnings == []
    assert container["resources"]["requests"] == {"cpu": "100m", "memory": "48Mi"}
    assert one(objects, "HorizontalPodAutoscaler")["spec"]["minReplicas"] == 3


def test_the_first_crontab_is_made_when_asked_for() -> None:
    path = EXAMPLES / "packages/crontab/1.0.0/package.yaml"
    documents = list(yaml.safe_load_all((EXAMPLES / "install-crontab.yaml").read_text()))
    (secret,) = (document for document in documents if document["kind"] == "Secret")
    common = ["ClusterRole", "ClusterRole", "CustomResourceDefinition"]
    assert kinds(rendered(path)[0]) == common
    assert kinds(rendered(path, secret["stringData"]["values.yml"])[0]) == sorted([*common, "CronTab"])


def test_the_rights_of_the_example_account_name_the_kinds_of_every_web_version_and_no_more() -> None:
    documents = list(yaml.safe_load_all((EXAMPLES / "install-rbac.yaml").read_text()))
    (role,) = (document for document in documents if document["kind"] == "Role")
    granted = {
        (group, resource) for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"]
    }
    needed = set()
    for path in WEB:
        for obj in rendered(path, "autoscaling: {enabled: true}")[0]:
            group = obj["apiVersion"].rpartition("/")[0]
            kind = obj["kind"].lower()
            needed.add((group, kind[:-1] + "ies" if kind.endswith("y") else kind + "s"))
    assert granted == needed
