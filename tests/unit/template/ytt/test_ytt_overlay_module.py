"""The module that templates load: what its functions take, give and refuse."""

from __future__ import annotations

from typing import Any

import pytest
from ytt_overlay_trees import FakeThread, built, member, one, tree

from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import EvalError, LimitExceeded
from packhouse.template.ytt.overlay.module import OVERLAY
from packhouse.template.ytt.values import Builtin, Fragment, Struct


def called(function: Any, *args: Any) -> Any:
    return FakeThread().call(function, args)


def test_the_module_has_the_functions_of_the_original() -> None:
    names = ["all", "and_op", "apply", "index", "map_key", "not_op", "or_op", "subset"]
    assert sorted(OVERLAY.fields()) == names
    assert OVERLAY.name == "overlay"
    assert all(isinstance(function, Builtin) for function in OVERLAY.fields().values())


def test_apply_takes_fragments_and_plain_values() -> None:
    assert to_plain(called(member("apply"), Fragment(one("a: 1")), {"a": 2}, Fragment(one("a: 3")))) == {"a": 3}
    assert to_plain(called(member("apply"), {"a": [1]}, Struct({"a": (2,)}))) == {"a": [1, 2]}
    assert isinstance(called(member("apply"), Fragment(tree("a: 1"))), Fragment)


def test_a_value_over_a_value_is_the_left_one() -> None:
    assert called(member("apply"), "a", "b") == "a"


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        pytest.param("apply", (), "overlay.apply: expected exactly at least argument", id="apply nothing"),
        pytest.param(
            "apply",
            ({"a": 1}, {"b": 1}),
            "overlay.apply: Map item (key 'b') on line ?: Expected number of matched nodes to be 1, but was 0",
            id="apply a key that misses",
        ),
        pytest.param(
            "apply",
            ({"a": 1}, {"a": {}}),
            "overlay.apply: Map item (key 'a') on line ?: Expected map, but was integer",
            id="apply a map",
        ),
        pytest.param("index", (), "overlay.index: expected exactly one argument", id="index of nothing"),
        pytest.param("index", ("1",), "overlay.index: expected starlark.Int", id="index of a text"),
        pytest.param("index", (True,), "overlay.index: expected starlark.Int", id="index of a boolean"),
        pytest.param("index", (2**70,), "overlay.index: expected int64 value", id="too large an index"),
        pytest.param("map_key", (1, 2), "overlay.map_key: expected exactly one argument", id="two keys"),
        pytest.param("map_key", (1,), "overlay.map_key: expected a string, but was int", id="a number as key"),
        pytest.param(
            "map_key", (Struct({}),), "overlay.map_key: expected a string, but was struct", id="a struct as key"
        ),
        pytest.param("subset", (), "overlay.subset: expected exactly one argument", id="subset of nothing"),
        pytest.param("and_op", (), "overlay.and_op: expected at least one argument", id="and of nothing"),
        pytest.param("or_op", (), "overlay.or_op: expected at least one argument", id="or of nothing"),
        pytest.param("not_op", (), "overlay.not_op: expected exactly one argument", id="not of nothing"),
        pytest.param("all", (1, 2), "overlay.all: expected exactly 3 arguments", id="all of two"),
    ],
)
def test_wrong_arguments_are_refused(name: str, args: tuple[Any, ...], message: str) -> None:
    with pytest.raises(EvalError) as refused:
        called(member(name), *args)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("matcher", "name"),
    [
        pytest.param(built("index", 0), "overlay.index_matcher", id="index"),
        pytest.param(built("map_key", "a"), "overlay.map_key_matcher", id="map_key"),
        pytest.param(built("subset", {}), "overlay.subset_matcher", id="subset"),
        pytest.param(built("and_op", member("all")), "overlay.and_op", id="and"),
        pytest.param(built("or_op", member("all")), "overlay.or_op", id="or"),
        pytest.param(built("not_op", member("all")), "overlay.not_op", id="not"),
    ],
)
def test_a_matcher_takes_three_arguments(matcher: Builtin, name: str) -> None:
    with pytest.raises(EvalError) as refused:
        called(matcher, 1)
    assert refused.value.message == f"{name}: expected exactly 3 arguments"


@pytest.mark.parametrize(
    ("matcher", "left", "matches"),
    [
        pytest.param(built("subset", {"a": True}), {"a": True, "b": True}, True, id="a part"),
        pytest.param(built("subset", {"a": True}), {"a": 1}, False, id="true is not 1"),
        pytest.param(built("subset", {"a": 1}), {"a": 1.0}, False, id="1 is not 1.0"),
        pytest.param(built("subset", {"a": {"b": [1]}}), {"a": {"b": [1, 2]}}, True, id="the beginning of an array"),
        pytest.param(built("subset", {"a": [2]}), {"a": [1, 2]}, False, id="another beginning"),
        pytest.param(built("subset", {}), {"a": 1}, True, id="nothing is a part of all maps"),
        pytest.param(built("subset", {}), "text", False, id="but of no text"),
        pytest.param(built("subset", "text"), "text", True, id="a text"),
        pytest.param(
            built("subset", {str(n): n for n in range(20)}), {str(n): n for n in range(30)}, True, id="many keys"
        ),
        pytest.param(
            built("subset", {str(n): n for n in range(20)}),
            {str(n): n for n in range(19)},
            False,
            id="many keys but one",
        ),
        pytest.param(built("map_key", "a"), Fragment(one("{a: 2, b: 1}")), True, id="the same under a key"),
        pytest.param(built("map_key", "a"), Fragment(one("a: 1")), False, id="another under a key"),
        pytest.param(built("index", 0), {}, True, id="the index"),
        pytest.param(built("index", 1), {}, False, id="another index"),
        pytest.param(built("and_op", member("all"), built("index", 1)), {}, False, id="and"),
        pytest.param(built("or_op", built("index", 1), member("all")), {}, True, id="or"),
        pytest.param(built("not_op", member("all")), {}, False, id="not"),
        pytest.param(
            built("and_op", lambda i, left, right: left == {"a": 1}), {"a": 1}, True, id="a function gets what is given"
        ),
    ],
)
def test_matchers_may_be_called_by_templates(matcher: Builtin, left: Any, matches: bool) -> None:
    assert called(matcher, 0, left, Fragment(one("a: 2"))) is matches


def test_a_matcher_by_key_refuses_what_is_no_map() -> None:
    with pytest.raises(EvalError) as refused:
        called(built("map_key", "a"), 0, {"a": 1}, [1])
    assert refused.value.message == "overlay.map_key_matcher: Expected value to be map, but was *orderedmap.Map"


def test_matchers_that_hold_each_other_many_times_end() -> None:
    matcher = built("index", 0)
    for _ in range(60):
        matcher = built("and_op", matcher, matcher)
    with pytest.raises(LimitExceeded):
        FakeThread(limit=10_000).call(matcher, (0, {}, {}))


def test_matchers_within_too_many_others_end() -> None:
    matcher = built("index", 0)
    for _ in range(5000):
        matcher = built("not_op", matcher)
    with pytest.raises(LimitExceeded, match="nested too deeply"):
        called(matcher, 0, {}, {})
