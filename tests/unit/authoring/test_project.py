"""A package's folder, read: what is taken, what is refused with file and line, what is pushed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from packhouse.api.errors import InvalidSpec
from packhouse.authoring.project import UNRELEASED, Unreadable, read
from packhouse.domain.images_lock import EMPTY_LOCK, LOCK_FILE

PACKAGE = "package.yaml"


def test_the_name_and_the_source_need_not_be_written(package: Any) -> None:
    project = read(package({PACKAGE: ("version: 0.1.0", "version: 1.0.0-RC.1+build.7")}))
    assert project.package["metadata"]["name"] == "web.packages.example.com.1.0.0-rc.1--build.7"
    assert list(project.view.fetch) == [UNRELEASED]
    assert project.name == "web"


def test_the_schema_of_a_ytt_package_is_that_of_its_files(package: Any) -> None:
    schema = read(package(engine="ytt")).view.values_schema
    assert schema is not None
    assert list(schema["properties"]) == ["name", "message", "replicas", "image", "resources"]
    assert schema["properties"]["replicas"]["description"] == "How many pods serve it."


def test_what_is_pushed_is_the_content_and_a_lock(package: Any) -> None:
    project = read(package({"notes.txt": "mine", ".git/config": "x", "config/part.txt": "y"}))
    files = project.files()
    assert sorted(files) == [LOCK_FILE, "config/deployment.yml", "config/part.txt", "config/service.yml"]
    assert files[LOCK_FILE] == EMPTY_LOCK


def test_of_a_folder_bundle_all_is_pushed(package: Any) -> None:
    folder = package({"bundle/config/a.yml": "a: 1\n", "bundle/chart/b.txt": "b", "bundle/.git/c": "c"})
    assert sorted(read(folder).files()) == [LOCK_FILE, "chart/b.txt", "config/a.yml"]


def test_a_link_out_of_the_package_is_refused(package: Any) -> None:
    folder = package()
    (folder / "config/out.yml").symlink_to("/etc/hosts")
    with pytest.raises(InvalidSpec, match=r"web/config/out\.yml is a link that leaves web"):
        read(folder).files()


@pytest.mark.parametrize("inside", ["config", "bundle"])
def test_a_folder_that_is_a_link_out_of_the_package_is_refused(package: Any, tmp_path: Path, inside: str) -> None:
    folder, elsewhere = package({"bundle/config/a.yml": "a: 1\n"} if inside == "bundle" else {}), tmp_path / "elsewhere"
    (folder / inside).rename(elsewhere)
    (elsewhere / "id_rsa").write_text("mine alone")
    (folder / inside).symlink_to(elsewhere)
    with pytest.raises(InvalidSpec, match=f"web/{inside} is a link that leaves"):
        read(folder).files()


def test_what_git_keeps_is_not_pushed_wherever_it_lies(package: Any) -> None:
    files = read(
        package({"config/.git/config": "url", "config/part/.git": "gitdir: x", "config/.gitignore": "x"})
    ).files()
    assert sorted(files) == [LOCK_FILE, "config/.gitignore", "config/deployment.yml", "config/service.yml"]


def test_cases_are_the_folders_of_tests(package: Any) -> None:
    project = read(package({"tests/.hidden/values.yml": "", "tests/file.yml": ""}))
    assert [case.name for case in project.cases] == ["defaults", "large", "refused"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((PACKAGE, ("replicas:\n", "replicas: [\n")), "web/package.yaml:28: no valid YAML"),
        ((PACKAGE, "a: 1\n---\nb: 2\n"), "web/package.yaml:3: one document is expected, found 2"),
        ((PACKAGE, "- a\n"), "web/package.yaml:1: a map with apiVersion, kind and spec is expected"),
        (
            (PACKAGE, ("  version: 0.1.0\n", "")),
            "web/package.yaml:5: Package web.packages.example.com.?: spec.version is",
        ),
        ((PACKAGE, ("spec:\n  publicName", "sepc:\n  publicName")), "web/package.yaml:3: Package: spec is missing"),
        (
            (PACKAGE, ("kapp: {}", "helm: {}")),
            "web/package.yaml:54: Package web.packages.example.com.0.1.0: spec.template",
        ),
        (("metadata.yaml", ("kind: PackageMetadata", "kind: Package")), "web/metadata.yaml:3: kind PackageMetadata is"),
        (("metadata.yaml", ("displayName: web", "displayName: 1")), "web/metadata.yaml:7: PackageMetadata web"),
    ],
    ids=["no YAML", "two documents", "no map", "no version", "no spec", "another deploy", "another kind", "a number"],
)
def test_a_document_that_no_repository_would_take_is_refused(
    package: Any, change: tuple[str, Any], message: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        read(package(dict([change])))
    assert refused.value.message.startswith(message)
