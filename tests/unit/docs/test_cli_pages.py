"""The pages of the commands agree with the commands. `make pages` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packhouse.cli.pages import pages
from packhouse.client.errors import ExitCode

FOLDER = Path(__file__).parents[3] / "docs" / "cli"


@pytest.mark.parametrize(("name", "text"), pages().items())
def test_each_page_is_what_the_commands_say(name: str, text: str) -> None:
    assert (FOLDER / name).read_text() == text, "run `make pages`"


def test_there_is_no_page_of_a_noun_that_is_gone() -> None:
    assert {path.name for path in FOLDER.glob("*.md")} == {*pages(), "exit-codes.md"}


def test_the_page_of_exit_codes_lists_each() -> None:
    listed = re.findall(r"^\| (\d+) \| (\w+) \|", (FOLDER / "exit-codes.md").read_text(), re.MULTILINE)
    assert [(int(number), name) for number, name in listed] == [(code.value, code.name) for code in ExitCode]
