"""The whole life of an install, stage by stage, in this process: with the operator's own rooms, on a real API server,
as the install's service account. What the account lacks ends the stage that needs it.

Used where the rights of an account are in question: a life costs a second, and the operator would tell the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace

from lab import Json, install, package
from packhouse.api.errors import PackhouseError
from packhouse.api.views import InstalledPackage, Package
from packhouse.client.account import Grant, grant_for
from packhouse.client.proposed_cluster import as_stored
from packhouse.client.session import Session, Target
from packhouse.connected import Connected
from packhouse.deploy.apply import Terms, carry_out
from packhouse.deploy.desired import Prepared
from packhouse.deploy.live import live
from packhouse.deploy.preflight import preflight
from packhouse.deploy.remove import remove_wave, remove_waves
from packhouse.deploy.survey import survey
from packhouse.domain.change import Action, Change, Plan
from packhouse.domain.deploy_step import read_deploy
from packhouse.domain.fetch_references import fetch_references
from packhouse.domain.inventory import Inventory
from packhouse.domain.kapp.rules import UpdateStrategy
from packhouse.domain.leaving import leaving
from packhouse.domain.objects import ref_of
from packhouse.domain.step_references import references
from packhouse.ports import Cluster, Kind, Ref
from packhouse.reconcile.planning import planned, wanted
from packhouse.settings import Settings

STAGES = ("install", "no-op", "upgrade", "repair", "delete")
OLD_NAMESPACES = frozenset({"default", "kube-public", "kube-system"})


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What client/rehearsal.py gives, of objects that were rendered already."""

    install: InstalledPackage
    package: Package
    desired: Prepared
    plan: Plan
    inventory: Inventory


@dataclass(frozen=True, slots=True)
class Subject:
    """An install of these objects. `later`: those of another version of the package, by default the same with another
    content; `spec`: of the install; `steps`: fetch and template steps of its package."""

    namespace: str
    objects: Sequence[Json]
    later: Sequence[Json] = ()
    name: str = "web"
    account: str = "web-installer"
    spec: Json = field(default_factory=dict)
    steps: Json = field(default_factory=dict)

    @property
    def install(self) -> InstalledPackage:
        wire = install(self.name, self.namespace, "web.example.com", account=self.account, **self.spec)
        return InstalledPackage.from_wire(as_stored(wire))

    @property
    def package(self) -> Package:
        return Package.from_wire(
            as_stored(package("web.example.com", "1.0.0", "registry.example/web", **(self.steps or {})))
        )

    async def rehearsed(self, cluster: Cluster, inventory: Inventory | None = None) -> Rehearsed:
        before = inventory or Inventory({})
        the_install, the_package = self.install, self.package
        step = read_deploy(the_package.meta.name, the_package.deploy)
        desired = await wanted(cluster, the_install, step, self.objects, before)
        found = await live(cluster, [*map(ref_of, desired.desired.objects), *(entry.ref for entry in before)])
        the_plan = await planned(cluster, the_install, desired, before, found, {the_install.owner})
        return Rehearsed(the_install, the_package, desired, the_plan, before)

    async def grant(self, session: Session, *, allow_everything: bool = False) -> Grant:
        known = await self.rehearsed(session.cluster)
        return await grant_for(session, known, self.namespace, self.name, allow_everything=allow_everything)


def session_of(cluster: Cluster, namespace: str) -> Session:
    return Session(cluster, namespace, Settings(), Target())


class Life:
    """One install as its account lives it. What happens to its objects from outside, the admin does."""

    def __init__(self, link: Connected, subject: Subject, rooms: Iterable[str] = ()) -> None:
        """`rooms`: the namespaces that hold roles of the account. They would go with them, so nobody deletes them."""
        self._subject = self._now = subject
        self._admin = link.cluster
        self._actor = link.identities.of(subject.namespace, subject.account)
        self.inventory = Inventory({})
        self._rooms = OLD_NAMESPACES.union(rooms)

    async def ended_by(self, stages: Iterable[str] = STAGES) -> tuple[str, PackhouseError] | None:
        """The stage that was refused, and why; None where the life came to its end."""
        acts: dict[str, Callable[[], Awaitable[None]]] = {
            "install": self._install,
            "no-op": self._look_again,
            "upgrade": self._upgrade,
            "repair": self._repair,
            "delete": self._delete,
        }
        for stage in stages:
            try:
                await acts[stage]()
            except PackhouseError as error:
                return stage, error
        return None

    async def end(self) -> None:
        """Whatever became of it: the next life finds nothing of it, but for those namespaces."""
        wanted = (await self._now.rehearsed(self._admin)).desired.desired
        mine = [ref for ref in map(ref_of, wanted.objects) if not wanted.rules_of(ref).exists]
        await self._taken([*mine, *self._refs], self._rooms)
        self.inventory, self._now = Inventory({}), self._subject

    async def _install(self) -> None:
        await self._rolled_out(self._now)

    async def _look_again(self) -> None:
        done = await self._rolled_out(self._now)
        assert done.is_empty, [str(change) for change in done if change.action is not Action.KEEP]

    async def _upgrade(self) -> None:
        objects = self._subject.later or [relabelled(obj) for obj in self._subject.objects]
        self._now = replace(self._subject, objects=objects)
        done = await self._rolled_out(self._now)
        assert done.writes, "nothing was upgraded"

    async def _repair(self) -> None:
        """Everything is made anew that somebody deleted: all but the namespaces that hold roles of the account."""
        await self._taken(self._refs, self._rooms)
        done = await self._rolled_out(self._now)
        assert done.writes, "nothing was missing"

    async def _delete(self) -> None:
        seen = await survey(self._actor, self._refs)
        for error in seen.untold.values():
            raise error
        waves = leaving(self.inventory, seen.found, seen.untold, owner=self._subject.install.owner)
        removed = await remove_waves(self._actor, waves, patience_seconds=30)
        for error in removed.errors:
            raise error
        assert not removed.survivors, [str(survivor) for survivor in removed.survivors]
        self.inventory = Inventory({})

    async def _rolled_out(self, subject: Subject) -> Plan:
        """As reconcile/rollout.py does it, but for status and waiting."""
        for kind, name in [*references(subject.package.template), *fetch_references(subject.package.fetch)]:
            await self._actor.get(Ref(Kind("", "v1", kind), subject.namespace, name))
        known = await subject.rehearsed(self._actor, self.inventory)
        install, the_plan = known.install, known.plan

        def may_replace(change: Change) -> bool:
            return install.replace_immutable or change.rules.update is UpdateStrategy.FALLBACK_ON_REPLACE

        the_plan = await preflight(self._actor, the_plan, may_replace=may_replace, adopt=install.adopt)
        recorded = [change.ref for change in the_plan.desired if not _is_somebody_elses(change)]
        ahead = self.inventory.union(recorded).doubting(change.ref for change in (*the_plan.writes, *the_plan.removals))
        done = await carry_out(self._actor, the_plan, ahead, Terms(force_adopted=install.adopt is True))
        self.inventory = done.inventory
        if done.error is not None:
            raise done.error
        return the_plan

    @property
    def _refs(self) -> list[Ref]:
        return [entry.ref for entry in self.inventory]

    async def _taken(self, refs: Iterable[Ref], staying: Container[str]) -> None:
        """Deleted by the admin, and gone."""
        found = await live(self._admin, refs)
        doomed = [
            Change(ref, Action.PRUNE, "somebody deletes it", uid=obj["metadata"]["uid"])
            for obj in found.values()
            if not ((ref := ref_of(obj)).kind.kind == "Namespace" and ref.name in staying)
        ]
        removed = await remove_wave(self._admin, doomed, patience_seconds=60)
        assert not removed.survivors, [str(survivor) for survivor in removed.survivors]


def _is_somebody_elses(change: Change) -> bool:
    return change.action is Action.EXPECT or (change.action is Action.SKIP and change.adopting)


def relabelled(obj: Json) -> Json:
    """The object with an annotation more, as if another version of the package brought it. A Config of kapp is none."""
    if "metadata" not in obj:
        return obj
    annotations = {**(obj["metadata"].get("annotations") or {}), "example.com/version": "2"}
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}
