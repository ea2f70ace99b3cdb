"""JSON as Go's encoding/json writes, reads and refuses it."""

from __future__ import annotations

import json as python_json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ytt_module_calls import refusal, run

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Map, MapItem
from packhouse.template.ytt.values import Fragment, Struct
from packhouse.template.ytt.yaml.json import decode, encode
from packhouse.template.ytt.yaml.json_faults import MAX_DEPTH


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param({"b": 1, "a": [None, True]}, '{"a":[null,true],"b":1}', id="sorted keys"),
        pytest.param({}, "{}", id="empty object"),
        pytest.param([], "[]", id="empty array"),
        pytest.param("<&>", '"\\u003c\\u0026\\u003e"', id="what HTML knows"),
        pytest.param("é\u2028\x7f", '"é\\u2028\x7f"', id="letters and line separators"),
        pytest.param('\\"/\n\r\t\b\f\x00\x1f', '"\\\\\\"/\\n\\r\\t\\u0008\\u000c\\u0000\\u001f"', id="escapes"),
        pytest.param("\\b\\f", '"\\\\b\\\\f"', id="backslashes"),
        pytest.param("\udcff", '"\\ufffd"', id="a byte that is no UTF-8"),
        pytest.param(1.0, "1", id="whole float"),
        pytest.param(1e20, "100000000000000000000", id="large float"),
        pytest.param(1e21, "1e+21", id="with an exponent"),
        pytest.param(0.000001, "0.000001", id="small float"),
        pytest.param(1.5e-7, "1.5e-7", id="with a small exponent"),
        pytest.param(-0.0, "-0", id="minus zero"),
        pytest.param(2**64 - 1, "18446744073709551615", id="the largest int"),
        pytest.param(Struct({"a": (1, {2})}), '{"a":[1,[2]]}', id="values of templates"),
        pytest.param(Fragment(Map([MapItem("a", "b")])), '{"a":"b"}', id="a fragment"),
    ],
)
def test_a_value_is_written_as_go_writes_it(value: Any, written: str) -> None:
    assert encode(value) == written


def test_indented() -> None:
    assert encode({"a": [1, {}], "b": {"c": []}}, indent=2) == (
        '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": {\n    "c": []\n  }\n}'
    )


def test_what_html_knows_can_be_left_as_it_is() -> None:
    assert encode("<&>\u2029", escape_html=False) == '"<&>\\u2029"'


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(math.nan, "json: unsupported value: NaN", id="no number"),
        pytest.param(-math.inf, "json: unsupported value: -Inf", id="infinity"),
        pytest.param({1: 2}, "Expected key to be string", id="a key that is no text"),
        pytest.param(2**64, "not sure how to get int", id="an int that is too large"),
    ],
)
def test_a_value_that_json_cannot_hold_is_refused(value: Any, message: str) -> None:
    with pytest.raises(YttError, match=message):
        encode(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('{"b":1,"a":[true,null]}', {"a": [True, None], "b": 1.0}, id="object"),
        pytest.param('{"a":1,"a":2}', {"a": 2.0}, id="the last of two keys"),
        pytest.param(' "\\u00e9\\/" ', "é/", id="escapes"),
        pytest.param('"\\ud83d\\ude00"', "\U0001f600", id="a pair"),
        pytest.param('"\\ud83dx"', "\ufffdx", id="half a pair"),
        pytest.param('"\udcff"', "\ufffd", id="a byte that is no UTF-8"),
        pytest.param("-1.5E+2", -150.0, id="number"),
    ],
)
def test_a_text_is_read_as_go_reads_it(text: str, value: Any) -> None:
    assert decode(text) == value


def test_objects_have_sorted_keys_and_numbers_are_floats() -> None:
    found = decode('{"b":1,"a":2}')
    assert list(found) == ["a", "b"]
    assert type(found["a"]) is float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "unexpected end of JSON input", id="nothing"),
        pytest.param("{", "unexpected end of JSON input", id="open"),
        pytest.param("x", "invalid character 'x' looking for beginning of value", id="a word"),
        pytest.param("é", "invalid character 'Ã' looking for beginning of value", id="its first byte"),
        pytest.param("'a'", "invalid character '\\'' looking for beginning of value", id="a quote"),
        pytest.param("{a:1}", "invalid character 'a' looking for beginning of object key string", id="key"),
        pytest.param('{"a":1,}', "invalid character '}' looking for beginning of object key string", id="comma"),
        pytest.param('{"a" 1}', "invalid character '1' after object key", id="no colon"),
        pytest.param('{"a":1 "b"}', "invalid character '\"' after object key:value pair", id="no comma"),
        pytest.param("[1 2]", "invalid character '2' after array element", id="array"),
        pytest.param("[1,]", "invalid character ']' looking for beginning of value", id="array's comma"),
        pytest.param("1 2", "invalid character '2' after top-level value", id="two values"),
        pytest.param("01", "invalid character '1' after top-level value", id="a zero before"),
        pytest.param("trux", "invalid character 'x' in literal true (expecting 'e')", id="literal"),
        pytest.param("nul", "invalid character ' ' in literal null (expecting 'l')", id="literal's end"),
        pytest.param("-x", "invalid character 'x' in numeric literal", id="minus"),
        pytest.param("1.x", "invalid character 'x' after decimal point in numeric literal", id="point"),
        pytest.param("1ex", "invalid character 'x' in exponent of numeric literal", id="exponent"),
        pytest.param('"\n"', "invalid character '\\n' in string literal", id="line break"),
        pytest.param('"\\x"', "invalid character 'x' in string escape code", id="escape"),
        pytest.param('"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape", id="hexadecimal"),
        pytest.param("NaN", "invalid character 'N' looking for beginning of value", id="what Python takes"),
        pytest.param("1e999", "json: cannot unmarshal number 1e999 into Go value of type float64", id="too large"),
        pytest.param("1e999 x", "invalid character 'x' after top-level value", id="the text before the number"),
        pytest.param("[" * (MAX_DEPTH + 1), "exceeded max depth", id="depth"),
        pytest.param("[" * 100_000, "exceeded max depth", id="much depth"),
    ],
)
def test_a_text_that_is_no_json_is_refused_in_gos_words(text: str, message: str) -> None:
    with pytest.raises(YttError) as refused:
        decode(text)
    assert refused.value.message == message


@given(st.text(st.sampled_from('{}[]":,0123456789.eE+-truefalsn \\u\x00\ud800é'), max_size=30))
def test_what_is_read_is_what_python_reads_and_the_rest_is_refused(text: str) -> None:
    try:
        expected = python_json.loads(text, parse_int=float, parse_constant=lambda word: python_json.loads(""))
    except ValueError:
        with pytest.raises(YttError):
            decode(text)
        return
    if "\ud800" not in text and "\\u" not in text and "e" not in text.lower():
        assert decode(text) == expected


def test_templates_encode_and_decode() -> None:
    assert run("json.encode", {"a": "<"}) == '{"a":"\\u003c"}'
    assert run("json.encode", {"a": "<"}, indent=1, escape_html=False) == '{\n "a": "<"\n}'
    assert run("json.decode", '{"a":[1]}') == {"a": [1]}


def test_what_templates_ask_wrongly_is_told() -> None:
    assert refusal("json.encode") == "json.encode: expected exactly one argument"
    assert refusal("json.encode", 1, indent=5) == "json.encode: indent value must be between 0 and 4"
    assert refusal("json.encode", 1, wide=True) == "json.encode: invalid argument name: wide"
    assert refusal("json.decode", "x") == "json.decode: invalid character 'x' looking for beginning of value"
