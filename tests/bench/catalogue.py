"""A repository of many packages, and many small installs at once."""

from __future__ import annotations

import yaml

from bench.figures import Board, Figure, timed
from cluster.find import Cluster
from lab import Json, Lab, account, inline, install, package, repository

PACKAGES = 184
INSTALLS = 20
NAMESPACE = "bench-small"


def documents(word: str) -> list[Json]:
    """Packages of about the size that real ones have (4.5 KB)."""
    notes = "What changed in this version, at some length. " * 80
    docs = []
    for number in range(PACKAGES):
        doc = package(f"p{number % 40}-{word}.example.com", f"1.{number}.0", fetch=inline({"a.yaml": ""}))
        doc["spec"]["releaseNotes"] = notes
        docs.append(doc)
    return docs


def repositories(board: Board, lab: Lab, cluster: Cluster, runs: int) -> None:
    first, gone, theirs = [], [], []
    for run in range(runs):
        ours, others = f"b{run}", yaml.dump_all(documents(f"k{run}"), Dumper=yaml.CSafeDumper)
        image = lab.publish(ours, documents(ours))
        lab.apply(repository(ours, image))
        first.append(timed(lambda name=ours: lab.settled("pkgr", name, seconds=120)))  # type: ignore[misc]
        theirs.append(timed(lambda text=others: cluster.kubectl("apply", "--server-side", "-f", "-", input=text)))  # type: ignore[misc]
        gone.append(timed(lambda name=ours: lab.delete("pkgr", name)))  # type: ignore[misc]
        cluster.kubectl("delete", "packages.package.carvel.dev", "--all", "--wait=false")
    words = f"repository of {PACKAGES} packages"
    board.add(
        Figure(f"{words}: first sync", first, peer="kubectl", peer_samples=theirs),
        Figure(f"{words}: deletion", gone),
    )


def installs(board: Board, lab: Lab, cluster: Cluster, runs: int) -> None:
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ install.name }}}\ndata: {a: b}\n"
    cluster.kubectl("create", "namespace", NAMESPACE)
    lab.apply(*account(NAMESPACE), package("small.example.com", "1.0.0", fetch=inline({"a.yaml": template})))
    ready, gone = [], []
    for run in range(runs):
        names = [f"small-{run}-{number}" for number in range(INSTALLS)]
        objects = [install(name, NAMESPACE, "small.example.com", version="1.0.0") for name in names]

        def create(objects: list[Json] = objects) -> None:
            lab.apply(*objects)
            cluster.kubectl("wait", "ipkg", "--all", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=120s")

        ready.append(timed(create))
        gone.append(timed(lambda: cluster.kubectl("delete", "ipkg", "--all", "-n", NAMESPACE)))
    board.add(
        Figure(f"{INSTALLS} small installs at once: until all are ready", ready),
        Figure(f"{INSTALLS} small installs: deletion", gone),
    )
