"""The same objects, by us, by kubectl and by helm: applied, applied once more, and deleted, taking turns."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import yaml

import conformance
from bench.figures import Board, Figure, Target, timed
from bench.ours import Ours
from bench.peers import Helm, Kubectl, chart_of
from cluster import binaries
from cluster.find import Cluster
from lab import Json

CONTOUR = "contour@1.22.0"
MANY = 500
#: Between two steps, so that controllers have done what the one before gave them to do.
REST_SECONDS = 2.0
WORDS = {"apply": "plan and apply", "again": "no-op", "delete": "delete"}
TARGETS = {"apply": Target(ratio_most=0.5), "again": Target(ratio_most=0.1), "delete": None}


class Tool(Protocol):
    """Applies a fixed set of objects."""

    @property
    def name(self) -> str: ...
    def apply(self) -> None: ...
    def again(self) -> None: ...
    def delete(self) -> None: ...


def contour(board: Board, ours: Ours, cluster: Cluster, folder: Path, runs: int) -> None:
    """The rendered output of a real package, beside kubectl and helm."""
    case = next((case for case in conformance.rendered() if case.name == CONTOUR), None)
    if case is None:
        board.skip(f"{CONTOUR}, for there is no conformance data here")
        return
    file = folder / "contour.yaml"
    file.write_text(case.text)
    ours.objects = case.objects
    cluster.kubectl("create", "namespace", "bench-helm")
    helm = Helm(cluster, binaries.path("helm"), chart_of(case.objects, folder / "chart"), "bench-helm")
    words = f"{CONTOUR}, {len(case.objects)} objects"
    compare(board, cluster, words, ours, [Kubectl(cluster, file), helm], runs)


def many(board: Board, ours: Ours, cluster: Cluster, folder: Path, runs: int) -> None:
    """Many small objects of several kinds in one install, beside kubectl."""
    objects = small_objects("bench-many", MANY)
    file = folder / "many.yaml"
    file.write_text(yaml.dump_all(objects, Dumper=yaml.CSafeDumper))
    ours.objects = objects
    cluster.kubectl("create", "namespace", "bench-many")
    # Its own limit of requests would make it wait for minutes until all of them are gone.
    peer = Kubectl(cluster, file, waits_for_deletion=False)
    compare(board, cluster, f"{MANY} small objects", ours, [peer], runs, verbs=("apply", "again"))


def compare(
    board: Board,
    cluster: Cluster,
    what: str,
    ours: Tool,
    peers: Sequence[Tool],
    runs: int,
    *,
    verbs: Sequence[str] = tuple(WORDS),
) -> None:
    """Each tool in each run, from nothing to nothing; another one begins each time."""
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    tools = [ours, *peers]
    for run in range(runs):
        for tool in [*tools[run % len(tools) :], *tools[: run % len(tools)]]:
            for verb in WORDS:
                rest(cluster)
                taken[tool.name, verb].append(timed(getattr(tool, verb)))
    for verb in verbs:
        for peer in peers:
            target = TARGETS[verb] if peer.name == "kubectl" else None
            samples, theirs = taken[ours.name, verb], taken[peer.name, verb]
            board.add(Figure(f"{what}: {WORDS[verb]}", samples, peer=peer.name, peer_samples=theirs, target=target))


def rest(cluster: Cluster) -> None:
    """CRDs are asked for their objects: one that nobody ever asked may take the API server minutes to delete, whoever
    deletes it, and that is not what is compared here."""
    time.sleep(REST_SECONDS)
    found = cluster.kubectl("get", "crd", "-o", "jsonpath={.items[*].metadata.name}").stdout.split()
    cluster.kubectl("get", ",".join(found), "-A", check=False)


def small_objects(namespace: str, count: int) -> list[Json]:
    """Objects of a few hundred bytes: mostly ConfigMaps, and some of the kinds that packages bring."""
    return [small_object(namespace, number) for number in range(count)]


def small_object(namespace: str, number: int) -> Json:
    metadata = {"name": f"small-{number:04}", "namespace": namespace, "labels": {"app": f"app-{number % 20}"}}
    match number % 10:
        case 0:
            return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": "x" * 40}}
        case 1:
            return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        case 2:
            rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
            return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules}
        case _:
            return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b" * 200}}
