"""Text templates, compiled and evaluated. The language is the real one."""

from __future__ import annotations

import pytest
from ytt_template_runs import code_template, document_of, evaluate, text_template, yaml_template

from packhouse.template.ytt.errors import LimitExceeded, YttError
from packhouse.template.ytt.starlark.thread import LanguageLimits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("a\nb\n", "a\nb\n", id="no code"),
        pytest.param("a(@= 'b' @)c", "abc", id="printed"),
        pytest.param("a(@ x = 'b' @)c(@= x @)", "acb", id="not printed"),
        pytest.param("a(@ x = 1\ny = 2 @)(@= str(x + y) @)", "a3", id="lines of code"),
        pytest.param("(@= str(\n  1 +\n  2) @)", "3", id="an expression over lines"),
        pytest.param("(@ for x in range(3): -@)\n l(@= str(x) @)\n(@ end @)", "l0\nl1\nl2\n", id="a loop"),
        pytest.param("(@ if False: @)a(@ elif True: @)b(@ end @)", "b", id="branches"),
        pytest.param("(@ def f(x): @)<(@= x @)>(@ end @)(@= f('a') + f('b') @)", "<a><b>", id="a function"),
        pytest.param("(@ def f(): @)(@ end @)[(@= f() @)]", "[]", id="a function of nothing"),
        pytest.param("(@ def f(): @)a(@ return 'b' @)(@ end @)(@= f() @)", "b", id="a value that is returned"),
        pytest.param("a \n\t(@-= 'b' -@)\n c", "abc", id="white space goes"),
        pytest.param("(@=-'a' @) b(@= '-' @)", "a b-", id="a dash after the sign goes too"),
        pytest.param("é(@= 'ü' @)€", "éü€", id="letters of all kinds"),
    ],
)
def test_text_and_values_come_out_in_their_order(text: str, expected: str) -> None:
    assert evaluate(text_template(text)).result == expected


def test_others_may_load_its_functions() -> None:
    library = text_template("(@ def f(x): -@)\n[(@= x @)](@ end @)")

    assert document_of('#@ load("f.lib.txt", "f")\na: #@ f("b")\n', {"f.lib.txt": library}) == {"a": "[b]"}


def test_it_may_load_from_others() -> None:
    files = {"f.star": code_template("def f():\n  return 'b'\nend\n"), "g.lib.yml": yaml_template("#@ g = 'c'\n")}

    text = "(@ load('f.star', 'f') @)(@ load('g.lib.yml', 'g') @)a(@= f() + g @)"
    assert evaluate(text_template(text), files).result == "abc"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a\n(@= 1 @)",
            "\n- __ytt_tpl1_set_node: cannot set non-string value (int64), consider using str(...) to convert to "
            "string\n    in <toplevel>\n      a.txt:2 | = 1 ",
            id="no text",
        ),
        pytest.param("a(@= b @)", "\n- undefined: b\n    a.txt:1 | = b ", id="an unknown name"),
        pytest.param(
            "(@\nx = 1\ny = x + 'a'\n@)",
            "\n- unknown binary op: int + string\n    in <toplevel>\n      a.txt:3 | y = x + 'a'",
            id="in a block of code",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_code(text: str, message: str) -> None:
    with pytest.raises(YttError) as caught:
        evaluate(text_template(text))

    assert caught.value.message == message


def test_texts_that_double_are_stopped() -> None:
    text = "(@ def f(x): @)(@= x @)(@= x @)(@ end @)(@ y = 'x' @)(@ for i in range(60): @)(@ y = f(y) @)(@ end @)"

    with pytest.raises(LimitExceeded):
        evaluate(text_template(text), limits=LanguageLimits(weight=100_000))


def test_a_file_of_code_shows_its_lines_without_its_name() -> None:
    with pytest.raises(YttError) as caught:
        evaluate(code_template("x = 1\ny = x + 'a'\n"))

    assert caught.value.message == "\n- unknown binary op: int + string\n    in <toplevel>\n      2 | y = x + 'a'"
