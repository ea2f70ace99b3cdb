"""Overlays in files, with the real language and the real workspace: what is rendered, and what is told."""

from __future__ import annotations

import pytest

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.workspace.inputs import DataValues, InputFile
from packhouse.template.ytt.workspace.render import render
from packhouse.template.ytt.yaml.write import write

LOAD = '#@ load("@ytt:overlay", "overlay")\n'


def rendered(files: dict[str, str], values: DataValues | None = None) -> dict[str, str]:
    """What each file prints, by its path."""
    given = [InputFile(path, text.encode()) for path, text in files.items()]
    return {file.path: file.text for file in render(given, values or DataValues()).files}


def refusal(files: dict[str, str], values: DataValues | None = None) -> str:
    with pytest.raises(YttError) as refused:
        rendered(files, values)
    return refused.value.message


ARRAY = "array:\n- name: item1\n  subarray:\n  - item1\n"


def test_an_overlay_of_another_file_changes_the_documents() -> None:
    files = {
        "tpl.yml": ARRAY,
        "overlay.yml": LOAD + '#@ load("funcs/funcs.lib.yml", "inner")\n#@overlay/match by=overlay.all\n---\narray:\n'
        '#@overlay/match by="name"\n- name: item1\n  #@overlay/match missing_ok=True\n  subarray2:\n  - #@ inner()\n',
        "funcs/funcs.lib.yml": "#@ def/end inner():\ninner: 1\n",
    }
    assert rendered(files) == {"tpl.yml": ARRAY + "  subarray2:\n  - inner: 1\n"}


def test_overlays_follow_the_order_of_the_files() -> None:
    removed = LOAD + "#@overlay/match by=overlay.all\n---\n#@overlay/remove\nb:\n"
    added = LOAD + "#@overlay/match by=overlay.all\n---\n#@overlay/match missing_ok=True\nb: 2\n"
    assert rendered({"tpl.yml": "a: 1\n", "o1.yml": added, "o2.yml": removed}) == {"tpl.yml": "a: 1\n"}
    assert refusal({"tpl.yml": "a: 1\n", "o1.yml": removed, "o2.yml": added}) == (
        "Overlaying (in following order: o1.yml, o2.yml): Document on line o1.yml:3: "
        "Map item (key 'b') on line o1.yml:5: Expected number of matched nodes to be 1, but was 0"
    )


def test_too_many_matches_are_told_by_their_places() -> None:
    files = {
        "tpl.yml": "\n---\nid: 1\nname: foo\n\n---\nid: 2\nname: foo\n",
        "overlay.yml": "\n" + LOAD + "#@overlay/match by=overlay.all\n---\noverlayed: true\n",
    }
    assert refusal(files) == (
        "Overlaying (in following order: overlay.yml): Document on line overlay.yml:4: "
        "Expected number of matched nodes to be 1, but was 2 (lines: tpl.yml:2, tpl.yml:6)"
    )


def test_a_function_in_an_overlay_gets_fragments() -> None:
    files = {
        "tpl.yml": "---\nkind: A\nspec: {num: 1}\n---\nkind: B\n",
        "overlay.yml": LOAD + '#@ def grown(left, right):\n#@   return {"num": left["num"] + right["num"]}\n#@ end\n'
        '#@overlay/match by=lambda i, left, right: left["kind"] == right["kind"]\n---\nkind: A\n'
        "#@overlay/replace via=grown\nspec: {num: 41}\n",
    }
    assert rendered(files) == {"tpl.yml": "kind: A\nspec:\n  num: 42\n---\nkind: B\n"}


def test_what_a_function_in_an_overlay_raises_is_told_in_one_line() -> None:
    files = {
        "tpl.yml": "a: 1\n",
        "overlay.yml": LOAD + "#@overlay/match by=overlay.all\n---\n"
        '#@overlay/assert via=lambda left, right: fail("boom")\na:\n',
    }
    assert refusal(files) == (
        "Overlaying (in following order: overlay.yml): Document on line overlay.yml:3: "
        "Map item (key 'a') on line overlay.yml:5: fail: boom"
    )


def test_a_method_is_a_function_too() -> None:
    change = '#@ def change():\n#@overlay/replace via="x".join\na: 2\n#@ end\n'
    files = {"tpl.yml": LOAD + change + 'a: #@ overlay.apply({"a": 1}, change())\n'}
    assert "Map item (key 'a') on line tpl.yml:4: join: " in refusal(files)


def test_the_left_side_of_apply_stays_as_it_is() -> None:
    files = {
        "tpl.yml": LOAD + "#@ def left():\nnum: 1\n#@ end\n#@ def right():\nnum: 2\n#@ end\n#@ first = left()\n"
        "#@ second = overlay.apply(first, right())\na: #@ first\nb: #@ second\n",
    }
    assert rendered(files) == {"tpl.yml": "a:\n  num: 1\nb:\n  num: 2\n"}


def test_values_from_outside_are_merged_over_those_of_files() -> None:
    files = {
        "values.yml": "#@data/values\n---\na: {b: 1, c: [1]}\nd: 1\n",
        "more.yml": LOAD + "#@data/values\n---\n#@overlay/match missing_ok=True\ne: 1\n",
        "tpl.yml": '#@ load("@ytt:data", "data")\nv: #@ data.values\n',
    }
    values = DataValues(files=[("given.yml", "a:\n  c: [2]\n  x: 3\n")])
    assert rendered(files, values) == {"tpl.yml": "v:\n  a:\n    b: 1\n    c:\n    - 2\n    x: 3\n  d: 1\n  e: 1\n"}


def test_documents_of_libraries_are_overlaid() -> None:
    files = {
        "_ytt_lib/lib/a.yml": "a: 1\n",
        "tpl.yml": LOAD + '#@ load("@ytt:library", "library")\n#@ load("@ytt:template", "template")\n'
        "#@ def change():\n#@overlay/match by=overlay.all\n---\na: 2\n#@ end\n"
        '--- #@ template.replace(overlay.apply(library.get("lib").eval(), change()))\n',
    }
    assert rendered(files) == {"tpl.yml": "a: 2\n"}


def test_documents_are_printed_in_the_order_of_overlays() -> None:
    files = {
        "tpl.yml": "---\nx: 1\n---\nx: 2\n",
        "overlay.yml": LOAD + '#@overlay/match by=overlay.subset({"x": 2})\n#@overlay/insert before=True\n---\nx: 3\n',
    }
    given = [InputFile(path, text.encode()) for path, text in files.items()]
    assert write(render(given, DataValues()).documents.items) == "x: 1\n---\nx: 3\n---\nx: 2\n"
