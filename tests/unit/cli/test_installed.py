"""`installed list|get|status|tree|history`: what is printed, and how it ends. Faked: the cluster."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line import CommandLine
from fakes_cluster import FakeCluster
from packhouse.api.errors import Forbidden
from packhouse.api.names import APPLY_MANAGER, INSTALL_API, PACKAGE_API, STATUS_MANAGER
from packhouse.client.errors import ExitCode
from packhouse.client.session import Session, Target
from packhouse.domain.inventory import Entry
from packhouse.domain.objects import managed_digest, ref_of
from packhouse.ports import Json
from packhouse.settings import Settings

NAME = "web.example.com"
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "web-values", "namespace": "demo"},
    "data": {"values.yml": base64.b64encode(b"password: correct-horse\n").decode()},
}
HISTORY = [
    {
        "version": "1.0.0",
        "package": f"{NAME}.1.0.0",
        "digest": "d1",
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:09Z",
        "reason": "ReconcileSucceeded",
        "message": "it is in place",
        "changed": 2,
    }
]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    cluster = FakeCluster()

    @asynccontextmanager
    async def opened(target: Target) -> AsyncIterator[Session]:
        yield Session(cluster, target.namespace or "demo", Settings(), target)

    monkeypatch.setattr("packhouse.cli.verb.opened", opened)
    return cluster


@pytest.fixture
def call(cluster: FakeCluster) -> CommandLine:
    return CommandLine(Path("unused"), {"COLUMNS": "97"})


@pytest.fixture
def installed(cluster: FakeCluster) -> FakeCluster:
    """`web` 1.0.0 with a ConfigMap and a Deployment, of which 2.0.0 is offered, too."""
    asyncio.run(_fill(cluster))
    return cluster


async def _fill(cluster: FakeCluster) -> None:
    for version in ("1.0.0", "2.0.0"):
        spec = {"publicName": NAME, "version": version, "template": {"spec": {}}}
        metadata = {"name": f"{NAME}.{version}"}
        await cluster.apply(
            {"apiVersion": PACKAGE_API, "kind": "Package", "metadata": metadata, "spec": spec}, manager="t"
        )
    entries = []
    for api, kind in (("v1", "ConfigMap"), ("apps/v1", "Deployment")):
        obj = {"apiVersion": api, "kind": kind, "metadata": {"name": "web", "namespace": "demo"}, "data": {"a": "b"}}
        live = await cluster.apply(obj, manager=APPLY_MANAGER)
        entries.append(Entry(ref_of(obj), live["metadata"]["uid"], "d", managed_digest(live, APPLY_MANAGER)).to_wire())
    await cluster.apply(SECRET, manager="t")
    await says(cluster, "True", "ReconcileSucceeded", "it is in place", inventory=entries, history=HISTORY)


async def says(cluster: FakeCluster, ready: str, reason: str, words: str, **status: Any) -> None:
    """The operator says so of the install, which is made if need be."""
    wanted = {"publicName": NAME, "versionSelection": {"constraint": "1.x"}}
    spec = {"serviceAccountName": "installer", "packageRef": wanted, "values": [{"secretRef": {"name": "web-values"}}]}
    install: Json = {"apiVersion": INSTALL_API, "kind": "InstalledPackage"}
    install["metadata"] = {"name": "web", "namespace": "demo"}
    await cluster.apply({**install, "spec": spec}, manager="t")
    told = {"type": "Ready", "status": ready, "reason": reason, "message": words, "observedGeneration": 1}
    failed = {"type": "ReconcileFailed", "status": "True" if ready == "False" else "False", "reason": reason}
    before = (await cluster.get(ref_of(install)) or {}).get("status") or {}
    said = {"conditions": [told, failed], "observedGeneration": 1, "version": "1.0.0", **before, **status}
    said["conditions"] = [told, failed]
    await cluster.apply({**install, "status": said}, manager=STATUS_MANAGER, subresource="status")


def test_the_list_has_its_columns(call: CommandLine, installed: FakeCluster) -> None:
    assert call("installed", "list").out.splitlines() == [
        "NAME   PACKAGE-NAME      PACKAGE-VERSION   STATUS                AVAILABLE",
        "web    web.example.com   1.0.0             Reconcile succeeded   2.0.0",
    ]
    wide = call("installed", "list", "-A", "-o", "wide").out.splitlines()
    assert wide[0].split() == [
        *("NAMESPACE", "NAME", "PACKAGE-NAME", "PACKAGE-VERSION", "STATUS", "AVAILABLE", "CONSTRAINT", "ALLOWED", "AGE")
    ]
    assert wide[1].split()[-2:] == ["2.0.0", "1.x"]
    assert call("installed", "list", "-o", "name").out == "installedpackage.install.package.carvel.dev/web\n"
    [item] = json.loads(call("installed", "list", "-o", "json").out)["items"]
    assert (item["kind"], item["metadata"]["name"]) == ("InstalledPackage", "web")


def test_where_nothing_is_installed_it_is_said_where(call: CommandLine, cluster: FakeCluster) -> None:
    answer = call("installed", "list", "-n", "other")
    assert (answer.out, answer.said.splitlines()) == (
        "",
        ["Nothing is installed in namespace other (-A looks into all). Install something: kubectl package install"],
    )


def test_an_install_is_described(call: CommandLine, installed: FakeCluster) -> None:
    told = dict(line.split(":", 1) for line in call("installed", "get", "web").out.splitlines())
    assert {title: text.strip() for title, text in told.items() if title != "AGE"} == {
        "NAME": "web",
        "NAMESPACE": "demo",
        "PACKAGE-NAME": NAME,
        "PACKAGE-VERSION": "1.0.0",
        "AVAILABLE": "2.0.0",
        "CONSTRAINT": "1.x",
        "SERVICE-ACCOUNT": "installer",
        "VALUES": "Secret web-values",
        "OBJECTS": "2",
        "SYNC-PERIOD": "10m",
        "STATUS": "Reconcile succeeded",
        "MESSAGE": "it is in place",
    }
    assert (
        yaml.safe_load(call("installed", "get", "web", "-o", "yaml").out)["spec"]["serviceAccountName"] == "installer"
    )


def test_its_values_are_written_for_its_owner_alone(call: CommandLine, installed: FakeCluster, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    before = os.umask(0)
    try:
        answer = call("installed", "get", "web", "--values-file-output", str(file))
    finally:
        os.umask(before)
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("password: correct-horse\n", 0o600)
    assert "correct-horse" not in answer.out + answer.said
    call("installed", "get", "web", "--values-file-output", str(file), code=ExitCode.USAGE)
    call("installed", "get", "web", "--values-file-output", str(tmp_path / "none" / "x"), code=ExitCode.USAGE)


def test_its_values_go_to_the_terminal_for_who_asks_for_that(call: CommandLine, installed: FakeCluster) -> None:
    assert call("installed", "get", "web", "--values-file-output", "-").out == "password: correct-horse\n"


def test_who_may_not_read_the_secret_is_told_which(call: CommandLine, installed: FakeCluster, tmp_path: Path) -> None:
    installed.refuse = lambda verb, ref: Forbidden("no; get the right") if ref.kind.kind == "Secret" else None
    file = tmp_path / "values.yaml"
    answer = call("installed", "get", "web", "--values-file-output", str(file), code=ExitCode.FORBIDDEN)
    assert answer.said.splitlines() == [
        "error: the values of demo/web stand in Secret web-values, which you may not read",
        "help:  get the right",
    ]
    assert not file.exists()


def test_the_history_has_its_columns(call: CommandLine, installed: FakeCluster) -> None:
    head, line = call("installed", "history", "web").out.splitlines()
    assert head.split() == ["VERSION", "OUTCOME", "AGE", "TOOK", "CHANGED", "MESSAGE"]
    assert line.split()[:2] + line.split()[3:] == ["1.0.0", "ReconcileSucceeded", "9s", "2", "it", "is", "in", "place"]
    assert json.loads(call("installed", "history", "web", "-o", "json").out)["items"] == HISTORY
    assert call("installed", "history", "web", "-o", "name").out == "1.0.0\n"


def test_what_is_under_way_is_said_to_be(call: CommandLine, installed: FakeCluster) -> None:
    entry = {key: value for key, value in HISTORY[0].items() if key != "finishedAt"} | {"reason": "NotHealthy"}
    asyncio.run(says(installed, "Unknown", "NotHealthy", "waiting", history=[entry]))
    assert "under way: NotHealthy" in call("installed", "history", "web").out


def test_the_tree_is_drawn_in_ascii_where_the_locale_has_no_more(call: CommandLine, installed: FakeCluster) -> None:
    assert call("installed", "tree", "web").out.splitlines() == [
        f"demo/web ({NAME} 1.0.0): Reconcile succeeded",
        "`-- namespace demo",
        "    |-- + ConfigMap web",
        "    `-- ~ Deployment web: its controller has not looked at it yet",
    ]


def test_the_tree_is_there_for_programs(call: CommandLine, installed: FakeCluster) -> None:
    found = json.loads(call("installed", "tree", "web", "-o", "json").out)
    assert [(item["kind"], item["standing"]) for item in found["objects"]] == [
        ("ConfigMap", "ready"),
        ("Deployment", "waiting"),
    ]
    assert call("installed", "tree", "web", "-o", "name").out == "configmap/web\ndeployment.apps/web\n"


def test_what_may_not_be_read_is_told_beside_the_tree(call: CommandLine, installed: FakeCluster) -> None:
    installed.refuse = lambda verb, ref: Forbidden("no") if ref.kind.kind == "Deployment" else None
    answer = call("installed", "tree", "web")
    assert answer.out.splitlines()[-1] == "    `-- ? Deployment web: you may not read it"
    assert answer.said == "warning: not everything is shown: you may not get Deployment in namespace demo\n"


def test_a_status_that_is_ready_ends_well(call: CommandLine, installed: FakeCluster) -> None:
    assert "STATUS:    Reconcile succeeded\n" in call("installed", "status", "web").out
    assert json.loads(call("installed", "status", "web", "-o", "json").out)["ready"] is True


def test_a_status_that_is_not_ready_says_why_and_what_to_do(call: CommandLine, installed: FakeCluster) -> None:
    message = "config/web.yaml:36: 'nope' is undefined\n   36 > {{ nope }}"
    asyncio.run(
        says(installed, "False", "TemplateFailed", message, usefulErrorMessage=message, template={"error": message})
    )
    out = call("installed", "status", "web", code=ExitCode.NOT_READY).out
    assert "STATUS:    Reconcile failed: TemplateFailed\nSTAGE:     template\n" in out
    assert "config/web.yaml:36: 'nope' is undefined\n" in out
    assert "NOT IN PLACE, 1 of 2 objects:\n  Deployment demo/web: its controller has not looked at it yet\n" in out
    assert "NEXT STEPS:\n  its values as a file: kubectl package installed get web -n demo" in out


def test_an_install_that_is_not_there_has_an_exit_code(call: CommandLine, installed: FakeCluster) -> None:
    for verb in ("get", "status", "tree", "history"):
        assert "did you mean web?" in call("installed", verb, "wed", code=ExitCode.NOT_FOUND).said
