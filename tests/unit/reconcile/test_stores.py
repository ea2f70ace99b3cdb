"""Stores know what the watches said last, never go back in time, and tell of changes once."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.domain.catalogue import Entry
from packhouse.ports import Json
from packhouse.reconcile.stores import Objects, Packages, secret_mark


def obj(version: int, text: str = "x", name: str = "web", namespace: str = "demo") -> Json:
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": "u", "resourceVersion": str(version)},
        "text": text,
    }


@pytest.fixture
def store() -> Objects[str]:
    return Objects(lambda wire: str(wire["text"]))


@pytest.fixture
def changes(store: Objects[str]) -> list[tuple[str | None, str | None]]:
    told: list[tuple[str | None, str | None]] = []
    store.changed = lambda before, after: told.append((before, after))
    return told


KEY = ("demo", "web")


def test_an_older_version_is_ignored(store: Objects[str], changes: list[Any]) -> None:
    store.put(obj(10, "new"))
    store.put(obj(9, "old"))
    store.put(obj(10, "same version, other text"))
    assert store.get(KEY) == "new"
    assert changes == [(None, "new")]


def test_versions_are_compared_as_numbers(store: Objects[str]) -> None:
    store.put(obj(9, "nine"))
    store.put(obj(10, "ten"))
    assert store.get(KEY) == "ten"


def test_a_change_is_told_once_and_an_event_that_changes_nothing_is_not(
    store: Objects[str], changes: list[Any]
) -> None:
    store.put(obj(1, "a"))
    store.put(obj(2, "a"))
    store.put(obj(3, "b"))
    store.drop(KEY)
    store.drop(KEY)
    assert changes == [(None, "a"), ("a", "b"), ("b", None)]


def test_the_store_has_the_change_before_it_is_told(store: Objects[str]) -> None:
    seen: list[str | None] = []
    store.changed = lambda before, after: seen.append(store.get(KEY))
    store.put(obj(1, "a"))
    store.drop(KEY)
    assert seen == ["a", None]


def test_a_refresh_does_not_bring_back_what_is_gone(store: Objects[str], changes: list[Any]) -> None:
    store.put(obj(1, "a"))
    store.refresh(obj(2, "b"))
    store.drop(KEY)
    store.refresh(obj(3, "c"))
    assert store.get(KEY) is None
    assert changes == [(None, "a"), ("a", "b"), ("b", None)]


@pytest.mark.parametrize(("version", "stays"), [("", False), ("4", True), ("5", False), ("6", False)])
def test_a_deletion_takes_nothing_that_was_made_after_it(store: Objects[str], version: str, stays: bool) -> None:
    store.put(obj(5))
    store.drop(KEY, version=version)
    assert (store.get(KEY) is not None) is stays


def test_a_store_may_change_while_it_is_walked_through(store: Objects[str]) -> None:
    store.put(obj(1, "a", "one"))
    store.put(obj(2, "b", "two"))
    for _ in store:
        store.drop(("demo", "one"))
    assert list(store) == ["b"]
    assert len(store) == 1


def test_a_cluster_scoped_object_has_no_namespace_in_its_key(store: Objects[str]) -> None:
    store.put({"metadata": {"name": "main", "uid": "u", "resourceVersion": "1"}, "text": "x"})
    assert store.keys() == {("", "main")}


# ---- the index of packages ---------------------------------------------------------------------------------


def package(version: str, resource_version: int, public_name: str = "web.example.com") -> Json:
    metadata = {"name": f"web.{version}", "uid": "u", "resourceVersion": str(resource_version)}
    return {"kind": "Package", "metadata": metadata, "spec": {"publicName": public_name, "version": version}}


def found(packages: Packages, public_name: str = "web.example.com") -> set[str]:
    return {entry.version for entry in packages.lookup(public_name, "demo")}


def test_packages_are_found_by_their_public_name() -> None:
    packages = Packages()
    packages.put(package("1.0.0", 1))
    packages.put(package("1.1.0", 2))
    packages.put(package("9.0.0", 3, "other.example.com"))
    assert found(packages) == {"1.0.0", "1.1.0"}
    packages.drop(("", "web.1.0.0"))
    assert found(packages) == {"1.1.0"}
    packages.drop(("", "web.1.1.0"))
    assert found(packages) == set()
    assert packages.lookup("unknown", "demo") == []


def test_a_package_that_changes_its_public_name_moves() -> None:
    packages = Packages()
    packages.put(package("1.0.0", 1))
    packages.put(package("1.0.0", 2, "new.example.com"))
    assert found(packages) == set()
    assert found(packages, "new.example.com") == {"1.0.0"}


def test_the_index_knows_a_change_when_it_is_told() -> None:
    packages = Packages()
    seen: list[set[str]] = []

    def note(before: Entry | None, after: Entry | None) -> None:
        seen.append(found(packages))

    packages.changed = note
    packages.put(package("1.0.0", 1))
    packages.drop(("", "web.1.0.0"))
    assert seen == [{"1.0.0"}, set()]


def test_a_secret_is_kept_as_a_mark_that_changes_with_it() -> None:
    first, second = secret_mark(obj(1)), secret_mark(obj(2))
    assert first[0] == second[0] == KEY
    assert first[1] != second[1]
    assert secret_mark({**obj(1), "data": {"password": "x"}}) == first
