"""The catalogue as the command line asks for it: what there is, all versions of one package, the one that is meant.

Nothing is asked for that is not shown: a list comes as the columns of the kinds, and a package by its name alone.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from packhouse.api.errors import NoMatchingVersion
from packhouse.api.names import PACKAGE, PACKAGE_GROUP, PACKAGE_METADATA, VERSION
from packhouse.client.errors import NotFound
from packhouse.client.session import Session
from packhouse.domain import versions
from packhouse.domain.catalogue import ANY_VERSION, package_name, runs_on
from packhouse.domain.offers import Offer, Summary, Words, nearest, newest_first, newest_of, summaries
from packhouse.domain.ownership import entry_of
from packhouse.ports import Json, Kind, Ref

PACKAGE_KIND: Final = Kind(PACKAGE_GROUP, VERSION, PACKAGE)
METADATA_KIND: Final = Kind(PACKAGE_GROUP, VERSION, PACKAGE_METADATA)

#: Columns of both kinds, as their CRDs name them.
_WORDS: Final = ("Display-Name", "Short-Description")
#: How many versions a message names.
_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Chosen:
    """The Package that is to be installed, and what its install follows: one version, or a range.

    `version`: the caller named exactly this one. `constraint`: a range of the caller's, or the version that was chosen
    where none was named. `prerelease`: no release would do, so prereleases take part.
    """

    package: Json
    constraint: str | None
    version: str | None
    prerelease: bool


async def packages_of(session: Session, public_name: str) -> list[Json]:
    """The Packages of that name, whole, newest first."""
    return await _packages(session, public_name, await _offers(session))


async def packages_there(session: Session, public_name: str) -> list[Json]:
    """The same; raises NotFound with the nearest names where there is none."""
    offers = await _offers(session)
    packages = await _packages(session, public_name, offers)
    if packages:
        return packages
    names = {offer.name for offer in offers}
    meant = nearest(public_name, names)
    if meant:
        raise NotFound(f"there is no package {public_name}", f"did you mean {' or '.join(meant)}?")
    raise NotFound(
        f"there is no package {public_name}",
        "see those that there are: kubectl package available list"
        if names
        else "there are no packages at all: add a repository with kubectl package repository add",
    )


async def find(session: Session, words: str) -> Json:
    """The Package of "NAME/VERSION", or the newest release of "NAME". Raises NotFound with the nearest names."""
    public_name, slash, version = words.partition("/")
    if slash:
        found = await session.cluster.get(Ref(PACKAGE_KIND, "", package_name(public_name, version)))
        if found is not None:
            return found
    packages = await packages_there(session, public_name)
    if slash:
        raise _no_such_version(public_name, version, packages)
    return _by_version(packages)[newest_of([package["spec"]["version"] for package in packages])[0]]


async def choose_for_install(
    session: Session, public_name: str, version_words: str | None, repositories: Sequence[str] = ()
) -> Chosen:
    """`version_words`: an exact version, a range, or None for the newest release; `repositories`: those that it may
    come from, where there are any.

    Where no release fits, the newest prerelease is taken. Raises NotFound, NoMatchingVersion, InvalidConstraint.
    """
    packages = _offered_by(repositories, await packages_there(session, public_name))
    by_version = _by_version(packages)
    if version_words is not None and versions.is_version(version_words.removeprefix("v")):
        exact = version_words.removeprefix("v")
        if exact not in by_version:
            raise _no_such_version(public_name, exact, packages)
        return Chosen(by_version[exact], None, exact, False)
    usable = _by_version(await _that_run_here(session, packages))
    version, prerelease = newest_of(list(usable), version_words or ANY_VERSION)
    return Chosen(by_version[version], version_words or version, None, prerelease)


def spec_of(chosen: Chosen) -> Json:
    """The packageRef of an InstalledPackage that asks for it."""
    reference: Json = {"publicName": chosen.package["spec"]["publicName"]}
    if chosen.version is not None:
        return {**reference, "version": chosen.version}
    selection: Json = {"constraint": chosen.constraint}
    if chosen.prerelease:
        selection["prereleases"] = {}
    return {**reference, "versionSelection": selection}


async def listed(session: Session) -> list[Summary]:
    """All packages, by name. Long descriptions are not asked for."""
    offers, metadata = await asyncio.gather(_offers(session), _metadata(session))
    return summaries(offers, metadata)


async def searched(session: Session, word: str) -> list[Summary]:
    """The packages whose name, display name or descriptions have the word in them."""
    offers, metadata = await asyncio.gather(_whole_offers(session), _whole_metadata(session))
    return [summary for summary in summaries(offers, metadata) if summary.tells_of(word)]


async def metadata_of(session: Session, public_name: str) -> Json | None:
    """The PackageMetadata of that name."""
    return await session.cluster.get(Ref(METADATA_KIND, "", public_name))


def repository_of(package: Json) -> str:
    """The repository that a Package belongs to; "" for one made by hand."""
    return entry_of(package).repository or ""


def kubernetes_of(package: Json) -> str:
    """The range of Kubernetes versions that a Package wants; "" where any will do."""
    return entry_of(package).kubernetes


async def public_names(session: Session) -> list[str]:
    """The names of all packages that there are."""
    return sorted({offer.name for offer in await _offers(session)})


async def versions_of(session: Session, public_name: str) -> list[str]:
    """The versions of a package, newest first; the Packages themselves are not asked for."""
    return newest_first(offer.version for offer in await _offers(session) if offer.name == public_name)


async def versions_by_name(session: Session, *, label_selector: str = "") -> dict[str, list[str]]:
    """The packages with these labels, by name, and their versions, newest first."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = await _rows(session, PACKAGE_KIND, ("Public-Name", "Version"), label_selector) or []
    for name, version in rows:
        found[name].append(version)
    return {name: newest_first(found[name]) for name in sorted(found)}


async def _packages(session: Session, public_name: str, offers: Sequence[Offer]) -> list[Json]:
    known = newest_first(offer.version for offer in offers if offer.name == public_name)
    refs = [Ref(PACKAGE_KIND, "", package_name(public_name, version)) for version in known]
    found = await asyncio.gather(*(session.cluster.get(ref) for ref in refs))
    return [package for package in found if package is not None]


async def _offers(session: Session) -> list[Offer]:
    rows = await _rows(session, PACKAGE_KIND, ("Public-Name", "Version", *_WORDS))
    if rows is None:
        return await _whole_offers(session)
    return [Offer(name, version, Words(*words)) for name, version, *words in rows]


async def _whole_offers(session: Session) -> list[Offer]:
    pages = session.cluster.pages(PACKAGE_KIND)
    specs = [obj["spec"] async for page in pages for obj in page.items]
    return [Offer(spec["publicName"], spec["version"], _words(spec)) for spec in specs]


async def _metadata(session: Session) -> Mapping[str, Words]:
    rows = await _rows(session, METADATA_KIND, ("Name", *_WORDS))
    return await _whole_metadata(session) if rows is None else {name: Words(*words) for name, *words in rows}


async def _whole_metadata(session: Session) -> Mapping[str, Words]:
    pages = session.cluster.pages(METADATA_KIND)
    return {obj["metadata"]["name"]: _words(obj["spec"]) async for page in pages for obj in page.items}


def _words(spec: Json) -> Words:
    return Words(*(spec.get(field) or "" for field in ("displayName", "shortDescription", "longDescription")))


async def _rows(
    session: Session, kind: Kind, columns: Sequence[str], label_selector: str = ""
) -> list[list[str]] | None:
    """These columns of all objects of the kind; None where its CRD, an older one, lacks a column."""
    rows: list[list[str]] = []
    async for table in session.cluster.tables(kind, label_selector=label_selector):
        if not set(columns) <= set(table.columns):
            return None
        places = [table.columns.index(column) for column in columns]
        rows += [[str(row[place] or "") for place in places] for row in table.rows]
    return rows


def _no_such_version(public_name: str, version: str, packages: Sequence[Json]) -> NotFound:
    known = list(_by_version(packages))
    more = f" and {len(known) - _TOLD} more" if len(known) > _TOLD else ""
    return NotFound(f"package {public_name} has no version {version}", f"there are {', '.join(known[:_TOLD])}{more}")


async def _that_run_here(session: Session, packages: Sequence[Json]) -> list[Json]:
    """Those that this cluster's version will do for. Raises NoMatchingVersion where none is left."""
    entries = [entry_of(package) for package in packages]
    if not any(entry.kubernetes for entry in entries):
        return list(packages)
    kubernetes = await session.cluster.version()
    usable = [one for one, entry in zip(packages, entries, strict=True) if runs_on(entry, kubernetes)]
    if usable:
        return usable
    raise NoMatchingVersion(
        f"no version of {entries[0].public_name} runs on Kubernetes {kubernetes} ({entries[0].version} wants "
        f"{entries[0].kubernetes}); use a repository that offers one which does"
    )


def _offered_by(repositories: Sequence[str], packages: Sequence[Json]) -> list[Json]:
    """Raises NotFound where none of them offers it."""
    entries = [entry_of(package) for package in packages]
    found = [
        package
        for package, entry in zip(packages, entries, strict=True)
        if not repositories or not entry.offered_by.isdisjoint(repositories)
    ]
    if found:
        return found
    others = sorted({name for entry in entries for name in entry.offered_by})
    raise NotFound(
        f"package {entries[0].public_name} is not offered by {', '.join(repositories)}",
        f"it is offered by {', '.join(others) or 'no repository: somebody made it by hand'}",
    )


def _by_version(packages: Sequence[Json]) -> dict[str, Json]:
    return {package["spec"]["version"]: package for package in packages}
