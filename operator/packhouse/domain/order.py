"""The order of kinds: what is applied first and what last. Deletion goes the other way round.

A table of waves; a kind that stands in none belongs to the wave of everything else.
"""

from __future__ import annotations

from typing import Final

from packhouse.ports import Kind

#: Kinds by wave, named "Kind" or "Kind.group". OTHERS marks where the rest goes. To move a kind, move its word. A wave
#: holds as much as can be applied at once: each one more costs the time of a write.
WAVES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("definitions", ("Namespace", "CustomResourceDefinition.apiextensions.k8s.io")),
    (
        "identities",
        (
            "PriorityClass.scheduling.k8s.io",
            "StorageClass.storage.k8s.io",
            "RuntimeClass.node.k8s.io",
            "ServiceAccount",
            "ClusterRole.rbac.authorization.k8s.io",
            "Role.rbac.authorization.k8s.io",
        ),
    ),
    (
        "configuration",
        (
            # Whoever binds a role must hold all of it, so the API server looks the role up.
            "ClusterRoleBinding.rbac.authorization.k8s.io",
            "RoleBinding.rbac.authorization.k8s.io",
            "Secret",
            "ConfigMap",
            "LimitRange",
            "ResourceQuota",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Service",
            "Endpoints",
            "EndpointSlice.discovery.k8s.io",
            "NetworkPolicy.networking.k8s.io",
        ),
    ),
    (
        "workloads",
        (
            "Deployment.apps",
            "DaemonSet.apps",
            "StatefulSet.apps",
            "ReplicaSet.apps",
            "ReplicationController",
            "Pod",
            "Job.batch",
            "CronJob.batch",
        ),
    ),
    ("others", ()),
    (
        "webhooks",
        (
            "APIService.apiregistration.k8s.io",
            "MutatingWebhookConfiguration.admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
        ),
    ),
)

WAVE_NAMES: Final = tuple(name for name, _ in WAVES)
_WAVE_OF: Final = {word: number for number, (_, words) in enumerate(WAVES) for word in words}
_OTHERS: Final = WAVE_NAMES.index("others")
_WORKLOADS: Final = WAVE_NAMES.index("workloads")


def wave_of(kind: Kind) -> int:
    """The number of the kind's wave, 0 being applied first."""
    word = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    return _WAVE_OF.get(word, _OTHERS)


def is_groundwork(kind: Kind) -> bool:
    """Whether objects of the kind run nothing, and others are built on them."""
    return wave_of(kind) < _WORKLOADS


def may_need_definitions(kind: Kind) -> bool:
    """Whether an object may be of a kind that its own package defines, or come after such. A workload takes longer to
    start than a definition to be served."""
    return wave_of(kind) >= _OTHERS
