"""The files of deploy/ and docs/examples/, as kustomize and Helm read them.

Real: the files, `kubectl kustomize`, `helm template`. Nothing is faked and no cluster is asked; what the API server
says to the same files is tested in tests/e2e/test_deploy_manifests.py.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.find import kubectl_program

ROOT = Path(__file__).parents[3]
BASE = ROOT / "deploy" / "kustomize" / "base"
CHART = ROOT / "deploy" / "helm" / "packhouse"

Json = dict[str, Any]
Objects = dict[str, Json]  # by kind and name, as "Deployment/packhouse"
Template = Callable[..., Objects]


def by_name(text: str) -> Objects:
    documents = [document for document in yaml.safe_load_all(text) if document]
    return {f"{document['kind']}/{document['metadata']['name']}": document for document in documents}


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def base() -> Objects:
    """The objects of deploy/kustomize/base."""
    command = [kubectl_program(), "kustomize", str(BASE)]
    return by_name(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)


@pytest.fixture(scope="session")
def template(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """`template(values, release="packhouse")`: the chart's objects, in the namespace packhouse-system."""

    def run(values: Json | None = None, release: str = "packhouse") -> Objects:
        file = tmp_path_factory.mktemp("values") / "values.yaml"
        file.write_text(yaml.safe_dump(values or {}))
        command = [str(helm), "template", release, str(CHART), "--namespace=packhouse-system", f"--values={file}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise ValueError(done.stderr)
        return by_name(done.stdout)

    return run
