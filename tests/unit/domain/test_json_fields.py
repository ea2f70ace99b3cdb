"""Fields of a large JSON object, beside what the standard library reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.domain.json_fields import pick

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=5), st.sampled_from([None, 1]), st.booleans())
def test_every_field_is_what_the_standard_library_reads(
    document: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    found = pick(text, document.keys())
    assert found is not None
    assert {name: json.loads(value) for name, value in found.items()} == document


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ a1', max_size=60).map(str.encode))
def test_whatever_it_takes_of_noise_the_standard_library_would_take_or_it_was_skipped(text: bytes) -> None:
    found = pick(text, ("a", "1", ""))
    if found is None:
        return
    assert text.strip().startswith(b"{")
    assert all(value in text for value in found.values())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'"a"',
        b"{}x",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1,}',
        b'{"a":1 "b":2}',
        b"{a:1}",
        b'{"a":"}',
        b'{"a":[}',
        b'{"a":[1]',
        b'{"a":1}{"a":1}',
        b'{"\\ud8":1}',
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
    ],
)
def test_what_is_no_object_or_says_a_thing_twice_is_refused(text: bytes) -> None:
    assert pick(text, ("a",)) is None


def test_what_is_not_there_is_left_out() -> None:
    assert pick(b' { "b" : [ "}", {} ] , "a" : "\\"" } ', ("a", "c")) == {"a": b'"\\""'}
    assert pick(b"{}", ("a",)) == {}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"a":' + b"[" * 5_000_000, id="open brackets"),
        pytest.param(b'{"a":' + b'"\\"' * 3_000_000, id="open strings"),
        pytest.param(b'{"a":"' + b'\\"' * 5_000_000, id="a string without an end"),
        pytest.param(b'{"a":[' + b"[]," * 4_000_000 + b"0]}", id="too many brackets"),
        pytest.param(b"{" + b" " * 10_000_000, id="blanks"),
        pytest.param(b'{"' + b"k" * 10_000_000 + b'":1}', id="a long key"),
    ],
)
def test_hostile_texts_are_given_up(text: bytes) -> None:
    assert pick(text, ("a",)) is None
