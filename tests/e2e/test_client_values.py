"""The values of a package, asked of a real catalogue, also by users with few rights. Nothing is installed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.find import Cluster
from command_line import CommandLine
from lab import RBAC, Json, Lab, inline, package
from packhouse.client.errors import ExitCode

SCHEMA: Json = {
    "type": "object",
    "properties": {
        "replicas": {"type": "integer", "default": 2, "description": "How many pods there are."},
        "service": {"type": "object", "properties": {"type": {"type": "string"}}},
    },
}


@pytest.fixture(scope="module")
def call(cluster: Cluster, crds: None) -> CommandLine:
    return CommandLine(cluster.kubeconfig, {})


@pytest.fixture(scope="module")
def name(cluster: Cluster, crds: None) -> Iterator[str]:
    """A package with a schema in its newer version alone, and the users `NAME-reader`, who may get packages, and
    `NAME-nobody`."""
    name = f"v{secrets.token_hex(4)}.example.com"
    meta = {"name": f"{name}-reader"}
    lab = Lab(cluster, "")
    files = inline({"a.yaml": "{}"})
    rules = [{"apiGroups": ["package.carvel.dev"], "resources": ["packages"], "verbs": ["get", "list"]}]
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": meta["name"]}
    subjects = [{"apiGroup": RBAC, "kind": "User", "name": meta["name"]}]
    lab.apply(
        package(name, "1.0.0", fetch=files),
        package(name, "1.1.0", fetch=files, valuesSchema=SCHEMA),
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules},
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": meta}
        | {"roleRef": reference, "subjects": subjects},
    )
    yield name
    for version in ("1.0.0", "1.1.0"):
        lab.delete("package", f"{name}.{version}", wait=False)
    lab.delete("clusterrole", meta["name"], wait=False)
    lab.delete("clusterrolebinding", meta["name"], wait=False)


def test_a_key_is_explained_from_the_newest_release(call: CommandLine, name: str) -> None:
    told = call("values", "explain", "replicas", "--package", name)
    assert "DEFAULT:   2\n" in told.out
    assert "  How many pods there are.\n" in told.out
    rows = call("values", "explain", "--package", f"{name}/1.1.0").out.splitlines()
    assert rows[0].split() == ["KEY", "DEFAULT", "TYPE", "DESCRIPTION"]
    assert rows[1].split(maxsplit=3) == ["replicas", "2", "integer", "How many pods there are."]
    assert json.loads(call("values", "explain", "service", "-p", name, "-o", "json").out)["type"] == "object"


def test_a_key_a_schema_or_a_package_that_is_not_there_is_said_with_what_is(call: CommandLine, name: str) -> None:
    told = call("values", "explain", "replcas", "-p", name, code=ExitCode.NOT_FOUND)
    assert told.said == "error: replcas is no key of the values\nhelp:  did you mean replicas?\n"
    told = call("values", "explain", "replicas", "-p", f"{name}/1.0.0", code=ExitCode.NOT_FOUND)
    assert told.said.startswith(f"error: package {name}/1.0.0 has no schema of its values\n")
    told = call("values", "explain", "replicas", "-p", f"{name}x", code=ExitCode.NOT_FOUND)
    assert name in told.said


def test_a_file_is_held_against_the_schema_of_a_package(call: CommandLine, name: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yml"
    file.write_text("#@data/values\n---\nreplicas: many\nservce: {}\n")
    told = call("values", "lint", str(file), "-p", name, code=ExitCode.FAILED)
    assert told.out.splitlines() == [
        f"{file}:3: values.replicas: expected integer, found string",
        f"{file}:4: warning: values.servce is not known (did you mean service?)",
    ]
    file.write_text("replicas: 3\n")
    assert call("values", "lint", str(file), "-p", name).out == ""


def test_few_rights_are_enough_and_missing_ones_are_named(call: CommandLine, name: str, tmp_path: Path) -> None:
    reader, nobody = ("--as", f"{name}-reader"), ("--as", f"{name}-nobody")
    assert "DEFAULT:   2\n" in call("values", "explain", "replicas", "-p", name, *reader).out
    file = tmp_path / "values.yml"
    file.write_text("replicas: 3\n")
    call("values", "lint", str(file), "-p", f"{name}/1.1.0", *reader)
    told = call("values", "lint", str(file), "-p", name, *nobody, code=ExitCode.FORBIDDEN)
    assert 'resources ["packages"], verbs ["list"]' in told.said
