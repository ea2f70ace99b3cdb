"""The parts that all tests share: a real cluster, real OCI registries, kubectl and helm, each started once a session.

Real: kube-apiserver, etcd, kube-controller-manager, kube-scheduler, the registry, kubectl, helm. Faked: the node (kwok
writes the status that a kubelet would write), unless KUBECONFIG names a cluster that has real ones. Tests that use the
cluster get the marker `cluster` by themselves. docs/howto/test.md tells how the cluster is found.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from cluster import binaries
from cluster.find import Cluster, ClusterNotFound, choose, open_cluster
from cluster.processes import Programs, logs_root
from cluster.referrers_registry import open_referrers_registry
from cluster.registry import LocalRegistry, open_registry
from cluster.sigstore import LocalSigstore, open_sigstore

CRDS = Path(__file__).parents[1] / "crds"
CRD_SECONDS = 30
CLUSTER_FIXTURES = frozenset({"cluster", "kubectl", "namespace", "crds"})
TOOLS = ("helm", "cosign", "oras", "crane", "sops")
BUILT_FOR: Mapping[str, str] = {
    "registry": "registry",
    "auth_registry": "registry",
    "referrers_registry": "referrers-registry",
    "sigstore": "local-sigstore",
    **{name: name for name in TOOLS},
}

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
_kept_logs = pytest.StashKey[list[Path]]()


def pytest_report_header() -> str:
    """Say where the cluster would come from, before anything is started."""
    try:
        return f"cluster: {choose()}"
    except ClusterNotFound as error:
        return f"cluster: none ({error})"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that uses the cluster, so that `-m "not cluster"` needs none."""
    for item in items:
        if not CLUSTER_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.cluster)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where several processes run the tests, build all that any test needs: they themselves would do it in silence."""
    config = session.config
    if getattr(config.option, "numprocesses", None) and not _is_worker(config) and not config.option.collectonly:
        try:
            for name in dict.fromkeys([*BUILT_FOR.values(), *choose().missing()]):
                binaries.path(name)
        except (ClusterNotFound, binaries.BuildFailed) as error:
            raise pytest.UsageError(str(error)) from error


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what the selected tests need, here and not in a fixture: a first build takes longer than a test may."""
    if session.config.option.collectonly or _is_worker(session.config):
        return
    used = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    needed = [program for fixture, program in BUILT_FOR.items() if fixture in used]
    capture = session.config.pluginmanager.getplugin("capturemanager")
    try:
        if used & CLUSTER_FIXTURES:
            needed += choose().missing()
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            for name in dict.fromkeys(needed):
                binaries.path(name)
    except (ClusterNotFound, binaries.BuildFailed) as error:
        raise pytest.UsageError(str(error)) from error


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print where the logs of a failed run lie."""
    for folder in config.stash.get(_kept_logs, []):
        terminalreporter.write_line(f"logs kept in {folder}")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Where several processes ran the tests, each tells the first one where its logs lie."""
    folders = getattr(node, "workeroutput", {}).get("kept_logs", [])
    node.config.stash.setdefault(_kept_logs, []).extend(map(Path, folders))


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The cluster, as its admin. One for the whole session: a test keeps to its own `namespace`."""
    with open_cluster() as opened:
        yield opened
        _keep_logs_of_failure(request, opened.programs)


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster) -> Kubectl:
    """`kubectl(*args, input=None, check=True)`, as the admin of the cluster."""
    return cluster.kubectl


@pytest.fixture(scope="session")
def crds(cluster: Cluster) -> None:
    """The CRDs of the folder crds/, applied and served."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", f"--timeout={CRD_SECONDS}s", "-f", str(CRDS))


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A fresh namespace. Its default service account may be some seconds late: `cluster.wait_for_service_account`."""
    name = f"test-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    yield name
    # Deletion takes seconds and is the cluster's work: nothing waits for it.
    cluster.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture(scope="session")
def registry(request: pytest.FixtureRequest) -> Iterator[LocalRegistry]:
    """An OCI registry that asks for nothing. One for the session: a test picks its own repository name."""
    with open_registry() as opened:
        yield opened
        _keep_logs_of_failure(request, opened.programs)


@pytest.fixture(scope="session")
def auth_registry(request: pytest.FixtureRequest) -> Iterator[LocalRegistry]:
    """An OCI registry that asks for `username` and `password` (basic authentication)."""
    with open_registry(auth=True) as opened:
        yield opened
        _keep_logs_of_failure(request, opened.programs)


@pytest.fixture(scope="session")
def referrers_registry(request: pytest.FixtureRequest) -> Iterator[LocalRegistry]:
    """An OCI registry of another make, which answers the referrers API. It asks for no credentials."""
    with open_referrers_registry() as opened:
        yield opened
        _keep_logs_of_failure(request, opened.programs)


@pytest.fixture(scope="session")
def helm() -> Path:
    """The helm program."""
    return binaries.path("helm")


@pytest.fixture(scope="session")
def cosign() -> Path:
    """The cosign program: makes signatures and attestations."""
    return binaries.path("cosign")


@pytest.fixture(scope="session")
def oras() -> Path:
    """The oras program: another client of registries, to compare with."""
    return binaries.path("oras")


@pytest.fixture(scope="session")
def crane() -> Path:
    """The crane program: another client of registries, to compare with."""
    return binaries.path("crane")


@pytest.fixture(scope="session")
def sigstore(request: pytest.FixtureRequest) -> Iterator[LocalSigstore]:
    """The public part of Sigstore on this machine: an authority for certificates, a log, a clock."""
    with open_sigstore() as opened:
        yield opened
        _keep_logs_of_failure(request, opened.programs)


@pytest.fixture(scope="session")
def sops() -> Path:
    """The sops program: encrypts files."""
    return binaries.path("sops")


def _keep_logs_of_failure(request: pytest.FixtureRequest, programs: Programs | None) -> None:
    if programs is not None and (request.session.testsfailed or os.environ.get("PACKHOUSE_KEEP_LOGS")):
        kept = request.config.stash.setdefault(_kept_logs, [])
        kept.append(programs.keep_logs(logs_root()))
        if _is_worker(request.config):
            request.config.workeroutput["kept_logs"] = [str(folder) for folder in kept]  # type: ignore[attr-defined]
