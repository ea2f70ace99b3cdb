"""YAML becomes nodes: values as go-yaml v2 resolves them, lines, and comments at their nodes."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import conformance
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem, Source
from packhouse.template.ytt.yaml.build import MAX_DEPTH
from packhouse.template.ytt.yaml.read import plain, read
from packhouse.template.ytt.yaml.write import write


def documents(text: str, **options: bool) -> DocumentSet:
    return read(Source("file.yml", text), **options)


def value(text: str) -> Any:
    (found,) = plain(text)
    return found


def refusal(text: str, **options: bool) -> str:
    with pytest.raises(YttError) as refused:
        documents(text, **options)
    return refused.value.message


def outline(text: str) -> list[str]:
    """Each node that has a place, as "line kind comments"."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, Document | MapItem | ArrayItem):
            name = f"{node.key}:" if isinstance(node, MapItem) else "---" if isinstance(node, Document) else "-"
            found.append(" ".join([f"{node.line} {name}", *(f"#{note.text}@{note.line}" for note in node.comments)]))
            walk(node.value)
        elif isinstance(node, Map | Array | DocumentSet):
            for item in node.items:
                walk(item)

    walk(documents(text))
    return found


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("yes", True, id="YAML 1.1 yes"),
        pytest.param("Off", False, id="YAML 1.1 off"),
        pytest.param("y", True, id="one letter"),
        pytest.param("yEs", "yEs", id="no word of the three spellings"),
        pytest.param("~", None, id="tilde"),
        pytest.param("", None, id="nothing"),
        pytest.param("Null", None, id="null"),
        pytest.param("'yes'", "yes", id="quoted"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("0777", 511, id="octal by a zero"),
        pytest.param("0o17", 15, id="octal by 0o"),
        pytest.param("-0b101", -5, id="binary"),
        pytest.param("1_000", 1000, id="underscores"),
        pytest.param("08", 8.0, id="no octal, so a float"),
        pytest.param("18446744073709551615", 2**64 - 1, id="the largest int"),
        pytest.param("18446744073709551616", 18446744073709551616.0, id="larger is a float"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param(".5", 0.5, id="begins with a dot"),
        pytest.param("1.", 1.0, id="ends with a dot"),
        pytest.param("-.inf", -math.inf, id="infinity"),
        pytest.param("1e999", "1e999", id="too large for a float"),
        pytest.param("1.2.3", "1.2.3", id="a version"),
        pytest.param("12:30:00", "12:30:00", id="sixties are texts"),
        pytest.param("2001-12-14", "2001-12-14", id="dates are texts"),
        pytest.param("! 5", "5", id="the tag that is none"),
        pytest.param("!!str 5", "5", id="text by tag"),
        pytest.param("!!int '5'", 5, id="quoted int by tag"),
        pytest.param("!!float 5", 5.0, id="float by tag"),
        pytest.param("!!binary aGk=", "hi", id="base64"),
        pytest.param("!mine 5", "5", id="an unknown tag"),
        pytest.param("<<", "<<", id="a merge that is no key"),
        pytest.param("[fe80::]", ["fe80::"], id="colons before a bracket"),
        pytest.param("{a:, b: 1}", {"a:": None, "b": 1}, id="a colon before a comma"),
        pytest.param('"it\\\'s # so"', "it's # so", id="an escaped single quote"),
        pytest.param("|+\n  a\n\n", "a\n\n", id="block that keeps its end"),
        pytest.param(">-\n  a\n  b\n\n  c\n", "a b\nc", id="folded"),
    ],
)
def test_a_scalar_stands_for_what_go_yaml_takes_it_for(written: str, expected: Any) -> None:
    found = value(f"k: {written}")["k"]
    assert (found, type(found)) == (expected, type(expected))


def test_nan_is_a_float() -> None:
    assert math.isnan(value(".nan"))


@pytest.mark.parametrize("text", ["a: 1\r\nb: 'x\r\n  y'\r\n", "a: 1\rb: 'x\r  y'\r", "\ufeffa: 1\nb: 'x\n  y'\n"])
def test_line_breaks_of_all_kinds_and_a_mark_of_the_byte_order_are_the_same(text: str) -> None:
    assert value(text) == {"a": 1, "b": "x y"}
    assert [line.partition(" ")[0] for line in outline(text)] == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", ["1 ---"], id="nothing is an empty document"),
        pytest.param("#", ["1 ---", "0 --- #@1"], id="only a comment: it goes to a document of its own"),
        pytest.param("--- # c\nabc", ["1 --- # c@1"], id="behind the marker"),
        pytest.param(
            "# a\n---\nb: 1\n# z\n",
            ["1 ---", "2 --- # a@1", "3 b:", "0 --- # z@4"],
            id="before the first marker and behind the last node",
        ),
        pytest.param(
            "m:\n  # before\n  k: v # in\n  # after\n  l: w\n",
            ["1 ---", "1 m:", "3 k: # before@2 # in@3", "5 l: # after@4"],
            id="before and behind an item",
        ),
        pytest.param(
            "# top\n- - a: 1 # in\n", ["1 ---", "2 - # top@1", "2 -", "2 a: # in@2"], id="the outermost, the innermost"
        ),
        pytest.param(
            "a:\n- # none\n-\n  # below\n  b: 1\n", ["1 ---", "1 a:", "2 - # none@2", "3 -", "5 b: # below@4"]
        ),
        pytest.param("a: [1,\n  2 # c\n  , 3]\n", ["1 ---", "1 a:", "1 -", "1 -", "3 - # c@2"], id="by its comma"),
        pytest.param("a: 'x # y' # z\nb: x#y\n", ["1 ---", "1 a: # z@1", "2 b:"], id="none within scalars"),
        pytest.param("a: | # no\n  # text\n# c\nb: 1\n", ["1 ---", "1 a:", "4 b: # c@3"], id="none within blocks"),
        pytest.param("a: &x # c\n  y#z\n", ["1 ---", "1 a: # c@1"], id="between an anchor and its value"),
        pytest.param('a: "q"#no space\n', ["1 ---", "1 a: #no space@1"], id="without a space"),
        pytest.param(
            "a: &x\n  b: 1 # in\nc: *x\n", ["1 ---", "1 a:", "2 b:", "3 c:", "2 b: # in@2"], id="the last copy has it"
        ),
        pytest.param("a: 1\n...\n# lost\n", ["1 ---", "1 a:"], id="behind the end of the last document"),
    ],
)
def test_lines_and_comments_are_where_the_original_has_them(text: str, expected: list[str]) -> None:
    assert outline(text) == expected


def test_only_the_document_that_was_made_for_comments_is_injected() -> None:
    assert [item.injected for item in documents("a: 1\n# c\n").items] == [False, True]


def test_without_comments_there_are_none() -> None:
    (document,) = documents("a: 1 # c\n# d\n", comments=False).items
    assert document.value.items[0].comments == ()


def test_a_merge_is_taken_over_where_it_stands() -> None:
    (document,) = documents("a: &a {x: 1, z: 2}\nb:\n  <<: *a\n  x: 3\n").items
    merged = document.value.items[1].value
    assert [(item.key, item.value, item.line) for item in merged.items] == [("x", 1, 1), ("z", 2, 1), ("x", 3, 4)]


def test_what_an_alias_stands_for_is_a_copy() -> None:
    (document,) = documents("a: &a {x: 1}\nb: *a\n").items
    first, second = (item.value for item in document.value.items)
    assert first is not second
    assert first.items[0] is not second.items[0]
    assert (first.line, second.line) == (1, 2)


def test_keys_are_kept_twice_and_in_their_order() -> None:
    (document,) = documents("b: 1\na: 2\nb: 3\n1: 4\n[x]: 5\n").items
    keys = [item.key for item in document.value.items]
    assert keys[:4] == ["b", "a", "b", 1]
    assert isinstance(keys[4], Array)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: b: c", "yaml: line 1: mapping values are not allowed in this context", id="scanner"),
        pytest.param("---\na: @x", "yaml: line 2: found character that cannot start any token", id="scanner, marked"),
        pytest.param("a: 1\nb: [1\n", "yaml: line 2: did not find expected ',' or ']'", id="parser: a line less"),
        pytest.param("a:\n  b: 1\n c: 2\n", "yaml: line 2: did not find expected key", id="indentation"),
        pytest.param("a: *x", "yaml: unknown anchor 'x' referenced", id="anchor"),
        pytest.param("a: &a [*a]", "yaml: anchor 'a' value contains itself", id="itself"),
        pytest.param("<<: 1", "yaml: map merge requires map or sequence of maps as the value", id="merge"),
        pytest.param("a: &a {}\nb: {<<: [*a]}", "yaml: map merge requires map or sequence of maps as the value"),
        pytest.param("!!int x", "yaml: cannot decode !!str `x` as a !!int", id="tag"),
        pytest.param("!!int x\n---\na: b: c", "yaml: cannot decode !!str `x` as a !!int", id="by document"),
        pytest.param("a: !!int x\nb: c: d", "yaml: line 2: mapping values are not allowed in this context"),
        pytest.param("!!binary '*'", "yaml: !!binary value contains invalid base64 data", id="base64"),
        pytest.param("[http://x?y]", "yaml: line 1: did not find expected ',' or ']'", id="a question in brackets"),
        pytest.param("a: \0", "yaml: control characters are not allowed", id="control character"),
        pytest.param("a: \udcff", "yaml: invalid leading UTF-8 octet", id="no UTF-8"),
        pytest.param("a: \ud800", "yaml: invalid Unicode character", id="half a character"),
        pytest.param("a: '", "yaml: line 1: found unexpected end of stream", id="end"),
    ],
)
def test_what_is_wrong_is_told_as_the_original_tells_it(text: str, message: str) -> None:
    assert refusal(text) == message


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param("yes", "Found 'yes' ambigious (could be !!str or !!bool)", id="word"),
        pytest.param("~", "Found '~' ambigious (could be !!str or !!null)", id="null"),
        pytest.param("0777", "Found '0777' ambigious (could be !!str or !!int)", id="octal"),
        pytest.param("a b", "Strings with whitespace must be explicitly quoted: 'a b'", id="space"),
        pytest.param("a:b", "Strings with colon must be explicitly quoted: 'a:b'", id="colon"),
        pytest.param("a---", "Strings with triple-dash must be explicitly quoted: 'a---'", id="dashes"),
    ],
)
def test_strictness_refuses_what_others_may_read_otherwise(written: str, message: str) -> None:
    assert refusal(f"k: {written}", strict=True) == f"yaml: Strict parsing: {message}"


def test_strictness_takes_what_is_certain() -> None:
    (document,) = documents("a: 1\nb: -1.5e3\nc: true\nd: x\ne: 'a b'\nf:\n", strict=True).items
    assert [item.value for item in document.value.items] == [1, -1500.0, True, "x", "a b", None]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="brackets"),
        pytest.param("- " * 100_000, id="dashes"),
        pytest.param("? " * 100_000, id="questions"),
        pytest.param("\n".join(" " * level + "a:" for level in range(MAX_DEPTH + 1)), id="maps"),
        pytest.param("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 500)), id="aliases"),
    ],
)
def test_depth_is_bounded(text: str) -> None:
    assert refusal(text) == f"yaml: exceeded max depth of {MAX_DEPTH}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "a: &a [x]\n" + "".join(f"{b}: &{b} [{f'*{a}, ' * 9}]\n" for a, b in pairwise("abcdefgh")),
            id="lists of lists",
        ),
        pytest.param(
            "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n}\n  <<: *a{n - 1}\n  k{n}: 1\n" for n in range(1, 2000)),
            id="merges",
        ),
    ],
)
def test_what_aliases_copy_is_bounded(text: str) -> None:
    assert refusal(text) == "yaml: document contains excessive aliasing"


@given(st.text(alphabet=st.sampled_from("ab:- \n#'\"[]{},&*!|>?%@\\0x\t\r\u2028\udcff\ud800é."), max_size=60))
def test_whatever_a_text_is_nothing_but_a_refusal_comes_out(text: str) -> None:
    for strict in (False, True):
        try:
            documents(text, strict=strict)
        except YttError as error:
            assert error.message.startswith("yaml: ")


@conformance.needed
def test_what_was_printed_is_printed_again_from_what_is_read() -> None:
    assert conformance.FOLDER is not None
    texts = [file.read_text() for file in sorted(Path(conformance.FOLDER, "expected").glob("*.yml"))]
    assert texts
    assert [write(documents(text).items) == text for text in texts] == [True] * len(texts)
