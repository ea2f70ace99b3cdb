"""The way of a package, end to end: begun in a folder, held against the cluster, released, and installed from there by
an operator that takes only what its makers signed.

Real: the command line as processes, the API server's schemas, the registry, cosign's key, the operator.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import OPERATOR_NAMESPACE, Lab, install, repository, secret
from signing import KeyPair, Signer

Author = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def author(lab: Lab, tmp_path: Path) -> Author:
    """`author("build", "web")`: the verb in a folder of the test's own, as a user whom no role names."""

    def call(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KUBECONFIG": str(lab.cluster.kubeconfig), "COSIGN_PASSWORD": ""}
        command = [sys.executable, "-m", "packhouse.cli.main", "package", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


@pytest.fixture
def key(cosign: Path, tmp_path: Path) -> KeyPair:
    return Signer(cosign, tmp_path).key_pair()


@pytest.fixture
def trust(lab: Lab, key: KeyPair, unique: str) -> Iterator[str]:
    """The name of a Secret with the public key."""
    lab.apply(secret(OPERATOR_NAMESPACE, unique, cosign_pub=key.pem))
    yield unique
    lab.delete("pkgr", unique, wait=False)
    lab.delete("secret", unique, OPERATOR_NAMESPACE, wait=False)


def test_a_package_is_begun_built_released_and_installed_by_who_trusts_its_maker(
    lab: Lab, installer: str, author: Author, key: KeyPair, trust: str, tmp_path: Path
) -> None:
    name, public_name = trust, f"{trust}.packages.example.com"
    author("init", name)
    template = tmp_path / name / "config/deployment.yml"
    good = template.read_text()
    template.write_text(good.replace("replicas:", "replica:"))
    refused = author("build", name, "--against-cluster", "--as", "eve", code=1)
    assert refused.stderr.splitlines()[-3:] == [
        f"Deployment {name}: spec.replica is not known (did you mean replicas?)",
        "error: the cluster would not take all objects: 1 fault",
        "help:  correct the templates, and build again",
    ]
    template.write_text(good)
    author("build", name, "--against-cluster", "--as", "eve")

    image = f"{lab.registry_host}/{name}/repo"
    released = author(
        "release", name, "--to", image, "--bump", "minor", "--key", str(key.private), "--yes", "-o", "name"
    )
    bundle, offering = released.stdout.split()
    lab.apply(repository(name, f"{image}:latest", verify={"keys": [{"secretRef": {"name": trust}}]}))
    [source] = lab.settled("pkgr", name)["status"]["fetch"]["sources"]
    assert source["digest"] == offering.partition("@")[2]
    assert source["verifiedBy"] == f"key Secret {OPERATOR_NAMESPACE}/{trust} key cosign.pub"

    lab.apply(install("web", installer, public_name, constraint="*"))
    status = lab.settled("ipkg", "web", installer)["status"]
    assert (status["version"], status["fetch"]["sources"][0]["digest"]) == ("0.2.0", bundle.partition("@")[2])
    assert lab.get("deployment", "web", installer) is not None
