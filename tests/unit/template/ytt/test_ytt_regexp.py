"""The module regexp: Go's matching, its replacements and what it says of patterns that it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from ytt_module_calls import document_of, refusal, run

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.starlark.containers import NativeBuiltin


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        pytest.param("[a-z]+[0-9]+", "__hello123__", True, id="anywhere"),
        pytest.param("^[a-z]+[0-9]+$", "__hello123__", False, id="from end to end"),
        pytest.param("", "", True, id="nothing in nothing"),
        pytest.param("^b$", "a\nb", False, id="lines are no ends"),
        pytest.param("(?m)^b$", "a\nb", True, id="unless asked for"),
        pytest.param("a.b", "a\nb", False, id="a dot is no line break"),
        pytest.param("(?s)a.b", "a\nb", True, id="unless asked for too"),
        pytest.param(r"\pL", "é", True, id="a letter"),
        pytest.param(r"\w", "é", False, id="words are of ASCII"),
        pytest.param("^.$", "日", True, id="a character of more bytes"),
        pytest.param(r"(?P<n>a)", "a", True, id="a name"),
        pytest.param(r"\Qa.b\E", "a.b", True, id="quoted"),
        pytest.param(r"\B", "aéa", False, id="no boundary within a character"),
    ],
)
def test_a_pattern_is_looked_for(pattern: str, text: str, matches: bool) -> None:
    assert run("regexp.match", pattern, text) is matches


@pytest.mark.parametrize(
    ("pattern", "text", "filling", "replaced"),
    [
        pytest.param("[a-z]+[0-9]+", "__hello123__HI456__", "bye", "__bye__HI456__", id="once"),
        pytest.param("(?i)([a-z]+)[0-9]+", "__hello123__HI456__", "$1", "__hello__HI__", id="a group"),
        pytest.param("(?i)([a-z]+)[0-9]+", "hello1", "${1}x", "hellox", id="a group in braces"),
        pytest.param("(?i)([a-z]+)[0-9]+", "hello1", "$1x", "", id="a name that is longer"),
        pytest.param("(?P<w>a)", "bab", "<$w>", "b<a>b", id="a name"),
        pytest.param("a", "bab", "$$1", "b$1b", id="a dollar"),
        pytest.param("a", "bab", "$", "b$b", id="a dollar at the end"),
        pytest.param("a", "bab", "${", "b${b", id="an open brace"),
        pytest.param("a", "bab", "${}", "b${}b", id="no name"),
        pytest.param("a", "bab", "$0$0", "baab", id="all of it"),
        pytest.param("a", "bab", "$7", "bb", id="a group that is not"),
        pytest.param("(a)", "bab", "$01", "bb", id="a number with a zero in front"),
        pytest.param("a|(b)", "ab", "[$1]", "[][b]", id="a group that took no part"),
        pytest.param("", "ab", "-", "-a-b-", id="empty matches"),
        pytest.param("a*", "baac", "-", "-b-c-", id="no empty match behind another"),
        pytest.param("x*", "日", "-", "-日-", id="none within a character"),
        pytest.param("日", "a日b", "é", "aéb", id="characters of more bytes"),
        pytest.param("$", "a\n", "!", "a\n!", id="the end"),
    ],
)
def test_matches_are_replaced(pattern: str, text: str, filling: str, replaced: str) -> None:
    assert run("regexp.replace", pattern, text, filling) == replaced


def test_a_function_may_give_what_replaces_a_match() -> None:
    size = NativeBuiltin("size", lambda thread, args, kwargs: str(len(args[0])))
    assert run("regexp.replace", "(?i)[a-z]+[0-9]+", "__hello123__HI456__", size) == "__8__5__"


def test_a_function_that_gives_no_text_is_refused() -> None:
    with pytest.raises(YttError) as refused:
        document_of('#@ load("@ytt:regexp", "regexp")\nx: #@ regexp.replace("a", "a", lambda x: 1)\n')
    assert "regexp.replace: expected a string, but was int" in refused.value.message


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        pytest.param("(a", "missing closing ): `(a`", id="an open group"),
        pytest.param("a)", "unexpected ): `a)`", id="a closed group"),
        pytest.param("[a", "missing closing ]: `[a`", id="an open class"),
        pytest.param("*a", "missing argument to repetition operator: `*`", id="nothing to repeat"),
        pytest.param("a**", "invalid nested repetition operator: `**`", id="repeated twice"),
        pytest.param("a{1001}", "invalid repeat count: `{1001}`", id="too often"),
        pytest.param("a*{1001}", "invalid repeat count: `{1001}`", id="too often, and twice"),
        pytest.param("[b-a]", "invalid character class range: `b-a`", id="backwards"),
        pytest.param("[[:foo:]]", "invalid character class range: `[:foo:]`", id="no class"),
        pytest.param(r"\pX", "invalid character class range: `\\pX`", id="no property"),
        pytest.param(r"\8", "invalid escape sequence: `\\8`", id="no escape"),
        pytest.param("\\", "trailing backslash at end of expression: ``", id="a backslash at the end"),
        pytest.param("(?=a)", "invalid or unsupported Perl syntax: `(?=`", id="looking ahead"),
        pytest.param("(?i", "invalid or unsupported Perl syntax: `(?i`", id="open flags"),
        pytest.param("(?P<1", "invalid named capture: `(?P<1`", id="an open name"),
        pytest.param(r"\C", "invalid escape sequence: `\\C`", id="a single byte"),
        pytest.param(r"\Q\C\E\C", "invalid escape sequence: `\\C`", id="a single byte behind a quoted one"),
    ],
)
def test_a_pattern_is_refused_in_the_words_of_the_original(pattern: str, message: str) -> None:
    for path, args in (("regexp.match", ("x",)), ("regexp.replace", ("x", "y"))):
        assert refusal(path, pattern, *args) == f"{path}: error parsing regexp: {message}"


@pytest.mark.parametrize(
    ("path", "args", "message"),
    [
        pytest.param("regexp.match", ("a",), "expected exactly two arguments", id="too few"),
        pytest.param("regexp.replace", ("a", "b"), "expected exactly 3 arguments", id="too few to replace"),
        pytest.param("regexp.match", (1, "a"), "expected a string, but was int", id="no pattern"),
        pytest.param("regexp.match", ("(", 1), "expected a string, but was int", id="the text is looked at first"),
        pytest.param("regexp.replace", ("(", 1, "a"), "error parsing regexp: missing closing ): `(`", id="or last"),
        pytest.param("regexp.replace", ("a", "b", None), "expected a string, but was NoneType", id="no filling"),
    ],
)
def test_wrong_arguments_of_regexp_are_refused(path: str, args: tuple[Any, ...], message: str) -> None:
    assert refusal(path, *args) == f"{path}: {message}"


@pytest.mark.timeout(60)
def test_a_pattern_that_explodes_elsewhere_takes_linear_time() -> None:
    assert run("regexp.match", "^(a+)+$", "a" * 100_000 + "b") is False
    assert run("regexp.replace", "(a*)*b", "a" * 10_000, "x") == "a" * 10_000
