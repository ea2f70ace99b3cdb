"""Gather, for an install: which Package it takes, and everything that rendering it depends on. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from packhouse.api.errors import InvalidSpec, PackageNotFound
from packhouse.api.names import PACKAGE, PACKAGE_GROUP, VERSION
from packhouse.api.views import InstalledPackage, Package
from packhouse.domain.catalogue import Choice, Wish, choose
from packhouse.domain.deploy_step import DeployStep, read_deploy
from packhouse.domain.objects import digest
from packhouse.domain.schedule import seconds_of
from packhouse.fetch import Resolution, Sources, resolve_all
from packhouse.ports import Json, Kind, Ref
from packhouse.reconcile.outside import outside_marks
from packhouse.reconcile.sources import install_sources
from packhouse.reconcile.values import values_marks
from packhouse.reconcile.world import World


@dataclass(slots=True)
class Progress:
    """How far a reconcile came: what it will say of its stages in status, whatever ends it.

    `install` carries the status as it was last written; `stage` names the stanza that an error belongs to.
    """

    install: InstalledPackage
    started: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was gathered before anything is rendered. `inputs` is a digest of all that rendering depends on."""

    choice: Choice
    package: Package
    deploy: DeployStep
    sources: Sources
    resolution: Resolution
    inputs: str
    cluster: Json


def take(world: World, install: InstalledPackage) -> Choice:
    """The Package that the install takes from the catalogue as it is known now. Raises what `choose` raises."""
    return choose(
        wish_of(install, world.facts.version), world.stores.packages.lookup(install.public_name, install.meta.namespace)
    )


def mark_of(choice: Choice) -> str:
    """Changes when the install would get something else from the catalogue, or would say something else of it."""
    return f"{choice.entry.name}/{choice.entry.uid}/{choice.entry.digest}/{choice.passed_over}"


async def gather(world: World, progress: Progress, choice: Choice) -> Facts:
    """Raises PackageNotFound, UnsupportedStep, InvalidSpec, and what resolving the sources raises."""
    install = progress.install
    if not seconds_of(install.sync_period):
        raise InvalidSpec(f"spec.syncPeriod {install.sync_period!r} is no duration; write it as 10m or 1h30m")
    if install.wait_timeout is not None and seconds_of(install.wait_timeout) is None:
        raise InvalidSpec(f"spec.deploy.waitTimeout {install.wait_timeout!r} is no duration; write it as 5m or 90s")
    found = await world.cluster.get(Ref(Kind(PACKAGE_GROUP, VERSION, PACKAGE), "", choice.entry.name))
    if found is None:
        raise PackageNotFound(f"package {choice.entry.name} was deleted a moment ago; its return wakes this install")
    package = Package.from_wire(found)
    deploy = read_deploy(package.meta.name, package.deploy)
    sources = install_sources(world, install)
    progress.stage = "fetch"
    resolution = await resolve_all(package.fetch, sources)
    progress.fields["fetch"] = {"digest": resolution.digest}
    progress.stage = "template"
    cluster = await world.facts.now()
    inputs = [
        (choice.entry.name, choice.entry.digest),
        resolution.digest,
        values_marks(world.stores.secrets, install),
        await outside_marks(world, install, package),
        cluster,
        (install.meta.uid, install.meta.generation),
    ]
    return Facts(choice, package, deploy, sources, resolution, digest(inputs), cluster)


def wish_of(install: InstalledPackage, kubernetes: str) -> Wish:
    """`kubernetes`: the cluster's version, "" where it is not known yet."""
    return Wish(
        public_name=install.public_name,
        version=install.version,
        constraint=install.constraint,
        prereleases=install.prereleases,
        repositories=install.repositories,
        downgradable=install.downgradable,
        recorded_package=install.recorded_package,
        recorded_repository=install.recorded_repository,
        recorded_digest=install.recorded_digest,
        last_attempted=install.status.get("lastAttemptedVersion"),
        kubernetes=kubernetes,
    )


def context_of(install: InstalledPackage, facts: Facts) -> Json:
    """What templates see besides values and files."""
    package = facts.package
    return {
        "package": {
            "name": package.meta.name,
            "publicName": package.public_name,
            "version": package.version,
            "displayName": package.display_name,
        },
        "install": {
            "name": install.meta.name,
            "namespace": install.meta.namespace,
            "defaultNamespace": install.default_namespace,
            "serviceAccountName": install.service_account,
        },
        "cluster": facts.cluster,
    }
