"""What overlays make of trees, item by item."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ytt_overlay_trees import FakeThread, one, shown, tree

from packhouse.template.ytt.errors import EvalError, LimitExceeded
from packhouse.template.ytt.nodes import Array, ArrayItem, DocumentSet, Map, MapItem, Source
from packhouse.template.ytt.overlay import apply


def applied(left: str, *rights: str, **names: Any) -> str:
    return str(shown(apply(one(left), [one(right, **names) for right in rights], FakeThread())))


PLACES = "(lines: stdin:1, stdin:2, stdin:3)"
ARGUMENT = "Expected 'overlay/match' annotation keyword argument"

MERGES = [
    pytest.param("a: 1\nb: 2", "a: 3", "a: 3\nb: 2\n", id="a scalar takes the place of a scalar"),
    pytest.param("a: {b: 1, c: 2}", "a: {c: 3}", "a:\n  b: 1\n  c: 3\n", id="maps are merged"),
    pytest.param("a: text", "a: 5", "a: 5\n", id="of whatever type"),
    pytest.param("a: [1]", "a: ", "a: null\n", id="null takes the place of an array"),
    pytest.param("a: {b: 1}", "a: text", "a: text\n", id="a scalar takes the place of a map"),
    pytest.param("a: ", "a: {b: 1}", "a:\n  b: 1\n", id="a map takes the place of null"),
    pytest.param("[null]", "#@overlay/match by=all\n- [1]", "- - 1\n", id="an array takes the place of null"),
    pytest.param("a: 1", "{}", "a: 1\n", id="an empty overlay"),
    pytest.param("a: 1", "#@overlay/merge\na: 2", "a: 2\n", id="merge is said"),
    pytest.param("{a: 1, b: 2}", "#@overlay/remove\na: ", "b: 2\n", id="remove"),
    pytest.param("{a: 1}", "#@overlay/match missing_ok=True\nb: {c: 1}", "a: 1\nb:\n  c: 1\n", id="missing_ok adds"),
    pytest.param("{a: 1}", "#@overlay/match expects=[0,1]\nb: 2", "a: 1\nb: 2\n", id="expects 0 or 1 adds"),
    pytest.param("{a: 1}", "#@overlay/match expects=0\nb: 2", "a: 1\nb: 2\n", id="expects 0 adds"),
    pytest.param(
        "{a: 1}", "#@overlay/match missing_ok=True\n#@overlay/remove\nb: ", "a: 1\n", id="remove what may miss"
    ),
    pytest.param("[1, 2]", "[3]", "- 1\n- 2\n- 3\n", id="an item without a match is appended"),
    pytest.param("[1]", "#@overlay/append\n- 2", "- 1\n- 2\n", id="append"),
    pytest.param("[]", "[1]", "- 1\n", id="into an empty array"),
    pytest.param("[1, 2, 3]", "#@overlay/match by=index(1)\n- 9", "- 1\n- 9\n- 3\n", id="by index"),
    pytest.param("[1, 2]", "#@overlay/match by=all, expects=2\n- 9", "- 9\n- 9\n", id="by all"),
    pytest.param(
        "[1, 2, 3]", "#@overlay/match by=all, expects='1+'\n#@overlay/remove\n- ", "[]\n", id="remove all items"
    ),
    pytest.param(
        "[{name: a, n: 1}, {name: b, n: 2}]",
        "#@overlay/match by='name'\n- {name: b, n: 3}",
        "- name: a\n  n: 1\n- name: b\n  n: 3\n",
        id="by the key of a map",
    ),
    pytest.param(
        "[{name: a}]",
        "#@overlay/match by='name', missing_ok=True\n- {name: b}",
        "- name: a\n- name: b\n",
        id="an item that is missing is appended",
    ),
    pytest.param(
        "[1, 2]",
        "#@overlay/match by=lambda i, left, right: left == right\n#@overlay/remove\n- 2",
        "- 1\n",
        id="by a function",
    ),
    pytest.param(
        "{a: {n: 1}, b: {n: 2}}",
        "#@overlay/match by=subset({'n': 2})\n_: {n: 3}",
        "a:\n  n: 1\nb:\n  n: 3\n",
        id="map items by what they hold keep their keys",
    ),
    pytest.param(
        "{a: {n: 1}, b: {n: 2}}",
        "#@overlay/match by=subset({'n': 2})\n#@overlay/replace\nc: 3",
        "a:\n  n: 1\nc: 3\n",
        id="replaced map items take the new key",
    ),
    pytest.param(
        "{a: 1, b: 2}",
        "#@overlay/match by=lambda key, left, right: key == 'b'\n_: 3",
        "a: 1\nb: 3\n",
        id="a function gets the key of a map item",
    ),
    pytest.param("{a: {b: 1}}", "#@overlay/replace\na: [2]", "a:\n- 2\n", id="replace by another kind"),
    pytest.param(
        "{a: 1}", "#@overlay/replace via=lambda left, right: left + right\na: 2", "a: 3\n", id="replace via a function"
    ),
    pytest.param(
        "{a: 1}",
        "#@overlay/replace via=lambda left, right: {'l': [left], 'r': (right,)}\na: {b: 2}",
        "a:\n  l:\n  - 1\n  r:\n  - b: 2\n",
        id="via gives what has to become nodes",
    ),
    pytest.param(
        "{a: 1}", "#@overlay/match expects=0\n#@overlay/replace or_add=True\nb: 2", "a: 1\nb: 2\n", id="or_add"
    ),
    pytest.param(
        "{a: 1}",
        "#@overlay/match missing_ok=True\n#@overlay/replace or_add=True, via=lambda left, right: [left, right]\nb: 2",
        "a: 1\nb:\n- null\n- 2\n",
        id="or_add via a function gets null",
    ),
    pytest.param("{a: 1}", "#@overlay/match missing_ok=True\n#@overlay/replace\nb: 2", "a: 1\n", id="no or_add"),
    pytest.param("[1]", "#@overlay/replace or_add=True\n- 2", "- 1\n- 2\n", id="or_add to an array"),
    pytest.param("[1]", "#@overlay/replace\n- 2", "- 1\n", id="replace that means no item"),
    pytest.param(
        "[1, 2]", "#@overlay/match by=index(1)\n#@overlay/insert before=True\n- 9", "- 1\n- 9\n- 2\n", id="before"
    ),
    pytest.param(
        "[1, 2]",
        "#@overlay/match by=all, expects=2\n#@overlay/insert before=True, after=True\n- 9",
        "- 9\n- 1\n- 9\n- 9\n- 2\n- 9\n",
        id="before and after",
    ),
    pytest.param(
        "[1, 2]",
        "#@overlay/match by=index(0)\n#@overlay/insert after=True, via=lambda left, right: left + right\n- 9",
        "- 1\n- 10\n- 2\n",
        id="insert via a function",
    ),
    pytest.param("[1]", "#@overlay/match by=all\n#@overlay/insert before=False\n- 9", "- 1\n", id="nowhere"),
    pytest.param("{a: 1}", "#@overlay/assert\na: 1", "a: 1\n", id="assert"),
    pytest.param("{a: {b: 1, c: 2}}", "#@overlay/assert\na: {c: 2}", "a:\n  b: 1\n  c: 2\n", id="assert a part"),
    pytest.param(
        "{a: {b: 1}}",
        "#@overlay/assert via=lambda left, right: None\na:\n  b: 2",
        "a:\n  b: 2\n",
        id="what is below an assertion is merged",
    ),
    pytest.param("{a: 1}", "#@overlay/assert via=lambda left, right: (True, '')\na: 2", "a: 1\n", id="but not itself"),
    pytest.param(
        "{a: {}}",
        "#@overlay/match-child-defaults missing_ok=True\na: {b: 1, c: {d: 2}}",
        "a:\n  b: 1\n  c:\n    d: 2\n",
        id="defaults for children",
    ),
    pytest.param(
        "{a: {b: {}}}",
        "#@overlay/match-child-defaults missing_ok=True\na:\n  b: {c: 1}",
        "a:\n  b:\n    c: 1\n",
        id="defaults go down",
    ),
    pytest.param(
        "{a: [{name: x}]}",
        "#@overlay/match-child-defaults missing_ok=True\na:\n#@overlay/match by='name'\n- {name: y}",
        "a:\n- name: x\n- name: y\n",
        id="defaults for array items that have a match",
    ),
    pytest.param("{a: 1}", "#@overlay/match when=1\na: 2\n#@overlay/match when=1\nb: 2", "a: 2\n", id="when a number"),
    pytest.param("[1]", "#@overlay/match by=all, when='2+'\n- 9", "- 1\n", id="when at least two"),
    pytest.param("{a: 1}", "#@overlay/match when=[3, 0]\nb: 2", "a: 1\nb: 2\n", id="when one of some numbers"),
    pytest.param("{a: 1}", "#@overlay/match when=lambda n: n > 1\na: 2", "a: 1\n", id="when a function agrees"),
    pytest.param("[1, 2]", "#@overlay/match by=all, expects='+2+'\n- 9", "- 9\n- 9\n", id="a number with a sign"),
    pytest.param("text", "other", "text\n...\n", id="scalars alone are no containers"),
]


@pytest.mark.parametrize(("left", "right", "result"), MERGES)
def test_an_overlay_changes_what_it_means(left: str, right: str, result: str) -> None:
    assert applied(left, right) == result


REFUSALS = [
    pytest.param(
        "a: 1",
        "b: 2",
        "Map item (key 'b') on line stdin:1: Expected number of matched nodes to be 1, but was 0",
        id="missing",
    ),
    pytest.param(
        "{a: {b: 1}}",
        "a:\n  c: 2",
        "Map item (key 'a') on line stdin:1: Map item (key 'c') on line stdin:2: "
        "Expected number of matched nodes to be 1, but was 0",
        id="missing below",
    ),
    pytest.param(
        "a: 1",
        "5: 2",
        "Map item (key '%!s(int=5)') on line stdin:1: Expected number of matched nodes to be 1, but was 0",
        id="a number as key",
    ),
    pytest.param(
        "a: 1",
        "a: {b: 1}",
        "Map item (key 'a') on line stdin:1: Expected map, but was integer",
        id="a map over a number",
    ),
    pytest.param(
        "a: x",
        "a: [1]",
        "Map item (key 'a') on line stdin:1: Expected array, but was string",
        id="an array over a text",
    ),
    pytest.param(
        "a: {}", "a: [1]", "Map item (key 'a') on line stdin:1: Expected array, but was map", id="an array over a map"
    ),
    pytest.param("[1.5]", "a: 1", "Expected map, but was array", id="a map over an array"),
    pytest.param(
        "a: 1.5", "a: {}", "Map item (key 'a') on line stdin:1: Expected map, but was float", id="over a float"
    ),
    pytest.param(
        "a: true", "a: {}", "Map item (key 'a') on line stdin:1: Expected map, but was boolean", id="over a boolean"
    ),
    pytest.param("null", "a: 1", "Expected map, but was null", id="a map over nothing"),
    pytest.param(
        "a: 1",
        "#@overlay/insert after=True\na: 2",
        "Map item (key 'a') on line stdin:2: Found @overlay/insert on map item (stdin:2); "
        "only array items can be annotated with @overlay/insert",
        id="insert of a map item",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/append\na: 2",
        "Map item (key 'a') on line stdin:2: Found @overlay/append on map item (stdin:2); "
        "only array items can be annotated with @overlay/append",
        id="append of a map item",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/remove\n#@overlay/replace\na: 2",
        "Map item (key 'a') on line stdin:3: Expected to find only one overlay operation",
        id="two operations",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match\n- 2",
        "Array item on line stdin:2: Expected 'overlay/match' annotation to have at least one keyword argument "
        "(by=..., expects=...)",
        id="match that says nothing",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match expects=1\n- 2",
        "Array item on line stdin:2: Expected 'overlay/match' annotation keyword argument 'by' to be specified",
        id="an array item without by",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match by=5\n- 2",
        "Array item on line stdin:2: Expected 'overlay/match' annotation keyword argument 'by' to be either string "
        "(for map key) or function, but was starlark.Int",
        id="by a number",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/match by={}\na: 2",
        "Map item (key 'a') on line stdin:2: Expected 'overlay/match' annotation keyword argument 'by' to be either "
        "string (for map key) or function, but was *starlark.Dict",
        id="by a dict",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/match with_key=1\na: 2",
        "Map item (key 'a') on line stdin:2: Unknown 'overlay/match' annotation keyword argument 'with_key'",
        id="an unknown argument of match",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/match-child-defaults by=1\na: 2",
        "Map item (key 'a') on line stdin:2: Unknown 'overlay/match-child-defaults' annotation keyword argument 'by'",
        id="an unknown argument of defaults",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/replace orAdd=1\na: 2",
        "Map item (key 'a') on line stdin:2: Unknown 'overlay/replace' annotation keyword argument 'orAdd'",
        id="an unknown argument of replace",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match by=all\n#@overlay/insert at=1\n- 2",
        "Array item on line stdin:3: Unknown 'overlay/insert' annotation keyword argument 'at'",
        id="an unknown argument of insert",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match by=all\n#@overlay/insert\n- 2",
        "Array item on line stdin:3: Expected 'overlay/insert' annotation to have at least one keyword argument "
        "(before=..., after=...)",
        id="insert that says nothing",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match by=all\n#@overlay/insert before='yes'\n- 2",
        "Array item on line stdin:3: expected starlark.Bool, but was starlark.String",
        id="insert before a text",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match by=all\n#@overlay/insert before=True, via='f'\n- 2",
        "Array item on line stdin:3: Expected 'overlay/insert' annotation keyword argument 'via' to be function, "
        "but was starlark.String",
        id="insert via a text",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/replace via=None\na: 2",
        "Map item (key 'a') on line stdin:2: Expected 'overlay/replace' annotation keyword argument 'via' to be "
        "function, but was starlark.NoneType",
        id="replace via None",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/replace or_add=1\na: 2",
        "Map item (key 'a') on line stdin:2: expected starlark.Bool, but was starlark.Int",
        id="or_add of a number",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/replace via=lambda left, right: documents('b: 1')\na: 2",
        "Map item (key 'a') on line stdin:2: map items can only contain arrays, maps, or scalars; "
        "this is a document set",
        id="documents within a map",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match by=all\n#@overlay/replace via=lambda left, right: documents('b: 1')\n- 2",
        "Array item on line stdin:3: array items can only contain maps, arrays, or scalars; this is a document set",
        id="documents within an array",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/assert\na: 2",
        "Map item (key 'a') on line stdin:2: Expected objects to equal, but did not: "
        "Expected leaf values to match int int",
        id="assert of another number",
    ),
    pytest.param(
        "a: x",
        "#@overlay/assert\na: {b: 1}",
        "Map item (key 'a') on line stdin:2: Expected objects to equal, but did not: Expected map, but was string",
        id="assert of a map",
    ),
    pytest.param(
        "a: {b: 1}",
        "#@overlay/assert\na: ",
        "Map item (key 'a') on line stdin:2: Expected objects to equal, but did not: "
        "Expected leaf values to match *yamlmeta.Map <nil>",
        id="assert of null",
    ),
    pytest.param(
        "a: {b: 1}",
        "#@overlay/assert\na: {c: 1}",
        "Map item (key 'a') on line stdin:2: Expected objects to equal, but did not: "
        "Expected at least one map item to match by key",
        id="assert of a key",
    ),
    pytest.param(
        "a: [1]",
        "#@overlay/assert\na: [1, 2]",
        "Map item (key 'a') on line stdin:2: Expected objects to equal, but did not: "
        "Expected to have matching number of array items",
        id="assert of a longer array",
    ),
    pytest.param(
        "a: true",
        "#@overlay/assert\na: 1",
        "Map item (key 'a') on line stdin:2: Expected objects to equal, but did not: "
        "Expected leaf values to match bool int",
        id="true is not 1",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/assert via=lambda left, right: left == right\na: 2",
        "Map item (key 'a') on line stdin:2: Expected via invocation to return true, but was false",
        id="assert via",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/assert via=lambda left, right: (False, 'no good')\na: 2",
        "Map item (key 'a') on line stdin:2: Expected via invocation to return true, but was false with message: "
        "no good",
        id="assert via with a message",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/assert via=lambda left, right: 1\na: 2",
        "Map item (key 'a') on line stdin:2: Expected via invocation to return NoneType, Bool or Tuple(Bool,String), "
        "but returned neither of those",
        id="assert via that gives a number",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/assert via=True\na: 2",
        "Map item (key 'a') on line stdin:2: Expected 'overlay/assert' annotation keyword argument 'via' to be "
        "function, but was starlark.Bool",
        id="assert via a boolean",
    ),
    pytest.param(
        "a: 1",
        "#@overlay/assert by=1\na: 2",
        "Map item (key 'a') on line stdin:2: Unknown 'overlay/assert' annotation keyword argument 'by'",
        id="an unknown argument of assert",
    ),
    pytest.param(
        "[{n: 1}, {m: 1}]",
        "#@overlay/match by='n'\n- {n: 1}",
        "Array item on line stdin:2: overlay.map_key_matcher: Expected to find map item with key 'n', but did not",
        id="an item without the key",
    ),
    pytest.param(
        "[x]",
        "#@overlay/match by='n'\n- {n: 1}",
        "Array item on line stdin:2: overlay.map_key_matcher: Expected value to be map, but was string",
        id="an item that is no map",
    ),
    pytest.param(
        "{a: 1}",
        "#@overlay/match by=index(0)\na: 2",
        "Map item (key 'a') on line stdin:2: overlay.index_matcher: expected starlark.Int",
        id="a map by index",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match by=lambda i, left, right: 'yes'\n- 2",
        "Array item on line stdin:2: expected starlark.Bool, but was starlark.String",
        id="a function that gives text",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match by=not_op(lambda i, left, right: 'yes')\n- 2",
        "Array item on line stdin:2: overlay.not_op: expected starlark.Bool, but was starlark.String",
        id="not of a text",
    ),
    pytest.param(
        "[1]",
        "#@overlay/match by=and_op(or_op(map_key('n')))\n- 2",
        "Array item on line stdin:2: overlay.and_op: overlay.or_op: overlay.map_key_matcher: "
        "Expected value to be map, but was integer",
        id="matchers in matchers",
    ),
]


@pytest.mark.parametrize(("left", "right", "message"), REFUSALS)
def test_what_does_not_fit_is_refused_with_its_place(left: str, right: str, message: str) -> None:
    with pytest.raises(EvalError) as refused:
        applied(left, right)
    assert refused.value.message == message


COUNTS = [
    pytest.param(
        "expects=2",
        f"Expected number of matched nodes to be 2, but was 3 {PLACES}",
        id="a number",
    ),
    pytest.param(
        "expects='4+'",
        f"Expected number of matched nodes to be >= 4, but was 3 {PLACES}",
        id="at least",
    ),
    pytest.param(
        "expects=[0, '5+']",
        f"Expected number of matched nodes to be >= 5, but was 3 {PLACES}",
        id="the last of a list is told",
    ),
    pytest.param("expects=lambda n: False", "Expectation of number of matched nodes failed", id="a function"),
    pytest.param(
        "expects=lambda n: 1",
        "Expected keyword argument 'expects' to have a function that returns a boolean",
        id="a function that gives a number",
    ),
    pytest.param(
        "when=lambda n: None",
        "Expected keyword argument 'when' to have a function that returns a boolean",
        id="a condition that gives None",
    ),
    pytest.param("expects='many'", "Expected 'many' to be in format 'i+' where i is an integer", id="a text"),
    pytest.param("expects='x+'", "Expected 'x+' to be in format 'i+' where i is an integer", id="no number"),
    pytest.param("expects=' 1+'", "Expected ' 1+' to be in format 'i+' where i is an integer", id="a blank"),
    pytest.param(
        f"expects='{'9' * 30}+'",
        f"Expected '{'9' * 30}+' to be in format 'i+' where i is an integer",
        id="too large a number",
    ),
    pytest.param(
        "expects=True",
        f"{ARGUMENT} 'expects' to be either int, string or function, but was starlark.Bool",
        id="a boolean",
    ),
    pytest.param(
        "expects=None",
        f"{ARGUMENT} 'expects' to be either int, string or function, but was starlark.NoneType",
        id="None",
    ),
    pytest.param(
        "when=(1, 2)",
        f"{ARGUMENT} 'when' to be either int, string or function, but was starlark.Tuple",
        id="a tuple",
    ),
    pytest.param("missing_ok=1", "Expected keyword argument 'missing_ok' to be a boolean", id="missing_ok of a number"),
    pytest.param(
        "missing_ok=True",
        f"Expected number of matched nodes to be 1, but was 3 {PLACES}",
        id="missing_ok allows no more than one",
    ),
    pytest.param(
        "missing_ok=False",
        f"Expected number of matched nodes to be 1, but was 3 {PLACES}",
        id="missing_ok not",
    ),
    pytest.param(
        "missing_ok=True, expects=1",
        "Expected only one of keyword arguments ('missing_ok', 'expects') specified",
        id="missing_ok and expects",
    ),
    pytest.param(
        "missing_ok=True, when=1",
        "Expected only one of keyword arguments ('missing_ok', 'when') specified",
        id="missing_ok and when",
    ),
    pytest.param(
        "when=1, expects=1",
        "Expected only one of keyword arguments ('when', 'expects') specified",
        id="when and expects",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), COUNTS)
def test_another_number_of_matches_is_refused(arguments: str, message: str) -> None:
    with pytest.raises(EvalError) as refused:
        applied("- 1\n- 2\n- 3", f"#@overlay/match by=all, {arguments}\n- 9")
    assert refused.value.message == f"Array item on line stdin:2: {message}"


@pytest.mark.parametrize("key", ["1", "true", "1.0", "'1'"])
def test_keys_of_other_types_are_others(key: str) -> None:
    merged = apply(one("{1: a, true: b, 1.0: c, '1': d}"), [one(f"{key}: x")], FakeThread())
    changed = [item.key for item in merged.items if item.value == "x"]
    assert [repr(key) for key in changed] == [repr(yaml.safe_load(key))]


def test_overlays_are_applied_in_their_order() -> None:
    removed = "#@overlay/match by=index(0)\n#@overlay/remove\n- "
    assert applied("[1, 2, 3]", removed, removed) == "- 3\n"


def test_later_items_see_what_earlier_ones_did() -> None:
    assert applied("{a: 1}", "#@overlay/match missing_ok=True\nb: {c: 1}\n#@overlay/remove\na: \n") == "b:\n  c: 1\n"
    assert applied("[1]", "- 2\n#@overlay/match by=index(1)\n- 3") == "- 1\n- 3\n"


def test_many_keys_are_found_as_few_are() -> None:
    left = "\n".join(f"k{number}: {{n: {number}}}" for number in range(40))
    right = "\n".join(
        [
            "k39: {n: x}",
            "#@overlay/remove",
            "k0: ",
            "#@overlay/match missing_ok=True",
            "new: 1",
            "#@overlay/match by=subset({'n': 5})",
            "#@overlay/replace",
            "renamed: 2",
            "renamed: 3",
            "new: 4",
            "#@overlay/match missing_ok=True",
            "k5: 6",
        ]
    )
    merged = apply(one(left), [_with_equal_keys(right)], FakeThread())
    values = {item.key: item.value for item in merged.items}
    assert [item.key for item in merged.items][:1] == ["k1"]
    assert (values["renamed"], values["new"], values["k5"]) == (3, 4, 6)
    assert len(merged.items) == 41


def _with_equal_keys(text: str) -> Map:
    found = one(text)
    assert isinstance(found, Map)
    return found


def test_the_left_tree_stays_and_is_shared_where_it_is_unchanged() -> None:
    left = one("a: {b: 1}\nc: {d: {e: 2}, f: [1]}")
    before = shown(left)
    merged = apply(left, [one("c:\n  d: {e: 3}\n  #@overlay/match missing_ok=True\n  g: 4")], FakeThread())
    assert shown(left) == before
    assert merged.items[0] is left.items[0]
    assert merged.items[1].value.items[1] is left.items[1].value.items[1]


def test_a_merged_value_has_the_place_of_the_new_one() -> None:
    left, right = Source("left.yml", ""), Source("right.yml", "")
    merged = apply(Map([MapItem("a", 1, left, 1)]), [Map([MapItem("a", 2, right, 7)])], FakeThread())
    assert merged.items[0].place == "right.yml:7"


def test_a_map_that_is_merged_keeps_its_place() -> None:
    merged = apply(one("a: {b: 1}", "left.yml"), [one("\na:\n  b: 2", "right.yml")], FakeThread())
    assert (merged.items[0].place, merged.items[0].value.items[0].place) == ("left.yml:1", "right.yml:3")


def test_no_annotation_of_an_overlay_is_left() -> None:
    left = one("#@overlay/remove\n#@other/note\na: {b: 1}\nc: []")
    right = one(
        "#@overlay/match missing_ok=True\nd:\n  #@overlay/replace\n  #@other/note\n  e: 1\n"
        "#@overlay/replace\nc:\n#@overlay/append\n- 1"
    )
    merged = apply(left, [right], FakeThread())
    by_key = {item.key: item for item in merged.items}
    assert list(by_key["a"].annotations or {}) == ["other/note"]
    assert by_key["d"].annotations is None
    assert list(by_key["d"].value.items[0].annotations or {}) == ["other/note"]
    assert by_key["c"].value.items[0].annotations is None


def test_a_limit_is_not_taken_for_a_refusal() -> None:
    with pytest.raises(LimitExceeded):
        apply(one("[1, 2, 3]"), [one("#@overlay/match by=all, expects='0+'\n- 1")], FakeThread(limit=2))


def test_what_is_inserted_is_weighed() -> None:
    thread = FakeThread()
    inserted = "#@overlay/match by=all, expects=3\n#@overlay/insert before=True, after=True\n- 1"
    apply(one("[1, 2, 3]"), [one(inserted)], thread)
    assert thread.weighed == 6


def test_trees_that_are_too_deep_end_the_rendering() -> None:
    def nested() -> Any:
        value: Any = 1
        for _ in range(5000):
            value = Map([MapItem("a", value)])
        return value

    with pytest.raises(LimitExceeded, match="too deeply"):
        apply(nested(), [nested()], FakeThread())


def test_a_tree_that_holds_itself_many_times_is_walked_once() -> None:
    value: Any = Array([ArrayItem(1)])
    for _ in range(60):
        value = Array([ArrayItem(value), ArrayItem(value)])
    apply(value, [Array([])], FakeThread(limit=1000))


@pytest.mark.parametrize("operation", ["merge", "remove", "replace", "insert", "append", "assert"])
def test_documents_are_put_over_documents_alone(operation: str) -> None:
    with pytest.raises(EvalError, match="Expected document set, but was map"):
        apply(one("a: 1"), [tree(f"#@overlay/match by=all\n#@overlay/{operation}\n---\na: 1")], FakeThread())


def test_nothing_over_nothing_is_nothing() -> None:
    assert apply(DocumentSet([]), [DocumentSet([])], FakeThread()).items == []
