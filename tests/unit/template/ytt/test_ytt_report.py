"""How messages are printed, and what they never show."""

from __future__ import annotations

import pytest

from packhouse.template.ytt.report import NOT_SHOWN, as_printed, without_secrets


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
    shown = without_secrets(message, [values])
    assert "hunter2" not in shown
    assert "s3cret" not in shown
    assert f"  3 | {NOT_SHOWN}\n" in shown
    assert f"v.yml:5 |   {NOT_SHOWN}\n" in shown
    for line in ("web.yml:3 | name: #@ data.values.password", "  4 | nested:", "  1 | ---", "    = found: string"):
        assert line in shown.split("\n") or line in shown


def test_an_overlay_from_a_secret_shows_its_instructions_and_no_text() -> None:
    overlay = '#@overlay/match by=overlay.all\n---\n#@ password = "hunter2"\n#@overlay/match missing_ok=True\n'
    message = 'a.yml:1 | #@overlay/match by=overlay.all\na.yml:3 | #@ password = "hunter2"'
    assert without_secrets(message, [overlay]) == f"a.yml:1 | #@overlay/match by=overlay.all\na.yml:3 | {NOT_SHOWN}"


def test_without_secrets_nothing_is_left_out() -> None:
    assert without_secrets("a.yml:1 | x: y", ["", "\n"]) == "a.yml:1 | x: y"
