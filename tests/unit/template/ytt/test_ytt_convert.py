"""Values of templates as nodes and as plain values: what is made of them, and that it takes no longer than they are
large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from packhouse.template.ytt.convert import to_nodes, to_plain
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import Array, Document, DocumentSet, Map, MapItem
from packhouse.template.ytt.values import Builtin, Fragment, Module, Opaque, Struct

BOTH = pytest.mark.parametrize("convert", [to_nodes, to_plain])


def doubled() -> list[Any]:
    """A list that would be a list of 2 ** 60 numbers if it were written."""
    value: list[Any] = [1]
    for _ in range(60):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        pytest.param({"a": [1, (2,)]}, {"a": [1, [2]]}, id="containers"),
        pytest.param(Struct({"a": Struct({})}), {"a": {}}, id="structs"),
        pytest.param(Opaque("x", "x", {}, plain={"a": 1}), {"a": 1}, id="what has a plain form"),
        pytest.param([Fragment(Map([MapItem("a", 1)])), Fragment(None)], [{"a": 1}, None], id="fragments"),
        pytest.param(Fragment(DocumentSet([Document(5)])), [5], id="documents"),
        pytest.param([], [], id="nothing"),
        pytest.param([True, 1.5, "x", None, 2**64 - 1], [True, 1.5, "x", None, 2**64 - 1], id="scalars"),
    ],
)
def test_values_become_nodes_and_plain_values(value: Any, plain: Any) -> None:
    assert to_plain(value) == plain
    assert to_plain(to_nodes(value)) == plain


@BOTH
def test_what_occurs_many_times_is_made_once(convert: Callable[[Any], Any]) -> None:
    made = convert(doubled())
    items = [item.value for item in made.items] if isinstance(made, Array) else made
    assert items[0] is items[1]


@BOTH
def test_what_holds_itself_is_refused(convert: Callable[[Any], Any]) -> None:
    value: list[Any] = []
    value.append({"a": value})
    with pytest.raises(EvalError, match="holds itself"):
        convert(value)


@BOTH
@pytest.mark.parametrize("value", [Builtin("f", lambda thread, args, kwargs: None), Module("m", {})], ids=["f", "m"])
def test_what_has_no_form_is_refused(convert: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(EvalError):
        convert([value])


@BOTH
@pytest.mark.parametrize("number", [2**64, -(2**63) - 1])
def test_an_int_beyond_64_bits_is_refused(convert: Callable[[Any], Any], number: int) -> None:
    with pytest.raises(EvalError, match="not sure how to get int"):
        convert({"a": number})


def test_a_key_that_occurs_twice_is_told() -> None:
    with pytest.raises(EvalError, match="Unexpected duplicate key: b"):
        to_plain(Map([MapItem("a", 1), MapItem("b", 1), MapItem("b", 2)]))
