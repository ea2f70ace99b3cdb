"""The peers: kubectl and helm, each as its users call it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from cluster.find import Cluster
from lab import Json


@dataclass(frozen=True, slots=True)
class Kubectl:
    """`kubectl apply --server-side -f FILE`."""

    cluster: Cluster
    file: Path
    name: str = "kubectl"
    waits_for_deletion: bool = True

    def apply(self) -> None:
        self.cluster.kubectl("apply", "--server-side", "-f", str(self.file))

    again = apply

    def delete(self) -> None:
        wait = f"--wait={str(self.waits_for_deletion).lower()}"
        self.cluster.kubectl("delete", "--ignore-not-found", wait, "-f", str(self.file))


@dataclass(frozen=True, slots=True)
class Helm:
    """`helm install` of the same objects as a chart, made at run time in a temporary folder."""

    cluster: Cluster
    program: Path
    chart: Path
    namespace: str
    name: str = "helm"

    def apply(self) -> None:
        self._helm("install", "bench", str(self.chart))

    def again(self) -> None:
        self._helm("upgrade", "bench", str(self.chart))

    def delete(self) -> None:
        self._helm("uninstall", "bench", "--wait")

    def _helm(self, *arguments: str) -> None:
        command = [str(self.program), *arguments, "--namespace", self.namespace, "--kubeconfig"]
        home = {name: str(self.chart.parent) for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
        done = subprocess.run(
            [*command, str(self.cluster.kubeconfig)],
            env={**os.environ, **home},
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode != 0:
            raise RuntimeError(f"helm {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")


def chart_of(objects: Sequence[Json], folder: Path) -> Path:
    """A chart whose templates are `objects`, word for word: what looks like a template is escaped."""
    templates = folder / "templates"
    templates.mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: bench\nversion: 1.0.0\n")
    for number, obj in enumerate(objects):
        text = yaml.dump(obj, Dumper=yaml.CSafeDumper).replace("{{", '{{ "{{" }}')
        (templates / f"{number:03}.yaml").write_text(text)
    return folder
