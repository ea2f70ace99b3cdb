"""How messages are printed, and what they never show."""

from __future__ import annotations

import pytest

from packhouse.template.disclosure import NO_VALUE, NOT_SHOWN, without_secrets
from packhouse.template.ytt.report import as_printed


def NOTHING(value: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("message", "printed"),
    [
        pytest.param("one", "ytt: Error: one", id="one sentence"),
        pytest.param("\n- fail: X", "ytt: Error: \n- fail: X", id="a list"),
        pytest.param("Doing a: Doing b: no c", "ytt: Error: Doing a:\n  Doing b: no c", id="two sentences"),
        pytest.param("A: B: C: d\nE: F", "ytt: Error: A:\n  B:\n    C: d\nE: F", id="only the first line"),
        pytest.param("Over (in: Order: X): Doc", "ytt: Error: Over (in: Order: X):\n  Doc", id="not in brackets"),
        pytest.param("a] b: C (d: E", "ytt: Error: a] b:\n  C (d: E", id="brackets that do not match"),
        pytest.param("", "ytt: Error: ", id="nothing"),
    ],
)
def test_the_first_line_is_broken_before_what_tells_more(message: str, printed: str) -> None:
    assert as_printed(message) == printed


def test_a_line_of_a_secret_is_not_shown() -> None:
    values = "---\nuser: admin\npassword: hunter2\nnested:\n  token: s3cret\n"
    message = (
        "One or more data values were invalid\n"
        "Secret demo/v key values.yml:\n    |\n  3 | password: hunter2\n    |\n    = found: string\n"
        "    in f\n      web.yml:3 | name: #@ data.values.password\n"
        "      v.yml:5 |   token: s3cret\n  4 | nested:\n  1 | ---\n"
    )
    shown = without_secrets(message, [values], NOTHING)
    assert "hunter2" not in shown
    assert "s3cret" not in shown
    assert f"  3 | {NOT_SHOWN}\n" in shown
    assert f"v.yml:5 |   {NOT_SHOWN}\n" in shown
    for line in ("web.yml:3 | name: #@ data.values.password", "  4 | nested:", "  1 | ---", "    = found: string"):
        assert line in shown.split("\n") or line in shown


def test_an_overlay_from_a_secret_shows_its_instructions_and_no_text() -> None:
    overlay = '#@overlay/match by=overlay.all\n---\n#@ password = "hunter2"\n#@overlay/match missing_ok=True\n'
    message = 'a.yml:1 | #@overlay/match by=overlay.all\na.yml:3 | #@ password = "hunter2"'
    assert (
        without_secrets(message, [overlay], NOTHING)
        == f"a.yml:1 | #@overlay/match by=overlay.all\na.yml:3 | {NOT_SHOWN}"
    )


def test_without_secrets_nothing_is_left_out() -> None:
    assert without_secrets("a.yml:1 | x: y", ["", "\n"], NOTHING) == "a.yml:1 | x: y"


VALUES = """\
user: admin-of-all
pin: 4711081547
nested: {list: [one-more, {deep: very-deep}], key-alone: null}
certificate: |
  BEGIN
  MIIabcdef
"""


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param("fail: no user admin-of-all", f"fail: no user {NO_VALUE}", id="a text"),
        pytest.param("int: 4711081547 is no port", f"int: {NO_VALUE} is no port", id="a number"),
        pytest.param("key very-deep not in dict", f"key {NO_VALUE} not in dict", id="a value in depth"),
        pytest.param("not 'one-more'", f"not '{NO_VALUE}'", id="an entry of a list"),
        pytest.param("bad character after MIIabcdef", f"bad character after {NO_VALUE}", id="a line of a text"),
        pytest.param("found: key-alone, nested, certificate", "found: key-alone, nested, certificate", id="keys"),
    ],
)
def test_a_value_of_a_secret_is_not_shown(message: str, shown: str) -> None:
    assert without_secrets(message, [VALUES], NOTHING) == shown


def test_a_value_that_the_package_says_in_public_is_shown() -> None:
    assert without_secrets("no user admin-of-all", [VALUES], lambda value: value == "admin-of-all") == (
        "no user admin-of-all"
    )


def test_words_of_messages_are_shown() -> None:
    assert without_secrets("found: string", ["type: string\n"], NOTHING) == "found: string"


@pytest.mark.parametrize("text", ["a: [hunter2\n", "hunter2: hunter2: x\n", "\tb: 'hunter2\n"])
def test_of_values_that_are_no_yaml_no_word_is_shown(text: str) -> None:
    assert "hunter2" not in without_secrets("found hunter2 here", [text], NOTHING)


def test_a_text_that_code_of_values_spells_is_not_shown() -> None:
    text = '#@ password = "hunter2"\n#@data/values\n---\na: #@ password\n'
    assert without_secrets("int: invalid literal hunter2", [text], NOTHING) == f"int: invalid literal {NO_VALUE}"
