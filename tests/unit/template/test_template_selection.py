from __future__ import annotations

import pytest

from packhouse.api.errors import TemplateFailed
from packhouse.template import selection

FILES = [
    "config/web.yml",
    "config/sub/db.yaml.j2",
    "config-extra/no.yml",
    "top.yml",
    ".imgpkg/images.yml",
    "config/.hidden.yml",
    "a[1].yml",
]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], ["a[1].yml", "config-extra/no.yml", "config/sub/db.yaml.j2", "config/web.yml", "top.yml"]),
        (["."], ["a[1].yml", "config-extra/no.yml", "config/sub/db.yaml.j2", "config/web.yml", "top.yml"]),
        (["config"], ["config/sub/db.yaml.j2", "config/web.yml"]),
        (["./config/"], ["config/sub/db.yaml.j2", "config/web.yml"]),
        (["config/*.yml"], ["config/.hidden.yml", "config/web.yml"]),
        (["**/*.yml"], [name for name in sorted(FILES) if name.endswith(".yml")]),
        (["top.yml", "config/web.yml", "top.yml", "-"], ["config/web.yml", "top.yml"]),
        ([".imgpkg/images.yml"], [".imgpkg/images.yml"]),
        (["a[1].yml"], ["a[1].yml"]),
        (["t[a-o]p.yml"], ["top.yml"]),
        (["t[!a-n]p.y?l"], ["top.yml"]),
    ],
)
def test_paths_name_files_folders_and_globs(paths: list[str], expected: list[str]) -> None:
    assert expected == selection.select(FILES, paths, "jinja2")


def test_a_path_that_names_nothing_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(
        TemplateFailed, match=r"path 'confg/' names no file of the package \(did you mean 'config/'\?\)"
    ):
        selection.select(FILES, ["confg/"], "jinja2")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a.yml", True), ("a.yaml.j2", True), ("a.json.jinja2", True), ("a.txt", False), ("a.yml.txt", False)],
)
def test_manifests_are_known_by_their_names(path: str, expected: bool) -> None:
    assert expected == selection.manifest_name(path, (".j2", ".jinja2"))


def test_a_file_that_is_no_text_is_refused_by_name() -> None:
    with pytest.raises(TemplateFailed, match=r"^a.yml: is no UTF-8 text \(byte 1\)"):
        selection.text({"a.yml": b"a\xff"}, "a.yml")
