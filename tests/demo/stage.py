"""Starts what the demo plays on: a cluster, a registry, the operator. Leaves a cluster that was given as it was.

Called by `__main__` (cluster and registry) and by `story` (the operator). What is opened here is closed by the caller's
ExitStack, in reverse: the content goes while the operator still runs, then the operator, then what it was given.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from cluster.find import Cluster, choose, open_cluster
from cluster.processes import ProgramEnded, Programs
from cluster.registry import LocalRegistry, open_registry
from demo.screen import Screen
from demo.shell import CommandFailed, Shell
from demo.tables import NotAsTold
from lab import operator_kubeconfig

ROOT = Path(__file__).parents[2]
NAMESPACE = "demo"
REPOSITORY = "example-packages"
CRDS = ("-k", "deploy/kustomize/crds")
BASE = "deploy/kustomize/base"
KNOWS = "the catalogue is known"
#: The operator's temporary files go with the demo's, unless the path of its socket would be longer than systems allow.
SOCKET_FOLDER_CHARACTERS = 60
#: What the demo makes besides its namespace's content. On a cluster that was given, none of it may be there before.
OURS = (
    *("namespace/demo", "namespace/packhouse-system", "clusterrole/packhouse", "clusterrolebinding/packhouse"),
    *("clusterrole/crontab-installer", "clusterrolebinding/crontab-installer"),
    *("clusterrole/crontabs-view", "clusterrole/crontabs-edit", "crd/crontabs.tools.example.com"),
)
KINDS = (
    *("crd/packages.package.carvel.dev", "crd/packagemetadatas.package.carvel.dev"),
    *("crd/packagerepositories.install.package.carvel.dev", "crd/installedpackages.install.package.carvel.dev"),
)


@dataclass(slots=True)
class Stage:
    """All that the chapters need. `home` runs commands in the repository's root, `shell` in the demo's folder."""

    screen: Screen
    cluster: Cluster
    registry: LocalRegistry
    own: Programs
    home: Shell
    shell: Shell
    stack: ExitStack
    left: list[str] = field(default_factory=list)  # what could not be cleaned up

    @property
    def folder(self) -> Path:
        """Where the copy of the examples lies; it goes with `own`, even when the demo is killed."""
        return self.shell.folder

    @property
    def programs(self) -> list[Programs]:
        """All that have logs."""
        return [one for one in (self.own, self.registry.programs, self.cluster.programs) if one is not None]

    @property
    def operator_log(self) -> Path:
        return self.own.logs / "operator.log"

    def operator_said(self) -> str:
        """Its log so far; nothing before it was started."""
        return self.operator_log.read_text(errors="replace") if self.operator_log.exists() else ""


def open_stage(screen: Screen, stack: ExitStack) -> Stage:
    """Start the cluster and the registry; `stack` stops them. Raises ClusterNotFound, StartFailed or BuildFailed."""
    source = choose()
    screen.note(str(source))
    started = time.monotonic()
    cluster = stack.enter_context(open_cluster(source))
    registry = stack.enter_context(open_registry())
    screen.output(f"cluster   {cluster.server}\nregistry  {registry.host}")
    screen.note(f"ready after {time.monotonic() - started:.1f} s")
    own = Programs("demo")
    stack.callback(own.stop)
    home = Shell(screen, cluster.kubeconfig, ROOT)
    shell = Shell(screen, cluster.kubeconfig, own.folder / "examples")
    return Stage(screen, cluster, registry, own, home, shell, stack)


def claim(stage: Stage) -> None:
    """On a cluster that was given: refuse to touch what is there already, and promise to clean up the rest."""
    if stage.cluster.owned:
        return
    stage.screen.note("the cluster was given: nothing that the demo makes may be there already")
    there = stage.home.kubectl("get", *OURS, "--ignore-not-found", "-o", "name").split()
    if there:
        raise NotAsTold(f"the cluster has {', '.join(there)} already: remove it, or unset KUBECONFIG")
    kinds = stage.home.kubectl("get", *KINDS, "--ignore-not-found", "-o", "name").split()
    used = kinds and stage.home.kubectl("get", "packagerepositories,installedpackages", "-A", "-o", "name").split()
    if used:
        raise NotAsTold(f"the cluster has {used[0]}: another Packhouse may look after it; unset KUBECONFIG")
    stage.stack.callback(_give_back, stage, keep_kinds=bool(kinds))


def start_operator(stage: Stage) -> None:
    """Run the operator as a process that holds the token of the account that deploy/ ships, and nothing else."""
    own = stage.own
    settings = {
        "KUBECONFIG": str(operator_kubeconfig(stage.cluster, own.folder)),
        "PACKHOUSE_CACHE_DIR": str(own.folder / "cache"),
    }
    if len(str(own.folder)) <= SOCKET_FOLDER_CHARACTERS:
        settings["TMPDIR"] = str(own.folder)
    stage.stack.callback(own.stop)  # before what the operator works with is taken away
    own.start("operator", [sys.executable, "-m", "packhouse.cli.main", "operator"], settings)
    own.wait_until(lambda: KNOWS in stage.operator_said(), "ready")
    # Nothing that waits for an operator which is gone has to wait for its time limit.
    stage.home.still_worth_it = stage.shell.still_worth_it = lambda: _refuse_ended(own)
    if not stage.cluster.owned:
        stage.stack.callback(_remove_content, stage)


def _refuse_ended(programs: Programs) -> None:
    """Raises CommandFailed where one of them ended; looks once."""
    looks = iter((False, True))
    try:
        programs.wait_until(lambda: next(looks), "the demo did")
    except ProgramEnded as error:
        raise CommandFailed(str(error).splitlines()[0]) from error


def _remove_content(stage: Stage) -> None:
    stage.screen.note("the cluster was given: it is left as it was found")
    installs = ("installedpackages", "--all", "-n", NAMESPACE)
    if not _removed(stage, *installs, "--timeout=120s"):
        _let_go(stage, *installs[:1], "-n", NAMESPACE)
    if not _removed(stage, "packagerepository", REPOSITORY, "--ignore-not-found", "--timeout=60s"):
        _let_go(stage, "packagerepositories")
        _removed(stage, "packages,packagemetadatas", "-l", f"install.package.carvel.dev/repository={REPOSITORY}")


def _give_back(stage: Stage, *, keep_kinds: bool) -> None:
    _removed(stage, *OURS, "--ignore-not-found", "--timeout=180s")
    if not keep_kinds:
        _removed(stage, *CRDS, "--ignore-not-found", "--timeout=60s")


def _removed(stage: Stage, *words: str) -> bool:
    """Whether kubectl deleted it; if not, that is told at the end."""
    try:
        stage.home.kubectl("delete", *words)
    except CommandFailed as error:
        stage.left.append(f"kubectl delete {' '.join(words)} ({error})")
        return False
    return True


def _let_go(stage: Stage, *words: str) -> None:
    """Take the finalizers off: an operator that does not work would hold the namespace for ever."""
    for name in stage.cluster.kubectl("get", *words, "-o", "name", check=False).stdout.split():
        patch = '--patch={"metadata":{"finalizers":null}}'
        stage.cluster.kubectl("patch", name, *words[1:], "--type=merge", patch, check=False)
