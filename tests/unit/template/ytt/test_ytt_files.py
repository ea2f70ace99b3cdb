"""What a file is by its name, what a mark makes of it, and which files a library shows. Nothing is rendered."""

from __future__ import annotations

import pytest

import ytt_cases
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.workspace.files import Kind, files_of
from packhouse.template.ytt.workspace.folders import Library
from packhouse.template.ytt.workspace.inputs import InputFile
from packhouse.template.ytt.workspace.marks import apply_marks


@pytest.mark.parametrize(
    ("path", "kind", "template", "library", "output"),
    [
        pytest.param("a.yml", Kind.YAML, True, False, True, id="yml"),
        pytest.param("dir/a.yaml", Kind.YAML, True, False, True, id="yaml"),
        pytest.param("a.lib.yml", Kind.YAML, False, True, False, id="a library of YAML"),
        pytest.param("a.lib.txt", Kind.TEXT, False, True, False, id="a library of text"),
        pytest.param("a.txt", Kind.TEXT, True, False, True, id="text"),
        pytest.param("a.star", Kind.STARLARK, False, True, False, id="Starlark"),
        pytest.param("a.lib.star", Kind.STARLARK, False, True, False, id="Starlark that says so twice"),
        pytest.param("lib.yml", Kind.YAML, True, False, True, id="only the name is lib"),
        pytest.param("a.md", Kind.UNKNOWN, False, False, False, id="anything else"),
        pytest.param("a.lib.md", Kind.UNKNOWN, False, True, False, id="a library of nothing known"),
        pytest.param("dir.lib.yml/notes", Kind.UNKNOWN, False, False, False, id="a folder's name does not count"),
    ],
)
def test_a_name_says_what_a_file_is(path: str, kind: Kind, template: bool, library: bool, output: bool) -> None:
    [file] = files_of([InputFile(path, b"")])
    assert (kind, template, library, output) == (file.kind, file.is_template, file.is_library, file.is_for_output)


def marked(paths: list[str], *marks: str) -> dict[str, tuple[Kind, bool, bool]]:
    files = apply_marks(files_of([InputFile(path, b"") for path in paths]), marks)
    return {file.path: (file.kind, file.is_template, file.is_for_output) for file in files}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("yaml-template", (Kind.YAML, True, True), id="yaml-template"),
        pytest.param("yaml-plain", (Kind.YAML, False, True), id="yaml-plain"),
        pytest.param("text-template", (Kind.TEXT, True, True), id="text-template"),
        pytest.param("text-plain", (Kind.TEXT, False, True), id="text-plain"),
        pytest.param("starlark", (Kind.STARLARK, False, False), id="starlark"),
        pytest.param("data", (Kind.UNKNOWN, False, False), id="data"),
    ],
)
def test_a_mark_changes_what_a_file_is(value: str, expected: tuple[Kind, bool, bool]) -> None:
    assert expected == marked(["a.yml"], f"a.yml:type={value}")["a.yml"]


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        pytest.param("a.yml", {"a.yml"}, id="a path"),
        pytest.param("*", {"a.yml"}, id="all of the outermost folder"),
        pytest.param("dir/*", {"dir/b.yml"}, id="all of a folder"),
        pytest.param("**/*", {"a.yml", "dir/b.yml", "dir/sub/c.yml"}, id="all"),
        pytest.param("dir/**/*", {"dir/b.yml", "dir/sub/c.yml"}, id="all below a folder"),
    ],
)
def test_a_mark_matches_paths(pattern: str, matched: set[str]) -> None:
    paths = ["a.yml", "dir/b.yml", "dir/sub/c.yml"]
    assert set(paths) - matched == set(marked([*paths, "zz/zz/zz"], f"{pattern}:exclude=true")) - {"zz/zz/zz"}


def test_marks_of_output_and_of_paths() -> None:
    only = marked(["a.yml", "b.yml", "c.txt"], "a.yml:exclusive-for-output=true")
    assert [path for path, (_, _, output) in only.items() if output] == ["a.yml"]
    assert marked(["a.md"], "a.md:for-output=true")["a.md"][2]
    moved = marked(["a.md", "b.yml"], "a.md:path=c/d.yml", "a.md:type=yaml-plain")
    assert moved["c/d.yml"] == (Kind.YAML, False, True)


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        pytest.param("a.yml", "Expected file mark 'a.yml' to be in format path:key=value", id="no key"),
        pytest.param(
            "a.yml:type",
            "Expected file mark 'a.yml:type' key-value portion to be in format key=value",
            id="no value",
        ),
        pytest.param("a.yml:type=x", "Unknown value in file mark 'a.yml:type=x'", id="no such type"),
        pytest.param("a.yml:exclude=no", "Unknown value in file mark 'a.yml:exclude=no'", id="no such value"),
        pytest.param("a.yml:hide=true", "Unknown key in file mark 'a.yml:hide=true'", id="no such key"),
        pytest.param(
            "b.yml:exclude=true",
            "Expected file mark 'b.yml:exclude=true' to match at least one file by path, but did not",
            id="no such file",
        ),
    ],
)
def test_a_mark_that_is_wrong_is_refused(mark: str, message: str) -> None:
    with pytest.raises(YttError) as raised:
        marked(["a.yml"], mark)
    assert message == raised.value.message


def tree() -> Library:
    paths = ["b.yml", "dir/a.yml", "_ytt_lib/lib/c.yml", "_ytt_lib/lib/_ytt_lib/in/d.yml", "a.yml"]
    return Library.of(files_of(ytt_cases.files_of(dict.fromkeys(paths, ""))))


def test_files_of_a_folder_come_before_those_of_its_folders_and_private_ones_do_not() -> None:
    assert [each.path for each in tree().accessible()] == ["b.yml", "a.yml", "dir/a.yml"]
    assert [each.path for each in tree().private("lib").accessible()] == ["c.yml"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("none", "Expected to find library 'none', but did not find ''", id="missing"),
        pytest.param("lib/sub", "Expected to find library 'lib/sub', but did not find 'lib'", id="missing inside"),
        pytest.param("lib/_ytt_lib", "Could not load private library 'lib'", id="private inside"),
    ],
)
def test_a_library_that_is_not_there_is_told(path: str, message: str) -> None:
    with pytest.raises(YttError) as raised:
        tree().private(path)
    assert message == raised.value.message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param(
            "x.yml",
            "Expected to find file 'x.yml' (hint: only files included via -f flag are available)",
            id="no file",
        ),
        pytest.param("no/x.yml", "Expected to find file 'no/x.yml', but did not: Did not find ''", id="no folder"),
        pytest.param(
            "_ytt_lib/lib/c.yml",
            "Expected to find file '_ytt_lib/lib/c.yml', but did not: Encountered private library '_ytt_lib'",
            id="a private one",
        ),
    ],
)
def test_a_file_that_is_not_there_is_told(path: str, message: str) -> None:
    with pytest.raises(YttError) as raised:
        tree().find(path)
    assert message == raised.value.message
    assert tree().find("dir/a.yml").file.path == "dir/a.yml"


def test_bytes_that_are_no_text_are_kept_where_they_are_data_and_refused_where_they_are_yaml() -> None:
    [file] = files_of([InputFile("a.bin", b"a\xff\x00")])
    assert file.raw_text().encode("utf-8", "surrogateescape") == b"a\xff\x00"
    with pytest.raises(YttError, match="yaml: invalid leading UTF-8 octet"):
        file.yaml_text()
