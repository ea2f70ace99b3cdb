"""`available` and `repository` on a real API server with the operator: the shapes of the design, column by column.

One repository in the registry, with two tags, serves all tests. A user with few rights calls by impersonation.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster.find import Cluster
from cluster.registry import LocalRegistry
from command_line import CommandLine
from lab import PACKAGE_API, RBAC, Json, Lab, OperatorProcess, inline, package, repository, wait_until
from packhouse.client.errors import ExitCode

SCHEMA = {
    "type": "object",
    "properties": {
        "contour": {
            "type": "object",
            "properties": {
                "configFileContents": {
                    "type": "object",
                    "nullable": True,
                    "description": "The YAML contents of the Contour config file.",
                }
            },
        },
        "envoy": {
            "type": "object",
            "properties": {
                "service": {
                    "type": "object",
                    "properties": {
                        "nodePorts": {
                            "type": "object",
                            "properties": {
                                "http": {"type": "integer", "nullable": True, "description": "If type == NodePort."}
                            },
                        }
                    },
                },
                "hostNetwork": {"type": "boolean", "default": False, "description": "Whether to enable it."},
            },
        },
    },
}
HELLO = inline({"hello.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: hello}}"})


class Scene:
    """A repository with the tags 1.0.0 and 1.1.0, which has one version more, and a user who sees packages alone."""

    def __init__(self, lab: Lab, call: CommandLine) -> None:
        self.word = f"c{secrets.token_hex(4)}"
        self.lab, self.call, self.user = lab, call, f"{self.word}-user"
        self.contour, self.certs = f"contour.{self.word}.example.com", f"cert-manager.{self.word}.example.com"
        self.image = self.publish("1.0.0", "1.17.1").rpartition(":")[0]
        self.publish("1.1.0", "1.17.1", "1.18.0")
        rules = [{"apiGroups": ["package.carvel.dev"], "resources": ["*"], "verbs": ["get", "list"]}]
        rules += [
            {
                "apiGroups": ["install.package.carvel.dev"],
                "resources": ["packagerepositories"],
                "verbs": ["get", "list"],
            }
        ]
        role = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": self.user}}
        lab.apply(
            {**role, "kind": "ClusterRole", "rules": rules},
            {
                **role,
                "kind": "ClusterRoleBinding",
                "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": self.user},
                "subjects": [{"apiGroup": RBAC, "kind": "User", "name": self.user}],
            },
        )

    def publish(self, tag: str, *versions: str) -> str:
        said = {"displayName": "cert-manager", "shortDescription": "Certificate management"}
        documents = [
            {
                **self._offer(self.certs, "1.5.0"),
            }
        ]
        documents[0]["spec"] |= said
        documents += [self._offer(self.contour, version) for version in versions]
        metadata = {"name": self.contour}
        words = {"displayName": "contour", "shortDescription": "An ingress controller"}
        documents.append({"apiVersion": PACKAGE_API, "kind": "PackageMetadata", "metadata": metadata, "spec": words})
        return self.lab.publish(f"{self.word}/repo", documents, tag=tag)

    def _offer(self, name: str, version: str) -> Json:
        offer = package(name, version, fetch=HELLO, valuesSchema=SCHEMA)
        offer["spec"]["releasedAt"] = f"2021-07-{version.split('.')[1]}T18:00:00Z" if version != "1.5.0" else None
        return offer

    def __call__(self, *words: str, code: int = 0) -> str:
        return self.call(*words, code=code).out


@pytest.fixture(scope="module")
def scene(
    operator: OperatorProcess, cluster: Cluster, registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("catalogue")
    scene = Scene(Lab(cluster, registry.host), CommandLine(cluster.kubeconfig, {"PACKHOUSE_CACHE_DIR": str(folder)}))
    scene("repository", "add", scene.word, "--url", f"{scene.image}:1.1.0")
    yield scene
    scene("repository", "delete", scene.word, "--yes", code=ExitCode.DONE)


def columns(text: str, indent: str = "") -> tuple[list[str], list[list[str]]]:
    """Titles and cells; every cell must begin where its title does."""
    head, *lines = text.splitlines()
    assert head.startswith(indent)
    assert not head.startswith(f"{indent} ")
    places = [found.start() for found in re.finditer(r"\S+", head)]
    ends = [*places[1:], None]
    rows = [[line[place:end].rstrip() for place, end in zip(places, ends, strict=True)] for line in lines]
    for line in lines:
        assert all(line[place - 1 : place] in ("", " ") for place in places[1:]), line
    return head.split(), rows


def test_the_list_of_packages_has_the_columns_of_the_design(scene: Scene) -> None:
    answer = scene.call("available", "list")

    assert answer.said == "| Retrieving available packages...\n"
    titles, rows = columns(answer.out, "  ")
    assert titles == ["NAME", "DISPLAY-NAME", "SHORT-DESCRIPTION"]
    assert [row for row in rows if scene.word in row[0]] == [
        [scene.certs, "cert-manager", "Certificate management"],
        [scene.contour, "contour", "An ingress controller"],
    ]


def test_the_values_of_a_package_have_the_columns_of_the_design(scene: Scene) -> None:
    answer = scene.call("available", "get", f"{scene.contour}/1.17.1", "--values-schema")

    assert answer.said == f"| Retrieving package details for {scene.contour}/1.17.1...\n"
    assert columns(answer.out, "  ") == (  # the API server keeps the keys of a map in their order by name
        ["KEY", "DEFAULT", "TYPE", "DESCRIPTION"],
        [
            ["contour.configFileContents", "<nil>", "object", "The YAML contents of the Contour config file."],
            ["envoy.hostNetwork", "false", "boolean", "Whether to enable it."],
            ["envoy.service.nodePorts.http", "<nil>", "integer", "If type == NodePort."],
        ],
    )


def test_the_versions_of_a_package_come_newest_first_with_their_dates(scene: Scene) -> None:
    titles, rows = columns(scene("available", "get", scene.contour, "-o", "wide"), "  ")

    assert titles == ["NAME", "VERSION", "RELEASED-AT", "KUBERNETES", "REPOSITORY"]
    assert rows == [
        [scene.contour, "1.18.0", "2021-07-18T18:00:00Z", "", scene.word],
        [scene.contour, "1.17.1", "2021-07-17T18:00:00Z", "", scene.word],
    ]
    assert "RELEASED-AT:" in scene("available", "get", f"{scene.contour}/1.18.0")


def test_packages_are_found_by_a_word_and_shown_to_programs(scene: Scene) -> None:
    assert scene("available", "search", f"CONTOUR.{scene.word}", "-o", "name") == f"{scene.contour}\n"
    names = [item["name"] for item in json.loads(scene("available", "list", "-o", "json"))["items"]]
    assert {scene.contour, scene.certs} <= set(names)
    whole = yaml.safe_load(scene("available", "get", f"{scene.contour}/1.18.0", "-o", "yaml"))
    assert whole["metadata"]["name"] == f"{scene.contour}.1.18.0"


def test_plain_kubectl_shows_packages_as_before(scene: Scene) -> None:
    titles = scene.lab.cluster.kubectl("get", "packages").stdout.splitlines()[0].split()
    wide = scene.lab.cluster.kubectl("get", "packages", "-o", "wide").stdout.splitlines()[0].split()

    assert titles == ["NAME", "PUBLIC-NAME", "VERSION", "AGE"]
    assert {"DISPLAY-NAME", "SHORT-DESCRIPTION"} <= set(wide)


def test_a_plug_in_of_kubectl_says_the_same_as_the_program(scene: Scene) -> None:
    programs = Path(sys.executable).parent
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "KUBECONFIG": str(scene.lab.cluster.kubeconfig),
    }
    words = ["package", "available", "get", scene.contour]

    plugin, program = (
        subprocess.run([str(programs / name), *words], env=environment, capture_output=True, text=True, check=True)
        for name in ("kubectl", "packhouse")
    )

    assert plugin.stdout == program.stdout != ""
    assert plugin.stderr == program.stderr == f"| Retrieving package versions for {scene.contour}...\n"


def test_repositories_are_installed_listed_and_deleted_as_in_the_design(scene: Scene, tmp_path: Path) -> None:
    name = f"{scene.word}-main"
    file = tmp_path / "repository.yaml"
    file.write_text(yaml.safe_dump(repository(name, f"{scene.image}:1.0.0")))

    assert scene("repository", "install", "-f", str(file)) == "installed package repo\n"
    titles, rows = columns(scene("repository", "list"))
    assert titles == ["NAME", "VERSION"]
    assert [name, "1.0.0"] in rows
    titles, rows = columns(scene("repository", "list", "-o", "wide"))
    assert titles == ["NAME", "VERSION", "PACKAGES", "SOURCE", "FOLLOWS", "DESCRIPTION"]
    [mine] = [row for row in rows if row[0] == name]
    assert mine[1:] == ["1.0.0", "2", scene.image, "tag 1.0.0", "Reconcile succeeded"]
    assert scene("repository", "install", "-f", str(file)) == "installed package repo\n"

    assert scene("repository", "delete", name, "--yes") == "deleted package repo\n"
    assert scene.lab.get("pkgr", name) is None
    assert scene.lab.get("package", f"{scene.contour}.1.17.1") is not None, "another repository offers it, too"


def test_a_repository_follows_a_tag_then_a_range_and_a_kick_is_heard_at_once(scene: Scene) -> None:
    name = f"{scene.word}-team"
    assert scene("repository", "add", name, "--url", f"{scene.image}:1.0.0") == "added package repo\n"
    try:
        scene("repository", "update", name, "--constraint", "1.x")
        assert json.loads(scene("repository", "get", name, "-o", "json"))["status"]["version"] == "1.1.0"

        scene.publish("1.2.0", "1.17.1", "1.18.0", "1.19.0")
        assert scene("repository", "kick", name) == f"kicked {name}\n"
        wait_until("1.2.0 is seen", lambda: [name, "1.2.0"] in columns(scene("repository", "list"))[1], seconds=10)
        shown = scene("repository", "get", name)
        assert "FOLLOWS:       tags 1.x" in shown
        assert "1.19.0" in shown

        failed = scene.call("repository", "update", name, "--tag", "none", code=ExitCode.NOT_READY)
        what, *lever = failed.said.splitlines()[-2:]
        assert what.startswith(f"error: PackageRepository {name} is not in place: ")
        assert lever == [f"help:  kubectl package repository get {name}"]
        assert [name, "1.2.0"] in columns(scene("repository", "list"))[1], "what it had stays"
    finally:
        scene("repository", "delete", name, "--yes")


def test_a_manifest_that_the_server_refuses_leaves_nothing(scene: Scene, tmp_path: Path) -> None:
    good, bad = repository(f"{scene.word}-good", f"{scene.image}:1.0.0"), repository(f"{scene.word}-bad", "x:1")
    bad["spec"]["fetch"]["git"] = {"url": "https://git.example.com/a", "ref": "main"}
    file = tmp_path / "repositories.yaml"
    file.write_text(f"{json.dumps(good)}\n---\n{json.dumps(bad)}\n")

    refused = scene.call("repository", "install", "-f", str(file), code=ExitCode.FAILED)

    assert f"error: {file}:3: PackageRepository {scene.word}-bad" in refused.said
    assert "fetch needs exactly one of" in refused.said
    assert scene.lab.get("pkgr", f"{scene.word}-good") is None


def test_a_user_with_few_rights_is_told_which_one_is_missing(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "repository.yaml"
    file.write_text(yaml.safe_dump(repository(f"{scene.word}-new", f"{scene.image}:1.0.0")))
    reader, nobody = ("--as", scene.user), ("--as", f"{scene.word}-nobody")

    for words in (("available", "list"), ("repository", "list"), ("repository", "get", scene.word)):
        scene(*words, *reader)
    for who, verb, resource, words in (
        (nobody, "list", "packages", ("available", "list")),
        (nobody, "list", "packages", ("available", "search", "x")),
        (nobody, "list", "packages", ("available", "get", scene.contour)),
        (nobody, "get", "packages", ("available", "get", f"{scene.contour}/1.17.1")),
        (nobody, "list", "packagerepositories", ("repository", "list")),
        (nobody, "get", "packagerepositories", ("repository", "get", scene.word)),
        (reader, "create", "packagerepositories", ("repository", "add", f"{scene.word}-x", "--url", scene.image)),
        (reader, "create", "packagerepositories", ("repository", "install", "-f", str(file))),
        (reader, "patch", "packagerepositories", ("repository", "update", scene.word, "--tag", "1.0.0")),
        (reader, "patch", "packagerepositories", ("repository", "kick", scene.word)),
        (reader, "delete", "packagerepositories", ("repository", "delete", scene.word, "--yes")),
    ):
        refused = scene.call(*words, *who, code=ExitCode.FORBIDDEN)
        assert refused.out == ""
        what, lever = refused.said.splitlines()[-2:]
        assert f'User "{who[1]}" cannot {verb} resource "{resource}"' in what
        assert f'resources ["{resource}"], verbs ["{verb}"]' in lever
    assert scene.lab.get("pkgr", scene.word)["spec"]["fetch"]["imgpkgBundle"]["image"] == f"{scene.image}:1.1.0"
