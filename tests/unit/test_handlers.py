"""Handlers: kopf's events go into the stores, and a deletion takes out what it speaks of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import kopf
import pytest

from packhouse import handlers
from packhouse.api.names import INSTALLED_PACKAGE, PACKAGE_REPOSITORY
from packhouse.api.views import InstalledPackage, PackageRepository
from packhouse.reconcile.stores import Objects

Seen = Callable[..., Awaitable[None]]


@pytest.fixture
def installs() -> Objects[InstalledPackage]:
    return Objects(InstalledPackage.from_wire)


@pytest.fixture
def repositories() -> Objects[PackageRepository]:
    return Objects(PackageRepository.from_wire)


@pytest.fixture
def registry(installs: Objects[Any], repositories: Objects[Any]) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    handlers.register(registry, {INSTALLED_PACKAGE: installs, PACKAGE_REPOSITORY: repositories})
    return registry


def seen(registry: kopf.OperatorRegistry, plural: str) -> Seen:
    handlers = registry._watching.get_all_handlers()
    [found] = [handler for handler in handlers if handler.selector and handler.selector.any_name == plural]
    return found.fn


def body(version: str, name: str = "web", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"u-{name}", "resourceVersion": version, **metadata}, "spec": {}}


async def test_each_kind_feeds_its_own_store(
    registry: kopf.OperatorRegistry, installs: Objects[InstalledPackage], repositories: Objects[PackageRepository]
) -> None:
    await seen(registry, "installedpackages")(type="ADDED", body=body("1", namespace="demo"))
    await seen(registry, "packagerepositories")(type=None, body=body("1", "main"))

    assert installs.keys() == {("demo", "web")}
    assert repositories.keys() == {("", "main")}


async def test_a_deletion_takes_the_object_out(
    registry: kopf.OperatorRegistry, installs: Objects[InstalledPackage]
) -> None:
    see = seen(registry, "installedpackages")
    await see(type="MODIFIED", body=body("1", namespace="demo"))
    await see(type="DELETED", body=body("2", namespace="demo"))
    assert len(installs) == 0


async def test_a_late_deletion_leaves_what_was_made_anew(
    registry: kopf.OperatorRegistry, installs: Objects[InstalledPackage]
) -> None:
    see = seen(registry, "installedpackages")
    await see(type="ADDED", body=body("3", namespace="demo"))
    await see(type="DELETED", body=body("2", namespace="demo"))
    assert installs.keys() == {("demo", "web")}


async def test_a_deletion_of_what_was_never_seen_is_nothing(
    registry: kopf.OperatorRegistry, installs: Objects[InstalledPackage]
) -> None:
    await seen(registry, "installedpackages")(type="DELETED", body=body("2", namespace="demo"))
    assert len(installs) == 0
