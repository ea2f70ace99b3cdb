"""The chart and the kustomization install the same operator, and the chart's values reach it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.settings import Settings

Json = dict[str, Any]
Template = Callable[..., dict[str, Json]]

#: The chart fixes these itself, or has a value of its own for them.
FIXED = {"operator_namespace", "cache_dir", "renderer_socket", "health_port", "values_schema_check"}
ROLES = ["ClusterRole/packhouse", "Role/packhouse-repository-secrets"]
BINDINGS = ["ClusterRoleBinding/packhouse", "RoleBinding/packhouse-repository-secrets"]


def environment(deployment: Json, container: str) -> dict[str, str]:
    (found,) = (one for one in deployment["spec"]["template"]["spec"]["containers"] if one["name"] == container)
    return {variable["name"]: variable["value"] for variable in found["env"] if "value" in variable}


def comparable(deployment: Json) -> Json:
    """The spec without the label that tells releases apart and the setting that only the chart spells out."""
    spec: Json = deployment["spec"]
    for labels in (spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]):
        labels.pop("app.kubernetes.io/instance", None)
    for container in spec["template"]["spec"]["containers"]:
        container["env"] = [entry for entry in container["env"] if entry["name"] != "PACKHOUSE_VALUES_SCHEMA_CHECK"]
    return spec


@pytest.mark.parametrize("name", ROLES)
def test_both_give_the_same_rules(base: dict[str, Json], template: Template, name: str) -> None:
    assert base[name]["rules"] == template()[name]["rules"]


@pytest.mark.parametrize("name", BINDINGS)
def test_both_bind_the_same_role_to_the_same_account(base: dict[str, Json], template: Template, name: str) -> None:
    rendered = template()[name]
    assert (base[name]["roleRef"], base[name]["subjects"]) == (rendered["roleRef"], rendered["subjects"])


def test_both_give_the_same_pod(base: dict[str, Json], template: Template) -> None:
    expected = comparable(yaml.safe_load(yaml.safe_dump(base["Deployment/packhouse"])))
    assert expected == comparable(template()["Deployment/packhouse"])


def test_a_release_of_another_name_shares_no_object_but_the_kinds(template: Template) -> None:
    first, second = template(), template(release="other")
    shared = {name for name in first.keys() & second.keys() if not name.startswith("CustomResourceDefinition/")}
    assert set() == shared


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"bundle_compressed_most_bytes": 268435456}, {"PACKHOUSE_BUNDLE_COMPRESSED_MOST_BYTES": "268435456"}),
        ({"request_retries": 0}, {"PACKHOUSE_REQUEST_RETRIES": "0"}),
        ({"jitter_ratio": 0.25}, {"PACKHOUSE_JITTER_RATIO": "0.25"}),
        ({"plain_http_hosts": ["a:5000", "b"]}, {"PACKHOUSE_PLAIN_HTTP_HOSTS": "a:5000,b"}),
        ({"log_format": "console"}, {"PACKHOUSE_LOG_FORMAT": "console"}),
        ({}, {"PACKHOUSE_LOG_FORMAT": "json", "PACKHOUSE_VALUES_SCHEMA_CHECK": "enforce"}),
    ],
)
def test_a_setting_reaches_both_containers_as_the_operator_reads_it(
    template: Template, settings: Json, expected: dict[str, str]
) -> None:
    deployment = template({"settings": settings})["Deployment/packhouse"]
    for container in ("operator", "renderer"):
        variables = environment(deployment, container)
        assert expected.items() <= variables.items()
        Settings.from_environment(variables)


def test_the_schema_check_is_a_value_of_its_own(template: Template) -> None:
    deployment = template({"valuesSchemaCheck": "warn"})["Deployment/packhouse"]
    assert environment(deployment, "operator")["PACKHOUSE_VALUES_SCHEMA_CHECK"] == "warn"


def test_a_digest_takes_the_place_of_the_tag(template: Template) -> None:
    digest = "sha256:" + "0" * 64
    spec = template({"image": {"repository": "r/p", "digest": digest}})["Deployment/packhouse"]["spec"]
    assert [f"r/p@{digest}"] * 2 == [container["image"] for container in spec["template"]["spec"]["containers"]]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"settings": {"render_wokers": 3}}, "render_wokers"),
        ({"settings": {"render_workers": -1}}, "render_workers"),
        ({"valuesSchemaCheck": "off"}, "valuesSchemaCheck"),
        ({"replicas": 2}, "replicas"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(template: Template, values: Json, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        template(values)


def test_the_values_schema_knows_every_setting(root: Path) -> None:
    schema = yaml.safe_load((root / "deploy/helm/packhouse/values.schema.json").read_text())
    offered = set(schema["properties"]["settings"]["properties"])
    assert {tunable.name for tunable in fields(Settings)} - FIXED == offered


def test_chart_manifests_and_project_carry_one_version(root: Path, base: dict[str, Json]) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((root / "deploy/helm/packhouse/Chart.yaml").read_text())
    containers = base["Deployment/packhouse"]["spec"]["template"]["spec"]["containers"]
    images = {container["image"] for container in containers}
    assert (version, version, {f"packhouse:{version}"}) == (chart["version"], chart["appVersion"], images)


def test_more_volumes_reach_the_operator_and_not_the_renderer(template: Template) -> None:
    volume = {"name": "authorities", "configMap": {"name": "registry-authorities"}}
    mount = {"name": "authorities", "mountPath": "/etc/packhouse", "readOnly": True}
    values = {"operator": {"volumes": [volume], "volumeMounts": [mount]}}
    pod = template(values)["Deployment/packhouse"]["spec"]["template"]["spec"]
    mounts = {container["name"]: container["volumeMounts"] for container in pod["containers"]}
    assert volume in pod["volumes"]
    assert [name for name, found in mounts.items() if mount in found] == ["operator"]
