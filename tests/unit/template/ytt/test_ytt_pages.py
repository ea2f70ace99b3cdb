"""The examples of the pages on ytt and kbld are rendered, and the pages name every option."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.ports import AddedFile, Outside, RenderJob
from packhouse.settings import Settings
from packhouse.template.limits import Limits
from packhouse.template.pipeline import TEMPLATERS, render
from render_jobs import CONTEXT

SPEC = Path(__file__).parents[4] / "docs" / "spec"
LIMITS = Limits.from_settings(Settings())


def documents(page: str) -> list[Any]:
    """Every manifest of the page."""
    blocks = re.findall(r"```yaml\n(.*?)```", (SPEC / page).read_text(), re.DOTALL)
    return [document for block in blocks for document in yaml.safe_load_all(block)]


def rendered(page: str, outside: Outside | None = None) -> list[Any]:
    package = documents(page)[0]
    steps = package["spec"]["template"]["spec"]
    files = {path: text.encode() for path, text in steps["fetch"][0]["inline"]["paths"].items()}
    asked = RenderJob(files, steps["template"], (), None, True, CONTEXT, outside or Outside())
    return list(render(asked, LIMITS).objects)


def test_the_package_of_the_page_on_ytt_renders() -> None:
    config, web = rendered("ytt.md")
    assert config["data"] == {"greeting": "hello"}
    assert (web["spec"]["replicas"], web["metadata"].get("annotations")) == (1, None)


def test_the_overlay_of_the_page_on_ytt_changes_what_it_says() -> None:
    [text] = documents("ytt.md")[1]["stringData"].values()
    _, web = rendered("ytt.md", Outside(overlays=(AddedFile("namespace.yml", "", text.encode()),)))
    assert web["metadata"]["annotations"] == {"team": "shop"}


def test_the_package_of_the_page_on_kbld_runs_the_locked_image() -> None:
    [pod] = rendered("kbld.md")
    [container] = pod["spec"]["containers"]
    assert container["image"].startswith("index.docker.io/library/nginx@sha256:4c0f")


@pytest.mark.parametrize("engine", ["ytt", "kbld"])
def test_each_option_of_a_step_stands_on_its_page(engine: str) -> None:
    listed = re.findall(r"^\| `(\w+)[`.]", (SPEC / f"{engine}.md").read_text(), re.MULTILINE)
    assert TEMPLATERS[engine].options <= set(listed)
