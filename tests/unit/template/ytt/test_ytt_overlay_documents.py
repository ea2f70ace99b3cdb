"""Overlays over documents: of one set, of many sets, and of data values."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ytt_overlay_trees import FakeThread, shown, tree

from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import Comment, Document, DocumentSet, Map, MapItem
from packhouse.template.ytt.overlay import apply, apply_document, apply_sets
from packhouse.template.ytt.overlay.plain import annotate_plain


def applied(left: str, *rights: str) -> list[Any]:
    merged = apply(tree(left), [tree(right) for right in rights], FakeThread())
    return [to_plain(document.value) for document in merged.items]


THREE = "---\nn: 1\n---\nn: 2\n---\nn: 3"


@pytest.mark.parametrize(
    ("right", "result"),
    [
        pytest.param("#@overlay/match by=subset({'n': 2})\n---\nn: 9", [1, 9, 3], id="subset"),
        pytest.param("#@overlay/match by=index(2)\n---\nn: 9", [1, 2, 9], id="index"),
        pytest.param("#@overlay/match by=all, expects='1+'\n---\nn: 9", [9, 9, 9], id="all"),
        pytest.param("#@overlay/match by=all, expects=3\n#@overlay/remove\n---\n", [], id="remove all"),
        pytest.param("#@overlay/match by=subset({'n': 2})\n#@overlay/remove\n---\n", [1, 3], id="remove"),
        pytest.param(
            "#@overlay/match by=lambda i, left, right: at(left, 'n') == i + 1, expects=3\n---\nn: 9",
            [9, 9, 9],
            id="a function gets the index and fragments",
        ),
        pytest.param(
            "#@overlay/match by=subset({'n': 2})\n#@overlay/insert before=True\n---\nn: 9", [1, 9, 2, 3], id="before"
        ),
        pytest.param(
            "#@overlay/match by=all, expects=3\n"
            "#@overlay/insert after=True, via=lambda left, right: {'n': at(left, 'n') + at(right, 'n')}\n---\nn: 9",
            [1, 10, 2, 11, 3, 12],
            id="after, via a function",
        ),
        pytest.param("#@overlay/append\n---\nn: 9", [1, 2, 3, 9], id="append"),
        pytest.param(
            "#@overlay/match by=not_op(all), expects=0\n#@overlay/replace or_add=True\n---\nn: 9",
            [1, 2, 3, 9],
            id="or_add",
        ),
        pytest.param("#@overlay/match by=not_op(all), expects=0\n---\nn: 9", [1, 2, 3], id="a merge adds none"),
        pytest.param(
            "#@overlay/match by=or_op(subset({'n': 1}), subset({'n': 3})), expects=2\n#@overlay/replace\n---\nn: 9",
            [9, 2, 9],
            id="replace",
        ),
        pytest.param(
            "#@overlay/match by=all, expects=3\n#@overlay/assert via=lambda a, b: None\n---", [1, 2, 3], id="assert"
        ),
        pytest.param("#@overlay/match by=subset({'x': 1}), when='1+'\n---\nn: 9", [1, 2, 3], id="when"),
    ],
)
def test_documents_are_changed_as_items_are(right: str, result: list[Any]) -> None:
    assert [document["n"] for document in applied(THREE, right)] == result


@pytest.mark.parametrize(
    ("right", "message"),
    [
        pytest.param(
            "---\nn: 9",
            "Document on line stdin:1: Expected 'overlay/match' annotation to have at least one keyword argument "
            "(by=..., expects=...)",
            id="no match",
        ),
        pytest.param(
            "#@overlay/match expects=1\n---\nn: 9",
            "Document on line stdin:2: Expected 'overlay/match' annotation keyword argument 'by'  to be specified",
            id="no by",
        ),
        pytest.param(
            "#@overlay/match by='n'\n---\nn: 9",
            "Document on line stdin:2: Expected 'overlay/match' annotation keyword argument 'by' to be function, "
            "but was starlark.String",
            id="by a key",
        ),
        pytest.param(
            "#@overlay/match by=all\n---\nn: 9",
            "Document on line stdin:2: Expected number of matched nodes to be 1, but was 3 "
            "(lines: stdin:1, stdin:3, stdin:5)",
            id="too many",
        ),
        pytest.param(
            "#@overlay/match by=all, expects=3\n#@overlay/replace via=lambda a, b: documents('x: 1')\n---\nn: 9",
            "Document on line stdin:3: documents can only contain arrays, maps, or scalars; this is a document set",
            id="documents within documents",
        ),
        pytest.param(
            "#@overlay/replace via='f'\n---\nn: 9",
            "Document on line stdin:2: Expected 'overlay/match' annotation to have at least one keyword argument "
            "(by=..., expects=...)",
            id="the match is read first",
        ),
    ],
)
def test_documents_that_do_not_fit_are_refused(right: str, message: str) -> None:
    with pytest.raises(EvalError) as refused:
        applied(THREE, right)
    assert refused.value.message == message


def test_sets_of_documents_are_counted_through_and_keep_their_own() -> None:
    lefts = [tree("---\nn: 1\n---\nn: 2", "a.yml"), tree("---\nn: 3", "b.yml")]
    rights = [
        tree("#@overlay/match by=index(2)\n#@overlay/insert before=True\n---\nn: 9"),
        tree("#@overlay/match by=subset({'n': 1})\n#@overlay/remove\n---"),
        tree("#@overlay/append\n---\nn: 10"),
        tree("#@overlay/match by=subset({'n': 0}), expects=0\n#@overlay/replace or_add=True\n---\nn: 11"),
    ]
    merged = apply_sets(lefts, rights, FakeThread())
    assert [shown(each) for each in merged] == ["- n: 2\n- n: 11\n", "- n: 9\n- n: 3\n- n: 10\n"]
    assert [len(each.items) for each in lefts] == [2, 1]


def test_too_many_documents_are_told_by_file_and_line() -> None:
    lefts = [tree("\n---\nid: 1\n\n---\nid: 2", "tpl.yml")]
    with pytest.raises(EvalError) as refused:
        apply_sets(lefts, [tree("\n\n#@overlay/match by=all\n---\nx: 1", "overlay.yml")], FakeThread())
    assert refused.value.message == (
        "Document on line overlay.yml:4: Expected number of matched nodes to be 1, but was 2 "
        "(lines: tpl.yml:2, tpl.yml:5)"
    )


def test_an_overlay_without_documents_to_change_is_told() -> None:
    with pytest.raises(EvalError, match="Document on line stdin:2: Internal inconsistency"):
        apply_sets([], [tree("#@overlay/append\n---\na: 1")], FakeThread())


def test_hundreds_of_documents_are_matched_without_calls() -> None:
    many = DocumentSet([Document(Map([MapItem("n", number)])) for number in range(500)])
    thread = FakeThread()
    right = tree("#@overlay/match by=and_op(subset({'n': 7}), not_op(subset({'n': 8})))\n---\nn: x")
    [merged] = apply_sets([many], [right], thread)
    assert thread.calls == 0
    assert [document.value.items[0].value for document in merged.items[6:9]] == [6, "x", 8]
    assert merged.items[8] is many.items[8]


def test_data_values_are_merged_whatever_they_say_of_matching() -> None:
    merged = apply_document(tree("a: 1\nb: 2").items[0], tree("a: 3").items[0], FakeThread())
    assert to_plain(merged) == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("right", "message"),
    [
        pytest.param(
            "c: 3",
            "Document on line stdin:1: Map item (key 'c') on line stdin:1: "
            "Expected number of matched nodes to be 1, but was 0",
            id="a key that misses",
        ),
        pytest.param(
            "#@overlay/match way=1\n---\na: 3",
            "Document on line stdin:2: Unknown 'overlay/match' annotation keyword argument 'way'",
            id="an unknown argument",
        ),
        pytest.param(
            "#@overlay/match expects=2\n---\na: 3",
            "Document on line stdin:2: Expected number of matched nodes to be 2, but was 1 (lines: stdin:1)",
            id="a number of documents",
        ),
        pytest.param(
            "#@overlay/remove\n---\na: 3", "Document on line stdin:2: Expected a document to be left", id="nothing left"
        ),
    ],
)
def test_data_values_that_do_not_fit_are_refused(right: str, message: str) -> None:
    with pytest.raises(EvalError) as refused:
        apply_document(tree("a: 1").items[0], tree(right).items[0], FakeThread())
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        pytest.param("{a: 1, b: {c: 1, d: 2}}", "{b: {c: 5}}", {"a": 1, "b": {"c": 5, "d": 2}}, id="maps are merged"),
        pytest.param("{a: [1, 2]}", "{a: [3]}", {"a": [3]}, id="arrays are replaced"),
        pytest.param("{a: {b: 1}}", "{a: [3]}", {"a": [3]}, id="also maps by arrays"),
        pytest.param("{a: {b: 1}}", "{a: null}", {"a": None}, id="also maps by null"),
        pytest.param("{a: null}", "{a: {b: 1}}", {"a": {"b": 1}}, id="null by maps"),
        pytest.param("{a: 1}", "{b: {c: [{d: 1}]}}", {"a": 1, "b": {"c": [{"d": 1}]}}, id="new keys may come"),
        pytest.param("{a: 1}", "{}", {"a": 1}, id="an empty file"),
        pytest.param("{a: {b: 1}}", "{a: {}}", {"a": {"b": 1}}, id="an empty map"),
        pytest.param("{a: 1}", "", None, id="an empty document"),
    ],
)
def test_plain_values_are_merged_without_annotations(left: str, right: str, result: Any) -> None:
    given = tree(left).items[0]
    text = right or "---\n"
    merged = apply_document(given, annotate_plain(tree(text).items[0]), FakeThread())
    assert to_plain(merged) == result
    assert merged.annotations is None
    assert to_plain(given) == yaml.safe_load(left)


def test_a_plain_map_over_a_number_is_refused() -> None:
    with pytest.raises(EvalError) as refused:
        apply_document(tree("a: 1").items[0], annotate_plain(tree("a:\n  b: 1").items[0]), FakeThread())
    assert refused.value.message == (
        "Document on line stdin:1: Map item (key 'a') on line stdin:1: Expected map, but was integer"
    )


@pytest.mark.parametrize(
    ("comment", "refused"),
    [
        pytest.param("@ if True:", True, id="code"),
        pytest.param("@overlay/remove", True, id="an annotation"),
        pytest.param("! a note", False, id="a note"),
        pytest.param(" a note", False, id="a comment"),
    ],
)
def test_a_values_file_has_no_templating(comment: str, refused: bool) -> None:
    inner = MapItem("b", 1, comments=(Comment(comment, 2),))
    document = Document(Map([MapItem("a", Map([inner]))]))
    if not refused:
        assert to_plain(annotate_plain(document)) == {"a": {"b": 1}}
        return
    with pytest.raises(EvalError) as error:
        annotate_plain(document)
    assert error.value.message == (
        "Expected to be plain YAML, having no annotations (hint: remove comments starting with `#@`)"
    )
