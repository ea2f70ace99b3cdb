"""What would change, before it does: `installed diff` and `available diff` against the operator's own deeds.

One install serves all tests. It is paused while they look at it, so that the operator repairs nothing in between.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator, Sequence

import pytest

from cluster.audit import AuditLog, writes
from cluster.find import Cluster
from cluster.registry import LocalRegistry
from command_line import Answer, CommandLine
from goods import annotated, config_map, workload
from lab import RBAC, Json, Lab, OperatorProcess, account, cluster_rights, inline, install, package, secret
from packhouse.client.errors import ExitCode

SCHEMA = {
    "type": "object",
    "properties": {
        "replicas": {"type": "integer", "default": 1},
        "password": {"type": "string", "default": "d3fault-word"},
    },
}
ADMIN = "admin"
#: Nothing of these may ever be shown.
WORDS = ("correct-horse", "battery-staple", "d3fault-word")
ALL = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
SEES_ALL = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]
SEES_PACKAGES = [{"apiGroups": ["package.carvel.dev"], "resources": ["*"], "verbs": ["get", "list"]}]


class Scene:
    """The install `web` of a package with two versions, and three users besides the admin."""

    def __init__(self, lab: Lab, call: CommandLine) -> None:
        word = f"d{secrets.token_hex(4)}"
        self.lab, self.call, self.namespace, self.package = lab, call, f"test-{word}", f"{word}.example.com"
        self.sees_all, self.sees_packages, self.edits = f"{word}-sees-all", f"{word}-sees-packages", f"{word}-edits"
        lab.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            *account(self.namespace),
            *cluster_rights(self.namespace, self.namespace, ALL),
            *_user(self.sees_all, SEES_ALL),
            *_user(self.sees_packages, SEES_PACKAGES),
            *_user(self.edits, SEES_PACKAGES, edits=self.namespace),
            _package(self.package, "1.0.0", word),
            _package(self.package, "2.0.0", word),
            secret(self.namespace, "web-values", values_yml="password: correct-horse\n"),
            install(
                "web", self.namespace, self.package, version="1.0.0", values=["web-values"], deploy={"wait": False}
            ),
        )
        lab.settled("ipkg", "web", self.namespace)
        self.pause()

    def pause(self) -> None:
        self.lab.patch("ipkg", "web", {"spec": {"paused": True}}, self.namespace)

    def resume(self) -> None:
        self.lab.patch("ipkg", "web", {"spec": {"paused": False}}, self.namespace)
        self.lab.settled("ipkg", "web", self.namespace)

    def diff(self, *words: str, code: int = 0) -> Answer:
        return self.call("installed", "diff", "web", "-n", self.namespace, *words, code=code)

    def changes(self, *words: str) -> dict[str, Json]:
        """By kind and name of the object."""
        items = json.loads(self.diff("-o", "json", *words).out)["items"]
        return {f"{item['object']['kind']} {item['object']['name']}": item for item in items}

    def clear(self) -> None:
        self.lab.patch("ipkg", "web", {"spec": {"paused": False, "noopDelete": True}}, self.namespace)
        self.lab.delete("ipkg", "web", self.namespace, wait=False)
        self.lab.delete("namespace", self.namespace, wait=False)
        roles = (self.sees_all, self.sees_packages, self.edits)
        for kind, name in [("clusterrolebinding", self.namespace), *(("clusterrolebinding", name) for name in roles)]:
            self.lab.delete(kind, name, wait=False)


def _user(name: str, rules: Sequence[Json], *, edits: str = "") -> list[Json]:
    subject = {"apiGroup": RBAC, "kind": "User", "name": name}
    role, meta = {"apiGroup": RBAC, "kind": "ClusterRole"}, {"name": name}
    made: list[Json] = [
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": meta, "rules": list(rules)},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": meta,
            "roleRef": {**role, "name": name},
            "subjects": [subject],
        },
    ]
    if edits:
        may_see = [{"apiGroups": ["install.package.carvel.dev"], "resources": ["installedpackages"], "verbs": ["get"]}]
        see = {"name": f"{name}-installs", "namespace": edits}
        for meta, reference in (
            ({"name": name, "namespace": edits}, {**role, "name": "edit"}),
            (see, {"apiGroup": RBAC, "kind": "Role", "name": see["name"]}),
        ):
            bound = {"metadata": meta, "roleRef": reference, "subjects": [subject]}
            made.append({"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", **bound})
        made.append({"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": see, "rules": may_see})
    return made


def _package(name: str, version: str, word: str) -> Json:
    first = version == "1.0.0"
    app = workload("app")
    app["spec"]["replicas"] = "REPLICAS"
    objects = [
        app,
        config_map("app", version=version),
        {**annotated(config_map("fixed", version=version), update_strategy="fallback-on-replace"), "immutable": True},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "data": {"password": "PASSWORD"}},
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": f"{word}-app"}, "rules": []},
        config_map("old", a="b") if first else config_map("new", a="b"),
    ]
    if not first:
        names = {"kind": "Site", "plural": "sites", "singular": "site"}
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
        spec = {"group": f"{word}.example.com", "scope": "Cluster", "names": names, "versions": versions}
        crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}
        objects.append({**crd, "metadata": {"name": f"sites.{word}.example.com"}})
        objects.append({"apiVersion": f"{word}.example.com/v1", "kind": "Site", "metadata": {"name": f"{word}-main"}})
    text = "\n---\n".join(json.dumps(obj) for obj in objects)
    text = text.replace('"REPLICAS"', "{{ values.replicas }}")
    text = text.replace('"PASSWORD"', '"{{ values.password | b64encode }}"')
    schema = json.loads(json.dumps(SCHEMA))
    if not first:
        schema["properties"]["host"] = {"type": "string", "default": "a", "description": "Where it is."}
    return package(name, version, fetch=inline({"all.yaml": text}), valuesSchema=schema)


@pytest.fixture(scope="module")
def scene(
    operator: OperatorProcess, cluster: Cluster, registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("diff")
    call = CommandLine(cluster.kubeconfig, {"PACKHOUSE_CACHE_DIR": str(folder), "DOCKER_CONFIG": str(folder)})
    found = Scene(Lab(cluster, registry.host), call)
    yield found
    found.clear()


@pytest.fixture(autouse=True)
def quiet(scene: Scene, audit: AuditLog) -> Iterator[None]:
    """Nobody who only looks writes anything."""
    position = audit.position()
    yield
    calls = [call for call in audit.since(position) if call.user == ADMIN and "kubectl" not in call.user_agent]
    assert calls, "impersonated or not, the caller is the admin"
    assert writes(calls) == []


def test_an_install_at_rest_differs_in_nothing(scene: Scene) -> None:
    answer = scene.diff("--exit-code")
    assert answer.out == ""
    assert "Nothing would change: 6 unchanged" in answer.said
    assert f"{scene.namespace}/web is paused" in answer.said


def test_drift_is_shown_as_exactly_the_field_that_somebody_changed(scene: Scene) -> None:
    scene.lab.patch("deployment", "app", {"spec": {"replicas": 5}}, scene.namespace)
    [item] = scene.changes().values()
    assert (item["action"], item["why"]) == ("configure", "it was changed by another writer")
    assert item["changes"] == [{"path": "spec.replicas", "before": 5, "after": 1}]
    answer = scene.diff("--exit-code", code=ExitCode.DIFFERENT)
    assert [line for line in answer.out.splitlines() if line[0] in "+-"][2:] == ["-  replicas: 5", "+  replicas: 1"]
    scene.resume()
    scene.pause()


def test_an_update_is_shown_before_it_is_made(scene: Scene) -> None:
    update = ("--version", "2.0.0", "--set", "password=battery-staple", "--set", "replicas=2")
    items = scene.changes(*update)
    word = scene.package.partition(".")[0]
    assert {name: item["action"] for name, item in items.items()} == {
        "Deployment app": "configure",
        "ConfigMap app": "configure",
        "ConfigMap fixed": "replace",
        "Secret app": "configure",
        "ConfigMap old": "prune",
        "ConfigMap new": "create",
        f"CustomResourceDefinition sites.{word}.example.com": "create",
        f"Site {word}-main": "create",
    }
    assert items["Deployment app"]["changes"] == [{"path": "spec.replicas", "before": 1, "after": 2}]
    assert items["ConfigMap fixed"]["changes"] == [{"path": "data.version", "before": "1.0.0", "after": "2.0.0"}]
    assert items["Secret app"]["changes"] == [
        {"path": "data.password", "before": "(not shown)", "after": "(not shown, another one)"}
    ]
    assert "rests on what the same plan brings" in items[f"Site {word}-main"]["note"]

    text = scene.diff(*update)
    assert "3 to create, 3 to configure, 1 to replace, 1 to prune, 1 unchanged" in text.said
    everything = json.dumps(items) + text.out + text.said
    for secret_word in WORDS:
        assert secret_word not in everything
        assert base64.b64encode(secret_word.encode()).decode() not in everything


def test_who_may_only_look_is_shown_objects_as_they_are_rendered(scene: Scene) -> None:
    scene.lab.patch("configmap", "app", {"data": {"version": "edited"}}, scene.namespace)
    [item] = scene.changes("--as", scene.sees_all).values()
    assert item["changes"] == [{"path": "data.version", "before": "edited", "after": "1.0.0"}]
    assert item["note"].startswith("shown as rendered, since it may not be tried: configmaps")
    scene.lab.patch("configmap", "app", {"data": {"version": "1.0.0"}}, scene.namespace)


def test_who_may_not_look_at_all_of_it_is_told_which_rights_are_missing(scene: Scene) -> None:
    answer = scene.diff("--as", scene.edits, code=ExitCode.FORBIDDEN)
    assert answer.out == ""
    assert f"user {scene.edits} may not look at all that the plan concerns: 1 right missing" in answer.said
    assert "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [get]}" in answer.said
    answer = scene.diff("--as", scene.sees_packages, code=ExitCode.FORBIDDEN)
    assert 'resources ["installedpackages"], verbs ["get"]' in answer.said


def test_two_versions_are_compared_by_who_may_see_packages_alone(scene: Scene) -> None:
    words = ("available", "diff", scene.package, "1.0.0", "2.0.0", "--as", scene.sees_packages, "-n", scene.namespace)
    answer = scene.call(*words)
    assert answer.out.splitlines()[:2] == ["values", "+ host (string, default a): Where it is."]
    assert "values: 1 added; objects: 3 added, 1 removed, 2 changed, 3 unchanged" in answer.said
    items = json.loads(scene.call(*words, "-o", "json").out)["items"]
    shown = {item["object"]["name"]: item["changes"] for item in items if item["action"] == "changed"}
    assert shown["app"] == [{"path": "data.version", "before": "1.0.0", "after": "2.0.0"}]
    assert not any(word in answer.out for word in WORDS)

    answer = scene.call(*words, "--set", "host=b")
    assert f"{scene.package} 1.0.0 cannot be rendered" in answer.said
    assert "objects" not in answer.said.splitlines()[-1]
    answer = scene.call("available", "diff", scene.package, "1.0.0", "3.0.0", code=ExitCode.NOT_FOUND)
    assert "has no version 3.0.0" in answer.said
