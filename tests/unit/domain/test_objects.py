"""Objects as plain values: digests that do not depend on notation, marks, and where an object belongs."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.domain.objects import (
    Placement,
    as_stored,
    canonical,
    digest,
    managed_digest,
    owned,
    owner_of,
    ref_of,
    unusable,
)
from packhouse.ports import Json, Kind, Ref

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def config_map(**metadata: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", **metadata}, "data": {"a": "1"}}


def entry(manager: str = "packhouse", operation: str = "Apply", fields: Any = "a", **more: Any) -> Json:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsV1": {"f:data": {f"f:{fields}": {}}},
    } | more


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="the order of keys"),
        pytest.param({"a": 1, "b": None}, {"a": 1}, id="a null in a map"),
        pytest.param({"a": {"b": None}}, {"a": {}}, id="a null further in"),
        pytest.param({"a": 1.0}, {"a": 1}, id="a whole number written with a point"),
    ],
)
def test_a_digest_does_not_depend_on(one: Json, other: Json) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": [1, None]}, {"a": [1]}, id="a null in a list"),
        pytest.param({"a": [1, 2]}, {"a": [2, 1]}, id="the order of a list"),
        pytest.param({"a": "1"}, {"a": 1}, id="a text and a number"),
        pytest.param({"a": True}, {"a": 1}, id="true and 1"),
        pytest.param({"a": 1.5}, {"a": 1}, id="a fraction"),
        pytest.param({"a": {}}, {}, id="an empty map and none"),
    ],
)
def test_a_digest_tells_apart(one: Json, other: Json) -> None:
    assert digest(one) != digest(other)


@given(JSON)
def test_what_is_canonical_stays_so_and_has_the_same_digest(value: Any) -> None:
    once = canonical(value)
    assert canonical(once) == once
    assert digest(once) == digest(value)


@pytest.mark.parametrize(
    ("others", "same"),
    [
        pytest.param([entry(time="2026-01-01T00:00:00Z")], True, id="a time makes no difference"),
        pytest.param([entry(), entry("kubectl", "Update")], True, id="another writer's fields make none"),
        pytest.param([entry(), entry(subresource="status")], True, id="the status of ours makes none"),
        pytest.param([entry(fields="b")], False, id="other fields of ours do"),
        pytest.param([entry("kubectl")], False, id="fields of ours that went do"),
        pytest.param([entry(operation="Update")], False, id="an update is no apply of ours"),
    ],
)
def test_the_managed_digest_follows_the_fields_of_our_manager(others: list[Json], same: bool) -> None:
    before = managed_digest(config_map(managedFields=[entry()]), "packhouse")
    assert (managed_digest(config_map(managedFields=others), "packhouse") == before) is same


def test_a_manager_that_holds_nothing_has_no_digest() -> None:
    assert managed_digest(config_map(), "packhouse") == ""


def test_an_owned_object_names_its_owner_and_the_original_does_not() -> None:
    original = config_map(labels={"x": "y"}, annotations={"note": "1"})
    before = copy.deepcopy(original)
    marked = owned(original, "demo/web")

    assert original == before
    assert owner_of(original) is None
    assert owner_of(marked) == "demo/web"
    assert marked["metadata"]["labels"]["x"] == "y"
    assert marked["metadata"]["annotations"]["note"] == "1"


def test_the_owner_s_label_fits_into_a_label_however_long_the_names() -> None:
    marked = owned(config_map(), f"{'n' * 63}/{'i' * 253}")
    assert all(len(value) <= 63 for value in marked["metadata"]["labels"].values())


@pytest.mark.parametrize(
    ("namespace", "namespaced", "expected"),
    [
        pytest.param(None, True, "demo", id="a namespaced object without one gets the default"),
        pytest.param("", True, "demo", id="an empty namespace is none"),
        pytest.param("other", True, "other", id="a namespace that is named stays"),
        pytest.param("other", False, None, id="a cluster-scoped object loses it"),
        pytest.param(None, False, None, id="a cluster-scoped object has none"),
    ],
)
def test_an_object_is_placed_where_it_belongs(namespace: str | None, namespaced: bool, expected: str | None) -> None:
    obj = config_map() if namespace is None else config_map(namespace=namespace)
    assert Placement("demo").placed(obj, namespaced=namespaced)["metadata"].get("namespace") == expected


@pytest.mark.parametrize(
    ("placement", "namespace", "namespaced", "expected"),
    [
        pytest.param(Placement("demo", "all"), "other", True, "all", id="all go into one namespace"),
        pytest.param(Placement("demo", "all"), None, True, "all", id="those that name none as well"),
        pytest.param(Placement("demo", "all"), None, False, None, id="but not what has no namespace"),
        pytest.param(
            Placement("demo", moved={"other": "new"}), "other", True, "new", id="one namespace becomes another"
        ),
        pytest.param(Placement("demo", moved={"other": "new"}), "third", True, "third", id="a third stays"),
        pytest.param(Placement("demo", moved={"demo": "new"}), None, True, "new", id="the default one becomes another"),
    ],
)
def test_a_deploy_step_says_where_objects_go(
    placement: Placement, namespace: str | None, namespaced: bool, expected: str | None
) -> None:
    obj = config_map() if namespace is None else config_map(namespace=namespace)
    assert placement.placed(obj, namespaced=namespaced)["metadata"].get("namespace") == expected


def test_a_ref_reads_group_and_version() -> None:
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "demo"}}
    assert ref_of(obj) == Ref(Kind("apps", "v1", "Deployment"), "demo", "web")
    assert ref_of(config_map()) == Ref(Kind("", "v1", "ConfigMap"), "", "web")


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param(config_map(), id="a plain name"),
        pytest.param(config_map(name="system:aggregate:x"), id="a name with colons"),
        pytest.param(config_map() | {"apiVersion": "rbac.authorization.k8s.io/v1"}, id="a group with dots"),
        pytest.param(config_map() | {"apiVersion": "example.com/2024-preview"}, id="a version of its own kind"),
    ],
)
def test_what_can_be_named_is_usable(obj: Json) -> None:
    assert unusable(obj) is None


@pytest.mark.parametrize(
    ("obj", "word"),
    [
        (config_map(name="a/b"), "metadata.name 'a/b'"),
        (config_map(name=".."), "metadata.name '..'"),
        (config_map(name="x?dryRun=All"), "metadata.name"),
        (config_map(name="a%2fb"), "metadata.name"),
        (config_map(namespace="../secrets"), "metadata.namespace"),
        (config_map() | {"apiVersion": "../../api/v1"}, "apiVersion"),
        (config_map() | {"apiVersion": "a/b/v1"}, "apiVersion"),
        (config_map() | {"kind": "Config/Map"}, "kind"),
    ],
)
def test_what_would_lead_to_another_path_is_unusable(obj: Json, word: str) -> None:
    problem = unusable(obj)
    assert problem is not None
    assert word in problem


def test_an_object_that_nests_deep_has_a_digest_all_the_same() -> None:
    fields: Json = {}
    for _ in range(900):
        fields = {"f:a": fields}
    deep = {"metadata": {"managedFields": [{"manager": "m", "operation": "Apply", "fieldsV1": fields}]}}
    assert managed_digest(deep, "m") == managed_digest(deep, "m") != ""


SECRET: Json = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "type": "Opaque"}


def test_texts_of_a_secret_are_applied_as_they_are_stored() -> None:
    given = {**SECRET, "data": {"a": "MQ==", "b": "Mg=="}, "stringData": {"b": "two", "c": "\u00e4"}}
    assert as_stored(given) == {**SECRET, "data": {"a": "MQ==", "b": "dHdv", "c": "w6Q="}}


@pytest.mark.parametrize(
    "obj",
    [SECRET, {**SECRET, "kind": "Note", "stringData": {"a": "b"}}, {**SECRET, "stringData": {"a": 1}}],
    ids=["without texts", "another kind", "no texts"],
)
def test_what_has_no_texts_stays_as_it_is(obj: Json) -> None:
    assert as_stored(obj) == obj
