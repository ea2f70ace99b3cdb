"""End to end: the real operator process with the shipped role, a real API server, a real registry, real kubectl.

Faked: nothing of ours. Pods become ready by kwok on a cluster of our own. Tests share one operator and one cluster, so
each takes names of its own (`unique`) and a namespace of its own, and asserts on the state of the world.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.audit import AuditLog
from cluster.find import Cluster
from cluster.registry import LocalRegistry
from lab import Lab, OperatorProcess, account, operator_kubeconfig


@pytest.fixture(scope="session")
def operator_config(cluster: Cluster, crds: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig with the operator's own identity and nothing else."""
    return operator_kubeconfig(cluster, tmp_path_factory.mktemp("operator-identity"))


@pytest.fixture(scope="session")
def operator(operator_config: Path, tmp_path_factory: pytest.TempPathFactory, helm: Path) -> Iterator[OperatorProcess]:
    """The operator that most tests share. OCI layouts lie in the folder `layouts` of its own."""
    folder = tmp_path_factory.mktemp("operator")
    (folder / "layouts").mkdir()
    process = OperatorProcess(
        operator_config,
        folder,
        helm_program=str(helm),
        oci_layout_dir=str(folder / "layouts"),
        # Bad input comes to its limits within seconds.
        registry_timeout_seconds="2",
        fetch_timeout_seconds="6",
        render_timeout_seconds="6",
        bundle_unpacked_most_bytes=str(64 * 1024 * 1024),
    )
    process.start()
    yield process
    process.stop()
    text = process.log.read_text()
    assert "Traceback" not in text, f"the operator met a bug of its own:\n{text[-8000:]}"


@pytest.fixture
def lab(operator: OperatorProcess, cluster: Cluster, registry: LocalRegistry) -> Lab:
    """The laboratory, with the operator running."""
    return Lab(cluster, registry.host)


@pytest.fixture
def audit(lab: Lab) -> AuditLog:
    """Which requests the API server got. A cluster that was given writes none down."""
    found = lab.cluster.audit
    if found is None:
        pytest.skip("a cluster that was given shows no audit log")
    return found


@pytest.fixture
def unique() -> str:
    """A word for names of cluster-scoped objects and of repositories in the registry."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def installer(lab: Lab, namespace: str) -> str:
    """The test's namespace, with the service account `installer` that may do everything in it."""
    lab.apply(*account(namespace))
    return namespace
