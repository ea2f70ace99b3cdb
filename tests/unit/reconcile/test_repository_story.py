"""The story of a PackageRepository: what arrives in the catalogue, what leaves it, and whose it is."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from house import House, bundle, package, reason, repository, states
from packhouse.api.errors import (
    ClusterUnavailable,
    DeployFailed,
    Forbidden,
    PackhouseError,
    RendererUnavailable,
    SourceUnreachable,
)
from packhouse.api.names import ALSO_OFFERED_BY, PACKAGE_REPOSITORY, REPOSITORY_LABEL, REVISION
from packhouse.ports import Json, Kind, Ref

IMAGE = "registry.test/main:latest"
BAD = "apiVersion: package.carvel.dev/v1alpha1\nkind: Package\nmetadata: {name: x}\nspec: {}\n"
CATALOGUE = Kind("package.carvel.dev", "v1alpha1", "Package")


async def sync(house: House, name: str = "main", *documents: Json | str, **spec: object) -> Json:
    """Publish these documents for the repository `name`, and let it sync until it rests."""
    if documents:
        house.registry.images[f"registry.test/{name}:latest"] = bundle(*documents)
        house.now += timedelta(minutes=5)  # within a sync period the registry is not asked
    await house.apply(repository(name, **spec))
    return await house.settle(name, PACKAGE_REPOSITORY)


async def offered(house: House) -> dict[str, tuple[str | None, str]]:
    """Version -> (owner, the others) of what is in the cluster."""
    found: dict[str, tuple[str | None, str]] = {}
    async for page in house.cluster.pages(CATALOGUE):
        for item in page.items:
            metadata = item["metadata"]
            owner = (metadata.get("labels") or {}).get(REPOSITORY_LABEL)
            found[item["spec"]["version"]] = (owner, (metadata.get("annotations") or {}).get(ALSO_OFFERED_BY, ""))
    return found


async def remove(house: House, name: str = "main") -> float | None:
    await house.cluster.delete(repository_ref(name))
    return await house.reconcile(name, PACKAGE_REPOSITORY)


def repository_ref(name: str) -> Ref:
    return Ref(Kind("install.package.carvel.dev", "v1alpha1", PACKAGE_REPOSITORY), "", name)


@pytest.fixture
async def shop(house: House) -> House:
    await house.define()
    return house


async def test_a_bundle_becomes_packages_with_their_owner(shop: House) -> None:
    status = await sync(shop, "main", package("1.0.0"), package("1.1.0"))

    assert await offered(shop) == {"1.0.0": ("main", ""), "1.1.0": ("main", "")}
    assert states(status)["ReconcileSucceeded"] == "True"
    counts = status["packages"]
    assert [counts[word] for word in ("total", "added", "changed", "removed", "conflicting")] == [2, 2, 0, 0, 0]
    assert (status["version"], status["friendlyDescription"]) == ("latest", "Reconcile succeeded")


async def test_the_same_again_fetches_and_writes_nothing(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"))
    writes, asked = len(shop.cluster.writes), len(shop.registry.requests)

    assert await shop.reconcile("main", PACKAGE_REPOSITORY) == 300
    assert len(shop.registry.requests) == asked, "a look within the sync period asks nobody"
    shop.now += timedelta(minutes=5)
    assert await shop.reconcile("main", PACKAGE_REPOSITORY) == 300

    assert len(shop.cluster.writes) == writes
    assert len(shop.registry.requests) == asked + 1, "one look at the digest"


async def test_a_restarted_operator_writes_nothing(shop: House, tmp_path: Path) -> None:
    await sync(shop, "main", package("1.0.0"))
    writes = len(shop.cluster.writes)
    again = House(tmp_path, shop.cluster)
    again.registry.images = shop.registry.images
    await again.reconcile("main", PACKAGE_REPOSITORY)
    assert len(again.cluster.writes) == writes


async def test_a_new_bundle_adds_changes_and_removes(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"), package("1.1.0"))
    status = await sync(shop, "main", package("1.1.0", "other"), package("1.2.0"))
    assert set(await offered(shop)) == {"1.1.0", "1.2.0"}
    counts = status["packages"]
    assert [counts[word] for word in ("total", "added", "changed", "removed")] == [2, 1, 1, 1]


async def test_a_package_that_somebody_deleted_or_changed_comes_back(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"), package("1.1.0"))
    await shop.cluster.delete(Ref(CATALOGUE, "", "web.example.com.1.0.0"))
    changed = Ref(CATALOGUE, "", "web.example.com.1.1.0")
    await shop.cluster.patch(changed, [{"op": "add", "path": "/spec/displayName", "value": "theirs"}])

    await shop.reconcile("main", PACKAGE_REPOSITORY)

    assert set(await offered(shop)) == {"1.0.0", "1.1.0"}


async def test_while_a_document_is_bad_the_good_ones_arrive_and_nothing_leaves(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"))
    status = await sync(shop, "main", package("1.1.0"), BAD)

    assert set(await offered(shop)) == {"1.0.0", "1.1.0"}
    assert reason(status) == "BundleInvalid"
    assert status["badDocuments"][0]["file"] == "packages/001.yaml"
    assert status["packages"]["removed"] == 0

    mended = await sync(shop, "main", package("1.1.0"))

    assert set(await offered(shop)) == {"1.1.0"}
    assert "badDocuments" not in mended


async def test_what_the_api_server_refuses_is_a_bad_document_too(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"))
    shop.cluster.refuse = lambda verb, ref: DeployFailed("refused") if ref.name.endswith("2.0.0") else None
    status = await sync(shop, "main", package("1.1.0"), package("2.0.0"))
    assert set(await offered(shop)) == {"1.0.0", "1.1.0"}
    assert [doc["message"] for doc in status["badDocuments"]] == ["refused"]


@pytest.mark.parametrize(
    "documents", [pytest.param(("{}",), id="no package at all"), pytest.param((BAD,), id="none that can be used")]
)
async def test_a_bundle_without_a_package_changes_nothing(shop: House, documents: tuple[str, ...]) -> None:
    await sync(shop, "main", package("1.0.0"))
    status = await sync(shop, "main", *documents)
    assert set(await offered(shop)) == {"1.0.0"}
    assert reason(status) == "BundleInvalid"
    assert "nothing was changed" in status["usefulErrorMessage"]


async def test_a_repository_provides_only_what_it_may(shop: House) -> None:
    other = package("1.0.0")
    other["metadata"]["name"] = "db.example.com.1.0.0"
    other["spec"]["publicName"] = "db.example.com"
    await sync(shop, "main", package("1.1.0"), other, packages=["web.*"])
    assert set(await offered(shop)) == {"1.1.0"}


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        pytest.param(SourceUnreachable("no answer"), "SourceUnreachable", id="the registry"),
        pytest.param(RendererUnavailable("gone"), "RendererUnavailable", id="the renderer"),
    ],
)
async def test_trouble_changes_nothing_and_passes(shop: House, trouble: PackhouseError, why: str) -> None:
    await sync(shop, "main", package("1.0.0"))
    images = {**shop.registry.images, "registry.test/main:next": bundle(package("1.1.0"))}
    shop.registry.images = dict(images)
    # a change of spec is something new: the catalogue as it is will not do
    await shop.apply(repository("main", fetch={"imgpkgBundle": {"image": "registry.test/main:next"}}))
    if isinstance(trouble, SourceUnreachable):
        shop.registry.away = trouble
    else:
        shop.renderer.fail_with = trouble

    delay = await shop.reconcile("main", PACKAGE_REPOSITORY)

    assert reason(await shop.status("main", PACKAGE_REPOSITORY)) == why
    assert set(await offered(shop)) == {"1.0.0"}
    assert delay is not None
    assert delay <= 1
    shop.registry.away = shop.renderer.fail_with = None
    await shop.reconcile("main", PACKAGE_REPOSITORY)
    status = await shop.status("main", PACKAGE_REPOSITORY)
    assert states(status)["ReconcileSucceeded"] == "True"
    assert "error" not in status["fetch"]


async def test_a_cluster_that_goes_away_in_the_middle_is_no_bad_document(shop: House) -> None:
    shop.cluster.refuse = lambda verb, ref: ClusterUnavailable("down") if ref.name.endswith("1.1.0") else None
    status = await sync(shop, "main", package("1.0.0"), package("1.1.0"))
    assert reason(status) == "ClusterUnavailable"
    assert "badDocuments" not in status
    shop.cluster.refuse = lambda verb, ref: None
    await shop.reconcile("main", PACKAGE_REPOSITORY)
    assert set(await offered(shop)) == {"1.0.0", "1.1.0"}


@pytest.mark.parametrize(
    ("offers", "refused"),
    [(("1.0.0", "1.1.0"), "1.1.0"), (("1.1.0",), "1.0.0")],
    ids=["nothing was written yet", "nothing was removed yet"],
)
async def test_a_sync_that_failed_after_a_success_is_not_taken_for_one(
    shop: House, offers: tuple[str, ...], refused: str
) -> None:
    await sync(shop, "main", *(package(version) for version in {"1.0.0", *offers} - {"1.1.0"}))
    shop.cluster.refuse = lambda verb, ref: (
        ClusterUnavailable("down") if ref.name.endswith(refused) and verb != "get" else None
    )
    status = await sync(shop, "main", *(package(version) for version in offers))
    assert reason(status) == "ClusterUnavailable"
    shop.cluster.refuse = lambda verb, ref: None
    await shop.reconcile("main", PACKAGE_REPOSITORY)
    assert set(await offered(shop)) == set(offers)


async def test_a_sync_that_ended_writes_no_more(shop: House) -> None:
    plain = shop.cluster.apply

    async def slow(obj: Json, **named: Any) -> Json:
        if obj["metadata"]["name"].endswith("1.0.0"):
            await asyncio.sleep(0.02)
        return await plain(obj, **named)

    shop.cluster.apply = slow  # type: ignore[method-assign]
    shop.cluster.refuse = lambda verb, ref: ClusterUnavailable("down") if ref.name.endswith("1.1.0") else None
    await sync(shop, "main", package("1.0.0"), package("1.1.0"))
    await asyncio.sleep(0.04)
    assert await offered(shop) == {}


# ---- two repositories --------------------------------------------------------------------------------------


async def test_the_same_content_is_shared_and_passed_on(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"), package("1.1.0"))
    await sync(shop, "beta", package("1.0.0"))
    assert await offered(shop) == {"1.0.0": ("main", "beta"), "1.1.0": ("main", "")}

    assert await remove(shop) is None

    assert await offered(shop) == {"1.0.0": ("beta", "")}
    assert await shop.cluster.get(repository_ref("main")) is None


async def test_who_shares_and_leaves_leaves_it_to_the_owner(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"))
    await sync(shop, "beta", package("1.0.0"))
    await remove(shop, "beta")
    assert await offered(shop) == {"1.0.0": ("main", "")}


async def test_other_content_is_a_conflict_that_leaves_the_first_in_place(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"))
    status = await sync(shop, "beta", package("1.0.0", "other"), package("3.0.0"))
    assert await offered(shop) == {"1.0.0": ("main", ""), "3.0.0": ("beta", "")}
    assert reason(status) == "OwnershipConflict"
    assert status["conflicts"][0]["owner"] == "main"
    assert status["packages"]["conflicting"] == 1


async def test_what_was_made_by_hand_stays_its_maker_s(shop: House) -> None:
    await shop.apply(package("1.0.0"))
    status = await sync(shop, "main", package("1.0.0", "other"))
    assert await offered(shop) == {"1.0.0": (None, "")}
    assert status["conflicts"][0]["owner"] == "somebody, by hand"
    await remove(shop)
    assert await offered(shop) == {"1.0.0": (None, "")}


async def test_a_higher_revision_takes_over_and_the_lower_one_rests(shop: House) -> None:
    await sync(shop, "main", package("1.0.0", annotations={REVISION: "1"}))
    await sync(shop, "beta", package("1.0.0", "other", annotations={REVISION: "2"}))
    assert await offered(shop) == {"1.0.0": ("beta", "")}
    await shop.reconcile("main", PACKAGE_REPOSITORY)
    assert states(await shop.status("main", PACKAGE_REPOSITORY))["ReconcileSucceeded"] == "True"
    assert await offered(shop) == {"1.0.0": ("beta", "")}


async def test_the_marks_of_a_hand_over_do_not_outlive_it(shop: House) -> None:
    """A released share is written by a patch, so that a later apply alone would leave the list as it is."""
    await sync(shop, "main", package("1.0.0"))
    await sync(shop, "beta", package("1.0.0"))
    await sync(shop, "gamma", package("1.0.0"))
    await remove(shop, "gamma")
    await sync(shop, "beta", package("1.0.0", "other", annotations={REVISION: "2"}))
    assert await offered(shop) == {"1.0.0": ("beta", "")}

    assert await remove(shop, "beta") is None

    assert await offered(shop) == {}


# ---- the end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 25], ids=["one by one", "as a collection"])
async def test_a_deleted_repository_takes_its_packages_along(shop: House, count: int) -> None:
    await sync(shop, "main", *(package(f"1.{number}.0") for number in range(count)))
    await shop.apply(package("9.0.0"))
    assert await remove(shop) is None
    assert await offered(shop) == {"9.0.0": (None, "")}
    assert await shop.cluster.get(repository_ref("main")) is None


async def test_packages_that_are_not_gone_yet_hold_the_repository(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"))
    held = {"apiVersion": "package.carvel.dev/v1alpha1", "kind": "Package"}
    await shop.apply({**held, "metadata": {"name": "web.example.com.1.0.0", "finalizers": ["x/y"]}})

    delay = await remove(shop)

    status = await shop.status("main", PACKAGE_REPOSITORY)
    assert {"Deleting": "True", "DeleteFailed": "False"}.items() <= states(status).items()
    assert delay is not None
    ref = Ref(CATALOGUE, "", "web.example.com.1.0.0")
    await shop.cluster.patch(ref, [{"op": "remove", "path": "/metadata/finalizers/0"}])
    assert await shop.reconcile("main", PACKAGE_REPOSITORY) is None
    assert await shop.cluster.get(repository_ref("main")) is None


async def test_a_deletion_that_is_refused_says_so(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"))
    shop.cluster.refuse = lambda verb, ref: (
        Forbidden("you may not") if verb == "delete" and ref.kind == CATALOGUE else None
    )
    await remove(shop)
    shop.cluster.refuse = lambda verb, ref: None
    status = await shop.status("main", PACKAGE_REPOSITORY)
    assert (states(status)["DeleteFailed"], reason(status, "DeleteFailed")) == ("True", "Forbidden")


async def test_a_paused_repository_is_not_synced(shop: House) -> None:
    await sync(shop, "main", package("1.0.0"))
    status = await sync(shop, "main", package("1.1.0"), paused=True)
    assert set(await offered(shop)) == {"1.0.0"}
    assert status["friendlyDescription"] == "Paused"
