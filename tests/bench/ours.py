"""Plan and apply as the operator does them, within this process: what reconcile/rollout.py and removal.py call, in
their order, without rendering, status and waiting for readiness."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from lab import Json
from packhouse.connected import connected
from packhouse.deploy.apply import Terms, carry_out
from packhouse.deploy.desired import prepared, with_live
from packhouse.deploy.live import live
from packhouse.deploy.preflight import preflight
from packhouse.deploy.remove import remove_waves
from packhouse.domain.change import Plan
from packhouse.domain.inventory import Inventory
from packhouse.domain.kapp.options import read_options
from packhouse.domain.leaving import leaving
from packhouse.domain.objects import Placement, ref_of
from packhouse.domain.plan import plan
from packhouse.ports import Cluster
from packhouse.settings import Settings


class Ours:
    """One install's identity, and what it has applied. `with` it: its connections stay open, as an operator's do."""

    name = "packhouse"

    def __init__(self, kubeconfig: Path, namespace: str, account: str) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._account = account
        self._owner = f"{namespace}/bench"
        self._settings = Settings()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._actor: Cluster | None = None
        self.objects: Sequence[Json] = ()
        self._inventory = Inventory({})

    def __enter__(self) -> Self:
        self._actor = self._runner.run(self._connect())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def apply(self) -> None:
        """Raises what the deploy stage raises."""
        self._runner.run(self._apply())

    def again(self) -> None:
        """Nothing is to be done, and that is found out."""
        assert self._runner.run(self._planned())[0].is_empty

    def delete(self) -> None:
        self._runner.run(self._delete())

    async def _connect(self) -> Cluster:
        link = await self._stack.enter_async_context(connected(self._settings, kubeconfig=str(self._kubeconfig)))
        actor = link.identities.of(self._namespace, self._account)
        await actor.groups()  # has a token from here on
        return actor

    @property
    def _cluster(self) -> Cluster:
        assert self._actor is not None, "use it in a with statement"
        return self._actor

    async def _planned(self) -> tuple[Plan, Inventory]:
        wanted = await prepared(
            self._cluster,
            self.objects,
            owner=self._owner,
            placement=Placement(self._namespace),
            inventory=self._inventory,
            options=read_options(()),
        )
        refs = [ref_of(obj) for obj in wanted.desired.objects]
        found = await live(self._cluster, [*refs, *(entry.ref for entry in self._inventory)])
        desired = await with_live(self._cluster, wanted, found)
        the_plan = plan(desired, self._inventory, found, owner=self._owner, owners={self._owner})
        ahead = self._inventory.union(change.ref for change in the_plan.desired)
        return await preflight(self._cluster, the_plan), ahead

    async def _apply(self) -> None:
        the_plan, ahead = await self._planned()
        done = await carry_out(self._cluster, the_plan, ahead, Terms(parallel=self._settings.apply_parallel))
        if done.error is not None:
            raise done.error
        self._inventory = done.inventory

    async def _delete(self) -> None:
        recorded = self._inventory
        found = await live(self._cluster, [entry.ref for entry in recorded])
        removed = await remove_waves(
            self._cluster, leaving(recorded, found, frozenset(), owner=self._owner), patience_seconds=120
        )
        assert not removed.survivors, removed.survivors
        self._inventory = Inventory({})
