"""What templates may know of the cluster is asked for once a minute, however many ask."""

from __future__ import annotations

import asyncio

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import ClusterUnavailable
from packhouse.reconcile.facts import FRESH_SECONDS, ClusterFacts


class Asked(FakeCluster):
    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def version(self) -> str:
        self.asked += 1
        if self.asked == 3:
            raise ClusterUnavailable("down")
        await asyncio.sleep(0)
        return f"v1.{self.asked}.0"


async def test_facts_are_asked_for_once_while_they_are_fresh_and_trouble_is_not_kept() -> None:
    now = 0.0
    cluster = Asked()
    facts = ClusterFacts(cluster, clock=lambda: now)

    found = await asyncio.gather(*(facts.now() for _ in range(5)))
    assert cluster.asked == 1
    assert {one["version"] for one in found} == {"v1.1.0"}
    assert "apps/v1" in found[0]["apiGroups"]

    now = FRESH_SECONDS
    assert (await facts.now())["version"] == "v1.2.0"
    now = 2 * FRESH_SECONDS
    with pytest.raises(ClusterUnavailable):
        await facts.now()
    assert (await facts.now())["version"] == "v1.4.0"
