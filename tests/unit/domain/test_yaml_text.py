"""YAML that others wrote: what it becomes, what is refused, and that no refusal quotes content. libyaml is real."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from packhouse.api.errors import BundleInvalid, ValuesInvalid
from packhouse.domain import yaml_text

SECRET = "hunter2"  # what must not show up in any message


def load(text: str, **options: bool) -> list[tuple[int, Any]]:
    return yaml_text.load_all(text, "values.yml", ValuesInvalid, **options)


def one(text: str, **options: bool) -> Any:
    ((_, value),) = load(text, **options)
    return value


def refusal(text: str, **options: bool) -> str:
    with pytest.raises(ValuesInvalid) as refused:
        load(text, **options)
    return refused.value.message


def test_each_document_comes_with_the_line_of_its_first_node_and_empty_ones_are_left_out() -> None:
    text = "#@data/values\n---\n---\n# a comment\n\na: 1\n---\n- b\n---\n~\n--- c\n...\n"
    assert load(text) == [(6, {"a": 1}), (8, ["b"]), (11, "c")]
    assert load("") == []


def test_the_error_class_is_the_callers() -> None:
    with pytest.raises(BundleInvalid, match=r"^packages/a\.yml:1: "):
        yaml_text.load_all("[}", "packages/a.yml", BundleInvalid)


PLAIN = [
    "1 -1 +1 0 007 0x1F 0b11 1_000 08 1.5 -1.5 .5 1. 1.5e+3 1.5e3 1e3 0.1_0 -- + . .. 1.2.3 -.5 0o7 __ _1",
    "yes Yes no NO on off true True FALSE tRue y n null Null ~ NULL nil",
    "text a:b 1a x=1 <<x .a ...a 0x 0b -0b1 +0x1 -07 1__0 .5e+1",
]


@pytest.mark.parametrize("text", " ".join(PLAIN).split())
def test_a_scalar_is_what_the_safe_loader_of_pyyaml_makes_of_it(text: str) -> None:
    expected = yaml.safe_load(f"key: {text}")["key"]
    found = one(f"key: {text}")["key"]
    assert (type(found), found) == (type(expected), expected)


@given(st.text("0123456789+-._eExabfonyNO~", min_size=1, max_size=8))
def test_any_plain_scalar_is_what_pyyaml_makes_of_it_unless_that_is_a_date(text: str) -> None:
    try:
        (expected,) = yaml.load(f"- {text}", yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):
        return
    (found,) = one(f"- {text}", finite=False)
    assert repr(found) == (repr(text) if isinstance(expected, date) else repr(expected))


def test_dates_equals_signs_and_numbers_to_the_base_60_stay_strings() -> None:
    assert one("a: 2001-01-01\nb: =\nc: 22:22\nd: 1:30.5\ne: 2001-12-14t21:59:43.10-05:00") == {
        "a": "2001-01-01",
        "b": "=",
        "c": "22:22",
        "d": "1:30.5",
        "e": "2001-12-14t21:59:43.10-05:00",
    }


def test_quotes_tags_and_blocks_give_strings() -> None:
    assert one("a: '1'\nb: \"yes\"\nc: !!str 1\nd: ! 1\ne: |\n  1\nf: !!int '7'\ng: !!map {}\nh: !!seq []") == {
        "a": "1",
        "b": "yes",
        "c": "1",
        "d": "1",
        "e": "1\n",
        "f": 7,
        "g": {},
        "h": [],
    }


def test_merge_keys_fill_what_is_not_written() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\nd:\n  <<: *b\n  <<: *a\n"
    loaded = one(text)
    assert loaded["c"] == {"x": 1, "y": 3, "z": 2}
    assert loaded["d"] == {"x": 2, "y": 1, "z": 2}


def test_anchors_may_be_scalars_keys_and_be_given_anew_but_end_with_their_document() -> None:
    assert one("a: &k name\n*k : &k other\nb: *k") == {"a": "name", "name": "other", "b": "other"}
    assert "an alias refers to no anchor" in refusal("a: &a 1\n---\nb: *a")


BAD = {
    f"a: {SECRET}: b": (1, "mapping values are not allowed"),
    f"a: 1\nkey: [{SECRET}, x": (3, "did not find expected ',' or ']'"),
    f"a: 1\nb: @{SECRET}": (2, "cannot start any token"),
    f"a: 1\nb: *{SECRET}": (2, "an alias refers to no anchor"),
    f"a: 1\nb: !{SECRET} x": (2, "a tag is not supported here"),
    f"a: 1\nb: !{SECRET} [x]": (2, "a tag is not supported here"),
    f"a: !!binary {SECRET}": (1, "a tag is not supported here"),
    f"a: !!python/object/apply:os.system [{SECRET}]": (1, "a tag is not supported here"),
    f"a: !!int {SECRET}": (1, "a scalar is not what its tag says"),
    f'a: "{SECRET}': (1, "found unexpected end of stream"),
    f"a: 1\nb: {SECRET}\na: {SECRET}": (3, "duplicate key 'a'"),
    f"a: {{b: 1, b: {SECRET}}}": (1, "duplicate key 'b'"),
    f"a:\n  ? [{SECRET}]\n  : 1": (2, "a key must be a scalar"),
    f"a: &a [{SECRET}]\n*a : 1": (2, "a key must be a scalar"),
    f"a: 1\n2: {SECRET}": (2, "a key must be a string, found an integer"),
    f"on: {SECRET}": (1, "a key must be a string, found a boolean"),
    f"~: {SECRET}": (1, "a key must be a string, found null"),
    f"a: [{SECRET}, .inf]": (1, "a number must be finite"),
    f"a: {SECRET}\nb: .nan": (2, "a number must be finite"),
    f"a: {SECRET}\nb: &b\n  - c: *b": (3, "an alias refers to a node that contains it"),
    f"a: 1\n<<: {SECRET}": (2, "'<<' takes a map"),
    f"%YAML 9.0\n---\na: {SECRET}": (1, "incompatible YAML document"),
}


@pytest.mark.parametrize(("text", "line", "reason"), [(text, *expected) for text, expected in BAD.items()])
def test_what_is_bad_is_refused_by_line_and_reason_without_its_content(text: str, line: int, reason: str) -> None:
    message = refusal(text)
    assert message.startswith(f"values.yml:{line}: ")
    assert reason in message
    assert SECRET not in message


@pytest.mark.parametrize("text", ["a: \x01", "a: \ud800", "\x00", "a: b\x7f"])
def test_characters_that_yaml_does_not_allow_are_refused(text: str) -> None:
    assert refusal(text) == "values.yml: no valid YAML: it holds characters that YAML does not allow"


def test_keys_and_numbers_may_be_anything_where_the_caller_says_so() -> None:
    assert one("2: a\nyes: .inf", string_keys=False, finite=False) == {2: "a", True: float("inf")}


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [" + ",".join(["x"] * 10) + "]"]
    lines += [f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * 10) + "]" for level in range(1, 30)]
    assert "aliases add more than 1,000,000 nodes" in refusal("\n".join(lines))


def test_a_bomb_of_merge_keys_or_of_long_scalars_is_refused_too() -> None:
    merges = ["a0: &a0 {x: 1}"]
    merges += [f"a{level}: &a{level} {{<<: [" + ",".join([f"*a{level - 1}"] * 10) + "]}" for level in range(1, 30)]
    assert "aliases add more than" in refusal("\n".join(merges))
    scalars = f"a: &a {'x' * 1_000_000}\nb: [" + ",".join(["*a"] * 1_000) + "]"
    assert "aliases add more than" in refusal(scalars)


def test_a_text_may_hold_many_nodes_and_modest_aliases() -> None:
    assert len(one("\n".join(["a: &a [1, 2, 3]", "b:", *["- *a"] * 1_000]))["b"]) == 1_000


@pytest.mark.parametrize("deep", ["[" * 50_000 + "]" * 50_000, "{a: " * 50_000, "- " * 50_000 + "x"])
def test_50000_levels_are_refused_and_do_not_end_the_process(deep: str) -> None:
    assert "nested deeper than 200 levels" in refusal(deep)


def test_200_levels_are_read_and_aliases_count_as_what_they_stand_for() -> None:
    assert one("[" * 200 + "]" * 200)
    assert "nested deeper than 200 levels" in refusal("[" * 201 + "]" * 201)
    deep = "a: &a " + "[" * 150 + "]" * 150 + "\nb: " + "[" * 60 + "*a" + "]" * 60
    assert refusal(deep).startswith("values.yml:2: nested deeper")
