"""Deletion never sticks: what makes others hang ends here with nothing left, or with objects named in an Event.

Each row of the table is an install in a namespace of its own. All are spoiled while no operator runs, so that nothing
is remembered, and deleted at once; everything is done once without and once with a cleanup account. The operator gives
a deletion eight seconds instead of ten minutes.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cluster.find import Cluster
from lab import (
    OPERATOR_NAMESPACE,
    RBAC,
    Json,
    Lab,
    OperatorProcess,
    account,
    cluster_rights,
    config_map_template,
    inline,
    install,
    package,
    wait_until,
)
from packhouse.api.names import FINALIZER, OWNER_ANNOTATION, OWNER_LABEL

DEADLINE_SECONDS = 8
CLEANER = "cleaner"
CRDS = "customresourcedefinitions"
Spoil = Callable[[Lab, str], None]

#: A ConfigMap beside the install and a ClusterRole outside of its namespace, named like the namespace.
CONFIG = config_map_template("web", "  says: hello\n")
ROLE = f"apiVersion: {RBAC}/v1\nkind: ClusterRole\nmetadata:\n  name: '{{{{ install.namespace }}}}'\nrules: []\n"
FILES = {"web.yaml": CONFIG, "role.yaml": ROLE}


def box_files(group: str) -> dict[str, str]:
    """A definition and one object of it, besides the ConfigMap and the ClusterRole."""
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"plural": "boxes", "kind": "Box"}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"boxes.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    box = {"apiVersion": f"{group}/v1", "kind": "Box", "metadata": {"name": "box"}}
    return {**FILES, "crd.yaml": json.dumps(crd), "box.yaml": json.dumps(box)}


def nothing(lab: Lab, namespace: str) -> None:
    """Nothing is in the way."""


def no_account(lab: Lab, namespace: str) -> None:
    lab.delete("serviceaccount", "installer", namespace)


def no_rights(lab: Lab, namespace: str) -> None:
    lab.delete("rolebinding", "installer", namespace)
    lab.delete("clusterrolebinding", namespace)


def no_definition(lab: Lab, namespace: str) -> None:
    lab.delete("crd", f"boxes.{namespace}.example.com")


def no_package(lab: Lab, namespace: str) -> None:
    lab.delete("packages.package.carvel.dev", f"{namespace}.example.com.1.0.0")


def held(lab: Lab, namespace: str) -> None:
    lab.patch("configmap", "web", {"metadata": {"finalizers": ["example.com/hold"]}}, namespace)


def broken_webhook(lab: Lab, namespace: str) -> None:
    """Every deletion of a ConfigMap there asks a service that does not exist."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["DELETE"]}
    webhook = {
        "name": "guard.example.com",
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "clientConfig": {"service": {"name": "guard", "namespace": namespace, "path": "/"}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    lab.apply(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [webhook],
        }
    )


def delete_namespace(lab: Lab, namespace: str) -> None:
    lab.delete("namespace", namespace, wait=False)


def delete_install(lab: Lab, namespace: str) -> None:
    lab.delete("ipkg", "web", namespace, wait=False)


@dataclass(frozen=True)
class Row:
    """`left`: what is there at the end, without and with a cleanup account. `says`: words of status, without one."""

    spoil: Spoil = nothing
    left: tuple[set[str], set[str]] = (set(), set())
    says: tuple[str, ...] = ()
    delete: Spoil = delete_install
    down: bool = False  # deleted while no operator runs
    spec: Json = field(default_factory=dict)
    files: Callable[[str], dict[str, str]] = lambda namespace: FILES


def with_box(namespace: str) -> dict[str, str]:
    return box_files(f"{namespace}.example.com")


def orphaned(namespace: str) -> dict[str, str]:
    mark = "  name: web\n  annotations:\n    kapp.k14s.io/delete-strategy: orphan\n"
    return {**FILES, "web.yaml": CONFIG.replace("  name: web\n", mark)}


ALL = {"ConfigMap", "ClusterRole"}
ROWS = {
    "clean": Row(),
    "account": Row(no_account, (ALL, set()), ("installer does not exist", "left until then (2 objects)")),
    "rights": Row(no_rights, (ALL, set()), ("2 objects not deleted", 'verbs ["delete"]')),
    "namespace": Row(
        no_account,
        ({"ClusterRole"}, set()),
        ("which alone may delete 1 object outside of it: ClusterRole",),
        delete=delete_namespace,
    ),
    "definition": Row(no_definition, files=with_box),
    "package": Row(no_package),
    "kept": Row(no_account, (ALL, ALL), spec={"noopDelete": True}),
    "orphan": Row(left=({"ConfigMap"}, {"ConfigMap"}), files=orphaned),
    "down": Row(down=True),
    "finalizer": Row(
        held,
        ({"ConfigMap"}, {"ConfigMap"}),
        ("is held by finalizer example.com/hold (set by kubectl-patch)", "ClusterRole"),
    ),
    "webhook": Row(broken_webhook, ({"ConfigMap"}, {"ConfigMap"}), ('failed calling webhook "guard.example.com"',)),
}
#: Not deleted with the others: while an API service is down, no namespace can end.
SILENT = "silent"


@dataclass
class Table:
    """What became of the rows: their namespaces, and everything that their statuses said meanwhile."""

    lab: Lab
    has_cleaner: bool
    operator: OperatorProcess
    namespaces: dict[str, str]
    said: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    seconds: dict[str, float] = field(default_factory=dict)

    def left(self, word: str) -> set[str]:
        """Kinds of the objects that are there."""
        namespace = self.namespaces[word]
        found = {
            "ConfigMap": self.lab.get("configmap", "web", namespace),
            "ClusterRole": self.lab.get("clusterrole", namespace),
        }
        return {kind for kind, obj in found.items() if obj is not None}

    def events(self, word: str) -> list[Json]:
        """Those of the operator's namespace that are about the row's install."""
        return [
            event
            for event in self.lab.list("events.events.k8s.io", OPERATOR_NAMESPACE)
            if event["regarding"].get("namespace") == self.namespaces[word]
        ]

    def watch(self, words: set[str], seconds: float) -> None:
        """Note what the statuses say until all these installs are gone."""
        began = time.monotonic()
        by_namespace = {self.namespaces[word]: word for word in words}

        def all_gone() -> bool:
            listed = json.loads(self.lab.cluster.kubectl("get", "ipkg", "-A", "-o", "json").stdout)["items"]
            there = {obj["metadata"]["namespace"]: obj for obj in listed}
            for namespace, word in by_namespace.items():
                obj = there.get(namespace)
                if obj is None:
                    self.seconds.setdefault(word, time.monotonic() - began)
                    continue
                status = obj.get("status") or {}
                self.said[word] |= {condition["message"] for condition in status.get("conditions") or []}
            return len(self.seconds.keys() & words) == len(words)

        wait_until("all installs are gone", all_gone, seconds, poll_seconds=0.3)


@pytest.fixture(scope="module", params=[False, True], ids=["alone", "with a cleanup account"])
def table(
    request: pytest.FixtureRequest,
    operator: OperatorProcess,
    operator_config: Path,
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Table]:
    """All rows are deleted, with an operator of its own in the place of the one that tests share."""
    operator.stop()
    chosen = {"cleanup_service_account": f"{OPERATOR_NAMESPACE}/{CLEANER}"} if request.param else {}
    process = OperatorProcess(
        operator_config,
        tmp_path_factory.mktemp("deletions"),
        deletion_deadline_seconds=str(DEADLINE_SECONDS),
        request_retries="2",
        **chosen,
    )
    serial = secrets.token_hex(3)
    found = Table(Lab(cluster, ""), request.param, process, {word: f"{word}-{serial}" for word in [*ROWS, SILENT]})
    try:
        process.start()
        install_all(found)
        process.kill()
        delete_all(found)
        yield found
    finally:
        process.stop()
        clear(found)
        operator.start()
    text = process.log.read_text()
    assert "Traceback" not in text, f"the operator met a bug of its own:\n{text[-8000:]}"


def install_all(table: Table) -> None:
    """Every row is installed and ready."""
    objects: list[Json] = []
    if table.has_cleaner:
        may = [{"apiGroups": ["*"], "resources": ["configmaps", "clusterroles", "boxes"], "verbs": ["get", "delete"]}]
        objects += [
            *account(OPERATOR_NAMESPACE, CLEANER, rules=[]),
            *cluster_rights(CLEANER, OPERATOR_NAMESPACE, may, CLEANER),
        ]
    for word, namespace in table.namespaces.items():
        row = ROWS.get(word, Row(files=with_box))
        rules = [
            {"apiGroups": [RBAC], "resources": ["clusterroles"], "verbs": ["*"]},
            {"apiGroups": ["apiextensions.k8s.io"], "resources": [CRDS], "verbs": ["*"]},
        ]
        objects += [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
            *account(namespace),
            *cluster_rights(namespace, namespace, rules),
            package(f"{namespace}.example.com", "1.0.0", fetch=inline(row.files(namespace))),
            install("web", namespace, f"{namespace}.example.com", version="1.0.0", **row.spec),
        ]
    table.lab.apply(*objects)
    for namespace in table.namespaces.values():
        table.lab.settled("ipkg", "web", namespace, seconds=60)


def delete_all(table: Table) -> None:
    """Spoil every row while no operator runs, delete all, and wait until their installs are gone."""
    for word, row in ROWS.items():
        row.spoil(table.lab, table.namespaces[word])
        if row.down:
            row.delete(table.lab, table.namespaces[word])
    table.operator.start()
    for word, row in ROWS.items():
        if not row.down:
            row.delete(table.lab, table.namespaces[word])
    table.watch(set(ROWS), seconds=45)


def clear(table: Table) -> None:
    """Nothing of all this stays, whatever went wrong."""
    lab = table.lab
    for namespace in table.namespaces.values():
        if lab.get("configmap", "web", namespace) is not None:
            lab.patch("configmap", "web", {"metadata": {"finalizers": None}}, namespace)
        if (left := lab.get("ipkg", "web", namespace)) is not None and FINALIZER in left["metadata"]["finalizers"]:
            lab.patch("ipkg", "web", {"metadata": {"finalizers": None}}, namespace)
    names = list(table.namespaces.values())
    words = {
        "apiservices": [f"v1.{name}.example.com" for name in names],
        "validatingwebhookconfigurations": names,
        "clusterrolebindings": [*names, CLEANER],
        "clusterroles": [*names, *(f"{name}-rights" for name in [*names, CLEANER])],
        "packages.package.carvel.dev": [f"{name}.example.com.1.0.0" for name in names],
        "crds": [f"boxes.{name}.example.com" for name in names],
        "namespaces": names,
    }
    for kind, doomed in words.items():
        lab.cluster.kubectl("delete", kind, *doomed, "--wait=false", "--ignore-not-found")


@pytest.mark.parametrize("word", ROWS)
def test_a_deletion_ends_with_nothing_left_or_with_what_is_named(table: Table, word: str) -> None:
    row, namespace = ROWS[word], table.namespaces[word]
    expected = row.left[1 if table.has_cleaner else 0]

    if "ConfigMap" not in expected:  # that of a namespace that is being deleted goes a moment later
        wait_until("the ConfigMap is gone", lambda: "ConfigMap" not in table.left(word), 15)
    assert table.left(word) == expected

    events = table.events(word)
    assert len(events) == (1 if expected else 0), events
    names = {"ConfigMap": f"ConfigMap {namespace}/web", "ClusterRole": f"ClusterRole {namespace}"}
    for event in events:
        on_purpose = word in ("kept", "orphan")
        shown = (event["type"], event["reason"])
        assert shown == (("Normal", "ObjectsKept") if on_purpose else ("Warning", "ObjectsLeft"))
        assert {kind for kind, name in names.items() if f"{name} (" in event["note"]} == expected, event["note"]
        assert event["regarding"]["name"] == "web"


@pytest.mark.parametrize("word", [word for word, row in ROWS.items() if row.says])
def test_status_says_what_blocks_and_when_it_ends(table: Table, word: str) -> None:
    row = ROWS[word]
    if table.has_cleaner and not row.left[1]:
        assert not [text for text in table.said[word] if "lets go" in text], "nothing was in the way"
        return
    told = [text for text in table.said[word] if "the install lets go of what is left" in text]
    for words in row.says:
        assert any(words in text for text in told), (words, table.said[word])


@pytest.mark.parametrize("word", ROWS)
def test_nothing_is_waited_for_beyond_the_deadline_and_nothing_without_need(table: Table, word: str) -> None:
    row = ROWS[word]
    held = row.left[1 if table.has_cleaner else 0] and row.says
    least, most = (DEADLINE_SECONDS - 4, DEADLINE_SECONDS + 8) if held else (0, 6)
    assert least <= table.seconds[word] <= most


def test_what_is_orphaned_has_no_marks_of_ours(table: Table) -> None:
    found = table.lab.get("configmap", "web", table.namespaces["orphan"])
    assert found is not None
    assert OWNER_LABEL not in (found["metadata"].get("labels") or {})
    assert OWNER_ANNOTATION not in (found["metadata"].get("annotations") or {})


def test_an_api_service_that_is_down_holds_only_what_it_serves_and_not_for_ever(table: Table) -> None:
    lab, namespace = table.lab, table.namespaces[SILENT]
    group = f"{namespace}.example.com"
    lab.delete("crd", f"boxes.{group}")
    service = {"name": "nobody", "namespace": namespace}
    spec = {"group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10, "service": service}
    lab.apply(
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"v1.{group}"},
            "spec": {**spec, "insecureSkipTLSVerify": True},
        }
    )
    wait_until(
        "the API service is down",
        lambda: (
            "503" in lab.cluster.kubectl("get", "--raw", f"/apis/{group}/v1", "-v=6", check=False).stderr
            or "unavailable" in lab.cluster.kubectl("get", "--raw", f"/apis/{group}/v1", check=False).stderr
        ),
    )

    delete_install(lab, namespace)
    table.watch({SILENT}, seconds=40)

    assert table.left(SILENT) == set()
    assert any(f"nobody answers for {group}/v1" in text for text in table.said[SILENT]), table.said[SILENT]
    [event] = table.events(SILENT)
    assert (event["reason"], f"Box {namespace}/box" in event["note"]) == ("ObjectsLeft", True)
    assert "ConfigMap" not in event["note"]
