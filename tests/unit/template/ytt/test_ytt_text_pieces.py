"""Text and the code in it, taken apart."""

from __future__ import annotations

import pytest

from packhouse.template.ytt.compile.text_pieces import split
from packhouse.template.ytt.errors import YttError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [""], id="empty"),
        pytest.param("a", ["a"], id="no code"),
        pytest.param("a(@= x @)b", ["a", "= x ", "b"], id="code between"),
        pytest.param("(@@)", ["", "", ""], id="empty code"),
        pytest.param("(@ x @)(@ y @)", ["", " x ", "", " y ", ""], id="code after code"),
        pytest.param("a \n (@- x @) b", ["a", "- x ", " b"], id="space goes before"),
        pytest.param("a (@ x -@) \n b", ["a ", " x -", "b"], id="space goes after"),
        pytest.param("a (@-@) b", ["a", "-", "b"], id="one dash does both"),
        pytest.param("a \x1c(@- x @)", ["a \x1c", "- x ", ""], id="what Go takes for no space stays"),
        pytest.param("(", ["("], id="a bracket alone"),
    ],
)
def test_text_and_code_take_turns(text: str, expected: list[str]) -> None:
    assert [piece.content for piece in split(text, 1)] == expected


def test_pieces_know_their_lines() -> None:
    pieces = split("a\n(@ x\ny @)\nb(@= z @)", 5)

    assert [(piece.line, piece.is_code) for piece in pieces] == [
        (5, False),
        (6, True),
        (7, False),
        (8, True),
        (8, False),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('(@= "@)" @)', "Unexpected code closing '@)' at line 1 col 11", id="closed in a string"),
        pytest.param("a\n@)", "Unexpected code closing '@)' at line 2 col 2", id="not opened"),
        pytest.param("(@ (@", "Unexpected code opening '(@' at line 1 col 5", id="opened twice"),
        pytest.param("(@ x\nab", "Missing code closing '@)' at line 2 col 3", id="not closed"),
        pytest.param("(@)", "Unexpected code closing '@)' at line 1 col 3", id="opening and closing overlap"),
    ],
)
def test_code_that_does_not_open_and_close_is_refused(text: str, message: str) -> None:
    with pytest.raises(YttError) as caught:
        split(text, 1)

    assert caught.value.message == message


def test_a_text_of_many_pieces_takes_time_in_proportion() -> None:
    pieces = split("text (@= x @)\n" * 20_000, 1)

    assert len(pieces) == 40_001
