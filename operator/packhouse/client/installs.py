"""The installs as the command line looks at them, with the newer versions that there are for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packhouse.api.errors import Forbidden
from packhouse.api.views import InstalledPackage
from packhouse.client.errors import NotFound
from packhouse.client.proposals import INSTALL, ref
from packhouse.client.session import Session
from packhouse.domain import versions
from packhouse.domain.catalogue import Entry, package_name
from packhouse.domain.offers import nearest
from packhouse.domain.ownership import entry_of
from packhouse.ports import Json, Ref


@dataclass(frozen=True, slots=True)
class Installed:
    """`available`: the newest version that it could have, where that is newer than its own; `allowed`: the same, as far
    as its constraint goes."""

    install: Json
    view: InstalledPackage
    available: str = ""
    allowed: str = ""

    @property
    def version(self) -> str:
        """The one that is in place; "" where none is yet."""
        return str(self.view.status.get("version") or "")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Installs by namespace and name; `unknown`: why newer versions are not known."""

    installs: Sequence[Installed]
    unknown: str = ""


async def present(session: Session, name: str) -> Json:
    """Raises NotFound with the nearest names."""
    found = await session.cluster.get(ref(session.namespace, name))
    if found is not None:
        return found
    try:
        names = [obj["metadata"]["name"] for obj in await _all(session, session.namespace)]
    except Forbidden:
        names = []
    meant = nearest(name, names)
    lever = f"did you mean {' or '.join(meant)}?" if meant else "see them all: kubectl package installed list -A"
    raise NotFound(f"there is no install {session.namespace}/{name}", lever)


async def listed(session: Session, *, all_namespaces: bool = False) -> Shelf:
    return await shelf_of(session, await _all(session, "" if all_namespaces else session.namespace))


async def shelf_of(session: Session, installs: Sequence[Json]) -> Shelf:
    """Who may not read packages gets them without newer versions."""
    plain = [Installed(install, InstalledPackage.from_wire(install)) for install in installs]
    try:
        return Shelf(await _with_newer(session, plain))
    except Forbidden:
        return Shelf(plain, "you may not read Package")


async def _all(session: Session, namespace: str) -> list[Json]:
    found = [obj async for page in session.cluster.pages(INSTALL, namespace=namespace) for obj in page.items]
    return sorted(found, key=lambda obj: (obj["metadata"]["namespace"], obj["metadata"]["name"]))


async def _with_newer(session: Session, installs: Sequence[Installed]) -> list[Installed]:
    """Only what may be newer is asked for as a whole."""
    if not installs:
        return []
    from packhouse.client.listings import versions_by_name  # who asks for nothing newer waits for none of it
    from packhouse.domain.upgrades import prospect
    from packhouse.reconcile.gather import wish_of

    known, kubernetes = await asyncio.gather(versions_by_name(session), session.cluster.version())
    wanted = {one.view.meta.key: _newer(one, known.get(one.view.public_name, ())) for one in installs}
    entries = await _entries(session, {name for names in wanted.values() for name in names})

    def informed(one: Installed) -> Installed:
        offered = [entries[name] for name in wanted[one.view.meta.key] if name in entries]
        if not offered:
            return one
        found = prospect(wish_of(one.view, kubernetes), offered)
        newer = [
            version if version and versions.compare(version, one.version) > 0 else ""
            for version in (found.newest, found.takes)
        ]
        return Installed(one.install, one.view, *newer)

    return [informed(one) for one in installs]


def _newer(one: Installed, known: Sequence[str]) -> list[str]:
    """The names of the Packages that are newer than what is in place."""
    if not one.version or not versions.is_version(one.version):
        return []
    newer = [
        version for version in known if versions.is_version(version) and versions.compare(version, one.version) > 0
    ]
    return [package_name(one.view.public_name, version) for version in newer]


async def _entries(session: Session, names: set[str]) -> Mapping[str, Entry]:
    from packhouse.client.listings import PACKAGE_KIND

    found = await asyncio.gather(*(session.cluster.get(Ref(PACKAGE_KIND, "", name)) for name in sorted(names)))
    return {obj["metadata"]["name"]: entry_of(obj) for obj in found if obj is not None}
