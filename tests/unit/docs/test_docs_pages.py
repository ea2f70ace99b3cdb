"""The pages agree with the code and with each other. Real: the files of the repository. Nothing is faked."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from packhouse.settings import PREFIX, Settings

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")],
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def links(page: Path) -> list[str]:
    without_code = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return [link for link in LINK.findall(without_code) if not link.startswith(("http:", "https:", "mailto:"))]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as renderers of Markdown make them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(page.read_text()))
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_every_page_of_docs_is_reached_from_the_index() -> None:
    start = ROOT / "docs" / "index.md"
    reached, waiting = set[Path](), [start]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if link[0] != "#"]
    assert [page for page in (ROOT / "docs").rglob("*.md") if page not in reached] == []


def test_the_settings_page_lists_each_setting_and_no_other() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/howto/settings.md").read_text(), re.MULTILINE)
    assert [tunable.name for tunable in fields(Settings)] == listed


def test_no_page_names_a_setting_that_does_not_exist() -> None:
    known = {PREFIX + tunable.name.upper() for tunable in fields(Settings)}
    for page in PAGES:
        named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", page.read_text()))
        strange = {name for name in named - known if not name.startswith(("PACKHOUSE_KEEP", "PACKHOUSE_LOGS"))}
        assert strange <= {"PACKHOUSE_TEST_SEED", "PACKHOUSE_CONFORMANCE"}, page.name


def test_the_readme_names_the_two_commands() -> None:
    assert re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE) == ["demo", "test"]
