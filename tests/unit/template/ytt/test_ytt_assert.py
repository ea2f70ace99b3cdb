"""`@ytt:assert`: what fails, what is tried, and the assertions."""

from __future__ import annotations

import pytest

from packhouse.template.ytt.errors import YttError
from ytt_documents import evaluated


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param('assert.fail("oh")', "assert.fail: fail: oh", id="fail"),
        pytest.param("assert.fail(5)", "assert.fail: expected starlark.String, but was starlark.Int", id="a number"),
        pytest.param("assert.fail()", "assert.fail: got 0 arguments, want 1", id="fail without words"),
        pytest.param(
            "assert.try_to(5)",
            "assert.try_to: expected argument to be a function, but was starlark.Int",
            id="try_to a number",
        ),
        pytest.param("assert.try_to(len, len)", "assert.try_to: got 2 arguments, want 1", id="try_to two"),
        pytest.param("assert.equals(1)", "assert.equals: got 1 arguments, want 2", id="equals of one"),
        pytest.param(
            "assert.equals(len, 1)",
            "assert.equals: expected argument not to be a function, but was *starlark.Builtin",
            id="equals of a builtin",
        ),
        pytest.param(
            "assert.equals(1, lambda: 1)",
            "assert.equals: expected argument not to be a function, but was *starlark.Function",
            id="equals of a function",
        ),
        pytest.param(
            'assert.equals({"a": 1}, ["a"])',
            "assert.equals: Not equal:\n(expected type: dict)\na: 1\n\n\n(was type: list)\n- a\n",
            id="equals of others",
        ),
        pytest.param("assert.min()", "assert.min: got 0 arguments, want 1", id="min of nothing"),
        pytest.param("assert.max(1, 2)", "assert.max: got 2 arguments, want 1", id="max of two"),
        pytest.param(
            'assert.min_len("a")', "assert.min_len: expected value to be an number, but was string", id="min_len"
        ),
        pytest.param(
            "assert.max_len(None)", "assert.max_len: expected value to be an number, but was NoneType", id="max_len"
        ),
        pytest.param("assert.not_null(1, 2)", "assert.not_null: got 2 arguments, want at most 1", id="not_null of two"),
        pytest.param(
            "assert.one_not_null(False)", "assert.one_not_null: one_not_null() cannot be False", id="one_not_null False"
        ),
        pytest.param(
            "assert.one_not_null(13)",
            "assert.one_not_null: expected a sequence of keys, but was a 'int'",
            id="one_not_null 13",
        ),
        pytest.param("assert.one_of()", "assert.one_of: got 0 arguments, want at least 1", id="one_of nothing"),
        pytest.param(
            'assert.one_of("ab")', "assert.one_of: expected a sequence, but was a 'string'", id="one_of a string"
        ),
        pytest.param("assert.min(3).check(2)", "fail: value < 3", id="min.check"),
        pytest.param("assert.max(3).check(4)", "fail: value > 3", id="max.check"),
        pytest.param('assert.min("b").check(1)', "int >= string not implemented", id="values that cannot be compared"),
        pytest.param('assert.min_len(3).check("ab")', "fail: length = 2", id="min_len.check"),
        pytest.param("assert.max_len(1).check([1, 2])", "fail: length = 2", id="max_len.check"),
        pytest.param("assert.max_len(1).check(5)", "len: value of type int has no len", id="max_len of a number"),
        pytest.param("assert.not_null().check(None)", "fail: value is null", id="not_null.check"),
        pytest.param("assert.not_null(None)", "assert.not_null: fail: value is null", id="not_null of a value"),
        pytest.param("assert.one_of(1, 2).check(3)", "fail: not one of allowed values", id="one_of.check"),
        pytest.param("assert.one_not_null().check({})", "check: value is empty", id="one_not_null of nothing"),
        pytest.param(
            'assert.one_not_null().check({"a": None})', "check: all values are null", id="one_not_null of nulls"
        ),
        pytest.param(
            'assert.one_not_null().check({"a": 1, "b": 2})', 'check: ["a", "b"] are not null', id="one_not_null of two"
        ),
        pytest.param(
            "assert.one_not_null().check([])",
            "check: value must be a map or dict, but was 'list'",
            id="one_not_null of a list",
        ),
        pytest.param("assert.one_not_null().check({}, {})", "check: got 2 arguments, want 1", id="check of two"),
        pytest.param(
            "assert.min(1).check(1, 2)",
            "function lambda accepts 1 positional argument (2 given)",
            id="min.check of two",
        ),
        pytest.param("assert.max(1).check()", "function lambda missing 1 argument (val)", id="max.check of nothing"),
        pytest.param(
            "assert.one_of([1]).check()", "function lambda missing 1 argument (val)", id="one_of.check of nothing"
        ),
        pytest.param(
            "assert.max_len(1).check()", "function lambda missing 1 argument (sequence)", id="max_len.check of nothing"
        ),
    ],
)
def test_what_fails_and_how(call: str, message: str) -> None:
    assert evaluated(f"assert.try_to(lambda: {call})") == [None, message]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param("assert.try_to(lambda: 5)", [5, None], id="try_to that succeeds"),
        pytest.param("assert.try_to(lambda: (1, 2))", [[1, 2], None], id="try_to that gives a tuple"),
        pytest.param("assert.equals({'a': [1]}, struct.make(a=(1,)))", None, id="equal as YAML"),
        pytest.param("assert.equals(1, 1.0)", None, id="equal numbers"),
        pytest.param("assert.min(2).check(2)", True, id="min"),
        pytest.param('assert.min(["a", 1]).check(("b", 0))', True, id="min of lists"),
        pytest.param("assert.max(2.5).check(2)", True, id="max"),
        pytest.param("assert.min_len(2).check(struct.make(a=1, b=2))", True, id="min_len of a struct"),
        pytest.param("assert.max_len(2.9).check('ab')", True, id="max_len"),
        pytest.param("assert.not_null(0)", True, id="not_null of a value"),
        pytest.param("assert.not_null().check('')", True, id="not_null"),
        pytest.param("assert.one_of([1, 'a']).check('a')", True, id="one_of a list"),
        pytest.param("assert.one_of(1, {'a': 2}).check(struct.make(a=2))", True, id="one_of several"),
        pytest.param("assert.one_not_null(True).check({'a': None, 'b': 0})", True, id="one_not_null"),
        pytest.param("assert.one_not_null(['a', 'z']).check({'a': 1, 'b': 0})", True, id="one_not_null of some"),
        pytest.param("type(assert.min(1))", "@ytt:assert.assertion", id="the type of an assertion"),
        pytest.param("dir(assert.min(1))", ["check"], id="all that an assertion has"),
    ],
)
def test_what_succeeds(call: str, expected: object) -> None:
    assert evaluated(call) == expected


def test_an_assertion_is_no_value_of_yaml() -> None:
    with pytest.raises(YttError):
        evaluated("assert.min(1)")
