"""Which API versions of Kubernetes itself exist from which of its versions on, and until which one.

Two sources, which agree: the lifecycle of each type in k8s.io/api and k8s.io/apiextensions-apiserver v0.37.2
(zz_generated.prerelease-lifecycle.go: introduced, deprecated, removed, replacement), and, for types that are gone
from there, https://kubernetes.io/docs/reference/using-api/deprecation-guide/. Pure.

Alpha versions are left out. A version is its minor number: 25 is Kubernetes 1.25.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from packhouse.api.errors import InvalidConstraint
from packhouse.client.errors import Usage
from packhouse.domain import versions

#: The newest that the tables know, and what is assumed where nobody says which.
NEWEST: Final = 37
#: The oldest that an answer is given for.
OLDEST: Final = 16


@dataclass(frozen=True, slots=True)
class Passing:
    """Kinds of an API version that does not stay. `off`: no API server serves it unless it is told to."""

    api_version: str
    kinds: str
    introduced: int
    deprecated: int
    removed: int
    replacement: str
    off: bool = False


_WEBHOOKS: Final = "MutatingWebhookConfiguration ValidatingWebhookConfiguration"
_MUTATING: Final = "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"
_VALIDATING: Final = "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"
_RBAC: Final = "ClusterRole ClusterRoleBinding Role RoleBinding"
_FLOW: Final = "FlowSchema PriorityLevelConfiguration"
_CLAIMS: Final = "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice"
_ADMISSION: Final = "admissionregistration.k8s.io"
_NO_PSP: Final = "the Pod Security levels of namespaces"

PASSING: Final = (
    Passing("apps/v1beta1", "ControllerRevision", 7, 8, 16, "apps/v1"),
    Passing("apps/v1beta1", "Deployment", 6, 8, 16, "apps/v1"),
    Passing("apps/v1beta1", "StatefulSet", 5, 8, 16, "apps/v1"),
    Passing("apps/v1beta2", "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet", 8, 9, 16, "apps/v1"),
    Passing("extensions/v1beta1", "DaemonSet Deployment ReplicaSet", 1, 8, 16, "apps/v1"),
    Passing("extensions/v1beta1", "NetworkPolicy", 3, 9, 16, "networking.k8s.io/v1"),
    Passing("extensions/v1beta1", "PodSecurityPolicy", 3, 11, 16, _NO_PSP),
    Passing("extensions/v1beta1", "Ingress", 1, 14, 22, "networking.k8s.io/v1"),
    Passing(f"{_ADMISSION}/v1beta1", _WEBHOOKS, 9, 16, 22, f"{_ADMISSION}/v1"),
    Passing("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", 7, 16, 22, "apiextensions.k8s.io/v1"),
    Passing("apiregistration.k8s.io/v1beta1", "APIService", 7, 19, 22, "apiregistration.k8s.io/v1"),
    Passing("certificates.k8s.io/v1beta1", "CertificateSigningRequest", 12, 19, 22, "certificates.k8s.io/v1"),
    Passing("coordination.k8s.io/v1beta1", "Lease", 12, 19, 22, "coordination.k8s.io/v1"),
    Passing("networking.k8s.io/v1beta1", "Ingress", 14, 19, 22, "networking.k8s.io/v1"),
    Passing("networking.k8s.io/v1beta1", "IngressClass", 18, 19, 22, "networking.k8s.io/v1"),
    Passing("rbac.authorization.k8s.io/v1beta1", _RBAC, 6, 17, 22, "rbac.authorization.k8s.io/v1"),
    Passing("scheduling.k8s.io/v1beta1", "PriorityClass", 11, 14, 22, "scheduling.k8s.io/v1"),
    Passing("storage.k8s.io/v1beta1", "CSIDriver", 14, 19, 22, "storage.k8s.io/v1"),
    Passing("storage.k8s.io/v1beta1", "CSINode", 14, 17, 22, "storage.k8s.io/v1"),
    Passing("storage.k8s.io/v1beta1", "StorageClass", 4, 19, 22, "storage.k8s.io/v1"),
    Passing("storage.k8s.io/v1beta1", "VolumeAttachment", 10, 19, 22, "storage.k8s.io/v1"),
    Passing("autoscaling/v2beta1", "HorizontalPodAutoscaler", 8, 22, 25, "autoscaling/v2"),
    Passing("batch/v1beta1", "CronJob", 8, 21, 25, "batch/v1"),
    Passing("discovery.k8s.io/v1beta1", "EndpointSlice", 16, 21, 25, "discovery.k8s.io/v1"),
    Passing("events.k8s.io/v1beta1", "Event", 8, 22, 25, "events.k8s.io/v1"),
    Passing("node.k8s.io/v1beta1", "RuntimeClass", 13, 22, 25, "node.k8s.io/v1"),
    Passing("policy/v1beta1", "PodDisruptionBudget", 5, 21, 25, "policy/v1"),
    Passing("policy/v1beta1", "PodSecurityPolicy", 10, 21, 25, _NO_PSP),
    Passing("autoscaling/v2beta2", "HorizontalPodAutoscaler", 12, 23, 26, "autoscaling/v2"),
    Passing("flowcontrol.apiserver.k8s.io/v1beta1", _FLOW, 20, 23, 26, "flowcontrol.apiserver.k8s.io/v1beta3"),
    Passing("storage.k8s.io/v1beta1", "CSIStorageCapacity", 21, 24, 27, "storage.k8s.io/v1"),
    Passing("flowcontrol.apiserver.k8s.io/v1beta2", _FLOW, 23, 26, 29, "flowcontrol.apiserver.k8s.io/v1"),
    Passing("flowcontrol.apiserver.k8s.io/v1beta3", _FLOW, 26, 29, 32, "flowcontrol.apiserver.k8s.io/v1"),
    Passing("admissionregistration.k8s.io/v1beta1", _VALIDATING, 28, 31, 34, f"{_ADMISSION}/v1", off=True),
    Passing("networking.k8s.io/v1beta1", "IPAddress ServiceCIDR", 31, 34, 37, "networking.k8s.io/v1", off=True),
    Passing("storage.k8s.io/v1beta1", "VolumeAttributesClass", 31, 34, 37, "storage.k8s.io/v1", off=True),
    Passing("resource.k8s.io/v1beta1", _CLAIMS, 32, 35, 38, "resource.k8s.io/v1", off=True),
    Passing("resource.k8s.io/v1beta2", _CLAIMS, 33, 36, 39, "resource.k8s.io/v1", off=True),
    Passing(f"{_ADMISSION}/v1beta1", _MUTATING, 34, 37, 40, f"{_ADMISSION}/v1", off=True),
    Passing("certificates.k8s.io/v1beta1", "ClusterTrustBundle", 33, 37, 40, "certificates.k8s.io/v1", off=True),
)

#: What stays, from when on: the kinds that came later than their API version, by themselves.
_LASTING: Final[Mapping[str, int]] = {
    "v1": 0,
    "admissionregistration.k8s.io/v1": 16,
    "apiextensions.k8s.io/v1": 16,
    "apiregistration.k8s.io/v1": 10,
    "apps/v1": 9,
    "authentication.k8s.io/v1": 6,
    "authorization.k8s.io/v1": 6,
    "autoscaling/v1": 2,
    "autoscaling/v2": 23,
    "batch/v1": 2,
    "certificates.k8s.io/v1": 19,
    "coordination.k8s.io/v1": 14,
    "discovery.k8s.io/v1": 21,
    "events.k8s.io/v1": 19,
    "flowcontrol.apiserver.k8s.io/v1": 29,
    "networking.k8s.io/v1": 7,
    "node.k8s.io/v1": 20,
    "policy/v1": 21,
    "rbac.authorization.k8s.io/v1": 8,
    "resource.k8s.io/v1": 34,
    "scheduling.k8s.io/v1": 14,
    "storage.k8s.io/v1": 6,
}
_LATER: Final[Mapping[tuple[str, str], int]] = {
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"): 30,
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"): 30,
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy"): 36,
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicyBinding"): 36,
    ("batch/v1", "CronJob"): 21,
    ("certificates.k8s.io/v1", "ClusterTrustBundle"): 37,
    ("networking.k8s.io/v1", "Ingress"): 19,
    ("networking.k8s.io/v1", "IngressClass"): 19,
    ("networking.k8s.io/v1", "IPAddress"): 33,
    ("networking.k8s.io/v1", "ServiceCIDR"): 33,
    ("storage.k8s.io/v1", "CSIDriver"): 18,
    ("storage.k8s.io/v1", "CSINode"): 17,
    ("storage.k8s.io/v1", "CSIStorageCapacity"): 24,
    ("storage.k8s.io/v1", "VolumeAttributesClass"): 34,
}

_BY_KIND: Final = {(row.api_version, kind): row for row in PASSING for kind in row.kinds.split()}
_WRITTEN: Final = re.compile(r"v?1\.(\d{1,3})(?:\.\d+(?:[-+].*)?)?")


def passing(api_version: str, kind: str) -> Passing | None:
    """What is known of an API version that does not stay; None for one that does, or that Kubernetes has none of."""
    return _BY_KIND.get((api_version, kind))


def introduced(api_version: str, kind: str) -> int | None:
    """From when on a kind is there that stays; None where Kubernetes has none of that API version."""
    return _LATER.get((api_version, kind), _LASTING.get(api_version))


def api_groups(minor: int) -> list[str]:
    """The API versions that a server of that version has by itself, sorted."""
    found = {api for api, since in _LASTING.items() if since <= minor}
    found |= {row.api_version for row in PASSING if not row.off and row.introduced <= minor < row.removed}
    return sorted(found)


def read_version(text: str) -> int:
    """ "1.25", "v1.25.3". Raises Usage."""
    found = _WRITTEN.fullmatch(text)
    if found is None or int(found[1]) < OLDEST:
        raise Usage(f"{text!r} is no version of Kubernetes", f"write it like 1.{NEWEST}, and 1.{OLDEST} at least")
    return int(found[1])


def written(minor: int) -> str:
    """As an API server tells its version."""
    return f"v1.{minor}.0"


def newest_within(constraint: str) -> int:
    """The newest version that a range lets through; the newest of all where it lets none, or cannot be read."""
    return next(_within(constraint), NEWEST)


def _within(constraint: str) -> Iterator[int]:
    try:
        yield from (minor for minor in range(NEWEST, OLDEST - 1, -1) if versions.satisfies(f"1.{minor}.0", constraint))
    except InvalidConstraint:
        return
