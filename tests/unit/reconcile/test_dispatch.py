"""A change wakes those whom it concerns and no others."""

from __future__ import annotations

import pytest

from house import House, bundle, install, package, repository, secret
from packhouse.api.names import DOWNGRADABLE, INSTALLED_PACKAGE, PACKAGE_REPOSITORY
from packhouse.ports import Kind, Ref
from packhouse.queue import Key

INSTALL = Ref(Kind("install.package.carvel.dev", "v1alpha1", INSTALLED_PACKAGE), "demo", "web")


def catalogue(version: str) -> Ref:
    return Ref(Kind("package.carvel.dev", "v1alpha1", "Package"), "", f"web.example.com.{version}")


@pytest.fixture
async def rested(house: House) -> House:
    """Two installs at rest, the second one with values and a constraint that ends before 2."""
    await house.apply(package("1.0.0", "{{ install.name }}"), secret("values", "a: 1"))
    await house.apply(install(), install("other", constraint="<2.0.0", values=["values"]))
    await house.settle()
    await house.settle("other")
    house.woken.since()
    return house


def woken(house: House) -> set[str]:
    house.hear()
    return house.woken.since()


async def test_a_new_object_wakes_itself(house: House) -> None:
    await house.apply(install(), repository())
    assert woken(house) == {"web", "main"}


async def test_our_own_status_wakes_nobody(rested: House) -> None:
    await rested.cluster.delete(Ref(Kind("", "v1", "ConfigMap"), "demo", "web"))
    await rested.reconcile()
    assert woken(rested) == set()


async def test_a_changed_spec_wakes_the_object_alone(rested: House) -> None:
    await rested.apply(install(syncPeriod="1m"))
    assert woken(rested) == {"web"}


async def test_a_changed_annotation_wakes_the_object(rested: House) -> None:
    marked = install()
    marked["metadata"]["annotations"] = {DOWNGRADABLE: ""}
    await rested.apply(marked)
    assert woken(rested) == {"web"}


async def test_a_deletion_wakes_the_object(rested: House) -> None:
    await rested.cluster.delete(INSTALL)
    assert woken(rested) == {"web"}


async def test_a_newer_package_wakes_those_whose_constraint_takes_it(rested: House) -> None:
    await rested.apply(package("2.0.0"))
    assert woken(rested) == {"web"}
    await rested.reconcile()
    await rested.apply(package("1.5.0"))
    assert woken(rested) == {"other"}


async def test_a_package_of_another_name_wakes_nobody(rested: House) -> None:
    other = package("9.0.0")
    other["spec"]["publicName"] = "db.example.com"
    await rested.apply(other)
    assert woken(rested) == set()


async def test_an_installed_package_that_changes_or_goes_wakes_its_installs(rested: House) -> None:
    await rested.apply(package("1.0.0", "{{ install.name }}", "more"))
    assert woken(rested) == {"web", "other"}
    await rested.reconcile("web")
    await rested.reconcile("other")
    woken(rested)
    await rested.cluster.delete(catalogue("1.0.0"))
    assert woken(rested) == {"web", "other"}


async def test_the_return_of_a_package_wakes_those_who_missed_it(rested: House) -> None:
    await rested.cluster.delete(catalogue("1.0.0"))
    await rested.reconcile("web")
    woken(rested)
    await rested.apply(package("1.0.0", "{{ install.name }}"))
    assert "web" in woken(rested)


async def test_a_changed_secret_wakes_those_who_take_values_from_it(rested: House) -> None:
    await rested.apply(secret("values", "a: 2"))
    assert woken(rested) == {"other"}
    await rested.apply(secret("unrelated", "a: 2"))
    assert woken(rested) == set()


async def test_a_package_that_somebody_changes_wakes_the_repository_that_offers_it(house: House) -> None:
    await house.define()
    house.registry.images["registry.test/main:latest"] = bundle(package("1.0.0"))
    await house.apply(repository(), repository("beta"))
    await house.settle("main", PACKAGE_REPOSITORY)
    woken(house)
    await house.cluster.patch(catalogue("1.0.0"), [{"op": "add", "path": "/spec/displayName", "value": "theirs"}])
    assert woken(house) == {"main"}
    await house.cluster.delete(catalogue("1.0.0"))
    assert woken(house) == {"main", "beta"}, "the other one may offer it instead"


async def test_a_key_whose_object_is_gone_is_done(house: House) -> None:
    for kind in (INSTALLED_PACKAGE, PACKAGE_REPOSITORY):
        assert await house.dispatch.reconcile(Key(kind, "demo", "gone")) is None
