"""A webhook of the package itself that nobody answers: installed, mended by the next version, and deleted.

Nothing runs behind the Service: pods are kwok's.
"""

from __future__ import annotations

from goods import offer, there, workload
from lab import Json, Lab, cluster_rights, install

EVERYTHING = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]


def parts(word: str, namespace: str, version: str) -> list[Json]:
    group = f"{word}.example.com"
    crd: Json = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"toys.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Toy", "plural": "toys", "singular": "toy"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                }
            ],
        },
    }
    toy = {"apiVersion": f"{group}/v1", "kind": "Toy", "metadata": {"name": "bear"}, "spec": {"version": version}}
    backend = workload("backend")
    backend["spec"]["template"]["spec"]["containers"][0]["image"] = f"registry.example/backend:{version}"
    hook: Json = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": word},
        "webhooks": [
            {
                "name": f"toys.{group}",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "timeoutSeconds": 1,
                "clientConfig": {"service": {"name": "nothing", "namespace": namespace}},
                "rules": [{"apiGroups": [group], "apiVersions": ["*"], "operations": ["*"], "resources": ["toys"]}],
            }
        ],
    }
    return [crd, toy, backend, hook]


def test_a_version_that_mends_what_is_behind_a_webhook_is_not_kept_out_by_it(
    lab: Lab, installer: str, unique: str
) -> None:
    lab.apply(*cluster_rights(unique, installer, EVERYTHING))
    name = offer(lab, unique, *parts(unique, installer, "1"))
    offer(lab, unique, *parts(unique, installer, "2"), version="2.0.0")
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)

    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "2.0.0"}}}, installer)

    failed = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="ApiServerError")
    assert "Toy" in failed["status"]["usefulErrorMessage"]
    backend = there(lab, "deployment", "backend", installer)
    assert backend["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/backend:2"

    # As if the new backend answered.
    lab.delete("validatingwebhookconfiguration", unique)
    lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "2.0.0")
    assert there(lab, f"toys.{unique}.example.com", "bear", installer)["spec"] == {"version": "2"}

    lab.delete("ipkg", "web", installer, wait=False)
    lab.gone("ipkg", "web", installer)
    assert lab.get("customresourcedefinition", f"toys.{unique}.example.com") is None
