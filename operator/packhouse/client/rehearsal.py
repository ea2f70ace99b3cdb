"""A rehearsal: what the operator would do with an install, up to the plan, with the caller's rights. Writes nothing.

    rehearsal = await rehearse(session, Proposal(install, secrets))
    shown = await previews(session, rehearsal)

The operator's own code chooses the Package, fetches, renders and plans; it is given a world whose cluster and whose
identities are the caller's. Where the caller may see less than the operator, a warning says what was left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from packhouse.api.errors import Forbidden
from packhouse.api.views import InstalledPackage, Package, PackageRepository
from packhouse.client.catalogue import packages_of
from packhouse.client.proposed_cluster import ProposedCluster, as_stored
from packhouse.client.readable import CallersDesk
from packhouse.client.session import Session
from packhouse.client.workshop import Workshop, workshop
from packhouse.deploy.desired import Prepared
from packhouse.deploy.dry_run import Preview, dry_run
from packhouse.deploy.live import live
from packhouse.deploy.preflight import refuse_unreadable
from packhouse.deploy.trial import Terms
from packhouse.domain.change import Plan
from packhouse.domain.inventory import Inventory
from packhouse.domain.objects import ref_of
from packhouse.domain.ownership import entry_of
from packhouse.ports import Json
from packhouse.reconcile.facts import ClusterFacts
from packhouse.reconcile.gather import Facts, Progress, gather, take
from packhouse.reconcile.images import Answers
from packhouse.reconcile.planning import may_replace, owners_of, planned, wanted
from packhouse.reconcile.rendering import render
from packhouse.reconcile.report import Reporter
from packhouse.reconcile.stores import Objects, Packages, secret_mark
from packhouse.reconcile.world import Stores, World


@dataclass(frozen=True, slots=True)
class Proposal:
    """`install`: the InstalledPackage as it would be written, with its present status and uid where it exists;
    `secrets`: those that it names and that do not exist yet."""

    install: Json
    secrets: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`objects` as they were rendered; `desired` as they would be applied; `inventory` as it is recorded now."""

    install: InstalledPackage
    package: Package
    objects: Sequence[Json]
    desired: Prepared
    plan: Plan
    warnings: Sequence[str]
    inventory: Inventory


@dataclass(frozen=True, slots=True)
class Rendering:
    """The first half of a rehearsal: what the package gives, before anything of it was looked for."""

    install: InstalledPackage
    facts: Facts
    objects: Sequence[Json]
    warnings: Sequence[str]


async def rehearse(session: Session, proposal: Proposal) -> Rehearsal:
    """Raises what a reconcile of the install would end with, Forbidden where the caller may not read what it needs."""
    async with workshop(session.settings) as shop:
        return await rehearsed(session, proposal, shop)


async def rehearsed(session: Session, proposal: Proposal, shop: Workshop) -> Rehearsal:
    cluster = ProposedCluster(session.cluster, [proposal.install, *proposal.secrets])
    warnings: list[str] = []
    rendering = await _rendered(session, cluster, proposal, shop, warnings)
    install, facts = rendering.install, rendering.facts
    inventory = Inventory.from_wire(install.status.get("inventory"))
    desired = await wanted(cluster, install, facts.deploy, rendering.objects, inventory)
    refs = [*map(ref_of, desired.desired.objects), *(entry.ref for entry in inventory)]
    try:
        found = await live(cluster, refs)
    except Forbidden:  # all that is missing says more than the first of it
        await refuse_unreadable(cluster, refs)
        raise

    def unseen(owner: str) -> None:
        warnings.append(
            f"objects say that InstalledPackage {owner} owns them, and you may not see whether it exists; if it does, "
            "the operator leaves them to it and refuses this install"
        )

    owners = await owners_of(cluster, found, unseen=unseen)
    plan = await planned(cluster, install, desired, inventory, found, owners)
    return Rehearsal(install, facts.package, rendering.objects, desired, plan, warnings, inventory)


async def rendered(session: Session, proposal: Proposal, shop: Workshop) -> Rendering:
    """No object that the package gives is looked at. Raises as `rehearse` does."""
    cluster = ProposedCluster(session.cluster, [proposal.install, *proposal.secrets])
    return await _rendered(session, cluster, proposal, shop, [])


async def previews(session: Session, rehearsal: Rehearsal) -> Sequence[Preview]:
    """What each change would make of its object. Raises Forbidden where the caller may not read an object."""
    install = rehearsal.install
    terms = Terms(may_replace(install), install.adopt)
    return await dry_run(ProposedCluster(session.cluster, ()), rehearsal.plan, terms)


async def _rendered(
    session: Session, cluster: ProposedCluster, proposal: Proposal, shop: Workshop, warnings: list[str]
) -> Rendering:
    def warn(text: str) -> None:
        if text not in warnings:
            warnings.append(text)

    install = InstalledPackage.from_wire(as_stored(proposal.install))
    packages = {obj["metadata"]["name"]: obj for obj in await packages_of(session, install.public_name)}
    world = _world(session, cluster, shop)
    for package in packages.values():
        world.stores.packages.put(package)
    await world.facts.now()  # which packages there are for it depends on the cluster's version
    choice = take(world, install)
    steps = Package.from_wire(packages[choice.entry.name]).fetch
    progress = Progress(install, datetime.now(UTC))
    facts = await gather(world, progress, choice, CallersDesk(world, cluster, shop.origins, steps, warn))
    objects = await render(world, progress, facts, Answers())
    for text in (*(progress.fields["template"].get("warnings") or ()), choice.passed_over):
        if text:
            warn(text)
    if progress.trouble is not None:
        warn(f"{progress.trouble.message}; what the source said before stands in for it")
    return Rendering(install, facts, objects, warnings)


def _world(session: Session, cluster: ProposedCluster, shop: Workshop) -> World:
    """The operator's world with the caller's rights. Of its stores a rehearsal needs the packages alone."""
    stores = Stores(
        installs=Objects(InstalledPackage.from_wire),
        repositories=Objects(PackageRepository.from_wire),
        packages=Packages(),
        metadatas=Objects(entry_of),
        secrets=Objects(secret_mark),
    )
    return World(
        cluster=cluster,
        identities=cluster,
        origins=shop.origins,
        renderer=shop.renderer,
        reporter=Reporter(cluster, keep=lambda kind, obj: None),
        facts=ClusterFacts(cluster),
        stores=stores,
        settings=session.settings,
        reading=asyncio.Semaphore(1),
    )
