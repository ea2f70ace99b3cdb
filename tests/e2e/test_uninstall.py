"""`packhouse uninstall`, on a cluster of its own since it takes everything away. Nothing is faked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import find
from cluster.find import Cluster
from lab import Lab, OperatorProcess, account, config_map_template, inline, install, operator_kubeconfig, package

CRDS = Path(__file__).parents[2] / "crds"
KINDS = ("packages.package.carvel.dev", "installedpackages", "packagerepositories", "packagemetadatas")


@pytest.fixture
def own_cluster(cluster: Cluster) -> Iterator[Cluster]:
    """Another control plane, of the same programs as the shared one."""
    if not cluster.owned:
        pytest.skip("uninstall would take away what others have in a cluster that was given")
    with find.open_cluster() as opened:
        opened.kubectl("apply", "--server-side", "-f", str(CRDS))
        opened.kubectl("wait", "--for=condition=Established", "-f", str(CRDS))
        yield opened


@pytest.fixture
def own_operator(own_cluster: Cluster, tmp_path: Path) -> Iterator[OperatorProcess]:
    process = OperatorProcess(operator_kubeconfig(own_cluster, tmp_path), tmp_path)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def world(own_cluster: Cluster, own_operator: OperatorProcess) -> Lab:
    """One install in place, and the operator running."""
    lab = Lab(own_cluster, "")
    template = config_map_template("web", "  a: b\n")
    lab.apply(
        *account("default"),
        package("web.example.com", "1.0.0", fetch=inline({"web.yaml": template})),
        install("web", "default", "web.example.com", version="1.0.0"),
    )
    lab.settled("ipkg", "web", "default")
    return lab


def uninstall(cluster: Cluster, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "packhouse.cli.main", "uninstall", "--kubeconfig", str(cluster.kubeconfig)]
    return subprocess.run([*command, *arguments], input=answer, capture_output=True, text=True, timeout=120)


def test_uninstall_lists_what_would_go_and_asks_and_then_leaves_nothing(world: Lab) -> None:
    cluster = world.cluster
    refused = uninstall(cluster, answer="n\n")
    assert refused.returncode == 1
    assert "InstalledPackage default/web" in refused.stdout
    assert world.get("configmap", "web", "default") is not None

    done = uninstall(cluster, "--yes")

    assert done.returncode == 0, done.stderr
    assert world.get("configmap", "web", "default") is None
    left = cluster.kubectl("get", "crd", "-o", "name").stdout
    assert "carvel" not in left
    assert cluster.kubectl("get", "clusterrole,clusterrolebinding", "-o", "name").stdout.count("/packhouse") == 0
    assert "not installed" in uninstall(cluster, "--yes").stdout


def test_uninstall_can_keep_the_crds(world: Lab) -> None:
    done = uninstall(world.cluster, "--yes", "--keep-crds")

    assert done.returncode == 0, done.stderr
    for kind in KINDS:
        assert world.list(kind) == []


def test_uninstall_says_what_it_waits_for_when_the_operator_is_gone(world: Lab, own_operator: OperatorProcess) -> None:
    own_operator.stop()

    done = uninstall(world.cluster, "--yes", "--timeout-seconds", "2")

    assert done.returncode == 1
    assert "is the operator running" in done.stderr
    assert world.get("configmap", "web", "default") is not None
