"""The stories of reconcile/, from object to status.

Real: reconcilers, stores, reporter, deploy, template steps and domain. Faked: the cluster (fakes_cluster), the
registry (fakes_registry), the renderer's process (fakes_renderer), clock and chance. Asserted: what is in the cluster,
what status says of it, and where the order of writes is the promise, that order.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from house import House
from packhouse.deploy import apply, remove


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """An operator that does not wait long for what is being deleted."""
    monkeypatch.setattr(remove, "GONE_SECONDS", 0.02)
    monkeypatch.setattr(apply, "POLL_SECONDS", 0.01)
    return House(tmp_path)
