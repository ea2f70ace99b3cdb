"""Values from the install itself and from the cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from packhouse.api.errors import TemplateFailed
from packhouse.template.downward_api import KAPP_CONTROLLER_VERSION, values_texts

METADATA = {
    "name": "web",
    "namespace": "demo",
    "uid": "u",
    "labels": {"team": "shop", "example.com/tier": "front"},
    "annotations": {},
}
CLUSTER = {"version": "v1.37.2+k3s1", "apiGroups": ["apps/v1", "v1"]}


def values(**item: Any) -> Any:
    [text] = values_texts([{"name": "a.b", **item}], METADATA, CLUSTER)
    return json.loads(text)["a"]["b"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "web"),
        (".metadata.namespace", "demo"),
        ("{metadata.uid}", "u"),
        ("{.metadata.labels}", METADATA["labels"]),
        ("metadata.labels.team", "shop"),
        ("metadata.labels['example.com/tier']", "front"),
        ('metadata.labels["example.com/tier"]', "front"),
        (r"metadata.labels.example\.com/tier", "front"),
        ("metadata.annotations", {}),
    ],
)
def test_a_path_names_a_field_of_the_metadata(path: str, expected: Any) -> None:
    assert values(fieldPath=path) == expected


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"kubernetesVersion": {}}, "1.37.2"),
        ({"kubernetesVersion": {"version": "1.20.0"}}, "1.20.0"),
        ({"kubernetesAPIs": {}}, ["apps/v1", "v1"]),
        ({"kubernetesAPIs": {"groupVersions": ["v2"]}}, ["v2"]),
        ({"kubernetesAPIs": {"groupVersions": []}}, []),
        ({"kappControllerVersion": {}}, KAPP_CONTROLLER_VERSION),
        ({"kappControllerVersion": {"version": "0.1.0"}}, "0.1.0"),
    ],
)
def test_what_is_known_of_the_cluster(item: Any, expected: Any) -> None:
    assert values(**item) == expected


def test_a_dot_behind_a_backslash_belongs_to_the_key() -> None:
    [text] = values_texts([{"name": r"a\.b.c", "fieldPath": "metadata.name"}], METADATA, CLUSTER)
    assert json.loads(text) == {"a.b": {"c": "web"}}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"fieldPath": "metadata.labels.none"}, "names nothing of the install's metadata"),
        ({"fieldPath": "metadata.name.more"}, "names nothing of the install's metadata"),
        ({"fieldPath": "spec.values"}, "names nothing of the install's metadata"),
        ({"fieldPath": "metadata"}, "names the whole metadata"),
        ({"fieldPath": "metadata.labels[0]"}, "cannot be read"),
        ({"fieldPath": "{a}{b}"}, "cannot be read"),
        ({"name": ".a", "fieldPath": "metadata.name"}, "begins or ends with a dot"),
        ({"name": "a..b", "fieldPath": "metadata.name"}, "begins or ends with a dot"),
    ],
)
def test_what_cannot_be_followed_is_refused(item: Any, message: str) -> None:
    with pytest.raises(TemplateFailed, match=message):
        values(**item)
