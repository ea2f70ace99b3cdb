"""`available list|get|search`: what is printed, column by column, and how it ends. Faked: the cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from command_line import CommandLine
from fakes_cluster import FakeCluster
from packhouse.api.errors import Forbidden
from packhouse.api.names import PACKAGE_API, REPOSITORY_LABEL
from packhouse.client.errors import ExitCode
from packhouse.client.session import Session, Target
from packhouse.ports import Json
from packhouse.settings import Settings

CONTOUR, CERTS = "contour.community.tanzu.vmware.com", "cert-manager.community.tanzu.vmware.com"
SCHEMA = {
    "type": "object",
    "properties": {
        "contour": {
            "type": "object",
            "properties": {
                "configFileContents": {"type": "object", "nullable": True, "description": "The YAML contents."}
            },
        },
        "envoy": {
            "type": "object",
            "properties": {"hostNetwork": {"type": "boolean", "default": False, "description": "Host networking."}},
        },
    },
}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    cluster = FakeCluster()

    @asynccontextmanager
    async def opened(target: Target) -> AsyncIterator[Session]:
        yield Session(cluster, "demo", Settings(), target)

    monkeypatch.setattr("packhouse.cli.verb.opened", opened)
    return cluster


@pytest.fixture
def call(cluster: FakeCluster) -> CommandLine:
    return CommandLine(Path("unused"), {"COLUMNS": "97"})


@pytest.fixture
def filled(cluster: FakeCluster) -> FakeCluster:
    said = {"displayName": "cert-manager", "shortDescription": "Certificate management"}
    for obj in (
        offer(CERTS, "1.5.0", **said),
        offer(CONTOUR, "1.17.1", releasedAt="2021-07-23T18:00:00Z", valuesSchema={"openAPIv3": SCHEMA}),
        offer(
            CONTOUR,
            "1.18.0",
            displayName="contour",
            shortDescription="An ingress\ncontroller",
            kubernetesVersionSelection={"constraint": ">=1.20"},
            licenses=["Apache 2.0", "MIT"],
            includedSoftware=[{"displayName": "envoy", "version": "1.18.3"}, {"displayName": "contour"}],
        ),
        offer(CONTOUR, "2.0.0-rc.1"),
    ):
        asyncio.run(cluster.apply(obj, manager="test"))
    return cluster


def offer(name: str, version: str, **spec: object) -> Json:
    return {
        "apiVersion": PACKAGE_API,
        "kind": "Package",
        "metadata": {"name": f"{name}.{version}", "labels": {REPOSITORY_LABEL: "tce"}},
        "spec": {"publicName": name, "version": version, **spec},
    }


def test_the_list_looks_as_in_the_design(filled: FakeCluster, call: CommandLine) -> None:
    answer = call("available", "list")

    assert answer.said == "| Retrieving available packages...\n"
    assert answer.out.splitlines() == [
        "  NAME                                      DISPLAY-NAME   SHORT-DESCRIPTION",
        "  cert-manager.community.tanzu.vmware.com   cert-manager   Certificate management",
        "  contour.community.tanzu.vmware.com        contour        An ingress controller",
    ]


def test_the_wide_list_has_the_newest_release_and_how_many_versions_there_are(
    filled: FakeCluster, call: CommandLine
) -> None:
    rows = [line.split() for line in call("available", "list", "-o", "wide").out.splitlines()]

    assert rows[0] == ["NAME", "DISPLAY-NAME", "SHORT-DESCRIPTION", "VERSION", "VERSIONS"]
    assert rows[2][-2:] == ["1.18.0", "3"]


def test_the_list_for_programs(filled: FakeCluster, call: CommandLine) -> None:
    as_json = json.loads(call("available", "list", "-o", "json").out)

    assert as_json == yaml.safe_load(call("available", "list", "-o", "yaml").out)
    assert as_json["items"][1] == {
        "name": CONTOUR,
        "displayName": "contour",
        "shortDescription": "An ingress\ncontroller",
        "version": "1.18.0",
        "versions": ["2.0.0-rc.1", "1.18.0", "1.17.1"],
    }
    assert call("available", "list", "-o", "name").out == f"{CERTS}\n{CONTOUR}\n"


def test_an_empty_catalogue_is_said_beside_the_answer(cluster: FakeCluster, call: CommandLine) -> None:
    answer = call("available", "list")

    assert (answer.out, answer.said.splitlines()[1]) == (
        "",
        "There are no packages. Add a repository: kubectl package repository add",
    )
    assert call("available", "list", "-o", "name").out == ""
    assert json.loads(call("available", "list", "-o", "json").out)["items"] == []


def test_a_package_has_its_versions_newest_first_and_their_dates(filled: FakeCluster, call: CommandLine) -> None:
    answer = call("available", "get", CONTOUR)

    assert answer.said == f"| Retrieving package versions for {CONTOUR}...\n"
    assert answer.out.splitlines() == [
        "  NAME                                 VERSION      RELEASED-AT",
        "  contour.community.tanzu.vmware.com   2.0.0-rc.1",
        "  contour.community.tanzu.vmware.com   1.18.0",
        "  contour.community.tanzu.vmware.com   1.17.1       2021-07-23T18:00:00Z",
    ]
    wide = call("available", "get", CONTOUR, "-o", "wide").out.splitlines()
    assert wide[0].split()[-2:] == ["KUBERNETES", "REPOSITORY"]
    assert wide[2].split()[-2:] == [">=1.20", "tce"]
    assert call("available", "get", CONTOUR, "-o", "name").out.splitlines() == [
        f"package.package.carvel.dev/{CONTOUR}.{version}" for version in ("2.0.0-rc.1", "1.18.0", "1.17.1")
    ]


def test_one_version_is_shown_with_all_that_is_said_of_it(filled: FakeCluster, call: CommandLine) -> None:
    words = {"displayName": "Contour", "longDescription": "word " * 30, "maintainers": [{"name": "Ann"}]}
    metadata = {"apiVersion": PACKAGE_API, "kind": "PackageMetadata", "metadata": {"name": CONTOUR}, "spec": words}
    asyncio.run(filled.apply(metadata, manager="test"))

    answer = call("available", "get", f"{CONTOUR}/1.18.0")

    assert answer.said == f"| Retrieving package details for {CONTOUR}/1.18.0...\n"
    assert answer.out.splitlines() == [
        f"NAME:                {CONTOUR}",
        "VERSION:             1.18.0",
        "DISPLAY-NAME:        Contour",
        "SHORT-DESCRIPTION:   An ingress",
        "                     controller",
        f"DESCRIPTION:         {'word ' * 14}word",
        f"                     {'word ' * 14}word",
        "MAINTAINERS:         Ann",
        "LICENSES:            Apache 2.0, MIT",
        "SOFTWARE:            envoy 1.18.3, contour",
        "KUBERNETES:          >=1.20",
        "REPOSITORY:          tce",
    ]
    as_json = json.loads(call("available", "get", f"{CONTOUR}/1.18.0", "-o", "json").out)
    assert (as_json["kind"], as_json["spec"]["version"]) == ("Package", "1.18.0")
    assert "managedFields" not in as_json["metadata"]


def test_the_values_of_a_version_look_as_in_the_design(filled: FakeCluster, call: CommandLine) -> None:
    answer = call("available", "get", f"{CONTOUR}/1.17.1", "--values-schema")

    assert answer.said == f"| Retrieving package details for {CONTOUR}/1.17.1...\n"
    assert answer.out.splitlines() == [
        "  KEY                          DEFAULT   TYPE      DESCRIPTION",
        "  contour.configFileContents   <nil>     object    The YAML contents.",
        "  envoy.hostNetwork            false     boolean   Host networking.",
    ]
    assert call("available", "get", f"{CONTOUR}/1.17.1", "--values-schema", "-o", "name").out.splitlines() == [
        "contour.configFileContents",
        "envoy.hostNetwork",
    ]


def test_a_version_without_a_schema_says_so(filled: FakeCluster, call: CommandLine) -> None:
    answer = call("available", "get", CONTOUR, "--values-schema", code=ExitCode.NOT_FOUND)

    assert f"error: package {CONTOUR}/1.18.0 has no schema of its values" in answer.said


def test_a_file_of_default_values_is_written_once(filled: FakeCluster, call: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    words = ("available", "get", f"{CONTOUR}/1.17.1", "--default-values-file-output", str(file))

    answer = call(*words)

    assert answer.out == ""
    assert yaml.safe_load(file.read_text())["envoy"] == {"hostNetwork": False}
    file.write_text("mine: 1\n")
    assert "exists already" in call(*words, code=ExitCode.USAGE).said
    assert file.read_text() == "mine: 1\n"
    nowhere = str(tmp_path / "none" / "values.yaml")
    assert "cannot write" in call(*words[:-1], nowhere, code=ExitCode.USAGE).said


def test_a_search_looks_for_a_word_everywhere(filled: FakeCluster, call: CommandLine) -> None:
    found = call("available", "search", "CERTIFICATE")
    assert [line.split()[0] for line in found.out.splitlines()] == ["NAME", CERTS]

    nothing = call("available", "search", "zzz")
    assert (nothing.out, nothing.said.splitlines()[-1]) == (
        "",
        "No package has 'zzz' in its name or in its descriptions.",
    )


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ("available", "get", "contour"),
            ExitCode.NOT_FOUND,
            ["error: there is no package contour", f"help:  did you mean {CONTOUR}?"],
        ),
        (
            ("available", "get", f"{CONTOUR}/9.9.9"),
            ExitCode.NOT_FOUND,
            [f"error: package {CONTOUR} has no version 9.9.9", "help:  there are 2.0.0-rc.1, 1.18.0, 1.17.1"],
        ),
    ],
)
def test_what_is_not_there_is_told_in_two_lines(
    filled: FakeCluster, call: CommandLine, words: tuple[str, ...], code: int, told: list[str]
) -> None:
    answer = call(*words, code=code)

    assert answer.out == ""
    assert answer.said.splitlines()[-2:] == told


def test_a_missing_right_ends_with_its_own_code(filled: FakeCluster, call: CommandLine) -> None:
    filled.refuse = lambda verb, ref: Forbidden("you may not list packages; this rule grants it: list packages")

    for words in (("list",), ("search", "x"), ("get", CONTOUR), ("get", f"{CONTOUR}/1.17.1")):
        answer = call("available", *words, code=ExitCode.FORBIDDEN)
        assert answer.said.splitlines()[-2:] == [
            "error: you may not list packages",
            "help:  this rule grants it: list packages",
        ]
