"""Adapters against the outside they are made for.

Real: registries and HTTP servers on loopback, and the control plane where a test is marked `cluster`. Faked: what an
HTTP server answers where the answer is the subject. Asserted: what comes out, and which of our errors is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.registry import LocalRegistry
from signing import KeyPair, Signer, push


@pytest.fixture(scope="module")
def signer(cosign: Path, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(cosign, tmp_path_factory.mktemp("cosign"))


@pytest.fixture(scope="module")
def key(signer: Signer) -> KeyPair:
    return signer.key_pair()


@pytest.fixture
def pushed(oras: Path, tmp_path: Path) -> Callable[[LocalRegistry], str]:
    return lambda registry: push(oras, registry, tmp_path)
