"""The command line in a shell: as a plug-in of the real kubectl, and completing names as they are in the cluster."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.find import Cluster, kubectl_program
from lab import Lab, inline, install, package

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def name(cluster: Cluster, crds: None) -> Iterator[str]:
    """A package of two versions; in a namespace of the same first word, an install of it."""
    word = f"s{secrets.token_hex(4)}"
    name = f"{word}.example.com"
    schema = {"properties": {"replicas": {"type": "integer"}, "on": {"type": "boolean"}}}
    lab = Lab(cluster, "")
    lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": word}})
    lab.apply(
        package(name, "1.0.0", fetch=inline({"a.yaml": "{}"}), valuesSchema=schema),
        package(name, "1.10.0", fetch=inline({"a.yaml": "{}"}), valuesSchema=schema),
        {**install(f"{word}-web", word, name, version="1.0.0", paused=True)},
    )
    yield name
    lab.patch("ipkg", f"{word}-web", {"spec": {"noopDelete": True}}, word)
    lab.delete("namespace", word, wait=False)
    for version in ("1.0.0", "1.10.0"):
        lab.delete("package", f"{name}.{version}", wait=False)


def called(cluster: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": os.environ["HOME"],
        "KUBECONFIG": str(cluster.kubeconfig),
        "PACKHOUSE_COMPLETION_SECONDS": "60",  # of a machine that does much else
    }
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True)


def completed(cluster: Cluster, *words: str) -> list[str]:
    """The words that are offered, and the number for the shell."""
    done = called(cluster, str(BIN / "packhouse"), "__complete", *words)
    assert done.stderr == ""
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


def test_kubectl_has_the_words_of_package(cluster: Cluster, name: str) -> None:
    shown = called(cluster, kubectl_program(), "package", "available", "list").stdout
    assert shown.split("\n")[0].split() == ["NAME", "DISPLAY-NAME", "SHORT-DESCRIPTION"]
    assert f"  {name}" in shown
    assert "Usage: kubectl package available" in called(cluster, kubectl_program(), "package", "available", "-h").stdout


def test_kubectl_completes_the_words_of_package(cluster: Cluster, name: str) -> None:
    done = called(cluster, kubectl_program(), "__complete", "package", "inst")
    assert done.stdout.splitlines()[:2] == [
        "install\tInstall a package.",
        "installed\tThe packages that are installed.",
    ]
    done = called(cluster, kubectl_program(), "__complete", "package", "available", "get", name[:5])
    assert done.stdout.splitlines()[0] == name
    done = called(cluster, kubectl_program(), "__complete", "package", "available", "list", "--output=j")
    assert done.stdout.splitlines()[0] == "json"


def test_names_versions_and_keys_are_those_of_the_cluster(cluster: Cluster, name: str) -> None:
    word = name.partition(".")[0]
    assert completed(cluster, "available", "get", word) == [name, ":6"]
    assert completed(cluster, "available", "get", f"{name}/") == [f"{name}/1.10.0", f"{name}/1.0.0", ":36"]
    assert completed(cluster, "install", "x", "-p", name, "--version", "") == ["1.10.0", "1.0.0", ":36"]
    assert completed(cluster, "install", name, "--set", "") == ["on=", "replicas=", ":38"]
    assert completed(cluster, "install", name, "--set", "on=") == ["on=true", "on=false", ":36"]
    assert completed(cluster, "values", "explain", "--package", name, "r") == ["replicas", ":38"]
    assert completed(cluster, "installed", "get", "-n", word, "") == [f"{word}-web", ":4"]
    assert completed(cluster, "installed", "update", f"{word}-web", "-n", word, "--version", "") == [
        "1.10.0",
        "1.0.0",
        ":36",
    ]
    assert completed(cluster, "installed", "update", f"{word}-web", "-n", word, "--set", "on=f") == ["on=false", ":36"]
    assert completed(cluster, "installed", "get", "-n", word[:4])[0].startswith(word[:4])


def test_who_may_not_look_is_offered_nothing_and_told_nothing(cluster: Cluster, name: str) -> None:
    word = name.partition(".")[0]
    assert completed(cluster, "available", "get", "--as", f"{word}-nobody", "") == [":4"]
    assert completed(cluster, "installed", "get", "-n", word, "--as", f"{word}-nobody", "") == [":4"]
