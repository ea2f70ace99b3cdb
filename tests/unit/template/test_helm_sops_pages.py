"""The examples of the pages on helmTemplate and sops are rendered, and the pages name every option and every hook."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest
import yaml

from packhouse.ports import Outside
from packhouse.settings import Settings
from packhouse.template.limits import Limits
from packhouse.template.pipeline import TEMPLATERS, render
from render_jobs import CONTEXT, config_map, job

ROOT = Path(__file__).parents[3]
SPEC = ROOT / "docs" / "spec"


def steps(page: str) -> Any:
    package = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", (SPEC / page).read_text(), re.DOTALL)[0])
    return package["spec"]["template"]["spec"]


def test_the_package_of_the_page_on_helm_renders(helm: Path) -> None:
    spec = steps("helm.md")
    asked = job(spec["fetch"][0]["inline"]["paths"], steps=spec["template"], values="color: red\n", context=CONTEXT)
    told = replace(asked, outside=Outside(metadata={"labels": {"team": "shop"}}))
    [found] = render(told, Limits.from_settings(Settings(helm_program=str(helm)))).objects
    assert (found["metadata"], found["data"]) == (
        {"name": "web", "namespace": "demo"},
        {"greeting": "welcome", "color": "red", "host": "shop"},
    )


def test_the_steps_of_the_page_on_sops_render(sops: Path, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "values.yml").write_text("password: secret\n")
    encrypted = subprocess.run(
        [sops, "encrypt", "--age", str(identity.to_public()), "values.yml"],
        cwd=tmp_path,
        env={"HOME": "/"},
        capture_output=True,
        timeout=60,
        check=True,
    ).stdout
    files = {"values.sops.yml": encrypted, "config/a.yml": config_map(p="{{ values.password }}")}
    outside = Outside(references={("Secret", "age-keys"): {"demo.agekey": str(identity).encode()}})
    asked = replace(job(files, steps=steps("sops.md")["template"]), outside=outside)
    [found] = render(asked, Limits.from_settings(Settings())).objects
    assert found["data"] == {"p": "secret"}


@pytest.mark.parametrize(("page", "engine"), [("helm", "helmTemplate"), ("sops", "sops")])
def test_each_option_of_a_step_stands_on_its_page(page: str, engine: str) -> None:
    listed = re.findall(r"^\| `(\w+)[`.]", (SPEC / f"{page}.md").read_text(), re.MULTILINE)
    assert TEMPLATERS[engine].options <= set(listed)


def test_the_image_has_the_helm_that_the_tests_use() -> None:
    tested = re.search(r"helm\.sh/helm/v4 (v\S+)", (ROOT / "tests/cluster/binaries/go.mod").read_text())
    built = re.search(r"helm\.sh/helm/v4/cmd/helm@(v\S+)", (ROOT / "deploy/image/Containerfile").read_text())
    assert tested is not None
    assert built is not None
    assert tested[1] == built[1]
