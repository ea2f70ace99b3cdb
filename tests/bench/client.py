"""The command line as a process, start of Python included: its help, and a catalogue of many packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from bench.figures import Board, Figure, Target, timed
from cluster.find import Cluster, kubectl_program
from lab import PACKAGE_API, Json, inline, package

NAMES, VERSIONS = 400, 5
HELP, LIST = Target(most=0.25), Target(most=1.0)


def client(board: Board, cluster: Cluster, runs: int) -> None:
    """All figures of this part."""
    program = str(Path(sys.executable).with_name("packhouse"))
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "KUBECONFIG": str(cluster.kubeconfig)}

    def called(*words: str) -> float:
        call = [program, *words]
        return timed(lambda: subprocess.run(call, env=environment, check=True, capture_output=True))

    board.add(Figure("packhouse --help", [called("--help") for _ in range(runs * 2)], target=HELP))
    cluster.kubectl("create", "-f", "-", input=yaml.dump_all(documents(), Dumper=yaml.CSafeDumper))
    listed, theirs, completed = [], [], []
    for _ in range(runs * 2):  # they take turns
        listed.append(called("package", "available", "list"))
        get = [kubectl_program(), "get", "packages.package.carvel.dev"]
        theirs.append(timed(lambda get=get: subprocess.run(get, env=environment, check=True, capture_output=True)))  # type: ignore[misc]
        completed.append(called("__complete", "package", "available", "get", ""))
    words = f"{NAMES * VERSIONS:,} packages"
    board.add(
        Figure(f"{words}: available list", listed, peer="kubectl get packages", peer_samples=theirs, target=LIST),
        Figure(f"{words}: completion of a name", completed, target=Target(most=2.0)),
    )
    for kind in ("packages", "packagemetadatas"):
        cluster.kubectl("delete", f"{kind}.package.carvel.dev", "-l", "bench=client", "--wait=false")


def documents() -> list[Json]:
    """Packages of about the size that real ones have (4.5 KB), and the metadata of each name."""
    notes = "What changed in this version, at some length. " * 80
    found: list[Json] = []
    for number in range(NAMES):
        name = f"p{number:03}.client.example.com"
        words = {"displayName": f"Package {number}", "shortDescription": "Does what the others do, somewhat better"}
        spec = {**words, "longDescription": notes[:1000]}
        found.append({"apiVersion": PACKAGE_API, "kind": "PackageMetadata", "metadata": {"name": name}, "spec": spec})
        for version in range(VERSIONS):
            one = package(name, f"1.{version}.0", fetch=inline({"a.yaml": ""}))
            one["spec"] |= {**words, "releaseNotes": notes}
            found.append(one)
    for document in found:
        document["metadata"]["labels"] = {"bench": "client"}
    return found
