"""Files that load each other, read each other and are printed: whole renderings of small sets of files."""

from __future__ import annotations

import pytest

from packhouse.template.ytt.workspace.render import (
    InputFile,
    Options,
    inspect_files,
    inspect_schema,
    inspect_values,
    render,
)
from ytt_cases import files_of, printed, refusal, text_of

YAML_LIBRARY = """
#@ def/end mapping():
from: yaml
"""
TEXT_LIBRARY = "(@ def text(): @)from text(@ end @)"
STARLARK = """
def numbers():
  return [1, 2]
end
"""


def test_libraries_of_all_kinds_are_loaded() -> None:
    template = """
#@ load("funcs/a.lib.yml", "mapping")
#@ load("funcs/a.lib.txt", "text")
#@ load("funcs/a.star", other="numbers")
yaml: #@ mapping()
text: #@ text()
star: #@ other()
"""
    files = {
        "t.yml": template,
        "funcs/a.lib.yml": YAML_LIBRARY,
        "funcs/a.lib.txt": TEXT_LIBRARY,
        "funcs/a.star": STARLARK,
    }
    assert printed(files) == "yaml:\n  from: yaml\ntext: from text\nstar:\n- 1\n- 2\n"


def test_paths_are_relative_to_the_file_or_to_the_root_of_its_library() -> None:
    files = {
        "t.yml": '#@ load("/a/one.star", "one")\n#@ load("@lib:sub/three.star", "three")\na: #@ one\nb: #@ three\n',
        "a/one.star": 'load("two.star", "two")\none = two + 1\n',
        "a/two.star": "two = 2\n",
        "_ytt_lib/lib/sub/three.star": 'load("/four.star", "x")\nload("@in:five.star", "y")\nthree = [x, y]\n',
        "_ytt_lib/lib/four.star": "x = 4\n",
        "_ytt_lib/lib/sub/_ytt_lib/in/five.star": "y = 5\n",
    }
    assert printed(files) == "a: 3\nb:\n- 4\n- 5\n"


def test_data_are_listed_and_read_from_where_the_code_is() -> None:
    template = """
#@ load("@ytt:data", "data")
#@ load("sub/a.star", "listed", "read")
own: #@ data.list()
root: #@ data.list("/")
folder: #@ data.list("sub")
listed: #@ listed()
text: #@ data.read("sub/notes")
read: #@ read("notes")
"""
    library = """
load("@ytt:data", "data")
def listed():
  return data.list() + data.list("/sub")
end
def read(path):
  return data.read(path) + data.read("/top")
end
"""
    files = {"t.yml": template, "sub/a.star": library, "sub/notes": "N", "top": "T", "_ytt_lib/lib/hidden": "H"}
    expected = """own:
- t.yml
- top
- sub/a.star
- sub/notes
root:
- /t.yml
- /top
- /sub/a.star
- /sub/notes
folder:
- a.star
- notes
listed:
- a.star
- notes
- /a.star
- /notes
text: "N"
read: NT
"""
    assert expected == printed(files)


def test_what_a_file_exports_is_evaluated_once_and_frozen() -> None:
    files = {
        "a.yml": '#@ load("x.star", "seen")\n#@ seen.append(1)\na: #@ seen\n',
        "x.star": "seen = []\n",
    }
    assert "cannot append to frozen list" in refusal(files)


def test_lists_of_data_values_belong_to_the_file_that_changes_them() -> None:
    template = '#@ load("@ytt:data", "data")\n#@ data.values.names.append("{0}")\n{0}: #@ data.values.names\n'
    files = {"a.yml": template.format("a"), "b.yml": template.format("b"), "v.yml": "#@data/values\n---\nnames: []\n"}
    assert printed(files) == "a:\n- a\n---\nb:\n- b\n"


@pytest.mark.parametrize(
    ("load", "message"),
    [
        pytest.param("missing.star", "Expected to find file 'missing.star' (hint: only files included", id="missing"),
        pytest.param(
            "_ytt_lib/lib/x.star",
            "Expected to find file '_ytt_lib/lib/x.star', but did not: Encountered private library '_ytt_lib'",
            id="a private file",
        ),
        pytest.param(
            "plain.yml", "Expected file 'plain.yml' to be a library file, but was not (hint: ", id="no library"
        ),
        pytest.param("@lib", "Expected library path to be in format '@name:path' e.g. '@github", id="no path"),
        pytest.param("@nolib:x.star", "Expected to find library 'nolib', but did not find ''", id="no such library"),
        pytest.param(
            "@ytt:nothing",
            "builtin ytt library does not have module 'nothing' (hint: is it available in newer version of ytt?)",
            id="no such module",
        ),
        pytest.param("bad.lib.yml", "Unmarshaling YAML template 'bad.lib.yml': yaml: line 3: ", id="bad YAML"),
        pytest.param("loop.star", "cycle in load graph", id="a file that loads itself"),
    ],
)
def test_what_cannot_be_loaded_is_told_with_its_place(load: str, message: str) -> None:
    files = {
        "t.yml": f'#@ load("{load}", "x")\n',
        "plain.yml": "a: 1\n",
        "bad.lib.yml": "a: 1\nb\nc: 2\n",
        "loop.star": 'load("loop.star", "x")\nx = 1\n',
        "_ytt_lib/lib/x.star": "x = 1\n",
    }
    told = refusal(files)
    assert f"\n- cannot load {load}: " in told
    assert message in told
    assert "in <toplevel>" in told


def test_a_failure_names_all_calls_across_files() -> None:
    files = {
        "t.yml": '#@ load("f.lib.yml", "inner")\n#@ def outer():\n#@   return inner()\n#@ end\nkey: #@ outer()\n',
        "f.lib.yml": '#@ def inner():\n#@   return 1+"2"\n#@ end\n',
    }
    expected = """
- unknown binary op: int + string
    in inner
      f.lib.yml:2 | #@   return 1+"2"
    in outer
      t.yml:3 | #@   return inner()
    in <toplevel>
      t.yml:5 | key: #@ outer()"""
    assert expected == refusal(files)


def test_comments_that_are_neither_code_nor_ytts_are_refused_unless_they_are_to_be_ignored() -> None:
    files = {"t.yml": "# a comment\na: #@ 1\n"}
    assert "# a comment" in refusal(files)
    assert printed(files, options=Options(ignore_unknown_comments=True)) == "a: 1\n"
    assert printed({"t.yml": "# a comment\na: 1\n"}) == "a: 1\n"


def test_files_without_templates_and_marked_ones_are_taken_as_they_are() -> None:
    plain = Options(file_marks=("t.yml:type=yaml-plain",))
    assert printed({"t.yml": 'a: 5 #@ 1 + 2\nb: (@= "x" @)\n'}, options=plain) == 'a: 5\nb: (@= "x" @)\n'
    rendered = render(files_of({"t.txt": '(@= "x" @)'}), options=Options(file_marks=("t.txt:type=text-plain",)))
    assert [file.text for file in rendered.files] == ['(@= "x" @)']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", "a: 3\nb: 2\n", id="key twice"),
        pytest.param("a:\n- b: {c: 1, c: 2}\n  d: 3\n", "a:\n- b:\n    c: 2\n  d: 3\n", id="below"),
        pytest.param("a: {b: 1, b: 2}\na: {c: 1, c: 2}\n", "a:\n  c: 2\n", id="below a key that is there twice"),
        pytest.param("1: a\ntrue: b\n1: c\n", "1: c\ntrue: b\n", id="true is not 1"),
        pytest.param(
            "b: &b {name: b, served: true}\nc: {<<: *b, name: c}\n",
            "b:\n  name: b\n  served: true\nc:\n  name: c\n  served: true\n",
            id="behind a merge",
        ),
    ],
)
def test_of_a_key_that_plain_yaml_repeats_the_last_one_counts(text: str, expected: str) -> None:
    assert printed({"t.yml": text}) == expected
    assert (
        printed({"t.yml": f"#@ f = 1\n---\n{text}"}, options=Options(file_marks=("t.yml:type=yaml-plain",))) == expected
    )
    assert "to not be specified again" in refusal({"t.yml": f"#@ f = 1\n---\n{text}"})


def test_texts_are_files_and_no_documents() -> None:
    rendered = render(files_of({"b.yml": "b: 1\n", "t.txt": '(@= "x" @)y', "a.yml": "a: 1\n", "e.yml": ""}))
    assert text_of(rendered.documents) == "b: 1\n---\na: 1\n"
    assert [(file.path, file.text, file.is_yaml) for file in rendered.files] == [
        ("t.txt", "xy", False),
        ("b.yml", "b: 1\n", True),
        ("a.yml", "a: 1\n", True),
    ]


def test_overlays_go_over_the_documents_of_all_files_in_the_order_of_their_files() -> None:
    overlay = """
#@ load("@ytt:overlay", "overlay")
#@overlay/match by=overlay.subset({{"kind": "A"}}), expects="1+"
---
#@overlay/match missing_ok=True
{0}: #@ "by {0}"
"""
    files = {
        "2.yml": overlay.format("second"),
        "a.yml": "kind: A\n---\nkind: B\n",
        "b.yml": "kind: A\n",
        "1.yml": overlay.format("first"),
    }
    expected = (
        "kind: A\nsecond: by second\nfirst: by first\n---\nkind: B\n---\nkind: A\nsecond: by second\nfirst: by first\n"
    )
    assert expected == printed(files)


def test_an_overlay_that_does_not_match_names_the_files_of_overlays() -> None:
    overlay = '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.subset({"kind": "X"})\n---\na: 1\n'
    told = refusal({"a.yml": "kind: A\n", "o.yml": overlay})
    assert told.startswith("Overlaying (in following order: o.yml): Document on line o.yml:3: ")
    assert "Expected number of matched nodes to be 1, but was 0" in told


def test_yaml_that_is_none_is_told_with_its_file() -> None:
    told = refusal({"t.yml": "\nkey: val\nyamlfunc yamlfunc"})
    assert told == "Unmarshaling YAML template 't.yml': yaml: line 4: could not find expected ':'"


def test_strict_yaml_refuses_what_may_be_misread() -> None:
    told = refusal({"t.yml": "a: yes\n"}, options=Options(strict=True))
    expected = (
        "Unmarshaling YAML template 't.yml': yaml: Strict parsing: Found 'yes' ambigious (could be !!str or !!bool)"
    )
    assert expected == told


def test_an_encoding_mark_at_the_beginning_is_no_part_of_the_yaml() -> None:
    assert text_of(render([InputFile("a.yml", b"\xef\xbb\xbftest: #@ None\n")]).documents) == "test: null\n"


def test_schemas_values_and_files_are_shown() -> None:
    files = files_of({"s.yml": "#@data/values-schema\n---\nname: x\n", "d/t.yml": "", "a.md": ""})
    assert text_of(inspect_values(files)) == "name: x\n"
    assert text_of(inspect_files(files)) == "- s.yml\n- d/t.yml\n- a.md\n"
    assert "dataValues:" in text_of(inspect_schema(files))


def test_a_kind_that_cannot_be_printed_is_refused() -> None:
    assert refusal({"a.md": ""}, options=Options(file_marks=("a.md:for-output=true",))) == "Unknown file type"
