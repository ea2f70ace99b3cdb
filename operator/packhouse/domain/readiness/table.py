"""The table of kinds: who says of which kind when it is ready. What stands nowhere is judged as a custom resource.

Kinds are named as in domain/order.py: "Kind" or "Kind.group"; the version does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from packhouse.api.names import (
    INSTALL_GROUP,
    INSTALLED_PACKAGE,
    PACKAGE,
    PACKAGE_GROUP,
    PACKAGE_METADATA,
    PACKAGE_REPOSITORY,
)
from packhouse.domain.kapp.config_values import WaitRule
from packhouse.domain.objects import kind_of
from packhouse.domain.readiness import parts, workloads
from packhouse.domain.readiness.reading import section
from packhouse.domain.readiness.rules import by_rules
from packhouse.domain.readiness.verdict import Readiness, ready, waiting
from packhouse.ports import Json, Kind

KINDS: Final[Mapping[str, Callable[[Json], Readiness]]] = {
    "Namespace": parts.namespace,
    "Service": parts.service,
    "PersistentVolumeClaim": parts.persistent_volume_claim,
    "PersistentVolume": parts.persistent_volume,
    "Pod": workloads.pod,
    "ReplicationController": workloads.replica_set,
    "ReplicaSet.apps": workloads.replica_set,
    "Deployment.apps": workloads.deployment,
    "StatefulSet.apps": workloads.stateful_set,
    "DaemonSet.apps": workloads.daemon_set,
    "Job.batch": workloads.job,
    "PodDisruptionBudget.policy": parts.pod_disruption_budget,
    "CustomResourceDefinition.apiextensions.k8s.io": parts.custom_resource_definition,
    "APIService.apiregistration.k8s.io": parts.api_service,
    f"{PACKAGE_REPOSITORY}.{INSTALL_GROUP}": parts.ours,
    f"{INSTALLED_PACKAGE}.{INSTALL_GROUP}": parts.ours,
}

#: Ready as soon as they exist. The last five have a status, and nothing in it that an install could wait for: a CronJob
#: has its times, an Ingress its address from whoever cares to write it, an autoscaler its metrics once pods have run.
NO_LOOK: Final = frozenset(
    {
        "ConfigMap",
        "Secret",
        "ServiceAccount",
        "Endpoints",
        "LimitRange",
        "PodTemplate",
        "EndpointSlice.discovery.k8s.io",
        "ControllerRevision.apps",
        "NetworkPolicy.networking.k8s.io",
        "IngressClass.networking.k8s.io",
        "ClusterRole.rbac.authorization.k8s.io",
        "ClusterRoleBinding.rbac.authorization.k8s.io",
        "Role.rbac.authorization.k8s.io",
        "RoleBinding.rbac.authorization.k8s.io",
        "PriorityClass.scheduling.k8s.io",
        "RuntimeClass.node.k8s.io",
        "StorageClass.storage.k8s.io",
        "CSIDriver.storage.k8s.io",
        "Lease.coordination.k8s.io",
        "MutatingWebhookConfiguration.admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
        "MutatingAdmissionPolicy.admissionregistration.k8s.io",
        "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io",
        "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
        f"{PACKAGE}.{PACKAGE_GROUP}",
        f"{PACKAGE_METADATA}.{PACKAGE_GROUP}",
        "CronJob.batch",
        "HorizontalPodAutoscaler.autoscaling",
        "Ingress.networking.k8s.io",
        "ResourceQuota",
        "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
    }
)


def readiness(obj: Json, waits: Sequence[WaitRule] = ()) -> Readiness:
    """How a live object stands. `waits`: the wait rules of its package."""
    metadata = section(obj, "metadata")
    # It is on its way out: whatever its status says, it is not what was asked for.
    if metadata.get("deletionTimestamp"):
        left = [str(name) for name in metadata.get("finalizers") or []]
        return waiting("it is being deleted" + (f" and held by {', '.join(left[:3])}" if left else ""))
    if (ruled := by_rules(obj, waits)) is not None:
        return ruled
    word = _word(kind_of(obj))
    if word in NO_LOOK:
        return ready("it exists")
    return KINDS.get(word, parts.custom)(obj)


def needs_no_look(kind: Kind) -> bool:
    """Ready as soon as it exists: nothing needs to be read to know it. Wait rules may still speak of it."""
    return _word(kind) in NO_LOOK


def _word(kind: Kind) -> str:
    return f"{kind.kind}.{kind.group}" if kind.group else kind.kind
