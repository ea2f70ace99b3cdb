"""The examples of docs/howto/templates-jinja2.md, run as they stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.api.errors import TemplateFailed
from packhouse.template.jinja.filters import FILTERS

PAGE = (Path(__file__).parents[3] / "docs" / "howto" / "templates-jinja2.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| `(\{\{.*\}\})` \| `(.*)` \|$", PAGE, re.MULTILINE)
INSTALL = {"install": {"name": "shop", "namespace": "demo"}}


def block(word: str) -> str:
    [found] = re.findall(rf"^```\w+ {word}\S*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_package_on_the_page_gives_the_output_on_the_page(objects: Callable[..., Any]) -> None:
    files = {"config/web.yml": block("template"), "config/web.conf": "listen 8080"}
    found = objects(files, values=block("values"), context=INSTALL)
    assert found == list(yaml.safe_load_all(block("output")))


def test_the_error_on_the_page_is_the_one_that_is_raised(objects: Callable[..., Any]) -> None:
    with pytest.raises(TemplateFailed) as raised:
        objects({"config/a.yml": block("broken")}, values=block("values"), context=INSTALL)
    assert raised.value.message == block("error").rstrip("\n")


@pytest.mark.parametrize(("name", "expression", "expected"), ROWS)
def test_a_filter_gives_what_its_row_says(value: Callable[..., str], name: str, expression: str, expected: str) -> None:
    assert name in expression
    assert value(expression.replace("\\|", "|")) == expected


def test_every_filter_of_ours_has_a_row() -> None:
    assert set(FILTERS) <= {name for name, _, _ in ROWS}
