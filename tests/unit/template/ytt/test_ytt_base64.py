"""base64, md5 and sha256: what Go's packages of these names give and refuse."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ytt_module_calls import refusal, run

#: A text of a template that stands for the bytes ff fe.
TWO_BYTES = b"\xff\xfe".decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("text", "options", "encoded"),
    [
        pytest.param("", {}, "", id="nothing"),
        pytest.param("regula", {}, "cmVndWxh", id="no padding needed"),
        pytest.param("regular", {}, "cmVndWxhcg==", id="padded"),
        pytest.param("regular", {"raw": True}, "cmVndWxhcg", id="raw"),
        pytest.param(TWO_BYTES, {}, "//4=", id="bytes that are no text"),
        pytest.param(TWO_BYTES, {"url": True}, "__4=", id="url"),
        pytest.param(TWO_BYTES, {"url": True, "raw": True, "strict": True}, "__4", id="url and raw"),
        pytest.param("é", {}, "w6k=", id="UTF-8"),
    ],
)
def test_a_text_is_encoded_and_decoded_again(text: str, options: dict[str, bool], encoded: str) -> None:
    assert run("base64.encode", text, **options) == encoded
    assert run("base64.decode", encoded, **options) == text


@pytest.mark.parametrize(
    ("encoded", "options", "text"),
    [
        pytest.param("cmVn\r\ndWxh\n", {}, "regula", id="line breaks are passed over"),
        pytest.param("Zh==", {}, "f", id="stray bits are passed over"),
        pytest.param("Zg=\n=", {}, "f", id="a line break within padding"),
    ],
)
def test_what_is_decoded_may_be_loose(encoded: str, options: dict[str, bool], text: str) -> None:
    assert run("base64.decode", encoded, **options) == text


@pytest.mark.parametrize(
    ("encoded", "options", "byte"),
    [
        pytest.param("a", {}, 0, id="one letter"),
        pytest.param("cmVndWxhcg", {}, 8, id="no padding"),
        pytest.param("cmVndWxhcg==", {"raw": True}, 10, id="padding where none may be"),
        pytest.param("cm!n", {}, 2, id="no letter"),
        pytest.param("_-==", {}, 0, id="letters for URLs"),
        pytest.param("Zg=a", {}, 2, id="one half of the padding"),
        pytest.param("Zg=", {}, 3, id="padding that ends too early"),
        pytest.param("Zg==Zg==", {}, 4, id="something behind the padding"),
        pytest.param("Z===", {}, 1, id="too much padding"),
        pytest.param("Zh==", {"strict": True}, 2, id="stray bits"),
        pytest.param("Zm9=", {"strict": True}, 3, id="stray bits of three letters"),
        pytest.param("//", {"raw": True, "strict": True}, 0, id="stray bits without padding"),
        pytest.param("9-7MaoT=!9Y", {"url": True, "strict": True}, 7, id="stray bits are found before what follows"),
    ],
)
def test_the_first_wrong_byte_is_named(encoded: str, options: dict[str, bool], byte: int) -> None:
    assert refusal("base64.decode", encoded, **options) == f"base64.decode: illegal base64 data at input byte {byte}"


@pytest.mark.parametrize(
    ("path", "args", "kwargs", "message"),
    [
        pytest.param("base64.encode", (), {}, "expected exactly one argument", id="none"),
        pytest.param("base64.decode", ("a", "b"), {}, "expected exactly one argument", id="two"),
        pytest.param("base64.encode", (1,), {}, "expected a string, but was int", id="an int"),
        pytest.param("base64.encode", (None,), {}, "expected a string, but was NoneType", id="None"),
        pytest.param("base64.encode", ("a",), {"url": 1}, "expected starlark.Bool, but was starlark.Int", id="no bool"),
        pytest.param(
            "base64.decode", ("YQ==",), {"raw": "x"}, "expected starlark.Bool, but was starlark.String", id="a text"
        ),
        pytest.param("md5.sum", ([],), {}, "expected a string, but was list", id="a list"),
        pytest.param("sha256.sum", (), {}, "expected exactly one argument", id="no text"),
    ],
)
def test_wrong_arguments_are_refused(path: str, args: tuple[Any, ...], kwargs: dict[str, Any], message: str) -> None:
    assert refusal(path, *args, **kwargs) == f"{path}: {message}"


def test_an_option_that_is_not_known_is_passed_over() -> None:
    assert run("base64.encode", "a", padding="*") == "YQ=="


@given(st.binary(max_size=40), st.booleans(), st.booleans())
def test_any_bytes_come_back(data: bytes, url: bool, raw: bool) -> None:
    text = data.decode("utf-8", "surrogateescape")
    encoded = run("base64.encode", text, url=url, raw=raw)
    assert encoded == (base64.urlsafe_b64encode if url else base64.b64encode)(data).decode().rstrip("=" if raw else "")
    assert run("base64.decode", encoded, url=url, raw=raw, strict=True) == text


@given(st.binary(max_size=40))
def test_digests_are_of_the_bytes(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert run("md5.sum", text) == hashlib.md5(data).hexdigest()
    assert run("sha256.sum", text) == hashlib.sha256(data).hexdigest()
