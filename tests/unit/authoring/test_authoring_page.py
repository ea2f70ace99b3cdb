"""docs/howto/authoring.md says what the code does. Real: the page, and what the verbs print."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from packhouse.authoring.kubernetes_apis import NEWEST, OLDEST
from packhouse.authoring.lint.findings import RULES

PAGE = (Path(__file__).parents[3] / "docs/howto/authoring.md").read_text()


def test_the_page_lists_each_rule_with_its_level_and_sentence() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning|hint) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(name, rule.level.value, rule.says) for name, rule in RULES.items()]


def test_the_page_shows_what_init_writes(verb: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    [shown] = re.findall(r"\$ packhouse package init shop\n(.*?)```", PAGE, re.DOTALL)
    assert verb("init", "shop") == 0
    assert capsys.readouterr().out == shown


def test_the_page_says_which_versions_of_kubernetes_are_known() -> None:
    assert f"known from 1.{OLDEST} to 1.{NEWEST}" in PAGE
