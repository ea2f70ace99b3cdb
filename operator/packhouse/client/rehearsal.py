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

from packhouse.api.names import PACKAGE, PACKAGE_GROUP, VERSION
from packhouse.api.views import InstalledPackage, Package, PackageRepository
from packhouse.client.proposed_cluster import ProposedCluster, as_stored
from packhouse.client.session import Session
from packhouse.client.workshop import Workshop, workshop
from packhouse.deploy.desired import Prepared
from packhouse.deploy.dry_run import Preview, dry_run
from packhouse.deploy.live import live
from packhouse.domain.change import Plan
from packhouse.domain.inventory import Inventory
from packhouse.domain.objects import ref_of
from packhouse.domain.ownership import entry_of
from packhouse.ports import Json, Kind
from packhouse.reconcile.facts import ClusterFacts
from packhouse.reconcile.gather import Facts, Progress, gather, take
from packhouse.reconcile.images import Answers
from packhouse.reconcile.planning import owners_of, planned, wanted
from packhouse.reconcile.rendering import render
from packhouse.reconcile.report import Reporter
from packhouse.reconcile.sources import SourceDesk
from packhouse.reconcile.stores import Objects, Packages, secret_mark
from packhouse.reconcile.terms import TermsBook
from packhouse.reconcile.world import Stores, World


@dataclass(frozen=True, slots=True)
class Proposal:
    """`install`: the InstalledPackage as it would be written, with its present status and uid where it exists;
    `secrets`: those that it names and that do not exist yet; `account_exists`: so does its service account."""

    install: Json
    secrets: Sequence[Json] = ()
    account_exists: bool = False


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
    """The first half of a rehearsal: no object of the cluster was looked at."""

    facts: Facts
    objects: Sequence[Json]
    warnings: Sequence[str]


async def rehearse(session: Session, proposal: Proposal) -> Rehearsal:
    """Raises what a reconcile of the install would end with, Forbidden where the caller may not read what it needs."""
    async with workshop(session.settings) as shop:
        return await rehearsed(session, proposal, shop)


async def rehearsed(session: Session, proposal: Proposal, shop: Workshop) -> Rehearsal:
    cluster = ProposedCluster(session.cluster, [proposal.install, *proposal.secrets])
    install = InstalledPackage.from_wire(as_stored(proposal.install))
    rendering = await _rendered(session, cluster, install, shop)
    warnings = list(rendering.warnings)
    inventory = Inventory.from_wire(install.status.get("inventory"))
    desired = await wanted(cluster, install, rendering.facts.deploy, rendering.objects, inventory)
    refs = [ref_of(obj) for obj in desired.desired.objects]
    found = await live(cluster, [*refs, *(entry.ref for entry in inventory)])

    def unseen(owner: str) -> None:
        warnings.append(
            f"objects say that InstalledPackage {owner} owns them, and you may not see whether it exists; if it does, "
            "the operator leaves them to it and refuses this install"
        )

    owners = await owners_of(cluster, found, unseen=unseen)
    plan = await planned(cluster, install, desired, inventory, found, owners)
    return Rehearsal(install, rendering.facts.package, rendering.objects, desired, plan, warnings, inventory)


async def rendered(session: Session, proposal: Proposal, shop: Workshop) -> Rendering:
    """Raises as `rehearse` does."""
    cluster = ProposedCluster(session.cluster, [proposal.install, *proposal.secrets])
    return await _rendered(session, cluster, InstalledPackage.from_wire(as_stored(proposal.install)), shop)


async def previews(session: Session, rehearsal: Rehearsal) -> Sequence[Preview]:
    """What each change would make of its object. Raises Forbidden where the caller may not read an object."""
    return await dry_run(ProposedCluster(session.cluster, ()), rehearsal.plan)


async def _rendered(session: Session, cluster: ProposedCluster, install: InstalledPackage, shop: Workshop) -> Rendering:
    world = await _world(session, cluster, install, shop)
    await world.facts.now()  # which packages there are for it depends on the cluster's version
    choice = take(world, install)
    desk = SourceDesk(world, TermsBook(world), shop.origins)
    progress = Progress(install, datetime.now(UTC))
    facts = await gather(world, progress, choice, desk)
    objects = await render(world, progress, facts, Answers())
    warnings = list(progress.fields["template"].get("warnings") or ())
    if choice.passed_over:
        warnings.append(choice.passed_over)
    if progress.trouble is not None:
        warnings.append(f"{progress.trouble.message}; what it said before stands in for it")
    return Rendering(facts, objects, warnings)


async def _world(session: Session, cluster: ProposedCluster, install: InstalledPackage, shop: Workshop) -> World:
    """The operator's world with the caller's rights, and of its stores what this one install asks for."""
    stores = Stores(
        installs=Objects(InstalledPackage.from_wire),
        repositories=Objects(PackageRepository.from_wire),
        packages=Packages(),
        metadatas=Objects(entry_of),
        secrets=Objects(secret_mark),
    )
    async for page in session.cluster.pages(Kind(PACKAGE_GROUP, VERSION, PACKAGE)):
        for package in page.items:
            if (package.get("spec") or {}).get("publicName") == install.public_name:
                stores.packages.put(package)
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
