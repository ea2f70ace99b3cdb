"""YAML templates, compiled and evaluated: what comes out, what is refused and where. The language and the reader of
YAML are the real ones."""

from __future__ import annotations

from typing import Any

import pytest
from ytt_template_runs import code_template, document_of, documents_of, evaluate, yaml_template

from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import LimitExceeded, YttError
from packhouse.template.ytt.nodes import DocumentSet
from packhouse.template.ytt.starlark.thread import LanguageLimits

LOAD_TEMPLATE = '#@ load("@ytt:template", "template")\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: #@ 1 + 1\nb: 2\n", {"a": 2, "b": 2}, id="a value"),
        pytest.param("a: #@ {'x': [1, (2, 3)]}\n", {"a": {"x": [1, [2, 3]]}}, id="a value of containers"),
        pytest.param("- #@ 'x'\n- z\n", ["x", "z"], id="an array"),
        pytest.param("#@ if False:\na: 1\n#@ else:\na: 2\n#@ end\n", {"a": 2}, id="two branches with one key"),
        pytest.param("#@ if/end False:\na: 1\nb: 2\n", {"b": 2}, id="a block that ends with its node"),
        pytest.param("a:\n#@ for x in [1, 2]:\n- #@ x\n- z\n#@ end\n", {"a": [1, "z", 2, "z"]}, id="a loop over items"),
        pytest.param("a:\n#@ for/end x in []:\n- #@ x\n", {"a": []}, id="a loop without rounds"),
        pytest.param("#@ x = 1\na:\n  b:\n    #@ x = 2\n    c: #@ x\n", {"a": {"b": {"c": 2}}}, id="code inside"),
        pytest.param("a: #@\n", {"a": []}, id="no code is an empty tuple"),
        pytest.param("a: #@template/value 1\n", {"a": 1}, id="a value by its name"),
        pytest.param("#@template/code x = 1\na: #@ x\n", {"a": 1}, id="code by its name"),
        pytest.param("#! b\na: 1 #! c\n#@comment d\nb: #@ 2\n", {"a": 1, "b": 2}, id="comments"),
    ],
)
def test_code_in_comments_makes_a_document(text: str, expected: Any) -> None:
    assert document_of(text) == expected


def test_keys_need_not_be_texts() -> None:
    items = evaluate(yaml_template("1: #@ 2\ntrue: #@ 3\n1.0: #@ 4\n")).result.items[0].value.items

    assert [(type(item.key), item.key, item.value) for item in items] == [(int, 1, 2), (bool, True, 3), (float, 1, 4)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("#@ def f():\na: 1\n#@ end\nb: #@ f()\n", {"b": {"a": 1}}, id="a map"),
        pytest.param("a:\n#@ def f(x):\n- 1\n- #@ x\n#@ end\nb: #@ f(2)\n", {"a": [], "b": [1, 2]}, id="an array"),
        pytest.param("#@ def/end f(x):\nk: #@ x\nb: #@ [f(1), f(2)]\n", {"b": [{"k": 1}, {"k": 2}]}, id="def/end"),
        pytest.param("#@ def f():\n#@ if False:\na: 1\n#@ end\n#@ end\nb: #@ f()\n", {"b": None}, id="nothing reached"),
        pytest.param("#@ def f():\na: 1\n#@ return 5\n#@ end\nb: #@ f()\n", {"b": 5}, id="a value that is returned"),
        pytest.param("#@ def f():\na: 1\n#@ return\n#@ end\nb: #@ f()\n", {"b": {"a": 1}}, id="an empty return"),
        pytest.param(
            "#@ def f(x):\nx: #@ x\n#@ if/end x > 0:\nm: #@ f(x - 1)\n#@ end\nb: #@ f(2)\n",
            {"b": {"x": 2, "m": {"x": 1, "m": {"x": 0}}}},
            id="recursion",
        ),
        pytest.param(
            "#@ def f():\na: 1\n#@ def g():\nd: 2\n#@ end\nc: #@ g()\n#@ end\nb: #@ f()\n",
            {"b": {"a": 1, "c": {"d": 2}}},
            id="a function in a function",
        ),
        pytest.param("x:\n  #@ def f():\n  a: 1\n  #@ end\nb: #@ f()\n", {"x": {}, "b": {"a": 1}}, id="below a key"),
    ],
)
def test_a_function_with_yaml_gives_that_yaml(text: str, expected: Any) -> None:
    assert document_of(text) == expected


def test_a_function_may_give_documents() -> None:
    text = f"{LOAD_TEMPLATE}#@ def f():\n--- 1\n--- #@ 2\n#@ end\n---\na: 0\n--- #@ template.replace(f())\n"

    assert documents_of(text) == [{"a": 0}, 1, 2]


def test_what_another_file_defines_makes_nodes_of_its_own() -> None:
    library = yaml_template("#@ def f(x):\na: #@ x\nb: [c]\n#@ end\n")

    expected = {"x": {"a": {"a": 1, "b": ["c"]}, "b": ["c"]}}
    assert document_of('#@ load("f.lib.yml", "f")\nx: #@ f(f(1))\n', {"f.lib.yml": library}) == expected


def test_plain_nodes_are_handed_on_and_not_copied() -> None:
    template = yaml_template("a:\n  b: {c: [1]}\n  d: #@ 1\n---\ne: {f: 2}\n")
    first, second = evaluate(template).result, evaluate(template).result

    assert first.items[1] is second.items[1]
    assert first.items[0].value.items[0].value.items[0] is second.items[0].value.items[0].value.items[0]
    assert first.items[0] is not second.items[0]


def test_an_evaluation_leaves_nothing_for_the_next() -> None:
    template = yaml_template("#@ x = []\n#@ x.append(1)\na: #@ x\n")

    assert [to_plain(evaluate(template).result) for _ in range(3)] == [[{"a": [1]}]] * 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("#@a/b 1, x=[2]\nk: 1\n", {"a/b": ((1,), {"x": [2]})}, id="arguments"),
        pytest.param("#@a/b\n#@c\nk: 1\n", {"a/b": ((), {}), "c": ((), {})}, id="two"),
        pytest.param("#@a 1\n#@a 2\nk: 1\n", {"a": ((2,), {})}, id="the last of a name counts"),
        pytest.param("#@a\nk: #@ 1\n", {"a": ((), {})}, id="beside a value"),
        pytest.param("k: 1 #@a\n", {"a": ((), {})}, id="on the line of the node"),
        pytest.param("#@a\nk:\n  deep: {er: 1}\n", {"a": ((), {})}, id="above what is plain"),
    ],
)
def test_annotations_are_computed_and_stay_with_their_node(text: str, expected: Any) -> None:
    (item,) = evaluate(yaml_template(text)).result.items[0].value.items

    found = {name: (annotation.args, annotation.kwargs) for name, annotation in item.annotations.items()}
    assert found == expected


def test_an_annotation_knows_the_line_of_its_comment() -> None:
    (item,) = evaluate(yaml_template("#@ x = 1\n#@a\n\nk: 1\n")).result.items[0].value.items

    annotation = item.annotations["a"]
    assert (annotation.source.name, annotation.line, item.line) == ("a.yml", 2, 4)


def test_annotations_in_a_loop_are_computed_in_each_round() -> None:
    items = evaluate(yaml_template("#@ for x in [1, 2]:\n#@a x\n- k\n#@ end\n")).result.items[0].value.items

    assert [item.annotations["a"].args for item in items] == [(1,), (2,)]


TEXTED = "#@yaml/text-templated-strings\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"{TEXTED}a: x(@= str(1) @)y\n", {"a": "x1y"}, id="a value"),
        pytest.param(f"{TEXTED}a(@= 'b' @): 1\n", {"ab": 1}, id="a key"),
        pytest.param(f"{TEXTED}a:\n  b(@= 'c' @): [(@= 'd' @)]\n", {"a": {"bc": ["d"]}}, id="all below"),
        pytest.param("a: (@= 'd' @)\n", {"a": "(@= 'd' @)"}, id="not without the annotation"),
        pytest.param(f"{TEXTED}a: plain\nb: (@= 'd' @)\n", {"a": "plain", "b": "(@= 'd' @)"}, id="not beside"),
        pytest.param(f"{TEXTED}a: '(@ if True: @)x(@ else: @)y(@ end @)'\n", {"a": "x"}, id="blocks"),
        pytest.param(f"{TEXTED}a: |-\n  (@ for i in 'bc'.elems(): @)x(@= i @)(@ end @)\n", {"a": "xbxc"}, id="loops"),
        pytest.param(f'{TEXTED}a: "(@ def f(): @)x(@ end @)y"\nb: #@ f()\n', {"a": "y", "b": "x"}, id="a function"),
        pytest.param(f"{TEXTED}---\na: (@= 'b' @)\n", {"a": "b"}, id="a document"),
        pytest.param(f"{TEXTED}--- (@= 'b' @)\n", "b", id="a document that is text"),
    ],
)
def test_strings_may_be_text_templates(text: str, expected: Any) -> None:
    assert document_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\n#@yaml/map-key-override\na: 2\n", {"a": 2}, id="annotation"),
        pytest.param("a: 1\nb: 1\n#@yaml/map-key-override\na: 2\n", {"b": 1, "a": 2}, id="the place is the later one"),
    ],
)
def test_a_key_may_be_given_again_with_an_annotation(text: str, expected: Any) -> None:
    assert document_of(text) == expected
    assert list(document_of(text)) == list(expected)


def test_a_key_may_be_given_again_where_all_may() -> None:
    assert document_of("a: 1\nb: #@ 1\na: 2\n", implicit_map_key_overrides=True) == {"b": 1, "a": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "a:\n  _: #@ template.replace({'b': 1, 'c': 2})\n  d: 3\n", {"a": {"b": 1, "c": 2, "d": 3}}, id="map"
        ),
        pytest.param("a:\n- #@ template.replace([1, 2])\n- 3\n", {"a": [1, 2, 3]}, id="array"),
        pytest.param("a:\n- #@ template.replace([])\n- 3\n", {"a": [3]}, id="by nothing"),
        pytest.param(
            "a:\n  b: 1\n  _: #@ template.replace({'b': 2})\n", {"a": {"b": 2}}, id="a dict gives a key again"
        ),
        pytest.param(
            "a:\n  _: #@ template.replace({'b': 1})\n  _: #@ template.replace({'c': 1})\n",
            {"a": {"b": 1, "c": 1}},
            id="twice",
        ),
        pytest.param(
            "#@ def f():\nb: 1\n#@ end\na:\n  _: #@ template.replace(f())\n  c: 2\n",
            {"a": {"b": 1, "c": 2}},
            id="by a fragment",
        ),
        pytest.param(
            "#@ def f():\nb: 1\n_: #@ template.replace({'c': 2})\n#@ end\na: #@ f()\n",
            {"a": {"b": 1, "c": 2}},
            id="inside of a function",
        ),
    ],
)
def test_a_node_may_give_way_to_the_items_of_a_value(text: str, expected: Any) -> None:
    assert document_of(LOAD_TEMPLATE + text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a: 1\nb: #@ 1\na: 2\n",
            "\n- __ytt_tpl1_start_node: expected key 'a' to not be specified again "
            "(unless 'yaml/map-key-override' annotation is added)\n    in <toplevel>\n      a.yml:3 | a: 2",
            id="a key again",
        ),
        pytest.param(
            "x: #@ 1\ny:\n  a: 1\n  b: 1\n  a: 2\n",
            "\n- __ytt_tpl1_start_node: expected key 'a' to not be specified again "
            "(unless 'yaml/map-key-override' annotation is added)\n    in <toplevel>\n      a.yml:5 |   a: 2",
            id="a key again where all is plain",
        ),
        pytest.param(
            "#@ for x in [1, 2]:\na: 1\nb: 2\n#@ end\n",
            "\n- __ytt_tpl1_start_node: expected key 'a' to not be specified again "
            "(unless 'yaml/map-key-override' annotation is added)\n    in <toplevel>\n      a.yml:2 | a: 1",
            id="a key again in a loop",
        ),
        pytest.param(
            "a: #@ 1\n1: 1\n1: 2\n",
            "\n- __ytt_tpl1_start_node: expected key '%!s(int=1)' to not be specified again "
            "(unless 'yaml/map-key-override' annotation is added)\n    in <toplevel>\n      a.yml:3 | 1: 2",
            id="a number as key again",
        ),
        pytest.param(
            "#@ def f():\n---\na: 1\n#@ end\n---\nb: #@ f()\n",
            "\n- __ytt_tpl1_set_node: map items can only contain arrays, maps, or scalars; this is a "
            "document set\n    in <toplevel>\n      a.yml:6 | b: #@ f()",
            id="documents as a value",
        ),
        pytest.param(
            f"{TEXTED}a: (@= 1 @)\n",
            "\n- __ytt_tpl1_set_node: cannot set non-string value (int64), consider using str(...) to convert to "
            "string\n    in <toplevel>\n      a.yml:2 | = 1 ",
            id="a number in a text",
        ),
        pytest.param(
            f"{LOAD_TEMPLATE}a:\n  b: #@ template.replace([1])\n",
            "\n- template.replace: expected value to be map, but was []interface {}\n    in <toplevel>\n"
            "      a.yml:3 |   b: #@ template.replace([1])",
            id="a list in a map",
        ),
        pytest.param(
            f"{LOAD_TEMPLATE}a:\n- #@ template.replace('x')\n",
            "\n- template.replace: expected value to be array, but was string\n    in <toplevel>\n"
            "      a.yml:3 | - #@ template.replace('x')",
            id="a text in an array",
        ),
        pytest.param(
            f"{LOAD_TEMPLATE}a:\n- #@ template.replace()\n",
            "\n- template.replace: expected exactly one argument\n    in <toplevel>\n"
            "      a.yml:3 | - #@ template.replace()",
            id="nothing to put in place",
        ),
    ],
)
def test_what_is_wrong_while_it_runs_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(YttError) as caught:
        evaluate(yaml_template(text))

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a: 1\n# plain\nb: 2\nc: #@ 1\n",
            "Failed to parse line 2: '# plain': Expected ytt-formatted string (use '#@' for annotations or code, "
            "'#!' for comments)",
            id="a comment of plain YAML",
        ),
        pytest.param(
            f"a: 1\n{TEXTED}b: x @)\n", "Unexpected code closing '@)' at line 3 col 4", id="code in a string not opened"
        ),
        pytest.param(
            "a: b #@ 1\n",
            "Expected YAML node at line a.yml:1 to have either computed or YAML value, but found both",
            id="two values",
        ),
    ],
)
def test_what_is_wrong_in_comments_and_strings_is_told_at_once(text: str, message: str) -> None:
    with pytest.raises(YttError) as caught:
        yaml_template(text)

    assert caught.value.message == message


def test_comments_of_plain_yaml_may_be_ignored() -> None:
    assert document_of("# x\na: 1 # y\nb: #@ 2\n", ignore_unknown_comments=True) == {"a": 1, "b": 2}


def test_numbers_of_nodes_count_what_is_plain() -> None:
    text = "a: {b: 1}\nc:\n  #@ if True:\n  d: #@ 123\n  #@ end\n  #@ end\n"

    with pytest.raises(YttError) as caught:
        yaml_template(text)

    assert caught.value.message.endswith("    a.yml:? | __ytt_tpl1_start_node(10) # *yamlmeta.Document (generated)")


def test_yaml_that_doubles_is_stopped() -> None:
    text = "#@ def f(x):\na: #@ x\nb: #@ x\n#@ end\n#@ y = f(1)\n#@ for i in range(60):\n#@ y = f(y)\n#@ end\nc: #@ y\n"

    with pytest.raises(LimitExceeded):
        evaluate(yaml_template(text), limits=LanguageLimits(weight=100_000))


def test_blocks_may_begin_and_end_at_different_depths() -> None:
    result = evaluate(yaml_template("#@ if False:\na:\n  #@ end\n  b: 1\nc: #@ 2\n")).result

    assert isinstance(result, DocumentSet)
    assert to_plain(result) == [{"b": 1, "c": 2}]


def test_code_alone_makes_nothing() -> None:
    evaluated = evaluate(code_template("def f():\n  return 1\nend\nx = f()\n_y = 2\n"))

    assert evaluated.result is None
    assert set(evaluated.globals) == {"f", "x"}
