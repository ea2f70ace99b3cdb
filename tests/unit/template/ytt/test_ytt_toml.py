"""The module toml: the bytes that BurntSushi's encoder writes, what its decoder reads and what it says of the rest."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ytt_module_calls import document_of, refusal, run

_KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)  # an empty one confuses that decoder
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), max_size=8)
_SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | _TEXTS | st.floats(allow_nan=False)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({"b": "str", "a": [1, 2, 3, 456]}, 'a = [1, 2, 3, 456]\nb = "str"\n', id="sorted"),
        pytest.param({"a": {"x": 1}, "b": 2}, "b = 2\n\n[a]\n  x = 1\n", id="tables come last"),
        pytest.param({"a": {"b": {"c": 1}}}, "[a]\n  [a.b]\n    c = 1\n", id="a table in a table"),
        pytest.param({"a": [{"x": 1}, {}]}, "[[a]]\n  x = 1\n\n[[a]]\n", id="tables"),
        pytest.param({"a": [{"x": 1}, 2]}, "a = [{x = 1}, 2]\n", id="a table among others"),
        pytest.param({"a": [[{"x": {"y": 1}}]]}, "a = [[{x = {y = 1}}]]\n", id="tables in an array of arrays"),
        pytest.param({"a": None, "b": [], "c": {}}, "b = []\n\n[c]\n", id="None is left out"),
        pytest.param({"a": [{"x": None, "y": 1}, 1]}, "a = [{y = 1}, 1]\n", id="None within a table"),
        pytest.param({"a": [{"x": 1, "y": None}, 1]}, "a = [{x = 1, }, 1]\n", id="and the comma that stays"),
        pytest.param({"": 1, "a b": 2, "é": 3, "a.b": 4}, '"" = 1\n"a b" = 2\n"a.b" = 4\n"é" = 3\n', id="keys"),
        pytest.param({"a b": {"c": 1}}, '["a b"]\n  c = 1\n', id="the name of a table"),
        pytest.param(
            {"a": '"\\\b\t\n\f\r\x00\x7fé'}, 'a = "\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u007fé"\n', id="escapes in a text"
        ),
        pytest.param(
            {"a": 1.0, "b": 1e21, "c": 1e-7}, "a = 1.0\nb = 1000000000000000000000.0\nc = 0.0000001\n", id="floats"
        ),
        pytest.param({"a": math.inf, "b": -math.inf, "c": math.nan}, "a = +inf\nb = -inf\nc = nan\n", id="no numbers"),
        pytest.param({"a": True, "b": 2**64 - 1}, "a = true\nb = 18446744073709551615\n", id="a bool and a large int"),
        pytest.param({"a": (1, "x")}, 'a = [1, "x"]\n', id="a tuple"),
    ],
)
def test_a_value_is_written(value: Any, text: str) -> None:
    assert run("toml.encode", value) == text


def test_indentation_is_chosen() -> None:
    value = {"a": {"b": {"c": 1}}}
    assert run("toml.encode", value, indent=4) == "[a]\n    [a.b]\n        c = 1\n"
    assert run("toml.encode", value, indent=0) == run("toml.encode", value)


def test_yaml_is_written_and_read_within_a_template() -> None:
    template = """
#@ load("@ytt:toml", "toml")
#@ def fragment():
items:
- piece1
- piece2
#@ end
alone: #@ toml.encode(fragment())
within: #@ toml.encode({"map": fragment(), "array": [fragment()]})
read: #@ toml.decode('b = 1\\n[[a]]\\nx = 1\\n[[a]]\\n')
"""
    assert document_of(template) == {
        "alone": 'items = ["piece1", "piece2"]\n',
        "within": '[[array]]\n  items = ["piece1", "piece2"]\n\n[map]\n  items = ["piece1", "piece2"]\n',
        "read": {"a": [{"x": 1}, {}], "b": 1},
    }


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        pytest.param((), {}, "expected exactly one argument", id="nothing"),
        pytest.param(({},), {"x": 1}, "invalid argument name: x", id="an option that is not known"),
        pytest.param(({},), {"indent": 9}, "indent value must be between 0 and 8", id="too far in"),
        pytest.param(({},), {"indent": -1}, "indent value must be between 0 and 8", id="too far out"),
        pytest.param(({},), {"indent": "2"}, "expected starlark.Int", id="a text"),
        pytest.param(({},), {"indent": 2**63}, "expected int64 value", id="a large int"),
        pytest.param((1,), {}, "toml: top-level values must be Go maps or structs", id="a scalar"),
        pytest.param(([1],), {}, "toml: top-level values must be Go maps or structs", id="an array"),
        pytest.param(({"a": [1, None]},), {}, "toml: cannot encode array with nil element", id="None in an array"),
        pytest.param(({"a": [[None]]},), {}, "toml: cannot encode array with nil element", id="None further in"),
        pytest.param(({1: 2},), {}, "Expected key to be string", id="a key that is an int"),
    ],
)
def test_what_cannot_be_written_is_refused(args: tuple[Any, ...], kwargs: dict[str, Any], message: str) -> None:
    assert refusal("toml.encode", *args, **kwargs) == f"toml.encode: {message}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param('b = "str"\na = [ 1, 2, 3, 456 ]', {"a": [1, 2, 3, 456], "b": "str"}, id="keys are sorted"),
        pytest.param("a.b.c = 1\na.d = 2", {"a": {"b": {"c": 1}, "d": 2}}, id="dotted keys"),
        pytest.param('[ a . "b c" ]\nx = 1\n[a.d]', {"a": {"b c": {"x": 1}, "d": {}}}, id="tables"),
        pytest.param("[a.b]\n[a]\nx = 1", {"a": {"b": {}, "x": 1}}, id="a table behind its own"),
        pytest.param("[[a]]\nx = 1\n[a.b]\ny = 2\n[[a]]", {"a": [{"b": {"y": 2}, "x": 1}, {}]}, id="arrays of tables"),
        pytest.param("a = [ # c\n 1,\n [2, 'x'], # d\n {y = 1},\n]", {"a": [1, [2, "x"], {"y": 1}]}, id="an array"),
        pytest.param("a = {b = 1, c = {d = 2}}", {"a": {"b": 1, "c": {"d": 2}}}, id="inline tables"),
        pytest.param("a = 0xff\nb = 0o17\nc = 0b11\nd = 1_0", {"a": 255, "b": 15, "c": 3, "d": 10}, id="ints"),
        pytest.param("a = 1.5\nb = -inf\nc = 1_0.2_5e+1", {"a": 1.5, "b": -math.inf, "c": 102.5}, id="floats"),
        pytest.param("a = true\nb = false", {"a": True, "b": False}, id="bools"),
        pytest.param(r'a = "\u00e9\U0001F600\n\"\\"', {"a": 'é\U0001f600\n"\\'}, id="escapes"),
        pytest.param(r"a = 'C:\x'", {"a": r"C:\x"}, id="a raw text"),
        pytest.param('a = """\nb\\\n   c\n"d""""', {"a": 'bc"d"'}, id="a long text"),
        pytest.param("a = '''\r\nb\r\nc'''", {"a": "b\r\nc"}, id="a long raw text"),
        pytest.param("\"\" = 1\n'x y' = 2", {"": 1, "x y": 2}, id="quoted keys"),
    ],
)
def test_a_text_is_read(text: str, value: Any) -> None:
    made = run("toml.decode", text)
    assert made == value
    assert list(made) == sorted(made)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a", "line 0: unexpected EOF; expected key separator '='", id="a key alone"),
        pytest.param("= 1", "line 1: unexpected '=': key name appears blank", id="no key"),
        pytest.param("a = ", 'line 0 (last key "a"): unexpected EOF; expected value', id="no value"),
        pytest.param("\na = \n", "line 3 (last key \"a\"): expected value but found '\\n' instead", id="a break"),
        pytest.param("a = foo", 'line 1 (last key "a"): expected value but found "foo" instead', id="a word"),
        pytest.param("a = 1\na = 2", "line 2 (last key \"a\"): Key 'a' has already been defined.", id="twice"),
        pytest.param("a = 1\n[a.b]", "line 2: Key 'a' was already created as a hash.", id="no table"),
        pytest.param("[a]\n[a]", "line 2: Key 'a' has already been defined.", id="a table twice"),
        pytest.param(
            "a = 1\n[[a]]", "line 2: Key 'a' was already created and cannot be used as an array.", id="no array"
        ),
        pytest.param("[]", "line 1: unexpected end of table name (table names cannot be empty)", id="no name"),
        pytest.param("[a", "line 0: expected '.' or ']' to end table name, but got '\\x00' instead", id="an open name"),
        pytest.param(
            "a = 1 b",
            "line 1: expected a top-level item to end with a newline, comment, or EOF, but got 'b' instead",
            id="something behind",
        ),
        pytest.param('a = "b', 'line 0 (last key "a"): unexpected EOF; expected \'"\'', id="an open text"),
        pytest.param('a = "b\n"', 'line 1 (last key "a"): strings cannot contain newlines', id="a break in a text"),
        pytest.param(r'a = "\x"', "line 1 (last key \"a\"): invalid escape in string '\\x'", id="no escape"),
        pytest.param(
            r'a = "\ud800"',
            "line 1 (last key \"a\"): Escaped character '\\ud800' is not valid UTF-8.",
            id="a surrogate",
        ),
        pytest.param(
            "a = [1 2]",
            "line 1 (last key \"a\"): expected a comma (',') or array terminator (']'), but got '2'",
            id="no comma",
        ),
        pytest.param(
            "a = {b = 1\n}",
            'line 1 (last key "a.b"): newlines not allowed within inline tables',
            id="a break in a table",
        ),
        pytest.param(
            "a = {b = 1,}", 'line 1 (last key "a.b"): trailing comma not allowed in inline tables', id="a last comma"
        ),
        pytest.param("a = 01", 'line 1 (last key "a"): Invalid integer "01": cannot have leading zeroes', id="a zero"),
        pytest.param(
            "a = 1__0",
            'line 1 (last key "a"): Invalid integer "1__0": underscores must be surrounded by digits',
            id="two underscores",
        ),
        pytest.param(
            "a = 9223372036854775808",
            'line 1 (last key "a"): 9223372036854775808 is out of range for int64',
            id="large",
        ),
        pytest.param("a = 1e400", 'line 1 (last key "a"): 1e400 is out of range for float64', id="a large float"),
        pytest.param("a = .5", "line 1 (last key \"a\"): floats must start with a digit, not '.'", id="a dot"),
        pytest.param("a = 0xz", "line 1 (last key \"a\"): not a hexidecimal number: '0xz'", id="no digit"),
        pytest.param("a = 2021-13-01", 'line 1 (last key "a"): Invalid TOML Datetime: "2021-13-01".', id="no date"),
        pytest.param("a\x01", "line 1: TOML files cannot contain control characters: '0x01'", id="control"),
        pytest.param("a = '\udcff'", 'line 1 (last key "a"): invalid UTF-8 byte: 0xff', id="no UTF-8"),
        pytest.param(
            "a = " + "[" * 300,
            'line 1 (last key "a"): arrays and inline tables are nested more than 200 deep',
            id="deep",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    assert refusal("toml.decode", text) == f"toml.decode: toml: {message}"


def test_a_time_has_no_value_in_templates() -> None:
    words = "unknown type time.Time for conversion to starlark value"
    assert refusal("toml.decode", "a = [1979-05-27T07:32:00Z]") == f"toml.decode: {words}"


@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_what_is_written_is_read_again(value: dict[str, Any]) -> None:
    text = run("toml.encode", value)
    assert run("toml.decode", text) == value == tomllib.loads(text)
