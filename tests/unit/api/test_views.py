"""Views: an object of the API is read once, and what it does not say is explicit."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.api.names import DOWNGRADABLE
from packhouse.api.views import InstalledPackage, Meta, Package, PackageRepository, ValuesRef

META = {"name": "web", "namespace": "demo", "uid": "u", "resourceVersion": "7", "generation": 3}


def install(
    status: dict[str, Any] | None = None, annotations: dict[str, str] | None = None, **spec: Any
) -> InstalledPackage:
    wire: dict[str, Any] = {"metadata": {**META, "annotations": annotations}, "spec": spec}
    return InstalledPackage.from_wire(wire if status is None else {**wire, "status": status})


def test_metadata_without_the_optional_parts() -> None:
    meta = Meta.from_wire({"metadata": {"name": "x", "uid": "u"}})
    assert meta == Meta("", "x", "u", "", 0, False, "", (), {})
    assert meta.key == ("", "x")


def test_an_object_that_is_being_deleted_says_so() -> None:
    meta = Meta.from_wire({"metadata": {**META, "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a"]}})
    assert (meta.deleting, list(meta.finalizers)) == (True, ["a"])


def test_an_install_that_says_nothing_has_the_defaults() -> None:
    view = install()
    assert (view.version, view.constraint, view.prereleases, list(view.repositories)) == (None, None, None, [])
    assert (view.sync_period, view.paused, view.canceled, view.noop_delete) == ("10m", False, False, False)
    assert view.default_namespace == "demo"
    assert (view.status, view.conditions) == ({}, ())
    assert (view.recorded_package, view.recorded_repository, view.downgradable) == (None, None, False)
    assert view.owner == "demo/web"


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"constraint": ">1"}, None),
        ({"constraint": ">1", "prereleases": {}}, ()),
        ({"constraint": ">1", "prereleases": {"identifiers": ["rc"]}}, ("rc",)),
    ],
)
def test_no_prereleases_all_of_them_or_some(selection: dict[str, Any], expected: tuple[str, ...] | None) -> None:
    assert install(packageRef={"publicName": "x", "versionSelection": selection}).prereleases == expected


def test_values_are_read_in_their_order_with_or_without_a_key() -> None:
    values = [{"secretRef": {"name": "b", "key": "k"}}, {"secretRef": {"name": "a"}}]
    assert install(values=values).values == (ValuesRef("b", "k"), ValuesRef("a", None))


def test_an_install_remembers_what_was_resolved() -> None:
    view = install(status={"packageRef": {"name": "x.1.0.0", "repository": "main"}})
    assert (view.recorded_package, view.recorded_repository) == ("x.1.0.0", "main")
    assert install(status={"packageRef": {"name": "x.1.0.0"}}).recorded_repository is None


def test_a_downgrade_is_allowed_by_the_annotation_whatever_its_value() -> None:
    assert install(annotations={DOWNGRADABLE: ""}).downgradable


def test_a_repository_that_says_nothing_has_the_defaults() -> None:
    view = PackageRepository.from_wire({"metadata": META})
    assert (view.fetch, list(view.globs), view.sync_period, view.paused) == ({}, [], "5m", False)


def test_a_package_without_a_schema_has_none() -> None:
    view = Package.from_wire({"metadata": META, "spec": {"publicName": "x", "version": "1.0.0"}})
    assert (view.values_schema, view.fetch, view.template, view.deploy) == (None, (), (), ())
