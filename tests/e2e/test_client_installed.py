"""`installed list|get|status|tree|history` on a real API server with the operator.

One namespace and three installs serve all tests: one that lives through its versions, one whose pod finds no node, and
one that somebody tampers with while it is paused. A user who may read installs and nothing else calls by impersonation.
"""

from __future__ import annotations

import json
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.find import Cluster
from cluster.registry import LocalRegistry
from command_line import Answer, CommandLine
from lab import RBAC, Json, Lab, OperatorProcess, account, find_condition, inline, install, package, secret, wait_until
from packhouse.client.errors import ExitCode

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ install.name }}"}
spec:
  selector: {matchLabels: {app: "{{ install.name }}"}}
  template:
    metadata: {labels: {app: "{{ install.name }}"}}
    spec: {nodeSelector: {{ values.nodes | tojson }}, containers: [{name: web, image: "registry.invalid/web:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ install.name }}"}
data: {version: "{{ package.version }}"}
"""
#: Its line 5 fails.
BAD = """apiVersion: v1
kind: ConfigMap
metadata: {name: bad}
data:
  text: "{{ values.nothing.deeper }}"
"""
NODES = {"type": "object", "additionalProperties": {"type": "string"}, "default": {}}
ANYWHERE, NOWHERE = "nodes: {}\n", 'nodes: {"example.com/none": "x"}\n'


class Scene:
    """A package in three versions, of which the last one cannot be rendered, and its installs."""

    def __init__(self, lab: Lab, call: CommandLine) -> None:
        word = f"i{secrets.token_hex(4)}"
        self.lab, self.call, self.namespace, self.user = lab, call, f"test-{word}", f"{word}-user"
        self.package = f"{word}.example.com"
        place = self.namespace
        lab.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}},
            *account(place),
            *(self._package(version) for version in ("1.0.0", "1.1.0", "2.0.0")),
            secret(place, "anywhere", values_yml=ANYWHERE),
            secret(place, "nowhere", values_yml=NOWHERE),
            install("web", place, self.package, version="1.0.0", values=["anywhere"], syncPeriod="1h"),
            install("slow", place, self.package, constraint="1.0.0", values=["nowhere"]),
            install("held", place, self.package, constraint="<1.1.0", values=["anywhere"]),
            *self._user(),
        )
        lab.settled("ipkg", "web", place)
        lab.settled("ipkg", "held", place)

    def __call__(self, *words: str, code: int = 0) -> Answer:
        return self.call("installed", *words, "-n", self.namespace, code=code)

    def as_user(self, *words: str, code: int = 0) -> Answer:
        return self(*words, "--as", self.user, code=code)

    def live(self, name: str) -> Json:
        found = self.lab.get("ipkg", name, self.namespace)
        assert found is not None, name
        return found

    def take(self, version: str, condition: str) -> None:
        """The first install takes that version, and ends so."""
        self.lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": version}}}, self.namespace)
        self.lab.settled("ipkg", "web", self.namespace, condition=condition)

    def clear(self) -> None:
        self.lab.patch("ipkg", "held", {"spec": {"paused": False}}, self.namespace)
        self.lab.cluster.kubectl("delete", "ipkg", "--all", "-n", self.namespace)
        self.lab.delete("namespace", self.namespace, wait=False)

    def _package(self, version: str) -> Json:
        files = {"config/web.yaml": WEB} | ({"config/bad.yaml": BAD} if version == "2.0.0" else {})
        schema = {"type": "object", "properties": {"nodes": NODES}}
        return package(self.package, version, fetch=inline(files), valuesSchema=schema)

    def _user(self) -> list[Json]:
        """Who sees the installs of this namespace, and nothing besides."""
        meta = {"name": self.user, "namespace": self.namespace}
        rule = {"apiGroups": ["install.package.carvel.dev"], "resources": ["installedpackages"]}
        return [
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "Role",
                "metadata": meta,
                "rules": [{**rule, "verbs": ["get", "list"]}],
            },
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "RoleBinding",
                "metadata": meta,
                "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": self.user},
                "subjects": [{"apiGroup": RBAC, "kind": "User", "name": self.user}],
            },
        ]


@pytest.fixture(scope="module")
def scene(
    operator: OperatorProcess, cluster: Cluster, registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("caller")
    environment = {"DOCKER_CONFIG": str(folder), "PACKHOUSE_CACHE_DIR": str(folder / "cache"), "COLUMNS": "100"}
    scene = Scene(Lab(cluster, registry.host), CommandLine(cluster.kubeconfig, environment))
    yield scene
    scene.clear()


def cells(text: str) -> list[list[str]]:
    """The cells of a table, as far as they hold something."""
    return [[cell.strip() for cell in line.split("   ") if cell.strip()] for line in text.splitlines()]


def test_the_list_tells_which_newer_versions_there_are(scene: Scene) -> None:
    shown = cells(scene("list").out)
    wide = cells(scene("list", "-A", "-o", "wide").out)

    assert shown[0] == ["NAME", "PACKAGE-NAME", "PACKAGE-VERSION", "STATUS", "AVAILABLE"]
    assert ["held", scene.package, "1.0.0", "Reconcile succeeded", "2.0.0"] in shown
    assert ["web", scene.package, "1.0.0", "Reconcile succeeded", "2.0.0"] in shown
    assert wide[0][0] == "NAMESPACE"
    assert [scene.namespace, "held"] in [row[:2] for row in wide]
    assert scene("list", "-o", "name").out.splitlines() == [
        f"installedpackage.install.package.carvel.dev/{name}" for name in ("held", "slow", "web")
    ]


def test_an_install_is_told_by_its_facts_and_its_values_are_written_for_nobody_else(
    scene: Scene, tmp_path: Path
) -> None:
    facts = dict(cells(line)[0] for line in scene("get", "web").out.splitlines())
    file = tmp_path / "values.yaml"
    scene("get", "web", "--values-file-output", str(file))

    assert facts["PACKAGE-NAME:"] == scene.package
    assert facts["AVAILABLE:"] == "2.0.0"
    assert facts["SERVICE-ACCOUNT:"] == "installer"
    assert facts["VALUES:"] == "Secret anywhere"
    assert facts["OBJECTS:"] == "2"
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (ANYWHERE, 0o600)
    assert "exists already" in scene("get", "web", "--values-file-output", str(file), code=ExitCode.USAGE).said
    assert scene("get", "web", "--values-file-output", "-").out == ANYWHERE
    assert json.loads(scene("get", "web", "-o", "json").out)["spec"]["packageRef"]["publicName"] == scene.package


def test_an_install_that_is_waited_for_says_which_pod_and_why(scene: Scene) -> None:
    wait_until(
        "the operator waits for the pod",
        lambda: "Unschedulable" in (find_condition(scene.live("slow"), "Ready") or {}).get("message", ""),
    )
    answer = scene("status", "slow", code=ExitCode.NOT_READY)

    lines = answer.out.splitlines()
    assert f"  Deployment {scene.namespace}/slow: 0 of 1 replicas are available" in lines
    assert any(line.startswith(f"      Pod {scene.namespace}/slow-") and "Unschedulable" in line for line in lines)
    assert "FailedScheduling" in answer.out
    assert f"kubectl package installed tree slow -n {scene.namespace}" in answer.out

    [top] = json.loads(scene("tree", "slow", "-o", "json").out)["objects"][1:]
    [replica_set] = top["children"]
    [pod] = replica_set["children"]
    assert [(one["kind"], one["standing"]) for one in (top, replica_set, pod)] == [
        ("Deployment", "waiting"),
        ("ReplicaSet", "waiting"),
        ("Pod", "waiting"),
    ]


def test_the_tree_shows_objects_that_somebody_changed_replaced_or_took_away(scene: Scene) -> None:
    place, kubectl = scene.namespace, scene.lab.cluster.kubectl
    whole = scene("tree", "held").out.splitlines()
    assert whole[0] == f"{place}/held ({scene.package} 1.0.0): Reconcile succeeded"
    assert [line.split()[-2:] for line in whole[1:4]] == [
        ["namespace", place],
        ["ConfigMap", "held"],
        ["Deployment", "held"],
    ]
    assert [line.split()[-2] for line in whole[4:]] == ["ReplicaSet", "Pod"]

    scene.lab.patch("ipkg", "held", {"spec": {"paused": True}}, place)
    wait_until("it is held", lambda: scene.live("held")["status"]["friendlyDescription"] == "Paused")
    scene.lab.patch("configmap", "held", {"data": {"version": "mine"}}, place)
    kubectl("delete", "deployment", "held", "-n", place)

    def standings() -> dict[str, str]:
        objects = json.loads(scene("tree", "held", "-o", "json").out)["objects"]
        return {one["kind"]: f"{one['standing']}: {one['message']}" for one in objects}

    assert standings() == {
        "ConfigMap": "drifted: somebody changed fields that were applied",
        "Deployment": "missing: it is missing",
    }
    kubectl("delete", "configmap", "held", "-n", place)
    kubectl("create", "configmap", "held", "-n", place)
    assert standings()["ConfigMap"] == "drifted: somebody replaced it by another of the same name"
    told = scene("status", "held").out
    assert f"  Deployment {place}/held: it is missing" in told.splitlines()
    assert "installed resume held" in told


def test_after_an_upgrade_and_a_template_that_fails_history_and_status_say_so(scene: Scene) -> None:
    scene.take("1.1.0", "ReconcileSucceeded")
    well = scene("status", "web")
    scene.take("2.0.0", "ReconcileFailed")

    answer = scene("status", "web", code=ExitCode.NOT_READY)
    rows = cells(scene("history", "web").out)

    assert "NEXT STEPS" not in well.out
    facts = [line.strip() for line in answer.out.splitlines()]
    assert f"PACKAGE:   {scene.package} 1.1.0, 2.0.0 was tried" in facts
    assert any(line.startswith("MESSAGE:") and "config/bad.yaml:5" in line for line in facts)
    assert '5 >   text: "{{ values.nothing.deeper }}"' in facts
    assert f"installed update web -n {scene.namespace} --version" in answer.out
    assert [row[:2] for row in rows[1:]] == [
        ["2.0.0", "TemplateFailed"],
        ["1.1.0", "ReconcileSucceeded"],
        ["1.0.0", "ReconcileSucceeded"],
    ]
    assert "config/bad.yaml:5" in rows[1][-1]
    entries = json.loads(scene("history", "web", "-o", "json").out)["items"]
    assert [entry["version"] for entry in entries] == ["2.0.0", "1.1.0", "1.0.0"]
    assert all(entry["startedAt"] <= entry["finishedAt"] for entry in entries)


def test_who_may_read_installs_alone_sees_all_that_they_say_and_what_is_left_out(scene: Scene) -> None:
    shown = scene.as_user("list")
    assert "you may not read Package" in shown.said
    assert "AVAILABLE" in shown.out
    assert "2.0.0" not in shown.out
    described = scene.as_user("get", "web")
    assert "you may not read Package" in described.said
    assert "AVAILABLE" not in described.out
    assert scene.as_user("history", "web").out == scene("history", "web").out

    told = scene.as_user("status", "slow", code=ExitCode.NOT_READY)
    assert "Unschedulable" in told.out  # in the words of the operator
    assert f"you may not list Event in namespace {scene.namespace}" in told.said

    drawn = scene.as_user("tree", "slow")
    assert [line.split(maxsplit=2)[-1] for line in drawn.out.splitlines()[2:]] == [
        "ConfigMap slow: you may not read it",
        "Deployment slow: you may not read it",
    ]
    assert f"you may not get ConfigMap, Deployment in namespace {scene.namespace}" in drawn.said

    refused = scene.as_user("get", "web", "--values-file-output", "-", code=ExitCode.FORBIDDEN)
    assert refused.out == ""
    assert "Secret anywhere, which you may not read" in refused.said
    assert "this rule grants it" in refused.said


def test_a_name_that_is_not_there_is_answered_with_the_nearest(scene: Scene) -> None:
    for verb in ("get", "status", "tree", "history"):
        refused = scene(verb, "wep", code=ExitCode.NOT_FOUND)
        assert refused.said.splitlines()[-2:] == [
            f"error: there is no install {scene.namespace}/wep",
            "help:  did you mean web?",
        ]
