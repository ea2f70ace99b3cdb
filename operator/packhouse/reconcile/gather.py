"""Gather, for an install: which Package it takes, and everything that rendering it depends on. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from packhouse.api.errors import Failed, InvalidSpec, PackageNotFound
from packhouse.api.names import PACKAGE, PACKAGE_GROUP, VERSION
from packhouse.api.views import InstalledPackage, Package
from packhouse.domain.catalogue import Choice, choose, wish_of
from packhouse.domain.deploy_step import DeployStep, read_deploy
from packhouse.domain.objects import digest
from packhouse.domain.schedule import seconds_of
from packhouse.fetch import Resolution, Sources, resolve_all
from packhouse.ports import Json, Kind, Ref
from packhouse.reconcile.outcome import AVAILABLE, SourceWord, away
from packhouse.reconcile.outside import named_secrets, outside_marks
from packhouse.reconcile.sources import SourceDesk
from packhouse.reconcile.values import values_marks
from packhouse.reconcile.world import World


@dataclass(slots=True)
class Progress:
    """How far a reconcile came: what it will say of its stages in status, whatever ends it.

    `install` carries the status as it was last written; `stage` names the stanza that an error belongs to; `source` is
    what is known of its sources, and `trouble` what an older answer stood in for. `named`: the Secrets that it reads.
    """

    install: InstalledPackage
    started: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    stage: str = ""
    source: SourceWord | None = None
    trouble: Failed | None = None
    named: set[str] = field(default_factory=set)

    def in_trouble(self, trouble: Failed | None) -> None:
        """A source gave no answer, and what it said before stands in. The first trouble is told."""
        if trouble is not None and self.trouble is None:
            self.trouble, self.source = trouble, away(trouble)


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


async def gather(world: World, progress: Progress, choice: Choice, desk: SourceDesk) -> Facts:
    """Raises PackageNotFound, UnsupportedStep, InvalidSpec, and what resolving the sources raises.

    A source that gives no answer is no error where status holds what it said of the same Package before.
    """
    install = progress.install
    if not seconds_of(install.sync_period):
        raise InvalidSpec(f"spec.syncPeriod {install.sync_period!r} is no duration; write it as 10m or 1h30m")
    if install.wait_timeout is not None and seconds_of(install.wait_timeout) is None:
        raise InvalidSpec(f"spec.deploy.waitTimeout {install.wait_timeout!r} is no duration; write it as 5m or 90s")
    found = await world.cluster.get(Ref(Kind(PACKAGE_GROUP, VERSION, PACKAGE), "", choice.entry.name))
    if found is None:
        raise PackageNotFound(f"package {choice.entry.name} was deleted a moment ago; its return wakes this install")
    package = Package.from_wire(found)
    progress.named |= named_secrets(package)
    deploy = read_deploy(package.meta.name, package.deploy)
    progress.stage = "fetch"
    sources, terms = await desk.of_install(install, demanding(choice), progress.named)
    resolution = await resolve_all(package.fetch, sources, instead=_recorded(progress, choice, package))
    if resolution.trouble is None:
        desk.freshness.answered(install.meta)
        progress.source = AVAILABLE
    progress.in_trouble(resolution.trouble)
    progress.fields["fetch"] = {"digest": resolution.digest, "sources": resolution.to_wire()}
    progress.stage = "template"
    cluster = await world.facts.now()
    inputs = [
        (choice.entry.name, choice.entry.digest),
        resolution.digest,
        values_marks(world.stores.secrets, install),
        await outside_marks(world, install, package),
        cluster,
        (install.meta.uid, install.meta.generation),
        terms.mark,
    ]
    return Facts(choice, package, deploy, sources, resolution, digest(inputs), cluster)


def demanding(choice: Choice) -> str | None:
    """The repository whose demands count for the Package's sources: one that offers it.

    Which one the install follows is told by status, and whoever may write that must not get free of signatures."""
    return choice.repository if choice.repository in choice.entry.offered_by else choice.entry.repository


def of_other_package(install: InstalledPackage, choice: Choice) -> Json:
    """The fetch stanza to say first where another Package was chosen: what the sources of the last one stood for must
    not pass for its own."""
    stanza = install.status.get("fetch")
    if not stanza or install.recorded_digest == choice.entry.digest:
        return {}
    return {"fetch": {name: value for name, value in stanza.items() if name != "sources"}}


def _recorded(progress: Progress, choice: Choice, package: Package) -> Resolution | None:
    """What the sources of this very Package stood for when they were last asked."""
    install = progress.install
    if install.recorded_digest != choice.entry.digest:
        return None
    return Resolution.from_wire((install.status.get("fetch") or {}).get("sources"), package.fetch)


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
