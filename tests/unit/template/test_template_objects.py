from __future__ import annotations

import copy
from typing import Any

import pytest

from packhouse.api.errors import RenderedInvalid
from packhouse.template.documents import Document
from packhouse.template.objects import to_objects

GOOD: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}}


def rendered(*values: Any) -> list[Document]:
    return [Document("web.yml", 10 * number + 1, value, rendered=True) for number, value in enumerate(values)]


def named(name: str, **metadata: Any) -> dict[str, Any]:
    return {**GOOD, "metadata": {"name": name, **metadata}}


def test_objects_keep_the_order_of_their_documents_and_empty_ones_are_left_out() -> None:
    assert [named("b"), named("a")] == to_objects(rendered(None, named("b"), {}, named("a")))


def test_lists_are_flattened_even_within_lists() -> None:
    inner = {"apiVersion": "v1", "kind": "List", "items": [named("b")]}
    outer = {"apiVersion": "v1", "kind": "ConfigMapList", "metadata": {}, "items": [named("a"), inner]}
    assert [named("a"), named("b")] == to_objects(rendered(outer))


def test_a_named_object_whose_kind_ends_in_list_is_no_list() -> None:
    obj = {"apiVersion": "x.io/v1", "kind": "AllowList", "metadata": {"name": "a"}, "items": [1]}
    assert [obj] == to_objects(rendered(obj))


def test_the_same_kind_and_name_in_two_namespaces_or_groups_are_two_objects() -> None:
    other_group = {**GOOD, "apiVersion": "x.io/v1"}
    assert len(to_objects(rendered(GOOD, named("web", namespace="a"), named("web", namespace="b"), other_group))) == 4


def test_an_object_given_twice_with_the_same_content_is_one() -> None:
    assert [GOOD, named("b")] == to_objects(rendered(GOOD, named("b"), copy.deepcopy(GOOD)))


def test_a_kapp_config_needs_no_name_and_there_may_be_many() -> None:
    config = {"apiVersion": "kapp.k14s.io/v1alpha1", "kind": "Config", "rebaseRules": []}
    assert [config, config] == to_objects(rendered(config, copy.deepcopy(config)))


def test_one_object_given_twice_with_different_content_is_refused_with_both_places() -> None:
    documents = [
        Document("a.yml", 1, {**GOOD, "apiVersion": "x.io/v1"}),
        Document("b.yml", 7, {**GOOD, "apiVersion": "x.io/v2"}),
    ]
    with pytest.raises(
        RenderedInvalid,
        match=r"^b.yml:7: ConfigMap.x.io web is given .* with other content, first by a.yml:1",
    ):
        to_objects(documents)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("secret", "is a text, where a Kubernetes object (a map) is expected"),
        ([GOOD], "is a list, where"),
        ({"kind": "A", "metadata": {"name": "a"}}, "A a: apiVersion is missing"),
        ({"apiVersion": "v1", "metadata": {"name": "a"}}, "kind is missing"),
        (
            {"apiVersion": 1.0, "kind": "A", "metadata": {"name": "a"}},
            "apiVersion must be a text, found a number: quote it",
        ),
        ({"apiVersion": "v1", "kind": "A"}, "A: metadata is missing"),
        ({"apiVersion": "v1", "kind": "A", "metadata": {}}, "A: metadata.name is missing"),
        (
            {"apiVersion": "v1", "kind": "A", "metadata": {"name": 1}},
            "A: metadata.name must be a text, found a number: quote it",
        ),
        (
            {"apiVersion": "v1", "kind": "A", "metadata": {"generateName": "a-"}},
            "metadata.generateName gives a new object",
        ),
        (named("a", namespace=True), "ConfigMap a: metadata.namespace must be a text, found a boolean: quote it"),
        (
            named("a", annotations={"a/b": True}),
            "metadata.annotations['a/b'] must be a text, found a boolean: quote it",
        ),
        (named("a", annotations={"a/b": {}}), "metadata.annotations['a/b'] must be a text, found a map"),
        (named("a", labels={"x": None}), "metadata.labels['x'] must be a text, found null"),
        (named("a", labels=["x"]), "metadata.labels is a list, where a map is expected"),
        ({**GOOD, "data": {1: "a"}}, "data has a key that is a number: quote it"),
        ({**GOOD, "spec": [float("nan")]}, "spec[0] is not a finite number"),
        ({**GOOD, "spec": {"a": 1 << 70}}, "spec.a is a number of over 64 bits"),
        ({**GOOD, "spec": {"a": b"x"}}, "spec.a is a bytes, which JSON cannot say"),
        ({**GOOD, "spec": {"a": "\ud800"}}, "spec.a holds half of a surrogate pair"),
        ({"apiVersion": "v1", "kind": "List", "items": [None]}, "items[0] is empty"),
    ],
)
def test_what_is_no_object_is_refused_with_its_place_and_without_its_values(value: Any, message: str) -> None:
    with pytest.raises(RenderedInvalid) as refused:
        to_objects(rendered(value))
    assert refused.value.message.startswith("output of web.yml:1: ")
    assert message in refused.value.message
    assert "secret" not in refused.value.message


def test_values_that_nest_too_deep_are_refused() -> None:
    deep: Any = 1
    for _ in range(150):
        deep = [deep]
    with pytest.raises(RenderedInvalid, match="nests deeper than 100 levels"):
        to_objects(rendered({**GOOD, "spec": deep}))
