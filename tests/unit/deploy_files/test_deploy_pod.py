"""What the operator's pod promises: the renderer holds nothing, and each container stays within its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.settings import MIB, Settings

Json = dict[str, Any]
TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
UNITS = {"Mi": MIB, "Gi": 1024 * MIB}
READING = {"get", "list", "watch"}


@pytest.fixture
def pod(base: dict[str, Json]) -> Json:
    found: Json = base["Deployment/packhouse"]["spec"]["template"]["spec"]
    return found


def container(pod: Json, name: str) -> Json:
    (found,) = (one for one in pod["containers"] if one["name"] == name)
    return dict(found)


def bytes_of(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


def mounts(pod: Json, name: str) -> dict[str, str]:
    return {mount["mountPath"]: mount["name"] for mount in container(pod, name)["volumeMounts"]}


def test_the_token_is_mounted_in_the_operator_alone(pod: Json) -> None:
    holders = [volume["name"] for volume in pod["volumes"] if "serviceAccountToken" in str(volume)]
    assert (pod["automountServiceAccountToken"], holders) == (False, ["api-access"])
    assert mounts(pod, "operator")[TOKEN_FOLDER] == "api-access"
    assert "api-access" not in mounts(pod, "renderer").values()


def test_the_containers_share_the_socket_and_nothing_else(pod: Json) -> None:
    shared = set(mounts(pod, "operator").items()) & set(mounts(pod, "renderer").items())
    assert {("/run/packhouse", "socket")} == shared
    assert {"socket"} == set(mounts(pod, "operator").values()) & set(mounts(pod, "renderer").values())


def test_both_containers_name_the_same_socket(pod: Json) -> None:
    variables = {entry["name"]: entry.get("value") for entry in container(pod, "operator")["env"]}
    assert variables["PACKHOUSE_RENDERER_SOCKET"] == container(pod, "renderer")["command"][-1]


def test_the_operator_can_read_the_variables_that_it_is_given(pod: Json) -> None:
    variables = {entry["name"]: entry["value"] for entry in container(pod, "operator")["env"] if "value" in entry}
    settings = Settings.from_environment(variables)
    assert (settings.health_port, settings.log_format) == (8080, "json")
    assert str(settings.cache_dir) in mounts(pod, "operator")


def test_the_renderer_has_room_for_all_workers_at_their_limit(pod: Json) -> None:
    settings = Settings()
    workers = settings.render_workers * settings.render_memory_bytes
    assert workers + 256 * MIB <= bytes_of(container(pod, "renderer")["resources"]["limits"]["memory"])


def test_the_cache_has_room_for_all_fetches_at_their_limit(pod: Json) -> None:
    settings = Settings()
    one = settings.bundle_compressed_most_bytes + settings.bundle_unpacked_most_bytes
    (cache,) = (volume for volume in pod["volumes"] if volume["name"] == "cache")
    assert settings.cache_most_bytes + settings.fetch_parallel * one <= bytes_of(cache["emptyDir"]["sizeLimit"])


@pytest.mark.parametrize("name", ["operator", "renderer"])
def test_each_container_is_limited_and_cannot_write_its_image(pod: Json, name: str) -> None:
    found = container(pod, name)
    assert {"cpu", "memory"} == found["resources"]["limits"].keys()
    assert found["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_operator_writes_nothing_of_users_but_finalizers_status_and_tokens(base: dict[str, Json]) -> None:
    writes = {
        f"{group}/{resource}": sorted(set(rule["verbs"]) - READING)
        for rule in base["ClusterRole/packhouse"]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if set(rule["verbs"]) - READING
    }
    catalogue = ["create", "delete", "deletecollection", "patch"]
    assert {
        "install.package.carvel.dev/installedpackages": ["patch"],
        "install.package.carvel.dev/packagerepositories": ["patch"],
        "install.package.carvel.dev/installedpackages/status": ["patch"],
        "install.package.carvel.dev/packagerepositories/status": ["patch"],
        "package.carvel.dev/packages": catalogue,
        "package.carvel.dev/packagemetadatas": catalogue,
        "/serviceaccounts/token": ["create"],
        "events.k8s.io/events": ["create"],
    } == writes


def test_no_rule_has_a_wildcard(base: dict[str, Json]) -> None:
    rules = [rule for obj in base.values() for rule in obj.get("rules", [])]
    assert [rule for rule in rules if "*" in str(rule)] == []


@pytest.mark.parametrize("folder", ["deploy/kustomize/base", "deploy/helm/packhouse/templates"])
def test_every_rule_of_the_cluster_role_says_its_reason(root: Path, folder: str) -> None:
    lines = (root / folder / "clusterrole.yaml").read_text().splitlines()
    rules = [number for number, line in enumerate(lines) if line.startswith("  - apiGroups:")]
    bare = [number + 1 for number in rules if not lines[number - 1].startswith("  # ")]
    assert rules
    assert bare == []


def test_the_table_of_rights_in_the_guide_has_every_rule(root: Path, base: dict[str, Json]) -> None:
    guide = (root / "docs/howto/install.md").read_text()
    missing = [
        resource
        for rule in base["ClusterRole/packhouse"]["rules"]
        for resource in rule["resources"]
        if f"`{resource}`" not in guide or f"`{', '.join(rule['verbs'])}`" not in guide
    ]
    assert missing == []


def test_the_pod_names_its_account(base: dict[str, Json], pod: Json) -> None:
    subject = yaml.safe_load(yaml.safe_dump(base["ClusterRoleBinding/packhouse"]["subjects"][0]))
    assert subject == {"kind": "ServiceAccount", "name": pod["serviceAccountName"], "namespace": "packhouse-system"}
