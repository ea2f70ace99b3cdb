"""The page on kapp's words says what the tables of the code say. Real: the page, the code and its own example."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from packhouse.domain.inventory import Inventory
from packhouse.domain.kapp.config import split_config
from packhouse.domain.kapp.config_sections import PASSED_OVER, REFUSED, SECTIONS
from packhouse.domain.kapp.matchers import MATCHERS
from packhouse.domain.kapp.options import OPTIONS, SHORT, read_options
from packhouse.domain.kapp.rebase import wants_live
from packhouse.domain.kapp.rules import UpdateStrategy, read_rules
from packhouse.domain.kapp.versioned import name_versions
from packhouse.domain.objects import digest

PAGE = (Path(__file__).parents[3] / "docs/spec/kapp.md").read_text()


def rows(heading: str) -> dict[str, str]:
    """The rows of the tables below a heading, up to the next: words of the first cell -> the second."""
    section = re.split(r"^##+ ", PAGE.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]
    found: dict[str, str] = {}
    for first, second in re.findall(r"^\| (`.*?) \| (.*) \|$", section, re.MULTILINE):
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", first), second)
    return found


def test_every_option_stands_on_the_page_under_what_becomes_of_it() -> None:
    listed = rows("rawOptions")
    shorts = {f"-{short}" for short in SHORT}
    assert set(listed) == {f"--{name}" for name in OPTIONS} | shorts
    for name, option in OPTIONS.items():
        word = "passed over" if option.why else "refused" if option.refused else ""
        assert listed[f"--{name}"].startswith(word), name
        assert bool(option.field) is not bool(re.match("passed over|refused", listed[f"--{name}"])), name


def test_every_section_of_a_config_stands_on_the_page() -> None:
    listed = rows("Config")
    assert set(listed) == {*SECTIONS, *PASSED_OVER, *REFUSED}
    assert {name for name, what in listed.items() if what.startswith("passed over")} == set(PASSED_OVER)
    assert {name for name, what in listed.items() if what.startswith("refused")} == set(REFUSED)


def test_every_matcher_stands_on_the_page() -> None:
    assert set(re.findall(r"`(\w+Matcher)`", PAGE)) == set(MATCHERS)


def test_the_example_means_what_the_page_says() -> None:
    package = yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])
    step = package["spec"]["template"]["spec"]
    rendered = list(yaml.safe_load_all(step["fetch"][0]["inline"]["paths"]["web.yml"]))
    objects, config = split_config(rendered)
    named = name_versions(objects, config, Inventory.of([]), digest_of=digest)
    settings, web = named.objects
    assert settings["metadata"]["name"] == "settings-ver-1"
    assert web["spec"]["template"]["spec"]["containers"][0]["envFrom"] == [{"configMapRef": {"name": "settings-ver-1"}}]
    assert wants_live(web, config)
    assert read_rules(web).update is UpdateStrategy.FALLBACK_ON_REPLACE
    assert {rule.group for rule in read_rules(web).order} == set(read_rules(settings).groups)
    assert read_options(step["deploy"][0]["kapp"]["rawOptions"]).wait_timeout_seconds == 120
