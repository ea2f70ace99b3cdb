"""Rules of the objects that come out: API versions, namespaces, selectors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from packhouse.authoring import kubernetes_apis
from packhouse.authoring.images import words
from packhouse.authoring.lint.findings import Finding
from packhouse.authoring.lint.subject import NAMESPACE, Subject
from packhouse.ports import Json

_WORKLOADS: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})
_ENDPOINTS: Final = frozenset({"Endpoints", "EndpointSlice"})
#: Namespaces that every cluster has, and that some objects must be in.
_OF_EVERY_CLUSTER: Final = "kube-"
_SERVICE_NAME: Final = "kubernetes.io/service-name"


def api_versions(subject: Subject) -> Iterator[Finding]:
    for obj in subject.objects:
        api, kind = obj["apiVersion"], obj["kind"]
        row = kubernetes_apis.passing(api, kind)
        since = row.introduced if row is not None else kubernetes_apis.introduced(api, kind)
        place = subject.of_object(obj, rf"apiVersion: *[\"']?{re.escape(api)}[\"']?\s*$")
        of = f"{api} {kind} ({words(obj)})"
        if since is not None and since > subject.minor:
            yield Finding(
                "api-removed", place, f"{of} is there from Kubernetes 1.{since} on, and 1.{subject.minor} is aimed at"
            )
        elif row is not None and row.removed <= subject.minor:
            message = f"{of} is not served from Kubernetes 1.{row.removed} on; use {row.replacement}"
            yield Finding("api-removed", place, message)
        elif row is not None and row.deprecated <= subject.minor:
            message = f"{of} is deprecated, and not served from Kubernetes 1.{row.removed} on; use {row.replacement}"
            yield Finding("api-deprecated", place, message)


def namespace_fixed(subject: Subject) -> Iterator[Finding]:
    """A namespace that the package makes itself is its own, and one that a value gives is the installer's."""
    kapp = next((step["kapp"] or {} for step in subject.project.view.deploy if "kapp" in step), {})
    made = {obj["metadata"]["name"] for obj in subject.objects if obj["kind"] == "Namespace"}
    named = {(obj.get("metadata") or {}).get("namespace") for obj in subject.objects}
    moved = {pair.partition("=")[0] for pair in kapp.get("mapNs") or ()}
    if kapp.get("intoNs"):
        return
    for namespace in sorted(filter(None, named - made - moved - {NAMESPACE})):
        place = subject.sources.search(rf"^[ -]*namespace: *[\"']?{re.escape(namespace)}[\"']?\s*(#.*)?$")
        if place is not None and not namespace.startswith(_OF_EVERY_CLUSTER):
            message = (
                f"namespace {namespace} is written into a template; leave it out, and the install says where objects go"
            )
            yield Finding("namespace-fixed", place, message)


def selector_missing(subject: Subject) -> Iterator[Finding]:
    """What the API server refuses in any case."""
    for obj in subject.objects:
        if not obj["apiVersion"].startswith("apps/") or obj["kind"] not in _WORKLOADS:
            continue
        spec: Any = obj.get("spec") or {}
        selector: Any = spec.get("selector") or {}
        wanted = selector.get("matchLabels") or {}
        labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
        if not wanted and not selector.get("matchExpressions"):
            yield Finding("selector-missing", subject.of_object(obj), f"{words(obj)} has no spec.selector")
        elif missing := [key for key, value in wanted.items() if labels.get(key) != value]:
            message = f"{words(obj)} selects {missing[0]}={wanted[missing[0]]}, which its own pods do not have"
            yield Finding("selector-missing", subject.of_object(obj), message)


def service_selector(subject: Subject) -> Iterator[Finding]:
    with_endpoints = {_service_of(obj) for obj in subject.objects if obj["kind"] in _ENDPOINTS}
    for obj in subject.objects:
        if (obj["apiVersion"], obj["kind"]) != ("v1", "Service"):
            continue
        spec = obj.get("spec") or {}
        if not spec.get("selector") and spec.get("type") != "ExternalName" and _service_of(obj) not in with_endpoints:
            yield Finding("service-selector", subject.of_object(obj), f"{words(obj)} selects no pods: it leads nowhere")


def _service_of(obj: Json) -> str:
    metadata = obj["metadata"]
    return str((metadata.get("labels") or {}).get(_SERVICE_NAME) or metadata["name"])
