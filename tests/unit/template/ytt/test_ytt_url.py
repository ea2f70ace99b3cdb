"""The module url: what Go's net/url gives and refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ytt_module_calls import method, refusal, run

from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import Map, MapItem
from packhouse.template.ytt.values import Fragment, Struct


@pytest.mark.parametrize(
    ("text", "segment", "value"),
    [
        pytest.param("path path/other", "path%20path%2Fother", "path+path%2Fother", id="blanks and slashes"),
        pytest.param("a-b_c.d~e", "a-b_c.d~e", "a-b_c.d~e", id="what is never escaped"),
        pytest.param("$&+:=@", "$&+:=@", "%24%26%2B%3A%3D%40", id="what a segment may hold"),
        pytest.param(";,?#[]%", "%3B%2C%3F%23%5B%5D%25", "%3B%2C%3F%23%5B%5D%25", id="what neither may"),
        pytest.param("!'()*", "%21%27%28%29%2A", "%21%27%28%29%2A", id="marks"),
        pytest.param("é", "%C3%A9", "%C3%A9", id="UTF-8"),
    ],
)
def test_a_part_is_escaped(text: str, segment: str, value: str) -> None:
    assert run("url.path_segment_encode", text) == segment
    assert run("url.query_param_value_encode", text) == value
    assert run("url.path_segment_decode", segment) == text
    assert run("url.query_param_value_decode", value) == text


@pytest.mark.parametrize(
    ("escaped", "shown"),
    [
        pytest.param("a%zzb", "%zz", id="no digits"),
        pytest.param("a%2", "%2", id="one digit"),
        pytest.param("%", "%", id="none"),
        pytest.param("%a%20", "%a%", id="the next escape"),
        pytest.param("%+a", "%+a", id="a plus"),
        pytest.param("%\n", "%\\n", id="a line break"),
    ],
)
def test_a_broken_escape_is_shown(escaped: str, shown: str) -> None:
    for function in ("path_segment_decode", "query_param_value_decode", "query_params_decode"):
        assert refusal(f"url.{function}", escaped) == f'url.{function}: invalid URL escape "{shown}"'


@given(st.text(max_size=30))
def test_any_text_comes_back(text: str) -> None:
    assert run("url.path_segment_decode", run("url.path_segment_encode", text)) == text
    assert run("url.query_param_value_decode", run("url.query_param_value_encode", text)) == text
    assert run("url.query_params_decode", run("url.query_params_encode", {text: [text]})) == {text: [text]}


@pytest.mark.parametrize(
    ("params", "query"),
    [
        pytest.param({"y": ["2", "3"], "x": ["1"], "z": [""], "w": []}, "x=1&y=2&y=3&z=", id="keys are sorted"),
        pytest.param({}, "", id="nothing"),
        pytest.param(Struct({"a b": ("&", "=")}), "a+b=%26&a+b=%3D", id="a struct and a tuple"),
    ],
)
def test_a_query_is_made(params: Any, query: str) -> None:
    assert run("url.query_params_encode", params) == query


@pytest.mark.parametrize(
    ("query", "params"),
    [
        pytest.param("y=2&x=1&y=3;z", {"x": ["1"], "y": ["2", "3"], "z": [""]}, id="a semicolon separates too"),
        pytest.param("", {}, id="nothing"),
        pytest.param("&&a", {"a": [""]}, id="nothing between"),
        pytest.param("=1&a=b=c", {"": ["1"], "a": ["b=c"]}, id="equal signs"),
        pytest.param("a+b=%41", {"a b": ["A"]}, id="escapes"),
    ],
)
def test_a_query_is_read(query: str, params: dict[str, list[str]]) -> None:
    assert run("url.query_params_decode", query) == params
    assert list(run("url.query_params_decode", query)) == sorted(params)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param("a=1", "expected argument to be a map, but was string", id="a text"),
        pytest.param(None, "expected argument to be a map, but was <nil>", id="None"),
        pytest.param([1], "expected argument to be a map, but was []interface {}", id="a list"),
        pytest.param(
            Fragment(Map([MapItem("a", 1)])), "expected argument to be a map, but was *yamlmeta.Map", id="YAML"
        ),
        pytest.param({1: []}, "expected map key to be string, but was int64", id="an int as key"),
        pytest.param({"a": "b"}, "expected map value to be array, but was string", id="a text as value"),
        pytest.param({"a": {}}, "expected map value to be array, but was *orderedmap.Map", id="a dict as value"),
        pytest.param({"a": [True]}, "expected array value to be string, but was bool", id="a bool within"),
        pytest.param({"a": [2**63]}, "expected array value to be string, but was uint64", id="a large int within"),
    ],
)
def test_what_is_no_query_is_refused(params: Any, message: str) -> None:
    assert refusal("url.query_params_encode", params) == f"url.query_params_encode: {message}"


@pytest.mark.parametrize(
    ("text", "written", "host"),
    [
        pytest.param("http://admin:password@url.domain:8080", None, "url.domain", id="user and port"),
        pytest.param("https://[2001:db8::1]:17000/x", None, "2001:db8::1", id="v6"),
        pytest.param("HTTP://Host/", "http://Host/", "Host", id="scheme in small letters"),
        pytest.param("http://h/a b", "http://h/a%20b", "h", id="a blank in the path"),
        pytest.param("http://h/%2f", None, "h", id="an escape that was not needed"),
        pytest.param("http://h/%41", None, "h", id="an escaped letter"),
        pytest.param("http://h?q=1#f g", "http://h?q=1#f%20g", "h", id="query and fragment"),
        pytest.param("http://h?", None, "h", id="an empty query"),
        pytest.param("mailto:a@b.c?x=y", None, "", id="opaque"),
        pytest.param("a/b:c", None, "", id="relative"),
        pytest.param("./a:b", None, "", id="a colon behind a dot"),
        pytest.param("//h/p", None, "h", id="no scheme"),
        pytest.param("///p", None, "", id="no scheme and no host"),
        pytest.param("file:///etc", None, "", id="an empty host"),
        pytest.param("file:/etc", None, "", id="no host at all"),
        pytest.param("*", None, "", id="a star"),
        pytest.param("http://h/*", None, "h", id="a star in a path"),
        pytest.param("http://é/", "http://%C3%A9/", "é", id="a host of other letters"),
        pytest.param("http://[fe80::1%25en0]/", None, "fe80::1%en0", id="a zone"),
        pytest.param("", None, "", id="nothing"),
    ],
)
def test_a_url_is_written_as_it_was_read(text: str, written: str | None, host: str) -> None:
    url = run("url.parse", text)
    assert method(url, "string") == (text if written is None else written)
    assert method(url, "hostname") == host


@pytest.mark.parametrize(
    ("text", "name", "password", "written"),
    [
        pytest.param("http://u@h", "u", None, "u", id="a name"),
        pytest.param("http://u:@h", "u", "", "u:", id="an empty password"),
        pytest.param("http://u:p:q@h", "u", "p:q", "u:p%3Aq", id="a colon within"),
        pytest.param("http://a%40b:c%2Fd@h", "a@b", "c/d", "a%40b:c%2Fd", id="escapes"),
        pytest.param("http://a@b@h", "a@b", None, "a%40b", id="two at signs"),
    ],
)
def test_the_user_of_a_url_has_parts(text: str, name: str, password: str | None, written: str) -> None:
    user = run("url.parse", text).fields()["user"]
    assert (user.fields()["name"], user.fields()["password"]) == (name, password)
    assert method(user, "string") == written


def test_a_url_goes_without_its_user() -> None:
    url = run("url.parse", "http://admin:password@h:80/x")
    without = method(url, "without_user")
    assert method(without, "string") == "http://h:80/x"
    assert without.fields()["user"] is None
    assert method(url, "string") == "http://admin:password@h:80/x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(":x", 'parse ":x": missing protocol scheme', id="no scheme"),
        pytest.param("a:b:c", None, id="opaque"),
        pytest.param("1a:b", 'parse "1a:b": first path segment in URL cannot contain colon', id="a colon"),
        pytest.param("http://h:x", 'parse "http://h:x": invalid port ":x" after host', id="no port"),
        pytest.param("http://[::1", "parse \"http://[::1\": missing ']' in host", id="an open bracket"),
        pytest.param("http://[::1]x", 'parse "http://[::1]x": invalid port "x" after host', id="behind a bracket"),
        pytest.param("http://a b/", 'parse "http://a b/": invalid character " " in host name', id="a blank"),
        pytest.param("http://a%20b/", 'parse "http://a%20b/": invalid URL escape "%20"', id="an escaped blank"),
        pytest.param("http://h/%zz", 'parse "http://h/%zz": invalid URL escape "%zz"', id="a broken escape"),
        pytest.param("http://h/\n", 'parse "http://h/\\n": net/url: invalid control character in URL', id="control"),
        pytest.param("http://a b@h", 'parse "http://a b@h": net/url: invalid userinfo', id="a blank in the user"),
        pytest.param("http://h#%", 'parse "http://h#%": invalid URL escape "%"', id="the fragment"),
    ],
)
def test_what_is_no_url_is_refused(text: str, message: str | None) -> None:
    if message is None:
        assert method(run("url.parse", text), "string") == text
    else:
        assert refusal("url.parse", text) == f"url.parse: {message}"


def test_a_url_does_not_encode_by_itself() -> None:
    url = run("url.parse", "http://u@h")
    hint = "does not automatically encode (hint: use .string())"
    for value, name in ((url, "url.value"), (url.fields()["user"], "url.user")):
        with pytest.raises(EvalError) as refused:
            to_plain({"key": value})
        assert refused.value.message == f"Unable to convert value: @ytt:{name} {hint}"


def test_a_method_takes_no_argument() -> None:
    with pytest.raises(EvalError) as refused:
        method(run("url.parse", "http://h"), "string", 1)
    assert refused.value.message == "url.value.string: expected no argument"
