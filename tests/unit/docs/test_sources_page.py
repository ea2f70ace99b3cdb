"""The page on sources shows what the API takes, and no kind of source is without words. Real: pages, CRDs, code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from packhouse.domain.bundle import read_bundle
from packhouse.fetch import FETCHERS
from packhouse.fetch.folders import step_folders
from packhouse.ports import Json

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/howto/sources.md"
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)]


def crd(kind: str) -> Json:
    document = yaml.safe_load((ROOT / f"crds/{kind}.yaml").read_text())
    schema: Json = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def fields_of_fetch() -> Json:
    spec = crd("package")["properties"]["spec"]["properties"]["template"]["properties"]["spec"]
    fields: Json = spec["properties"]["fetch"]["items"]["properties"]
    return fields


def fields_of_a_catalogue() -> Json:
    fields: Json = crd("packagerepository")["properties"]["spec"]["properties"]["fetch"]["properties"]
    return fields


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: next(iter(example["fetch"][0])))
def test_an_example_is_a_package_that_the_api_takes(example: Json) -> None:
    template = {"template": [], "deploy": [{"kapp": {}}], **example}
    package = {
        "apiVersion": "package.carvel.dev/v1alpha1",
        "kind": "Package",
        "metadata": {"name": "a.example.com.1.0.0"},
        "spec": {"publicName": "a.example.com", "version": "1.0.0", "template": {"spec": template}},
    }
    content = read_bundle({"packages/a.yml": yaml.safe_dump(package).encode()}, {"Package": crd("package")})
    assert [str(fault) for fault in content.faults] == []
    assert content.documents[0]["spec"]["template"]["spec"]["fetch"] == example["fetch"]  # no field is unknown
    assert len(step_folders(example["fetch"])) == len(example["fetch"])


def test_each_kind_of_source_has_a_field_of_the_crd_and_a_row_of_the_page_of_package() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/spec/package.md").read_text(), re.MULTILINE)
    assert [kind for kind in FETCHERS if kind not in rows or kind not in fields_of_fetch()] == []


def test_each_kind_of_source_has_an_example() -> None:
    pages = [PAGE, *(ROOT / "docs/howto").glob("git-and-http.md")]
    shown = {
        kind
        for page in pages
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
        for kind in FETCHERS
        if re.search(rf"\b{kind}:", block)
    }
    missing = set(FETCHERS) - shown
    assert missing == set()


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        pytest.param("package", fields_of_fetch, id="of a Package"),
        pytest.param("packagerepository", fields_of_a_catalogue, id="of a PackageRepository"),
    ],
)
def test_the_page_names_the_fields_that_each_source_has(name: str, fields: Callable[[], Json]) -> None:
    page = (ROOT / f"docs/spec/{name}.md").read_text()
    for kind, field in fields().items():
        if kind != "path":
            (row,) = re.findall(rf"^\| `{kind}` \|(.*)$", page, re.MULTILINE)
            assert [name for name in field["properties"] if f"`{name}`" not in row] == [], kind
