"""What every Renderer does. Real: the process and its workers. The fake (fakes_renderer.py) answers the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from fakes_renderer import FakeRenderer
from packhouse.adapters.renderer_client import RendererClient
from packhouse.api import errors
from packhouse.ports import FoundImage, ImageAsk, Json, Outside, Renderer
from packhouse.settings import Settings
from render_jobs import config_map, job

CRDS = Path(__file__).parents[3] / "crds"
SETTINGS = Settings(render_timeout_seconds=20, render_output_most_bytes=20_000, render_workers=1)


@pytest.fixture(scope="module")
def schemas() -> dict[str, Json]:
    found = {}
    for kind in ("Package", "PackageMetadata"):
        crd = yaml.safe_load((CRDS / f"{kind.lower()}.yaml").read_text())
        found[kind] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


@pytest_asyncio.fixture(params=["real", "fake"], loop_scope="module", scope="module")
async def renderer(request: pytest.FixtureRequest) -> AsyncIterator[Renderer]:
    if request.param == "fake":
        yield FakeRenderer(SETTINGS)
        return
    async with RendererClient(SETTINGS) as client:
        yield client


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_job_gives_objects_and_warnings(renderer: Renderer) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string", "default": "ä"}}}
    files: Mapping[str, str | bytes] = {"a.yml": config_map("web", x="{{ values.name }}"), "binary": b"\xff\x00" * 1000}
    rendered = await renderer.render(job(files, schema=schema, values="nmae: x"))
    expected = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"x": "ä"}}
    assert list(rendered.objects) == [expected]
    assert "did you mean name?" in rendered.warnings[0]


async def test_what_only_a_registry_knows_is_asked_and_taken(renderer: Renderer) -> None:
    plain = job(
        {"a.yml": "apiVersion: v1\nkind: A\nmetadata: {name: a}\nimage: x:1\n"}, steps=[{"kbld": {"resolve": True}}]
    )
    asked = await renderer.render(plain)
    assert (list(asked.objects), list(asked.asked)) == ([], [ImageAsk("x:1")])
    answered = replace(plain, outside=Outside(images={ImageAsk("x:1"): FoundImage("x@sha256:2", "1")}))
    rendered = await renderer.render(answered)
    assert (rendered.objects[0]["image"], list(rendered.asked)) == ("x@sha256:2", [])


@pytest.mark.parametrize(
    ("told", "error", "message"),
    [
        ({"files": {"a.yml": "{{ x }}"}}, errors.TemplateFailed, "a.yml:1: 'x' is undefined"),
        ({"files": {"a.yml": "{% include 'a.yml' %}"}}, errors.RenderLimitExceeded, "a.yml:1: includes"),
        ({"files": {"a.yml": "x"}}, errors.RenderedInvalid, "output of a.yml:1: is a text"),
        ({"files": {"a.yml": 'x: "\\ud800"'}}, errors.RenderedInvalid, "output of a.yml:1: "),
        ({"files": {}, "values": "- 1"}, errors.ValuesInvalid, "Secret demo/values key 0.yml:1"),
        ({"files": {}, "schema": {"type": "string"}, "values": "a: 1"}, errors.ValuesInvalid, "expected string"),
        ({"files": {}, "schema": {"type": 1}}, errors.ValuesSchemaInvalid, "valuesSchema"),
        ({"files": {}, "steps": [{"nope": {}}]}, errors.UnsupportedStep, "template step nope is not supported"),
        ({"files": {"a.yml": "{{ 'x' * 30000 }}"}}, errors.RenderLimitExceeded, "RENDER_OUTPUT_MOST_BYTES"),
        (
            {"files": {"a.yml": config_map(x="'" + "ä" * 12_000 + "'")}},
            errors.RenderLimitExceeded,
            "20,000 bytes of output",
        ),
    ],
)
async def test_what_goes_wrong_is_said_by_class_and_words(
    renderer: Renderer, told: dict[str, Any], error: type[errors.PackhouseError], message: str
) -> None:
    with pytest.raises(errors.PackhouseError) as raised:
        await renderer.render(job(**told))
    assert (type(raised.value), message in raised.value.message) == (error, True), raised.value.message


async def test_a_bundle_gives_documents_and_faults(renderer: Renderer, schemas: Mapping[str, Json]) -> None:
    files = {
        "packages/a.yml": b"apiVersion: data.packaging.carvel.dev/v1alpha1\nkind: PackageMetadata\n"
        b"metadata: {name: web.example.com}\nspec: {displayName: Web}\n",
        "packages/b.yml": b"\nkind: ConfigMap\n",
    }
    content = await renderer.read_bundle(files, schemas)
    assert [document["metadata"]["name"] for document in content.documents] == ["web.example.com"]
    assert [(fault.file, fault.line) for fault in content.faults] == [("packages/b.yml", 2)]
