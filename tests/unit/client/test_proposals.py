"""The objects of an install as the command line writes them. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.client.proposals import (
    Wanted,
    at_version,
    installed_package,
    of_version,
    operations,
    secret_names,
    values_keys,
    values_secret,
    with_spec,
    with_values_from,
)
from packhouse.ports import Json

NAME = "web.example.com"


def install(**package_ref: Any) -> Json:
    return installed_package(Wanted("demo", "web", "installer", {"publicName": NAME, **package_ref}))


def with_secrets(*names: str) -> Json:
    return with_spec(install(), values=[{"secretRef": {"name": name}} for name in names])


def test_the_secret_of_values_holds_the_files_own_text() -> None:
    text = '#@data/values\n---\nhello_msg: "hi"\n'

    secret = values_secret("demo", "knative", [text])

    assert (secret["metadata"]["namespace"], secret["metadata"]["name"]) == ("demo", "knative-values")
    assert secret["stringData"] == {"values.yml": text}


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 100])
def test_keys_are_in_the_order_of_their_names(count: int) -> None:
    keys = values_keys(count)

    assert len(set(keys)) == count
    assert sorted(keys) == keys


def test_options_that_are_not_given_leave_the_defaults() -> None:
    assert install(version="1.0.0")["spec"] == {
        "serviceAccountName": "installer",
        "packageRef": {"publicName": NAME, "version": "1.0.0"},
    }


@pytest.mark.parametrize(
    ("before", "replaced", "after"),
    [
        ((), (), ["new"]),
        (("a",), (), ["a", "new"]),
        (("a", "b", "c"), ("b",), ["a", "new", "c"]),
        (("a", "b", "c"), ("a", "c"), ["new", "b"]),
        (("a",), ("gone",), ["a", "new"]),
    ],
    ids=["the first", "above all others", "in one's place", "in the place of several", "what it replaces is gone"],
)
def test_new_values_stand_in_the_place_of_those_they_replace(
    before: tuple[str, ...], replaced: tuple[str, ...], after: list[str]
) -> None:
    assert secret_names(with_values_from(with_secrets(*before), "new", in_place_of=replaced)) == after


def test_another_version_keeps_the_repositories() -> None:
    before = install(versionSelection={"constraint": "1.x"}, repositories=["main"])

    after = of_version(before, {"publicName": NAME, "version": "2.0.0"})

    assert after["spec"]["packageRef"] == {"publicName": NAME, "version": "2.0.0", "repositories": ["main"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"version": "1.0.0"}, {"version": "2.0.0"}),
        (
            {"versionSelection": {"constraint": "1.0.0", "prereleases": {}}},
            {"versionSelection": {"constraint": "2.0.0", "prereleases": {}}},
        ),
        (
            {"version": "1.0.0", "versionSelection": {"constraint": "<3"}},
            {"version": "2.0.0", "versionSelection": {"constraint": "<3"}},
        ),
    ],
    ids=["a version", "a constraint", "a version within a limit"],
)
def test_a_version_takes_the_place_of_the_one_that_is_named(before: Json, after: Json) -> None:
    assert at_version(install(**before), "2.0.0")["spec"]["packageRef"] == {"publicName": NAME, **after}


def test_a_patch_speaks_of_what_differs_and_never_of_status() -> None:
    before = {**with_spec(install(version="1.0.0"), paused=True), "status": {"version": "1.0.0"}}
    after = with_spec(before, paused=None)

    assert operations(before, after) == [{"op": "add", "path": "/spec", "value": after["spec"]}]
    assert operations(before, before) == []


def test_a_patch_makes_and_removes_annotations_and_fields() -> None:
    role: Json = {"apiVersion": "v1", "kind": "Role", "metadata": {"labels": {"a": "b"}}, "rules": [], "extra": 1}
    after = {"apiVersion": "v1", "kind": "Role", "metadata": {"annotations": {"c": "d"}}, "rules": []}

    assert operations(role, after) == [
        {"op": "remove", "path": "/extra"},
        {"op": "add", "path": "/metadata/labels", "value": {}},
        {"op": "add", "path": "/metadata/annotations", "value": {"c": "d"}},
    ]
