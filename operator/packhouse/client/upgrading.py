"""Which installs can have a newer version, and what that would take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packhouse.api.conditions import ConditionType, Reason, find
from packhouse.api.views import InstalledPackage
from packhouse.client import catalogue
from packhouse.client.changing import Amendment, Wishes, amended
from packhouse.client.installs import present
from packhouse.client.proposals import INSTALL
from packhouse.client.session import Session
from packhouse.domain.catalogue import wish_of
from packhouse.domain.ownership import entry_of
from packhouse.domain.upgrades import Prospect, prospect
from packhouse.ports import Json


@dataclass(frozen=True, slots=True)
class Upgrades:
    """`staying`: in words, which installs stay as they are, and why."""

    amendments: Sequence[Amendment]
    staying: Sequence[str]


async def upgrades(session: Session, names: Sequence[str], *, allow_everything: bool = False) -> Upgrades:
    """Of these installs, or of all in the namespace where none are named. Nothing is written. Raises NotFound."""
    kubernetes = await session.cluster.version()
    amendments, staying = [], []
    for install in [await present(session, name) for name in names] if names else await _all(session):
        view = InstalledPackage.from_wire(install)
        known = [entry_of(package) for package in await catalogue.packages_of(session, view.public_name)]
        found = prospect(wish_of(view, kubernetes), known)
        why = _why_it_stays(view, found)
        if why:
            staying.append(f"{view.meta.name}: {why}")
            continue
        wishes = Wishes(target=found.newest, allow_everything=allow_everything)
        amendments.append(await amended(session, view.meta.name, wishes))
    return Upgrades(amendments, staying)


async def _all(session: Session) -> list[Json]:
    pages = session.cluster.pages(INSTALL, namespace=session.namespace)
    return [install async for page in pages for install in page.items]


def _why_it_stays(install: InstalledPackage, found: Prospect) -> str:
    """ "" where it can be upgraded."""
    name, has = install.meta.name, str(install.status.get("version") or install.version or "")
    if not found.newest:
        return f"no version of {install.public_name} is known that it may take; kubectl package installed status {name}"
    if not found.exceeds(has):
        return f"has the newest version, {has}"
    if install.paused or install.canceled:
        return f"is held; {found.newest} waits until it is resumed"
    if not found.follows:
        return "" if found.exceeds(found.takes) else f"was told to take {found.newest} already"
    if found.exceeds(found.takes):
        return (
            f"follows {found.follows}, which does not take {found.newest}; to have it follow another range: "
            f"kubectl package installed update {name} --version"
        )
    ready = find(install.conditions, ConditionType.READY)
    if ready is not None and ready.reason == Reason.FORBIDDEN:
        return (
            f"follows {found.follows}, and its account lacks rights for {found.newest}; where the client made it, this "
            f"gives them: kubectl package installed update {name}"
        )
    return f"follows {found.follows}, and gets {found.newest} by itself"
