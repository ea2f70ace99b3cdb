# ruff: noqa: T201 - a command prints
"""Runs the benchmarks and prints a table: each figure is the median of the runs, with its least and most."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from cluster.find import Cluster, open_cluster
from cluster.registry import open_registry
from lab import Lab, OperatorProcess, account, inline, install, operator_kubeconfig, package, repository

RUNS = 5
PACKAGES = 184
INSTALLS = 20
CRDS = Path(__file__).parents[2] / "crds"
NAMESPACE = "bench"


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def shown(name: str, ours: list[float], peer: str = "", theirs: list[float] | None = None) -> None:
    line = f"{name:<52} {statistics.median(ours):7.2f} s  ({min(ours):.2f} to {max(ours):.2f})"
    if theirs:
        ratio = statistics.median(ours) / statistics.median(theirs)
        line += f"   {peer}: {statistics.median(theirs):.2f} s   ratio {ratio:.2f}"
    print(line, flush=True)


def documents(word: str) -> list[dict[str, object]]:
    """Packages of about the size that real ones have (4.5 KB)."""
    notes = "What changed in this version, at some length. " * 80
    docs = []
    for number in range(PACKAGES):
        doc = package(f"p{number % 40}-{word}.example.com", f"1.{number}.0", fetch=inline({"a.yaml": ""}))
        doc["spec"]["releaseNotes"] = notes
        docs.append(doc)
    return docs


def repositories(lab: Lab, cluster: Cluster) -> None:
    first, gone, kubectl = [], [], []
    for run in range(RUNS):
        word = f"b{run}"
        image = lab.publish(word, documents(word))
        lab.apply(repository(word, image))
        first.append(timed(lambda word=word: lab.settled("pkgr", word, seconds=120)))  # type: ignore[misc]
        applied = yaml.safe_dump_all(documents(f"k{run}"))
        kubectl.append(timed(lambda text=applied: cluster.kubectl("apply", "--server-side", "-f", "-", input=text)))  # type: ignore[misc]
        gone.append(timed(lambda word=word: lab.delete("pkgr", word)))  # type: ignore[misc]
        cluster.kubectl("delete", "packages.package.carvel.dev", "--all", "--wait=false")
    shown(f"repository of {PACKAGES} packages, first sync", first, "kubectl apply --server-side", kubectl)
    shown(f"repository of {PACKAGES} packages, deletion", gone)


def installs(lab: Lab, cluster: Cluster) -> None:
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ install.name }}}\ndata: {a: b}\n"
    cluster.kubectl("create", "namespace", NAMESPACE)
    lab.apply(*account(NAMESPACE), package("small.example.com", "1.0.0", fetch=inline({"a.yaml": template})))
    ready, gone = [], []
    for run in range(RUNS):
        names = [f"small-{run}-{number}" for number in range(INSTALLS)]
        objects = [install(name, NAMESPACE, "small.example.com", version="1.0.0") for name in names]

        def create(objects: list[dict[str, object]] = objects) -> None:
            lab.apply(*objects)
            cluster.kubectl("wait", "ipkg", "--all", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=120s")

        ready.append(timed(create))
        gone.append(timed(lambda: cluster.kubectl("delete", "ipkg", "--all", "-n", NAMESPACE)))
    shown(f"{INSTALLS} small installs at once, until all are ready", ready)
    shown(f"{INSTALLS} small installs, deletion", gone)


def main() -> None:
    with open_cluster() as cluster, open_registry() as registry, tempfile.TemporaryDirectory() as folder:
        print(f"cluster: {cluster.source}; {RUNS} runs: median (least to most)")
        cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
        cluster.kubectl("wait", "--for=condition=Established", "-f", str(CRDS))
        operator = OperatorProcess(operator_kubeconfig(cluster, Path(folder)), Path(folder))
        operator.start()
        try:
            lab = Lab(cluster, registry.host)
            repositories(lab, cluster)
            installs(lab, cluster)
        finally:
            operator.stop()


if __name__ == "__main__":
    main()
