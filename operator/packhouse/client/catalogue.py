"""The packages of one name as the command line asks for them: all versions, the one that is meant, the one to install.

They are asked for by their own names, and no others come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from packhouse.api.errors import NoMatchingVersion
from packhouse.client.errors import NotFound, Usage
from packhouse.client.listings import METADATA_KIND, PACKAGE_KIND, offers, refuse_unserved
from packhouse.client.session import Session
from packhouse.client.together import each
from packhouse.domain import versions
from packhouse.domain.catalogue import ANY_VERSION, package_name, runs_on
from packhouse.domain.offers import Offer, nearest, newest_first, newest_of
from packhouse.domain.ownership import entry_of
from packhouse.ports import Json, Ref

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
    return await _packages(session, public_name, await offers(session))


async def packages_there(session: Session, public_name: str) -> list[Json]:
    """The same; raises NotFound with the nearest names where there is none."""
    known = await offers(session)
    packages = await _packages(session, public_name, known)
    if packages:
        return packages
    await refuse_unserved(session, PACKAGE_KIND, found=known)
    names = {offer.name for offer in known}
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
    if not public_name or (slash and not version):
        raise Usage(f"{words!r} is neither NAME nor NAME/VERSION", "write it like web.packages.example.com/1.0.0")
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

    Where no release fits, the newest prerelease is taken. Raises NotFound, InvalidConstraint; NoMatchingVersion where
    none runs here.
    """
    packages = _offered_by(repositories, await packages_there(session, public_name))
    by_version = _by_version(packages)
    if version_words is not None and versions.is_version(version_words.removeprefix("v")):
        exact = version_words.removeprefix("v")
        if exact not in by_version:
            raise _no_such_version(public_name, exact, packages)
        return Chosen(by_version[exact], None, exact, False)
    usable = _by_version(await _that_run_here(session, packages))
    try:
        version, prerelease = newest_of(list(usable), version_words or ANY_VERSION)
    except NoMatchingVersion as error:
        raise NotFound(f"package {public_name}: {error.message}", _told(list(usable))) from error
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


async def metadata_of(session: Session, public_name: str) -> Json | None:
    """The PackageMetadata of that name."""
    return await session.cluster.get(Ref(METADATA_KIND, "", public_name))


def repository_of(package: Json) -> str:
    """The repository that a Package belongs to; "" for one made by hand."""
    return entry_of(package).repository or ""


def kubernetes_of(package: Json) -> str:
    """The range of Kubernetes versions that a Package wants; "" where any will do."""
    return entry_of(package).kubernetes


async def _packages(session: Session, public_name: str, known: Sequence[Offer]) -> list[Json]:
    versions_known = newest_first(offer.version for offer in known if offer.name == public_name)
    refs = [Ref(PACKAGE_KIND, "", package_name(public_name, version)) for version in versions_known]
    found = await each(session.cluster.get(ref) for ref in refs)
    return [package for package in found if package is not None]


def _no_such_version(public_name: str, version: str, packages: Sequence[Json]) -> NotFound:
    return NotFound(f"package {public_name} has no version {version}", _told(list(_by_version(packages))))


def _told(known: Sequence[str]) -> str:
    more = f" and {len(known) - _TOLD} more" if len(known) > _TOLD else ""
    return f"there are {', '.join(known[:_TOLD])}{more}" if len(known) > 1 else f"there is {known[0]} alone"


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
