"""Tables as they are printed."""

from __future__ import annotations

import pytest

from packhouse.cli.output import Column, Form, Listing, rendered

LISTING = Listing(
    [Column("NAME"), Column("MORE", wide=True), Column("SAID", prose=True)],
    [("a", "x", "one two three four five six seven"), ("b", "y", "")],
    [],
)


def test_prose_is_cut_where_the_line_ends_and_is_whole_elsewhere() -> None:
    assert rendered(LISTING, Form.TABLE, 34).splitlines() == [
        "NAME   SAID",
        "a      one two three four five...",
        "b",
    ]
    assert "five six seven" in rendered(LISTING, Form.TABLE)
    assert "five six seven" in rendered(LISTING, Form.TABLE, 200)


@pytest.mark.parametrize("room", [0, 10, 31])
def test_some_of_the_prose_is_shown_however_narrow_it_is(room: int) -> None:
    assert rendered(LISTING, Form.TABLE, room).splitlines()[1] == "a      one two three four fi..."
