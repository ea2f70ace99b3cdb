"""The Go modules that the programs of the tests come from, and the key under which each is kept in the cache.

A module is a folder with go.mod and go.sum, and with Go files where a program is our own (its package is `.`). Each has
a key of its own, so that another version of cosign does not build kube-apiserver anew. Called by `binaries` alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parents[1]


class NoVersion(ValueError):
    """A go.mod lacks the version that its programs must be told."""


@dataclass(frozen=True, slots=True)
class Module:
    """`folder` holds go.mod; `programs` are name -> Go package."""

    folder: Path
    programs: Mapping[str, str]

    def key(self) -> str:
        """Return what the module's files and flags give: 16 hexadecimal digits."""
        digest = hashlib.sha256()
        own = sorted(self.folder.glob("*.go"))
        for file in (self.folder / "go.mod", self.folder / "go.sum"):
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        digest.update(hashlib.sha256("\0".join(self.flags()).encode()).digest())
        for file in own:
            digest.update(hashlib.sha256(file.name.encode() + b"\0" + file.read_bytes()).digest())
        return digest.hexdigest()[:16]

    def flags(self) -> tuple[str, ...]:
        """Return the flags of `go build`. Raises NoVersion."""
        return ("-trimpath", "-buildvcs=false", "-ldflags", " ".join(["-s", "-w", *self._versions()]))

    def _versions(self) -> list[str]:
        """The API server tells its version by linker flags; without them it says v0.0.0 and clients refuse it."""
        if "kube-apiserver" not in self.programs:
            return []
        found = re.search(r"^\s*k8s\.io/kubernetes v(\d+)\.(\d+)\.(\S+)", self._go_mod(), re.MULTILINE)
        if found is None:
            raise NoVersion(f"{self.folder / 'go.mod'} requires no k8s.io/kubernetes")
        major, minor, patch = found.groups()
        words = {"gitVersion": f"v{major}.{minor}.{patch}", "gitMajor": major, "gitMinor": minor}
        return [f"-X k8s.io/component-base/version.{name}={value}" for name, value in words.items()]

    def _go_mod(self) -> str:
        return (self.folder / "go.mod").read_text()


MODULES: tuple[Module, ...] = (
    Module(
        HERE,
        {
            "etcd": "go.etcd.io/etcd/server/v3",
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
            "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
            "kwok": "sigs.k8s.io/kwok/cmd/kwok",
            "registry": "github.com/distribution/distribution/v3/cmd/registry",
            "helm": "helm.sh/helm/v4/cmd/helm",
        },
    ),
    Module(
        HERE / "oci",
        {
            "oras": "oras.land/oras/cmd/oras",
            "crane": "github.com/google/go-containerregistry/cmd/crane",
            "referrers-registry": ".",  # main.go there
        },
    ),
    Module(HERE / "cosign", {"cosign": "github.com/sigstore/cosign/v3/cmd/cosign"}),
    Module(HERE / "sigstore", {"local-sigstore": "."}),  # main.go there
    Module(HERE / "sops", {"sops": "github.com/getsops/sops/v3/cmd/sops"}),
)
