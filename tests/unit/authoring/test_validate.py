"""What a cluster would say of objects, by the schemas that it gives. The schemas are few and small here; tests/e2e has
those of a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.authoring.validate import Validator, not_served
from packhouse.ports import Json, Kind, Served

ANY = {"x-kubernetes-preserve-unknown-fields": True}
APPS: Json = {
    "components": {
        "schemas": {
            "apps.Deployment": {
                "type": "object",
                "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Deployment"}],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"allOf": [{"$ref": "#/components/schemas/Meta"}], "default": {}},
                    "spec": {"allOf": [{"$ref": "#/components/schemas/Spec"}], "default": {}},
                },
            },
            "Meta": {"type": "object", "properties": {"name": {"type": "string"}, "namespace": {"type": "string"}}},
            "Spec": {
                "type": "object",
                "required": ["selector"],
                "properties": {
                    "replicas": {"type": "integer", "format": "int32"},
                    "selector": {"type": "object", "additionalProperties": {"type": "string"}},
                    "port": {"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"},
                    "strategy": {"type": "string", "enum": ["Recreate", "RollingUpdate"]},
                },
            },
        }
    }
}


class Schemas:
    """A cluster that serves Deployments, and an aggregated API that describes nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def served(self, kind: Kind, *, anew: bool = False) -> Served | None:
        known = {"Deployment": "apps", "Metric": "metrics.k8s.io"}
        return Served(kind, kind.kind.lower(), True) if known.get(kind.kind) == kind.group else None

    async def openapi(self, group: str, version: str) -> Json | None:
        self.asked.append(f"{group}/{version}")
        return APPS if (group, version) == ("apps", "v1") else None


def deployment(**spec: Any) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "demo"},
        "spec": {"selector": {"app": "web"}, **spec},
    }


async def faults(*objects: Json) -> list[str]:
    return [str(fault) for fault in await Validator(Schemas()).faults(objects)]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"replicas": 2, "port": "http"}, []),
        ({"replicas": None, "port": 80}, []),
        ({"replica": 2}, ["spec.replica is not known (did you mean replicas?)"]),
        ({"replicas": "2"}, ["spec.replicas: expected integer, found string"]),
        ({"port": []}, ["spec.port: expected integer or string, found array"]),
        ({"strategy": "Fast"}, ["spec.strategy: expected one of Recreate, RollingUpdate, found another string"]),
        ({"selector": {"app": 1}}, ["spec.selector.app: expected string, found integer"]),
        (
            {"strategy": "Recreate", "selector": None},
            ["spec.selector: expected a value, it is required, found nothing"],
        ),
    ],
)
async def test_a_field_that_the_cluster_would_not_take_is_named(spec: Json, words: list[str]) -> None:
    assert await faults(deployment(**spec)) == [f"Deployment demo/web: {word}" for word in words]


async def test_what_the_schema_of_a_built_in_type_requires_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server itself takes a Role without rules, though its schema does not."""
    inner = APPS["components"]["schemas"]
    monkeypatch.setitem(inner, "io.k8s.Spec", inner["Spec"])
    monkeypatch.setitem(inner["apps.Deployment"]["properties"], "spec", {"$ref": "#/components/schemas/io.k8s.Spec"})
    assert await faults(deployment(selector=None, replica=1)) == [
        "Deployment demo/web: spec.replica is not known (did you mean replicas?)"
    ]


async def test_what_many_cases_render_is_told_once_and_a_version_is_asked_for_once() -> None:
    schemas = Schemas()
    validator = Validator(schemas)
    found = await validator.faults([deployment(replica=1), deployment(replica=2), deployment()])
    assert ([fault.what for fault in found], schemas.asked) == (
        ["spec.replica is not known (did you mean replicas?)"],
        ["apps/v1"],
    )


def custom(**spec: Any) -> Json:
    return {"apiVersion": "example.com/v1", "kind": "Tab", "metadata": {"name": "one"}, "spec": spec}


def definition(schema: Any) -> Json:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "tabs.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Tab", "plural": "tabs"},
            "versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}],
        },
    }


SIZED = {
    "type": "object",
    "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer", "minimum": 2}, "any": ANY}}},
}


async def test_a_kind_that_the_package_brings_is_known_by_its_crd() -> None:
    found = await faults(custom(size=1, siz=2, any={"x": 1}), definition(SIZED))
    assert [one for one in found if one.startswith("Tab")] == [
        "Tab one: spec.siz is not known (did you mean size?)",
        "Tab one: spec.size: expected at least 2, found a smaller integer",
    ]


@pytest.mark.parametrize("schema", [None, [], {"type": "object", "properties": {"spec": {"type": "nothing"}}}])
async def test_a_crd_that_nobody_can_read_defines_no_kind(schema: Any) -> None:
    found = await faults(custom(size=1), definition(schema))
    assert "Tab one: the cluster has no Tab (example.com/v1), and the package brings no CRD of it" in found


async def test_a_kind_that_is_served_and_not_described_is_left_alone() -> None:
    metric = {"apiVersion": "metrics.k8s.io/v1", "kind": "Metric", "metadata": {"name": "cpu"}, "load": 1}
    assert await faults(metric) == []


def test_a_version_of_kubernetes_serves_what_its_tables_say() -> None:
    objects = [
        {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}},
        custom(),
    ]
    assert [str(fault) for fault in not_served(objects, 25)] == [
        "PodDisruptionBudget web: policy/v1beta1 is gone since Kubernetes 1.25; use policy/v1"
    ]
    assert [str(fault) for fault in not_served(objects, 18)] == [
        "Ingress web: networking.k8s.io/v1 is there from Kubernetes 1.19 on"
    ]
