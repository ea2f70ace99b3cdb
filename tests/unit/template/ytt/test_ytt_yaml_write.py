"""YAML as go-yaml v2 writes it, and `yaml.encode` and `yaml.decode` of templates."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ytt_module_calls import refusal, run

from packhouse.template.ytt.errors import LimitExceeded, YttError
from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem
from packhouse.template.ytt.starlark.thread import LanguageLimits
from packhouse.template.ytt.values import Fragment, Struct
from packhouse.template.ytt.yaml.read import plain
from packhouse.template.ytt.yaml.write import encode, write


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("a b", "a b", id="plain"),
        pytest.param("", '""', id="nothing"),
        pytest.param("yes", '"yes"', id="a word"),
        pytest.param("12", '"12"', id="a number"),
        pytest.param("1_0", '"1_0"', id="a number for go-yaml"),
        pytest.param("12:30", '"12:30"', id="sixties"),
        pytest.param("2001-12-14", '"2001-12-14"', id="a date"),
        pytest.param("2001-12-34", "2001-12-34", id="no date"),
        pytest.param("1.2.3", "1.2.3", id="a version"),
        pytest.param("<<", "<<", id="a merge"),
        pytest.param("- a", "'- a'", id="an indicator"),
        pytest.param("-a", "-a", id="no indicator"),
        pytest.param("a: b", "'a: b'", id="a colon"),
        pytest.param("a:b", "a:b", id="no colon"),
        pytest.param("a #b", "'a #b'", id="a comment"),
        pytest.param("it's #", "'it''s #'", id="a quote within quotes"),
        pytest.param(" a", "' a'", id="a space before it"),
        pytest.param("---", "'---'", id="dashes"),
        pytest.param("a\tb", '"a\\tb"', id="a tab"),
        pytest.param("\x00\x07\x1b\x7f\x85\ufeff", '"\\0\\a\\e\\x7F\\N\\uFEFF"', id="control characters"),
        pytest.param("é中\xa0", "é中\xa0", id="letters"),
        pytest.param("\U0001f600", '"\\U0001F600"', id="beyond the basic plane"),
        pytest.param("\ufeffa", '"\\uFEFF\\x61"', id="all behind a byte order mark"),
        pytest.param("a\u2028b", "'a\u2028    b'", id="a line separator"),
        pytest.param("\udcff", "!!binary /w==", id="bytes"),
        pytest.param("a\nb", "|-\n    a\n    b", id="two lines"),
        pytest.param("a\n\nb\n", "|\n    a\n\n    b", id="ended by a line break"),
        pytest.param("a\n\n", "|+\n    a\n", id="ended by two"),
        pytest.param("\n", "|2+\n", id="only a line break"),
        pytest.param(" a\n", "|2\n     a", id="begins with a space"),
        pytest.param("a \nb", '"a \\nb"', id="a space before a line break"),
        pytest.param("a\nb ", '"a\\nb "', id="a space at the end"),
        pytest.param("x" * 300 + " y", "x" * 300 + " y", id="no line is folded"),
        pytest.param(1, "1", id="int"),
        pytest.param(2**64 - 1, "18446744073709551615", id="the largest int"),
        pytest.param(1.0, "1", id="whole float"),
        pytest.param(-0.0, "-0", id="minus zero"),
        pytest.param(123456.7, "123456.7", id="float"),
        pytest.param(1234567.0, "1.234567e+06", id="large float"),
        pytest.param(0.00001, "1e-05", id="small float"),
        pytest.param(math.inf, ".inf", id="infinity"),
        pytest.param(math.nan, ".nan", id="no number"),
        pytest.param(None, "null", id="null"),
        pytest.param(True, "true", id="bool"),
        pytest.param([], "[]", id="empty list"),
        pytest.param({}, "{}", id="empty map"),
    ],
)
def test_a_value_is_written_as_go_yaml_writes_it(value: Any, written: str) -> None:
    assert encode({"m": {"k": value}}) == f"m:\n  k: {written}\n"


def test_lists_in_maps_are_not_indented_and_those_in_lists_are() -> None:
    assert encode({"a": [1, {"b": [2], "c": 3}, [4, [5]], ["x\ny"]]}) == (
        "a:\n- 1\n- b:\n  - 2\n  c: 3\n- - 4\n  - - 5\n- - |-\n    x\n    y\n"
    )


@pytest.mark.parametrize(
    ("key", "written"),
    [
        pytest.param("yes", '"yes": 1\n', id="quoted"),
        pytest.param(5, "5: 1\n", id="int"),
        pytest.param(1.5, "1.5: 1\n", id="float"),
        pytest.param(None, "null: 1\n", id="null"),
        pytest.param(True, "true: 1\n", id="bool"),
        pytest.param("k" * 128, f"{'k' * 128}: 1\n", id="128 bytes"),
        pytest.param("k" * 129, f"? {'k' * 129}\n: 1\n", id="129 bytes"),
        pytest.param("é" * 65, f"? {'é' * 65}\n: 1\n", id="counted in bytes"),
        pytest.param("a\nb", "? |-\n  a\n  b\n: 1\n", id="two lines"),
        pytest.param((1, 2), "? - 1\n  - 2\n: 1\n", id="a list"),
    ],
)
def test_keys(key: Any, written: str) -> None:
    assert encode({key: 1}) == written


def test_a_value_behind_a_long_key_is_indented() -> None:
    key = "k" * 129
    assert encode({key: [1, {"a": 2}]}) == f"? {key}\n: - 1\n  - a: 2\n"


def test_documents_without_content_are_passed_over_and_values_are_not() -> None:
    empty = [Document(None), Document(Map([])), Document(Array([])), Document("x", injected=True)]
    assert write([*empty, Document("a"), Document(Map([MapItem("k", None)]))]) == "a\n---\nk: null\n"
    assert write([None, {}, "a"]) == "null\n---\n{}\n---\na\n"


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(YttError, match="Unexpected duplicate key: a"):
        encode(Map([MapItem("a", 1), MapItem("a", 2)]))
    assert encode(Map([MapItem(True, 1), MapItem(1, 2)])) == "true: 1\n1: 2\n"


def test_values_of_templates_are_written_for_what_they_stand_for() -> None:
    fragment = Fragment(Array([ArrayItem("x")]))
    value = {"struct": Struct({"a": fragment}), "tuple": (1,), "set": {2}}
    assert encode(value) == "struct:\n  a:\n  - x\ntuple:\n- 1\nset:\n- 2\n"
    assert encode(Struct({"a": 1})) == "a: 1\n"


def test_what_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(YttError, match="nested too deeply"):
        encode(value)


def test_shared_parts_are_counted_as_often_as_they_are_written() -> None:
    value: list[Any] = [0]
    for _ in range(64):
        value = [value, value]
    with pytest.raises(LimitExceeded):
        run("yaml.encode", value, limits=LanguageLimits(weight=1 << 20))
    with pytest.raises(LimitExceeded):
        run("json.encode", value, limits=LanguageLimits(weight=1 << 20))


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.text(st.sampled_from("ab01:-#'\"\\ \n\t.\u2028\x85yn~<[{,?!&*|>%@_+e"))
)


def _collections(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)


@given(st.recursive(_SCALARS, _collections, max_leaves=12))
def test_what_is_written_reads_back(value: Any) -> None:
    (found,) = plain(encode(value))
    assert _typed(found) == _typed(value)


def _typed(value: Any) -> Any:
    """With the types of scalars. A whole float is written without a point, and reads back as an int."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ("number", float(value))
    return (type(value).__name__, value)


def test_templates_encode_and_decode() -> None:
    assert run("yaml.encode", {"a": [1, "yes"]}) == 'a:\n- 1\n- "yes"\n'
    assert run("yaml.decode", "a: [1, 'yes']") == {"a": [1, "yes"]}
    assert run("yaml.decode", "") is None
    assert run("yaml.encode", "x") == "x\n"
    assert run("yaml.encode", {}) == "{}\n"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(Fragment(Map([])), id="a fragment without items"),
        pytest.param(Fragment(DocumentSet([Document(None)])), id="empty documents"),
    ],
)
def test_what_would_be_an_empty_document_is_encoded_as_nothing(value: Any) -> None:
    assert run("yaml.encode", value) == ""


def test_a_set_of_documents_is_encoded_with_markers() -> None:
    assert run("yaml.encode", Fragment(DocumentSet([Document("a"), Document("b")]))) == "a\n---\nb\n"


def test_what_templates_ask_wrongly_is_told() -> None:
    assert refusal("yaml.encode") == "yaml.encode: expected exactly one argument"
    assert refusal("yaml.decode", 1) == "yaml.decode: expected a string, but was int"
    assert refusal("yaml.decode", "---\n---\n") == "yaml.decode: Expected to find exactly one YAML document"
    assert refusal("yaml.decode", "a: b: c") == (
        "yaml.decode: yaml: line 1: mapping values are not allowed in this context"
    )
    assert refusal("yaml.encode", 2**64) == "yaml.encode: not sure how to get int"
