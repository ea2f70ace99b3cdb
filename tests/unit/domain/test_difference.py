"""What differs between an object as it is and as it would be, field by field, and no secret shown."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.domain.difference import differences, laid_over, masked, shown
from packhouse.ports import Json


def config_map(**data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": data}


def pod(*containers: Json, **metadata: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", **metadata},
        "spec": {"containers": list(containers)},
        "status": {"phase": metadata.get("generation", 0)},
    }


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(config_map(a="1"), config_map(a="1"), [], id="nothing"),
        pytest.param(config_map(a="1"), config_map(a="2"), ["~ data.a: '1' -> '2'"], id="a field changes"),
        pytest.param(config_map(a="1"), config_map(a="1", b="2"), ["+ data.b: '2'"], id="a field comes"),
        pytest.param(config_map(a="1", b="2"), config_map(a="1"), ["- data.b: '2'"], id="a field goes"),
        pytest.param(
            pod({"name": "web", "image": "a:1"}, {"name": "side", "image": "s"}),
            pod({"name": "side", "image": "s"}, {"name": "web", "image": "a:2"}),
            ["~ spec.containers[web].image: 'a:1' -> 'a:2'"],
            id="entries of a list are told apart by their name",
        ),
        pytest.param(
            pod(generation=1, resourceVersion="1", uid="u", managedFields=[1]),
            pod(generation=2, resourceVersion="2", uid="v", managedFields=[2]),
            [],
            id="what only the server writes is left out, and status",
        ),
        pytest.param(
            {**pod(), "spec": {"args": ["a", "b"]}},
            {**pod(), "spec": {"args": ["a"]}},
            ["~ spec.args: ['a', 'b'] -> ['a']"],
            id="lists of words differ as a whole",
        ),
    ],
)
def test_fields(before: Json, after: Json, expected: list[str]) -> None:
    assert [str(difference) for difference in differences(before, after)] == expected


def test_a_new_object_is_all_new() -> None:
    assert [str(difference) for difference in differences(None, config_map(a="1"))] == [
        "+ apiVersion: 'v1'",
        "+ kind: 'ConfigMap'",
        "+ metadata: {'name': 'web'}",
        "+ data: {'a': '1'}",
    ]


def test_a_secret_shows_the_names_of_its_keys_alone() -> None:
    def secret(**data: str) -> Json:
        return {**config_map(**data), "kind": "Secret"}

    changed = differences(secret(a="c2VjcmV0", b="x"), secret(a="YW5vdGhlcg==", c="bmV3"))
    arrived = differences(None, secret(a="c2VjcmV0"))

    shown = "\n".join(str(difference) for difference in [*changed, *arrived])
    assert [difference.path for difference in changed] == ["data.a", "data.b", "data.c"]
    assert not any(word in shown for word in ("c2VjcmV0", "YW5vdGhlcg", "bmV3"))
    assert "'a': '(not shown)'" in shown
    assert "~ data.a: '(not shown)' -> '(not shown, another one)'" in shown


COPY = '{"data": {"a": "c2VjcmV0"}}'


@pytest.mark.parametrize(
    "annotation",
    [
        "kubectl.kubernetes.io/last-applied-configuration",
        "kapp.k14s.io/original",
        "kapp.k14s.io/original-diff-md5",
        "example.com/backup",
    ],
)
def test_nor_do_the_copies_of_a_secret_that_tools_keep_in_its_annotations(annotation: str) -> None:
    def secret(text: str, value: str) -> Json:
        metadata = {"name": "web", "annotations": {annotation: text, "example.com/team": "blue"}}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"a": value}}

    one, other = shown(secret(COPY, "hush"), secret(COPY.replace("c2VjcmV0", "b3RoZXI="), "louder"))
    text = repr([one, other, masked(secret(COPY, "hush")), *differences(None, secret(COPY, "hush"))])
    assert not any(word in text for word in ("c2VjcmV0", "b3RoZXI", "hush", "louder", "aHVzaA", "bG91ZGVy"))
    assert "blue" in text
    assert {one.path for one in differences(secret(COPY, "hush"), secret(COPY + " ", "hush"))} == {
        f"metadata.annotations.{annotation}"
    }


def test_texts_of_a_secret_are_the_same_as_their_base64() -> None:
    stored = {**config_map(a="aHVzaA=="), "kind": "Secret"}
    rendered = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": {"a": "hush"}}
    assert differences(stored, rendered) == []


def test_entries_of_a_list_that_two_have_alike_are_not_told_apart_by_it() -> None:
    def dns(*protocols: str) -> Json:
        return {**pod(), "spec": {"ports": [{"port": 53, "protocol": protocol} for protocol in protocols]}}

    assert [one.path for one in differences(dns("UDP", "TCP"), dns("UDP", "SCTP"))] == ["spec.ports"]


def test_what_is_laid_over_a_live_object_changes_what_it_names_and_nothing_else() -> None:
    live = pod({"name": "web", "image": "a:1", "imagePullPolicy": "Always"}, {"name": "side", "image": "s"}, uid="u")
    wanted = pod({"name": "web", "image": "a:2"}, {"name": "new", "image": "n"})
    assert [str(one) for one in differences(live, laid_over(live, wanted))] == [
        "~ spec.containers[web].image: 'a:1' -> 'a:2'",
        "+ spec.containers[new]: {'name': 'new', 'image': 'n'}",
    ]
