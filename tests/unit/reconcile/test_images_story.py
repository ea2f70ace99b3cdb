"""A kbld step with `resolve`: who asks the registry, when, with which credentials, and what status records.

Real: reconcilers, the renderer's pipeline and its answers, the fetch steps. Faked: the cluster, the renderer's process,
the registry (house.TownRegistry).
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes_registry import _digest
from house import House, install, package, reason, secret, states
from packhouse.api.errors import SourceUnreachable
from packhouse.ports import FoundImage, ImageAsk, Json, Rendered
from packhouse.reconcile.images import Answers, recorded

AWAY = SourceUnreachable("registry.test took no connection")
RESOLVE: Json = {"kbld": {"resolve": True}}
NGINX = "registry.test/nginx:1"


def pods(*images: str, steps: Any = ({"jinja2": {}}, RESOLVE), **more: str) -> Json:
    """A Package with a ConfigMap that holds images, for the fake knows no Pods."""
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, labels: {app: '{{ values.app }}'}}\ndata:\n"
    text += "".join(f"  x{number}: {{image: '{image}'}}\n" for number, image in enumerate(images))
    made = package(files={"web.yaml": text, **more})
    made["spec"]["template"]["spec"]["template"] = list(steps)
    return made


def digest(house: House, image: str) -> str:
    return _digest(house.registry.images[image])


async def images(house: House) -> list[str]:
    found = await house.data("web")
    return [entry["image"] for _, entry in sorted((found or {}).items())]


async def later(house: House) -> float | None:
    house.now += timedelta(minutes=10)
    return await house.reconcile()


@pytest.fixture
async def town(house: House) -> House:
    house.registry.images[NGINX] = {"a": b"1"}
    await house.apply(secret("values", "app: one"))
    return house


async def test_a_reference_without_a_lock_gets_the_digest_that_its_registry_says(town: House) -> None:
    await town.apply(pods(NGINX, "nginx@sha256:" + "a" * 64), install(values=["values"]))
    status = await town.settle()

    expected = f"registry.test/nginx@{digest(town, NGINX)}"
    assert await images(town) == [expected, "nginx@sha256:" + "a" * 64]
    assert status["template"]["images"] == [{"image": NGINX, "tag": "1", "url": expected}]
    assert len(town.renderer.jobs) == 2
    assert states(status)["SourceAvailable"] == "True"


async def test_without_resolve_no_registry_is_asked(town: House) -> None:
    await town.apply(
        pods(NGINX, "unknown.test/none:1", steps=[{"jinja2": {}}, {"kbld": {}}]), install(values=["values"])
    )
    status = await town.settle()
    assert states(status)["Ready"] == "True"
    assert town.registry.requests == []
    assert await images(town) == [NGINX, "unknown.test/none:1"]
    assert "images" not in status["template"]


async def test_at_rest_it_asks_once_a_period_and_renders_when_the_tag_moved(town: House) -> None:
    await town.apply(pods(NGINX), install(values=["values"]))
    await town.settle()
    jobs, requests, writes = len(town.renderer.jobs), len(town.registry.requests), len(town.writes())

    await town.reconcile()
    assert len(town.registry.requests) == requests
    await later(town)
    assert (len(town.renderer.jobs), len(town.registry.requests)) == (jobs, requests + 1)
    assert len(town.writes()) == writes

    town.registry.images[NGINX] = {"a": b"2"}
    await later(town)

    assert await images(town) == [f"registry.test/nginx@{digest(town, NGINX)}"]
    assert len(town.renderer.jobs) == jobs + 1, "the answers that were asked for before went with the job"


async def test_a_registry_that_is_away_leaves_what_it_said_last(town: House, tmp_path: Path) -> None:
    await town.apply(pods(NGINX), install(values=["values"]))
    await town.settle()
    before = await images(town)
    town.registry.away = AWAY

    delay = await later(town)
    assert states(await town.status())["Ready"] == "True"
    assert reason(await town.status(), "SourceAvailable") == "SourceUnreachable"
    assert delay is not None
    assert delay <= 1

    again = House(tmp_path, town.cluster)
    again.registry.away = AWAY
    await again.apply(secret("values", "app: two"))
    await again.reconcile()
    status = await again.status()
    assert (states(status)["Ready"], states(status)["SourceAvailable"]) == ("True", "False")
    assert await images(again) == before
    found = await again.find("ConfigMap", "web")
    assert found is not None
    assert found["metadata"]["labels"]["app"] == "two"


async def test_a_reference_that_was_never_answered_fails_with_the_reason_of_its_registry(town: House) -> None:
    town.registry.away = AWAY
    await town.apply(pods(NGINX), install(values=["values"]))
    status = await town.settle()
    assert (reason(status), reason(status, "SourceAvailable")) == ("SourceUnreachable", "SourceUnreachable")
    assert status["template"]["error"] == AWAY.message
    assert await town.data("web") is None


async def test_a_tag_is_chosen_among_those_that_there_are(town: House) -> None:
    for tag in ("1.0.0", "1.4.0", "1.10.0", "2.0.0", "1.11.0-rc.1"):
        town.registry.images[f"registry.test/app:{tag}"] = {"a": tag.encode()}
    config = (
        "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\noverrides:\n- imageRepo: app\n  newImage: registry.test/app\n"
        "  tagSelection: {semver: {constraints: 1.x}}\n"
    )
    await town.apply(pods("app:dev", **{"kbld.yaml": config}), install(values=["values"]))
    status = await town.settle()
    expected = f"registry.test/app@{digest(town, 'registry.test/app:1.10.0')}"
    assert await images(town) == [expected], status
    assert [entry["tag"] for entry in status["template"]["images"]] == ["1.10.0"]


async def test_a_name_of_docker_hub_is_written_as_kbld_writes_it(town: House) -> None:
    town.registry.images["docker.io/library/nginx:1.25"] = {"a": b"1"}
    await town.apply(pods("nginx:1.25"), install(values=["values"]))
    await town.settle()
    assert await images(town) == [f"index.docker.io/library/nginx@{digest(town, 'docker.io/library/nginx:1.25')}"]


async def test_a_fetch_step_s_secret_is_shown_to_its_own_registry_alone(town: House) -> None:
    """Who writes a package may name any registry: a user and a password are for one of them."""
    town.registry.images["registry.test/web:1"] = {
        "web.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"
        b"data: {x0: {image: 'registry.test/nginx:1'}, x1: {image: 'thief.test/x:1'}}\n"
    }
    town.registry.images["thief.test/x:1"] = {"a": b"1"}
    made = pods()
    made["spec"]["template"]["spec"]["fetch"] = [
        {"image": {"url": "registry.test/web:1", "secretRef": {"name": "own"}}}
    ]
    data = {key: base64.b64encode(text.encode()).decode() for key, text in (("username", "u"), ("password", "p"))}
    own = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "own", "namespace": "demo"}, "data": data}
    await town.apply(made, own, install(values=["values"]))
    assert states(await town.settle())["Ready"] == "True"
    shown = dict(zip(town.registry.resolved, town.registry.accesses, strict=True))
    assert [one.username for one in shown["registry.test/nginx:1"].credentials] == ["u"]
    assert shown["thief.test/x:1"].credentials == ()


async def test_a_renderer_that_asks_without_end_is_not_heard_for_ever(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [0]

    async def render(job: Any) -> Rendered:
        asked[0] += 1
        town.registry.images[f"registry.test/x:{asked[0]}"] = {"a": b"1"}
        return Rendered((), (), (ImageAsk(f"registry.test/x:{asked[0]}"),))

    monkeypatch.setattr(town.renderer, "render", render)
    await town.apply(pods(NGINX), install(values=["values"]))
    status = await town.settle()
    assert (reason(status), asked[0]) == ("TemplateFailed", 3)


@pytest.mark.parametrize("image", ["oci-layout:///etc/x", "not an image", "http://169.254.169.254/x"])
async def test_a_renderer_that_asks_for_what_is_no_image_gets_no_answer(
    town: House, monkeypatch: pytest.MonkeyPatch, image: str
) -> None:
    async def render(job: Any) -> Rendered:
        return Rendered((), (), (ImageAsk(image),))

    monkeypatch.setattr(town.renderer, "render", render)
    await town.apply(pods(NGINX), install(values=["values"]))
    assert reason(await town.settle()) == "InvalidSpec"
    assert town.registry.requests == []


async def test_a_renderer_that_asks_unbidden_is_not_heard(town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def render(job: Any) -> Rendered:
        return Rendered((), (), (ImageAsk(NGINX),))

    monkeypatch.setattr(town.renderer, "render", render)
    await town.apply(pods(NGINX, steps=[{"jinja2": {}}]), install(values=["values"]))
    assert reason(await town.settle()) == "TemplateFailed"
    assert town.registry.requests == []


def test_answers_go_to_status_and_back() -> None:
    found = {
        ImageAsk("a", '{"semver": {}}'): FoundImage("a@sha256:1", "1.0.0"),
        ImageAsk("b"): FoundImage("b@sha256:2"),
    }
    assert recorded(json.loads(json.dumps(Answers(found).to_wire()))) == found


@pytest.mark.parametrize(
    "wire", [None, "x", [1], [{}], [{"image": "a"}], [{"image": 1, "url": "b"}], [{"image": "a", "url": 2}]]
)
def test_what_has_another_form_is_no_record(wire: Any) -> None:
    assert recorded(wire) == {}
