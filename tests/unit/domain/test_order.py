"""The order of kinds: what others need comes first, what watches over others last."""

from __future__ import annotations

import pytest

from packhouse.domain.order import WAVE_NAMES, WAVES, wave_of
from packhouse.ports import Kind

CRD = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
CUSTOM = Kind("example.com", "v1", "Database")
HOOK = Kind("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration")


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param(
            Kind("", "v1", "Namespace"), Kind("", "v1", "ServiceAccount"), id="namespaces before what is in them"
        ),
        pytest.param(CRD, CUSTOM, id="definitions before their objects"),
        pytest.param(
            Kind("", "v1", "ServiceAccount"),
            Kind("rbac.authorization.k8s.io", "v1", "RoleBinding"),
            id="accounts before their rights",
        ),
        pytest.param(
            Kind("rbac.authorization.k8s.io", "v1", "Role"), Kind("apps", "v1", "Deployment"), id="rights before pods"
        ),
        pytest.param(
            Kind("rbac.authorization.k8s.io", "v1", "ClusterRole"),
            Kind("rbac.authorization.k8s.io", "v1", "RoleBinding"),
            id="roles before what binds them",
        ),
        pytest.param(Kind("", "v1", "Secret"), Kind("apps", "v1", "Deployment"), id="configuration before pods"),
        pytest.param(Kind("", "v1", "Service"), Kind("apps", "v1", "StatefulSet"), id="services before pods"),
        pytest.param(Kind("apps", "v1", "Deployment"), HOOK, id="webhooks after the pods that answer them"),
        pytest.param(CUSTOM, HOOK, id="webhooks after all others"),
    ],
)
def test_in_order(earlier: Kind, later: Kind) -> None:
    assert wave_of(earlier) < wave_of(later)


def test_a_kind_of_another_group_with_a_known_name_belongs_to_the_others() -> None:
    assert WAVE_NAMES[wave_of(Kind("serving.knative.dev", "v1", "Service"))] == "others"
    assert WAVE_NAMES[wave_of(Kind("", "v1", "Service"))] == "configuration"


def test_no_kind_stands_in_two_waves() -> None:
    words = [word for _, wave in WAVES for word in wave]
    assert sorted(set(words)) == sorted(words)
