"""What code gives to a node, made into nodes. The thread is the real one, with small limits."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.template.ytt.compile.given import Giver
from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import EvalError, LimitExceeded
from packhouse.template.ytt.nodes import Array, ArrayItem, Map, MapItem, Source
from packhouse.template.ytt.starlark.thread import LanguageLimits, Thread
from packhouse.template.ytt.values import Fragment, Struct


def giver(weight: int = 10_000) -> Giver:
    return Giver(Thread(LanguageLimits(weight=weight)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(True, True, id="bool"),
        pytest.param(3, 3, id="int"),
        pytest.param("x", "x", id="text"),
        pytest.param({"a": [1, (2,)], 3: {}}, {"a": [1, [2]], 3: {}}, id="dict"),
        pytest.param(Struct({"a": Struct({})}), {"a": {}}, id="struct"),
        pytest.param([Fragment(Map([MapItem("a", 1)]))], [{"a": 1}], id="fragment in a list"),
        pytest.param(Fragment(None), None, id="fragment of nothing"),
    ],
)
def test_values_become_nodes(value: Any, expected: Any) -> None:
    assert to_plain(giver().give(value)) == expected


def test_the_nodes_of_a_fragment_are_handed_on_and_not_copied() -> None:
    node = Map([MapItem("a", 1)])

    assert giver().give(Fragment(node)) is node


def test_what_is_made_has_the_place_that_is_given() -> None:
    made = giver().give({"a": [1]}, Source("a.yml", ""), 3)

    assert [made.place, made.items[0].place, made.items[0].value.items[0].place] == ["a.yml:3"] * 3


@pytest.mark.parametrize(("kind", "value"), [pytest.param("list", [], id="list"), pytest.param("dict", {}, id="dict")])
def test_a_container_in_itself_is_refused(kind: str, value: Any) -> None:
    if kind == "list":
        value.append([value])
    else:
        value["a"] = value

    with pytest.raises(EvalError) as caught:
        giver().give(value)

    assert caught.value.message == f"Unable to convert value: self-referencing {kind}"


def test_lists_that_double_are_stopped_by_weight() -> None:
    value: list[Any] = ["x"]
    for _ in range(60):
        value = [value, value]

    with pytest.raises(LimitExceeded):
        giver().give(value)


def test_fragments_that_double_are_stopped_by_weight() -> None:
    node = Array([ArrayItem("x")])
    for _ in range(60):
        node = Array([ArrayItem(node), ArrayItem(node)])

    with pytest.raises(LimitExceeded):
        giver().give(Fragment(node))


@pytest.mark.parametrize("as_fragment", [pytest.param(True, id="fragment"), pytest.param(False, id="list")])
def test_what_nests_too_deep_is_refused(as_fragment: bool) -> None:
    given = giver(10_000_000)
    value: Any = Fragment(Array([ArrayItem(1)])) if as_fragment else [1]

    def deeper() -> Any:
        return Fragment(Array([ArrayItem(given.give(value))])) if as_fragment else [value]

    with pytest.raises(EvalError, match="inside of each other"):
        for _ in range(2_000):
            value = deeper()
            given.give(value)


def test_a_function_has_no_form() -> None:
    with pytest.raises(EvalError):
        giver().give([len])
