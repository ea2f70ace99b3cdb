"""The installs as the command line looks at them, with the newer versions that there are for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from packhouse.api.errors import Forbidden
from packhouse.api.views import InstalledPackage
from packhouse.client.errors import NotFound
from packhouse.client.proposals import INSTALL, ref
from packhouse.client.session import Session
from packhouse.client.together import both, each
from packhouse.domain import versions
from packhouse.domain.catalogue import Entry, Wish, package_name, wish_of
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
    """One table has all versions; as a whole, only those are read that look like the answer."""
    if not installs:
        return []
    from packhouse.client.listings import versions_by_name  # who asks for nothing newer waits for none of it
    from packhouse.domain.upgrades import prospect

    known, kubernetes = await both(versions_by_name(session), session.cluster.version())
    wishes = [wish_of(one.view, kubernetes) for one in installs]
    newer = [_newer(one, known.get(one.view.public_name, ())) for one in installs]
    read: dict[str, Entry | None] = {}
    while True:
        found = [prospect(wish, _offered(wish, names, read)) for wish, names in zip(wishes, newer, strict=True)]
        answers = {
            package_name(wish.public_name, version)
            for wish, one in zip(wishes, found, strict=True)
            for version in (one.newest, one.takes)
            if version
        }
        if answers <= read.keys():
            break
        read |= await _entries(session, answers - read.keys())
    return [
        replace(one, available=answer.newest, allowed=answer.takes) for one, answer in zip(installs, found, strict=True)
    ]


def _newer(one: Installed, known: Sequence[str]) -> Mapping[str, str]:
    """The versions that are newer than what is in place, by the names of their Packages."""
    if not one.version or not versions.is_version(one.version):
        return {}
    newer = [
        version for version in known if versions.is_version(version) and versions.compare(version, one.version) > 0
    ]
    return {package_name(one.view.public_name, version): version for version in newer}


def _offered(wish: Wish, newer: Mapping[str, str], read: Mapping[str, Entry | None]) -> list[Entry]:
    """What was not read yet may be taken, as far as is known. What was read and is None is gone."""
    offered = []
    for name, version in newer.items():
        supposed = Entry("", name, "", wish.public_name, version, "", also_offered_by=tuple(wish.repositories))
        if (entry := read.get(name, supposed)) is not None:
            offered.append(entry)
    return offered


async def _entries(session: Session, names: Collection[str]) -> Mapping[str, Entry | None]:
    from packhouse.client.listings import PACKAGE_KIND

    found = await each(session.cluster.get(Ref(PACKAGE_KIND, "", name)) for name in names)
    return {name: entry_of(obj) if obj is not None else None for name, obj in zip(names, found, strict=True)}
