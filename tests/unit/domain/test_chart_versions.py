"""Versions of charts: the constraints that helm reads, and that helm itself takes the same ones."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from lab_web import open_web
from packhouse.api.errors import InvalidConstraint, NoMatchingVersion
from packhouse.domain import chart_versions

VERSIONS = (
    "0.1.0",
    "0.9.0",
    "1.0.0",
    "1.2.0",
    "1.2.3",
    "1.3.0-beta.1",
    "2.0.0-rc.1",
    "2.0.0",
    "2.1.0+build.5",
    "v2.2.0",
    "3.0.0-alpha",
)
NONE = "no version"

ROWS = [
    pytest.param("", "v2.2.0", id="nothing is the newest release"),
    pytest.param("*", "v2.2.0", id="a star"),
    pytest.param(">=0.0.0-0", "3.0.0-alpha", id="a range that names a prerelease takes them"),
    pytest.param(">0.0.0-0", "3.0.0-alpha", id="what helm's --devel stands for"),
    pytest.param("1.2.0", "1.2.0", id="a version"),
    pytest.param("=1.2.0", "1.2.0", id="a version with an operator"),
    pytest.param("v1.2.0", "1.2.0", id="a version with a v"),
    pytest.param("2.2.0", "v2.2.0", id="a version whose entry has a v"),
    pytest.param("3.0.0-alpha", "3.0.0-alpha", id="a prerelease by its name"),
    pytest.param("1.2", "1.2.3", id="two numbers are a series"),
    pytest.param("1", "1.2.3", id="one number is a series"),
    pytest.param("1.x", "1.2.3", id="a wildcard"),
    pytest.param("1.2.*", "1.2.3", id="a star as wildcard"),
    pytest.param("~1.2.0", "1.2.3", id="tilde"),
    pytest.param("~1", "1.2.3", id="tilde and one number"),
    pytest.param("~>1.2", "1.2.3", id="tilde with an arrow"),
    pytest.param("^1.0.0", "1.2.3", id="caret"),
    pytest.param("^0.1.0", "0.1.0", id="caret below 1"),
    pytest.param("^1", "1.2.3", id="caret and one number"),
    pytest.param(">1.0.0 <2.0.0", "1.2.3", id="a space is AND"),
    pytest.param(">=1.0.0, <2.0.0", "1.2.3", id="a comma is AND"),
    pytest.param("<1.0.0 || >=1.0.0, <1.2.3", "1.2.0", id="two pipes are OR"),
    pytest.param("0.1 - 1.2.0", "1.2.0", id="a hyphen range"),
    pytest.param("0.1.0 - 1.2", "1.2.3", id="a hyphen range with a series as its end"),
    pytest.param("1.0.0 - 1.2.0 || 0.9.0", "1.2.0", id="a hyphen range beside an alternative"),
    pytest.param("=>2.0.0", "v2.2.0", id="=> as >="),
    pytest.param("=<1.0.0", "1.0.0", id="=< as <="),
    pytest.param("!=v2.2.0", "2.1.0+build.5", id="anything but one"),
    pytest.param("~1.3.0-0", "1.3.0-beta.1", id="a series of prereleases"),
    pytest.param(">1.2.3 <2.0.0", NONE, id="a prerelease is not taken unasked"),
    pytest.param(">1.2.3 <2.0.0-0", "1.3.0-beta.1", id="one prerelease in a range lets them take part"),
    pytest.param("2.1.0", "2.1.0+build.5", id="a build does not count"),
    pytest.param(">2.1.0, <2.2.0", NONE, id="a build makes no version higher"),
    pytest.param("2.1.0+build.5", "2.1.0+build.5", id="a version with its build"),
    pytest.param("~1-0", "1.3.0-beta.1", id="tilde, one number and a prerelease"),
    pytest.param("<=1-0", "1.3.0-beta.1", id="up to one number with a prerelease"),
    pytest.param(">=1-0", "3.0.0-alpha", id="one number with a prerelease"),
    pytest.param("^1.2-0", "1.3.0-beta.1", id="two numbers with a prerelease"),
    pytest.param(">=4-0 || 1.x", "1.2.3", id="a prerelease in another alternative does not"),
    pytest.param(">=4", NONE, id="nothing matches"),
    pytest.param("9.9.9", NONE, id="no such version"),
]


@pytest.mark.parametrize(("wanted", "expected"), ROWS)
def test_a_constraint_takes_the_highest_version_that_helm_would_take(wanted: str, expected: str) -> None:
    assert _select(wanted) == expected


def test_what_was_held_back_is_named_with_the_lever() -> None:
    with pytest.raises(NoMatchingVersion, match=r"2\.0\.0-rc\.1 is a prerelease; name it"):
        chart_versions.select(VERSIONS, ">1.2.3 <2.0.0")
    with pytest.raises(NoMatchingVersion, match=r"no chart version of 11 satisfies '>=4': highest is 3\.0\.0-alpha"):
        chart_versions.select(VERSIONS, ">=4")


@pytest.mark.parametrize("wanted", ["latest", ">= ", "1.2.3.4", "a || b", "1 - " * 1000])
def test_what_is_no_constraint_is_refused(wanted: str) -> None:
    with pytest.raises(InvalidConstraint):
        chart_versions.select(VERSIONS, wanted)


def test_entries_of_one_or_two_numbers_count_as_versions_and_other_texts_not_at_all() -> None:
    assert chart_versions.select(["1.2", "1", "stable", "1.1.9"], "") == "1.2"


def _select(wanted: str) -> str:
    try:
        return chart_versions.select(VERSIONS, wanted)
    except NoMatchingVersion:
        return NONE


# ---- helm itself -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A chart repository with one chart in all the versions."""
    folder = tmp_path_factory.mktemp("charts")
    entries = []
    for version in VERSIONS:
        archive = BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            content = f"apiVersion: v2\nname: demo\nversion: {version}\n".encode()
            entry = tarfile.TarInfo("demo/Chart.yaml")
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
        (folder / f"demo-{version}.tgz").write_bytes(archive.getvalue())
        entries.append({"apiVersion": "v2", "name": "demo", "version": version, "urls": [f"demo-{version}.tgz"]})
    (folder / "index.yaml").write_text(json.dumps({"apiVersion": "v1", "entries": {"demo": entries}}))
    with open_web(folder) as web:
        yield web.url


@pytest.mark.parametrize(("wanted", "expected"), ROWS)
def test_helm_takes_the_same_version(wanted: str, expected: str, repository: str, helm: Path, tmp_path: Path) -> None:
    arguments = [helm, "show", "chart", "demo", "--repo", repository, *(["--version", wanted] if wanted else [])]
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert lines.get("version", NONE) == expected, done.stderr
