"""`repository ...`: what is printed, column by column, and how it ends. Faked: the cluster, and the waiting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from command_line import CommandLine
from fakes_cluster import FakeCluster
from packhouse.api.errors import Forbidden
from packhouse.api.names import INSTALL_API, KICKED_AT, PACKAGE_API, REPOSITORY_LABEL
from packhouse.client.errors import ExitCode, Trouble
from packhouse.client.session import Session, Target
from packhouse.ports import Json, Kind, Ref
from packhouse.settings import Settings

HOST = "registry.example.com/tce/main"
KIND = Kind("install.package.carvel.dev", "v1alpha1", "PackageRepository")
NOT_WELL = "1 documents of the bundle are bad: packages/x.yaml:5: spec.version is missing; mend the bundle"


@pytest.fixture
def followed() -> list[str]:
    """The repositories that were waited for."""
    return []


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, followed: list[str]) -> FakeCluster:
    cluster = FakeCluster()

    @asynccontextmanager
    async def opened(target: Target) -> AsyncIterator[Session]:
        yield Session(cluster, "demo", Settings(), target)

    async def follow_repository(session: Session, name: str, **_: object) -> None:
        followed.append(name)
        if name == "bad":
            raise Trouble("PackageRepository bad is not in place: no such tag", "look", ExitCode.NOT_READY)

    monkeypatch.setattr("packhouse.cli.verb.opened", opened)
    monkeypatch.setattr("packhouse.client.following.follow_repository", follow_repository)
    return cluster


@pytest.fixture
def call(cluster: FakeCluster) -> CommandLine:
    return CommandLine(Path("unused"), {"COLUMNS": "100"})


@pytest.fixture
def filled(cluster: FakeCluster) -> FakeCluster:
    put(cluster, "tce-main", {"imgpkgBundle": {"image": f"{HOST}:1.12"}}, version="1.12", packages={"total": 2})
    return cluster


def put(cluster: FakeCluster, name: str, source: Json, **status: object) -> None:
    obj = {"apiVersion": INSTALL_API, "kind": "PackageRepository", "metadata": {"name": name}}
    asyncio.run(cluster.apply({**obj, "spec": {"fetch": source, "syncPeriod": "5m"}}, manager="test"))
    if status:
        asyncio.run(cluster.apply({**obj, "status": status}, manager="test", subresource="status"))


def spec(cluster: FakeCluster, name: str) -> Json:
    found = asyncio.run(cluster.get(Ref(KIND, "", name)))
    assert found is not None
    return dict(found["spec"])


def test_the_list_looks_as_in_the_design(filled: FakeCluster, call: CommandLine) -> None:
    assert call("repository", "list").out.splitlines() == ["NAME       VERSION", "tce-main   1.12"]


def test_the_wide_list_says_what_is_followed_and_how_it_is(filled: FakeCluster, call: CommandLine) -> None:
    selection = {"semver": {"constraints": "1.x"}}
    put(filled, "a", {"imgpkgBundle": {"image": HOST, "tagSelection": selection}}, friendlyDescription="Reconciling")

    assert call("repository", "list", "-o", "wide").out.splitlines() == [
        "NAME       VERSION   PACKAGES   SOURCE                          FOLLOWS    DESCRIPTION",
        "a                               registry.example.com/tce/main   tags 1.x   Reconciling",
        "tce-main   1.12      2          registry.example.com/tce/main   tag 1.12",
    ]
    assert call("repository", "list", "-o", "name").out.split() == [
        "packagerepository.install.package.carvel.dev/a",
        "packagerepository.install.package.carvel.dev/tce-main",
    ]


def test_what_is_not_well_is_told_beside_the_list(filled: FakeCluster, call: CommandLine) -> None:
    conditions = [{"type": "Ready", "status": "False", "reason": "BundleInvalid", "message": NOT_WELL}]
    put(filled, "bad", {"inline": {"paths": {}}}, conditions=conditions)
    away = [
        {"type": "Ready", "status": "True", "reason": "x", "message": ""},
        {"type": "SourceAvailable", "status": "False", "reason": "x", "message": "its host does not resolve"},
    ]
    put(filled, "far", {"http": {"url": "https://files.example.com/a.tgz"}}, conditions=away)

    answer = call("repository", "list")

    assert len(answer.out.splitlines()) == 4
    assert answer.said.splitlines() == [f"warning: bad: {NOT_WELL}", "warning: far: its host does not resolve"]
    assert call("repository", "list", "-o", "json").said == ""


def test_no_repositories_is_said_beside_the_answer(cluster: FakeCluster, call: CommandLine) -> None:
    answer = call("repository", "list")

    assert (answer.out, answer.said) == ("", "There are no repositories. Add one: kubectl package repository add\n")


def test_one_repository_is_shown_with_what_it_provides_and_what_is_wrong(
    filled: FakeCluster, call: CommandLine
) -> None:
    for version in ("1.0.0", "1.1.0"):
        metadata = {"name": f"a.example.com.{version}", "labels": {REPOSITORY_LABEL: "tce-main"}}
        package = {"apiVersion": PACKAGE_API, "kind": "Package", "metadata": metadata}
        package["spec"] = {"publicName": "a.example.com", "version": version}
        asyncio.run(filled.apply(package, manager="test"))
    put(
        filled,
        "tce-main",
        {"imgpkgBundle": {"image": f"{HOST}:1.12", "secretRef": {"name": "team"}}},
        version="1.12",
        packages={"total": 2},
        friendlyDescription="Reconcile failed: 1 documents",
        fetch={"digest": "sha256:00", "sources": [{"verifiedBy": "key of tce"}]},
        conditions=[{"type": "Ready", "status": "False", "reason": "BundleInvalid", "message": NOT_WELL}],
        badDocuments=[{"file": "packages/x.yaml", "line": 5, "message": "spec.version is missing"}],
        conflicts=[{"name": "b.example.com.1.0.0", "owner": "other", "message": "content differs"}],
    )

    assert call("repository", "get", "tce-main").out.splitlines() == [
        "NAME:          tce-main",
        "KIND:          imgpkgBundle",
        f"SOURCE:        {HOST}",
        "FOLLOWS:       tag 1.12",
        "SECRET:        team",
        "SYNC-PERIOD:   5m",
        "VERSION:       1.12",
        "DIGEST:        sha256:00",
        "VERIFIED-BY:   key of tce",
        "PACKAGES:      2",
        "STATUS:        Reconcile failed",
        "TROUBLE:       1 documents of the bundle are bad: packages/x.yaml:5: spec.version is missing; mend",
        "               the bundle",
        "",
        "BAD DOCUMENTS:",
        "  FILE                MESSAGE",
        "  packages/x.yaml:5   spec.version is missing",
        "",
        "CONFLICTS:",
        "  NAME                  OWNER   MESSAGE",
        "  b.example.com.1.0.0   other   content differs",
        "",
        "PROVIDES:",
        "  NAME            VERSIONS",
        "  a.example.com   1.1.0, 1.0.0",
    ]
    assert json.loads(call("repository", "get", "tce-main", "-o", "json").out)["metadata"]["name"] == "tce-main"


def test_who_may_not_see_packages_sees_the_rest_of_a_repository(filled: FakeCluster, call: CommandLine) -> None:
    filled.refuse = lambda verb, ref: Forbidden("you may not") if ref.kind.kind == "Package" else None

    answer = call("repository", "get", "tce-main")

    assert "VERSION:       1.12" in answer.out
    assert answer.said == "warning: the packages that it provides are not shown: you may not\n"


def test_a_repository_is_added_and_its_sync_waited_for(
    cluster: FakeCluster, call: CommandLine, followed: list[str]
) -> None:
    answer = call("repository", "add", "team", "--url", HOST, "--constraint", "1.x", "--secret", "login")

    assert (answer.out, followed) == ("added package repo\n", ["team"])
    assert answer.said == f"| team follows tags 1.x of {HOST}\n"
    assert spec(cluster, "team") == {
        "fetch": {
            "imgpkgBundle": {
                "image": HOST,
                "tagSelection": {"semver": {"constraints": "1.x"}},
                "secretRef": {"name": "login"},
            }
        }
    }


def test_a_sync_that_fails_is_told_in_two_lines_with_a_code_of_its_own(cluster: FakeCluster, call: CommandLine) -> None:
    answer = call("repository", "add", "bad", "--url", f"{HOST}:9", code=ExitCode.NOT_READY)

    assert (answer.out, answer.said.splitlines()[-2:]) == (
        "",
        ["error: PackageRepository bad is not in place: no such tag", "help:  look"],
    )
    assert call("repository", "update", "bad", "--tag", "8", "--no-wait").out == "updated package repo\n"


def test_a_manifest_is_installed_as_in_the_design(
    cluster: FakeCluster, call: CommandLine, followed: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "r.yaml"
    head = f"apiVersion: {INSTALL_API}\nkind: PackageRepository\nmetadata: {{name: team}}\n"
    file.write_text(head + f"spec: {{fetch: {{imgpkgBundle: {{image: '{HOST}:1'}}}}}}\n")

    assert call("repository", "install", "-f", str(file)).out == "installed package repo\n"
    assert followed == ["team"]
    assert spec(cluster, "team")["fetch"] == {"imgpkgBundle": {"image": f"{HOST}:1"}}

    file.write_text("kind: Secret\n")
    refused = call("repository", "install", "-f", str(file), code=ExitCode.FAILED)
    assert refused.said.splitlines()[0] == f"error: {file}:1: Secret (no apiVersion) is not accepted"


def test_an_update_changes_what_is_followed(filled: FakeCluster, call: CommandLine, followed: list[str]) -> None:
    assert call("repository", "update", "tce-main", "--tag", "1.13").out == "updated package repo\n"
    assert spec(filled, "tce-main")["fetch"] == {"imgpkgBundle": {"image": f"{HOST}:1.13"}}
    assert followed == ["tce-main"]

    again = call("repository", "update", "tce-main", "--tag", "1.13")
    assert (again.out, again.said) == ("", "Nothing to change: it is like this already.\n")
    assert call("repository", "update", "tce-main", code=ExitCode.USAGE).said.startswith("error: nothing is to be")
    assert call("repository", "update", "tce-main", "--constraint", "=>1", code=ExitCode.FAILED).out == ""


def test_a_kick_is_a_change_that_the_operator_hears(filled: FakeCluster, call: CommandLine) -> None:
    assert call("repository", "kick", "tce-main").out == "kicked tce-main\n"

    found = asyncio.run(filled.get(Ref(KIND, "", "tce-main")))
    assert found is not None
    assert found["metadata"]["annotations"][KICKED_AT]


def test_a_deletion_says_who_uses_the_repository_and_asks(filled: FakeCluster, call: CommandLine) -> None:
    install = {"apiVersion": INSTALL_API, "kind": "InstalledPackage", "metadata": {"name": "web", "namespace": "demo"}}
    asyncio.run(filled.apply({**install, "spec": {}}, manager="test"))
    status = {"packageRef": {"repository": "tce-main"}}
    asyncio.run(filled.apply({**install, "status": status}, manager="test", subresource="status"))

    asked = call("repository", "delete", "tce-main", code=ExitCode.DECLINED)
    assert asked.said.splitlines()[0] == "These installs have a package of tce-main: demo/web"
    assert asked.said.splitlines()[-1] == "help:  pass --yes to consent"
    assert spec(filled, "tce-main")

    assert call("repository", "delete", "tce-main", "--yes", "--no-wait").out == "deleted package repo\n"
    assert call("repository", "get", "tce-main", code=ExitCode.NOT_FOUND).out == ""


def test_who_may_not_see_installs_is_told_so_before_a_deletion(filled: FakeCluster, call: CommandLine) -> None:
    filled.refuse = lambda verb, ref: (
        Forbidden("you may not; grant it") if (verb, ref.kind.kind) == ("list", "InstalledPackage") else None
    )

    answer = call("repository", "delete", "tce-main", "--yes", "--no-wait")

    assert answer.said == "warning: which installs use its packages is not known: you may not; grant it\n"
    assert answer.out == "deleted package repo\n"
