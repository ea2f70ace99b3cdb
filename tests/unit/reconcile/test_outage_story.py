"""A source that gives no answer: what goes on without it, what fails, what status says, and how it heals.

Real: reconcilers, stores, reporter, template steps, the fetch steps. Faked: the cluster, the renderer's process, and a
registry that remembers its answers and keeps what was pulled (house.TownRegistry).
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from house import NAME, House, bundle, config_map, install, package, reason, repository, secret, states
from packhouse.api.errors import (
    AuthenticationFailed,
    DigestMismatch,
    Failed,
    NameUnresolved,
    RateLimited,
    RendererUnavailable,
    SourceUnreachable,
    TlsFailed,
)
from packhouse.api.names import PACKAGE_REPOSITORY
from packhouse.ports import Json, Kind, Ref

IMAGE = "registry.test/web:1"
AWAY = SourceUnreachable("registry.test took no connection")
GONE_ON = {
    "Ready": "True",
    "Reconciling": "False",
    "ReconcileSucceeded": "True",
    "ReconcileFailed": "False",
    "ValuesSchemaCheckFailed": "False",
    "SourceAvailable": "False",
}


def pulled(version: str = "1.0.0", image: str = IMAGE) -> Json:
    """A Package whose content is an image."""
    made = package(version)
    made["spec"]["template"]["spec"]["fetch"] = [{"image": {"url": image}}]
    return made


def offer(house: House, image: str = IMAGE, text: str = "{{ values.greeting }}") -> None:
    house.registry.images[image] = {"web.yaml": config_map("web", text).encode()}


@pytest.fixture
async def town(house: House) -> House:
    """An install that is in place, its content in a registry."""
    offer(house)
    await house.apply(pulled(), secret("values", "greeting: hello"), install(values=["values"]))
    status = await house.settle()
    assert states(status)["Ready"] == "True", status
    return house


async def later(house: House, minutes: float = 10, name: str = "web", kind: str = "InstalledPackage") -> float | None:
    house.now += timedelta(minutes=minutes)
    return await house.reconcile(name, kind)


def condition(status: Json, kind: str) -> Json:
    found: Json = next(condition for condition in status["conditions"] if condition["type"] == kind)
    return found


# ---- what is recorded --------------------------------------------------------------------------------------


async def test_status_says_what_the_sources_stood_for(town: House) -> None:
    fetch = (await town.status())["fetch"]
    [source] = fetch["sources"]
    assert source["kind"] == "image"
    assert source["digest"] == fetch["digest"]
    assert source["source"] == f"{IMAGE}@{fetch['digest']}"
    assert source["version"] == "1"
    assert condition(await town.status(), "SourceAvailable")["reason"] == "Available"


# ---- at rest -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        AWAY,
        NameUnresolved("no such name"),
        TlsFailed("expired"),
        RateLimited("too many"),
        AuthenticationFailed("refused"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_install_at_rest_stays_ready_and_says_which_source_is_away(town: House, error: Failed) -> None:
    town.registry.away = error
    jobs = len(town.renderer.jobs)

    delay = await later(town)

    status = await town.status()
    assert states(status) == GONE_ON
    told = condition(status, "SourceAvailable")
    assert (told["reason"], told["message"]) == (error.reason, error.message)
    assert "usefulErrorMessage" not in status
    assert len(town.renderer.jobs) == jobs
    assert delay is not None
    assert delay <= 1, "it is looked soon whether the source is back"


async def test_an_outage_is_written_once_and_its_end_once(town: House) -> None:
    town.registry.away = AWAY
    await later(town)
    writes = len(town.writes())

    delays = [await later(town) for _ in range(4)]
    town.registry.away = SourceUnreachable("registry.test took no connection within 20.4 s")
    delays.append(await later(town))

    assert len(town.writes()) == writes
    assert delays == sorted({delay or 0.0 for delay in delays}), "the looks back off"

    town.registry.away = None
    assert await later(town) == 600

    assert len(town.writes()) == writes + 1
    status = await town.status()
    assert states(status) == {**GONE_ON, "SourceAvailable": "True"}
    assert condition(status, "SourceAvailable")["message"] == ""


async def test_events_tell_of_an_outage_and_of_its_end(town: House) -> None:
    def events() -> list[tuple[str, str]]:
        return [
            (event.object["type"], event.object["reason"])
            for _, event in town.cluster.history
            if event.object["kind"] == "Event"
        ]

    before = len(events())
    town.registry.away = AWAY
    await later(town)
    await later(town)
    town.registry.away = None
    await later(town)
    assert events()[before:] == [("Warning", "SourceUnreachable"), ("Normal", "Available")]


async def test_the_wait_that_a_registry_names_is_kept(town: House) -> None:
    town.registry.away = RateLimited("too many", retry_after_seconds=120)
    assert await later(town) == 120


async def test_a_look_within_the_period_does_not_notice(town: House) -> None:
    town.registry.away = AWAY
    assert await town.reconcile() == 600
    assert states(await town.status())["SourceAvailable"] == "True", "nobody asked"


# ---- what goes on ------------------------------------------------------------------------------------------


async def test_values_that_change_are_rendered_from_the_cache(town: House) -> None:
    town.registry.away = AWAY
    await later(town)

    await town.apply(secret("values", "greeting: bye"))
    await later(town)

    assert await town.data("web") == {"text": "bye"}
    assert states(await town.status()) == GONE_ON


async def test_what_was_deleted_is_put_back(town: House) -> None:
    town.registry.away = AWAY
    await town.cluster.delete(Ref(Kind("", "v1", "ConfigMap"), "demo", "web"))
    await later(town)
    assert await town.data("web") == {"text": "hello"}
    assert states(await town.status()) == GONE_ON


async def test_a_restarted_operator_goes_on_with_what_status_records(town: House, tmp_path: Path) -> None:
    again = House(tmp_path, town.cluster)
    again.registry.images = town.registry.images
    again.registry._pulled |= town.registry._pulled  # the cache is on disk
    again.registry.away = AWAY
    await again.apply(secret("values", "greeting: again"))

    await again.reconcile()

    assert await again.data("web") == {"text": "again"}
    assert states(await again.status()) == GONE_ON


async def test_a_tag_that_was_deleted_or_moved_meanwhile_stops_nothing(town: House) -> None:
    offer(town, "registry.test/web:2", "other")
    before = dict(town.registry.images)
    digest = (await town.status())["fetch"]["digest"]
    town.registry.images["registry.test/web:old"] = town.registry.images.pop(IMAGE)
    await later(town)
    assert (states(await town.status()), reason(await town.status(), "SourceAvailable")) == (GONE_ON, "SourceNotFound")
    assert (await town.status())["fetch"]["digest"] == digest
    town.registry.images = before
    await later(town)
    assert states(await town.status())["SourceAvailable"] == "True"


# ---- what fails --------------------------------------------------------------------------------------------


async def test_content_that_is_not_cached_is_a_failure_with_the_reason_of_its_source(town: House) -> None:
    town.registry.away = AWAY
    town.registry._pulled.clear()
    await town.apply(secret("values", "greeting: bye"))

    await later(town)

    status = await town.status()
    assert (states(status)["Ready"], states(status)["SourceAvailable"]) == ("False", "False")
    assert (reason(status), reason(status, "SourceAvailable")) == ("SourceUnreachable", "SourceUnreachable")
    assert status["fetch"]["error"] == AWAY.message
    assert await town.data("web") == {"text": "hello"}

    town.registry.away = None
    await later(town)
    status = await town.status()
    assert states(status) == {**GONE_ON, "SourceAvailable": "True"}
    assert "error" not in status["fetch"]


async def test_a_new_version_never_gets_the_content_of_the_one_before(town: House) -> None:
    """Killed, restarted and without its registry: what status records belongs to one Package alone."""
    await town.apply(pulled("2.0.0", "registry.test/web:2"))
    town.registry.away = AWAY

    for _ in range(3):
        await later(town)
        status = await town.status()
        assert (states(status)["ReconcileFailed"], reason(status)) == ("True", "SourceUnreachable")
        assert status["version"] == "1.0.0"
        assert "sources" not in status["fetch"]
    assert await town.data("web") == {"text": "hello"}

    town.registry.away = None
    offer(town, "registry.test/web:2", "two")
    await later(town)
    assert await town.data("web") == {"text": "two"}
    assert (await town.status())["version"] == "2.0.0"


async def test_a_first_install_without_its_source_fails(house: House) -> None:
    house.registry.away = AWAY
    await house.apply(pulled(), install())
    status = await house.settle()
    assert (states(status)["Ready"], states(status)["SourceAvailable"]) == ("False", "False")
    assert reason(status) == "SourceUnreachable"


@pytest.mark.parametrize(
    "sources",
    [
        pytest.param([], id="none"),
        pytest.param([{"kind": "inline", "digest": "sha256:1"}], id="of another kind"),
        pytest.param([{"kind": "image"}], id="without a digest"),
        pytest.param("text", id="of another form"),
    ],
)
async def test_a_record_that_does_not_fit_is_none(town: House, sources: Any) -> None:
    ref = Ref(Kind("install.package.carvel.dev", "v1alpha1", "InstalledPackage"), "demo", "web")
    await town.cluster.patch(ref, [{"op": "replace", "path": "/status/fetch/sources", "value": sources}])
    town.registry.away = AWAY
    await later(town)
    assert reason(await town.status()) == "SourceUnreachable"


async def test_content_that_is_no_good_is_no_outage(town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pull(*_: Any, **__: Any) -> Any:
        raise DigestMismatch("other bytes")

    monkeypatch.setattr(type(town.registry), "pull", pull)
    await town.apply(secret("values", "greeting: bye"))
    await later(town)
    status = await town.status()
    assert (reason(status), states(status)["SourceAvailable"]) == ("DigestMismatch", "True")


async def test_what_could_not_be_pulled_is_resolved_anew(town: House) -> None:
    """A tag that moved and whose old manifest is gone: the digest that was answered a moment ago leads nowhere."""
    town.registry._pulled.clear()
    offer(town, IMAGE, "new")
    await town.apply(secret("values", "greeting: bye"))

    await town.reconcile()  # within the period: the old digest, which is not there any more
    assert reason(await town.status()) == "SourceNotFound"
    await town.reconcile()

    assert await town.data("web") == {"text": "new"}


# ---- who asks the registry ---------------------------------------------------------------------------------


async def test_many_installs_of_one_image_ask_once_in_a_sync_period(house: House) -> None:
    offer(house)
    names = [f"web{number}" for number in range(20)]
    await house.apply(pulled(), secret("values", "greeting: hello"))
    for name in names:
        await house.apply(install(name, values=["values"], adopt=True))
    house.registry.clock = lambda: started
    started = house.now
    for name in names:  # at the same moment, as the fake clock of the registry has it
        await house.settle(name)
    assert house.registry.requests[:1] == [IMAGE]
    assert house.registry.requests.count(IMAGE) == 1

    for period in range(1, 4):
        started = house.now + timedelta(minutes=10 * period)
        for name in names:
            await house.reconcile(name)
        assert house.registry.requests.count(IMAGE) == 1 + period


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/metadata/labels", 0, id="a label"),
        pytest.param("/metadata/annotations", 1, id="an annotation"),
    ],
)
async def test_only_what_somebody_says_to_the_install_asks_anew(town: House, path: str, expected: int) -> None:
    ref = Ref(Kind("install.package.carvel.dev", "v1alpha1", "InstalledPackage"), "demo", "web")
    before = len(town.registry.requests)
    await town.cluster.patch(ref, [{"op": "add", "path": path, "value": {"look": "now"}}])
    await town.reconcile()
    await town.reconcile()
    assert len(town.registry.requests) == before + expected


async def test_a_changed_secret_asks_the_registry_nothing(town: House) -> None:
    before = list(town.registry.requests)
    await town.apply(secret("values", "greeting: bye"))
    await town.reconcile()
    assert await town.data("web") == {"text": "bye"}
    assert town.registry.requests == before


# ---- repositories ------------------------------------------------------------------------------------------


@pytest.fixture
async def shop(house: House) -> House:
    await house.define()
    house.registry.images["registry.test/main:latest"] = bundle(package("1.0.0"))
    await house.apply(repository())
    status = await house.settle("main", PACKAGE_REPOSITORY)
    assert states(status)["SourceAvailable"] == "True", status
    return house


async def test_a_repository_at_rest_stays_ready_and_says_that_its_source_is_away(shop: House) -> None:
    shop.registry.away = AWAY

    delay = await later(shop, 5, "main", PACKAGE_REPOSITORY)

    status = await shop.status("main", PACKAGE_REPOSITORY)
    assert {kind: GONE_ON[kind] for kind in states(status)} == states(status)
    assert reason(status, "SourceAvailable") == "SourceUnreachable"
    assert delay is not None
    assert delay <= 1
    writes = len(shop.writes())
    await later(shop, 5, "main", PACKAGE_REPOSITORY)
    assert len(shop.writes()) == writes

    shop.registry.away = None
    assert await later(shop, 5, "main", PACKAGE_REPOSITORY) == 300
    assert states(await shop.status("main", PACKAGE_REPOSITORY))["SourceAvailable"] == "True"


async def test_a_package_that_somebody_deleted_comes_back_from_the_cache(shop: House) -> None:
    shop.registry.away = AWAY
    await shop.cluster.delete(Ref(Kind("package.carvel.dev", "v1alpha1", "Package"), "", f"{NAME}.1.0.0"))
    await later(shop, 5, "main", PACKAGE_REPOSITORY)
    assert await shop.find("Package", f"{NAME}.1.0.0", "", "package.carvel.dev/v1alpha1") is not None
    assert states(await shop.status("main", PACKAGE_REPOSITORY))["SourceAvailable"] == "False"


async def test_a_changed_spec_of_a_repository_needs_its_source(shop: House) -> None:
    shop.registry.away = AWAY
    await shop.apply(repository(fetch={"imgpkgBundle": {"image": "registry.test/main:next"}}))
    for _ in range(2):
        await later(shop, 5, "main", PACKAGE_REPOSITORY)
        status = await shop.status("main", PACKAGE_REPOSITORY)
        assert (states(status)["ReconcileFailed"], reason(status)) == ("True", "SourceUnreachable")


async def test_a_changed_spec_never_passes_for_the_one_before(shop: House) -> None:
    """Its source answers, its content cannot be read; then the source goes away: nothing of it has arrived."""
    shop.registry.images["registry.test/main:next"] = bundle(package("2.0.0"))
    await shop.apply(repository(fetch={"imgpkgBundle": {"image": "registry.test/main:next"}}))
    shop.renderer.fail_with = RendererUnavailable("gone")
    await later(shop, 5, "main", PACKAGE_REPOSITORY)
    assert reason(await shop.status("main", PACKAGE_REPOSITORY)) == "RendererUnavailable"
    shop.renderer.fail_with = None

    shop.registry.away = AWAY
    for _ in range(2):
        await later(shop, 5, "main", PACKAGE_REPOSITORY)
        assert reason(await shop.status("main", PACKAGE_REPOSITORY)) == "SourceUnreachable"

    shop.registry.away = None
    await later(shop, 5, "main", PACKAGE_REPOSITORY)
    assert states(await shop.status("main", PACKAGE_REPOSITORY))["Ready"] == "True"
    assert await shop.find("Package", f"{NAME}.2.0.0", "", "package.carvel.dev/v1alpha1") is not None


async def test_status_of_a_repository_names_its_source(shop: House) -> None:
    fetch = (await shop.status("main", PACKAGE_REPOSITORY))["fetch"]
    assert fetch["image"] == f"registry.test/main:latest@{fetch['digest']}"
    assert [source["kind"] for source in fetch["sources"]] == ["imgpkgBundle"]


async def test_a_paused_repository_is_deleted_all_the_same(shop: House) -> None:
    await shop.apply(repository(paused=True))
    await shop.reconcile("main", PACKAGE_REPOSITORY)
    shop.registry.away = AWAY
    ref = Ref(Kind("install.package.carvel.dev", "v1alpha1", PACKAGE_REPOSITORY), "", "main")
    await shop.cluster.delete(ref)

    await shop.reconcile("main", PACKAGE_REPOSITORY)

    assert await shop.cluster.get(ref) is None
    assert await shop.find("Package", f"{NAME}.1.0.0", "", "package.carvel.dev/v1alpha1") is None
