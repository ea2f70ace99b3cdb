"""The catalogue: which Packages there are, and which of them an install takes. Pure.

Entries are trimmed Packages; an entry names no API group, and a lookup takes a namespace, since a generation
of the API with namespaced packages asks the same questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from packhouse.api.errors import DowngradeRefused, InvalidConstraint, NoMatchingVersion, PackageNotFound
from packhouse.api.views import InstalledPackage
from packhouse.domain import versions

ANY_VERSION = "*"


@dataclass(frozen=True, slots=True)
class Entry:
    """One Package, trimmed: whose it is and whether it changed, and nothing of its content.

    `repository` is the owning repository, None for a Package made by hand; `digest` is that of its spec.
    """

    namespace: str
    name: str
    uid: str
    public_name: str
    version: str
    digest: str
    revision: str = ""
    repository: str | None = None
    also_offered_by: tuple[str, ...] = ()
    kubernetes: str = ""  # a constraint on the cluster's version; "" takes any

    @property
    def offered_by(self) -> frozenset[str]:
        return frozenset((*self.also_offered_by, self.repository) if self.repository else self.also_offered_by)


def package_name(public_name: str, version: str) -> str:
    """The object name of a Package: names take no capitals and no `+`."""
    return f"{public_name}.{version.lower().replace('+', '--')}"


class Catalogue(Protocol):
    """Where packages are looked up."""

    def lookup(self, public_name: str, namespace: str) -> Sequence[Entry]:
        """Every Package of that public name which an install in `namespace` may use."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What an install asks for, and what it has."""

    public_name: str
    version: str | None
    constraint: str | None
    prereleases: Sequence[str] | None
    repositories: Sequence[str]
    downgradable: bool
    recorded_package: str | None = None
    recorded_repository: str | None = None
    recorded_digest: str | None = None
    last_attempted: str | None = None
    kubernetes: str = ""  # the cluster's version; "" where it is not known


@dataclass(frozen=True, slots=True)
class Choice:
    """The Package an install takes; `repository` is the one it is followed in from now on.

    `passed_over` tells of a higher version in a repository that the install does not follow, "" where there is none.
    """

    entry: Entry
    repository: str | None
    passed_over: str = ""


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


def choose(wish: Wish, known: Sequence[Entry]) -> Choice:
    """Raises PackageNotFound, NoMatchingVersion, InvalidConstraint, DowngradeRefused."""
    _check_wish(wish)
    if not known:
        raise PackageNotFound(
            f"no package {wish.public_name} is known; add a PackageRepository that offers it, or correct "
            f"spec.packageRef.publicName (kubectl get packages lists what there is)"
        )
    trusted = [entry for entry in known if _trusted(wish, entry)]
    if not trusted:
        raise PackageNotFound(_untrusted(wish, known))
    usable = [entry for entry in trusted if runs_on(entry, wish.kubernetes)]
    if not usable:
        raise NoMatchingVersion(
            f"none of the {len(trusted)} known versions of {wish.public_name} runs on Kubernetes {wish.kubernetes} "
            f"({trusted[0].version} wants {trusted[0].kubernetes}); use a repository that offers one which does"
        )
    chosen = _pick(wish, usable)
    _guard_downgrade(wish, chosen)
    return Choice(chosen, _followed(wish, chosen), _passed_over(wish, chosen, known))


def _check_wish(wish: Wish) -> None:
    if wish.version is None and wish.constraint is None:
        raise InvalidConstraint("neither packageRef.version nor packageRef.versionSelection.constraint is set; set one")
    if wish.version is None or wish.constraint is None:
        return
    # Both at once: the version is taken, provided that it satisfies the selection.
    if not versions.satisfies(wish.version, wish.constraint):
        raise InvalidConstraint(
            f"packageRef.version {wish.version} contradicts versionSelection.constraint {wish.constraint!r}; "
            f"remove one of the two, or make them agree"
        )


def _trusted(wish: Wish, entry: Entry) -> bool:
    # The install says whom it trusts.
    if wish.repositories:
        return not entry.offered_by.isdisjoint(wish.repositories)
    # The first time, anybody may offer it.
    if wish.recorded_package is None:
        return True
    # Somebody with rights in the cluster made it, which is more than a publisher can do.
    if entry.repository is None:
        return True
    # Another version, named exactly by the install, is no automatic upgrade.
    if wish.version is not None and entry.version == wish.version and entry.name != wish.recorded_package:
        return True
    # The very content that is installed is no upgrade, whoever offers it by now.
    if _is_what_it_has(wish, entry):
        return True
    # Automatic upgrades stay within the repository that the installed package came from.
    return wish.recorded_repository in entry.offered_by


def runs_on(entry: Entry, kubernetes: str) -> bool:
    """A constraint that cannot be read holds nobody back: it speaks of the cluster, not of the package."""
    if not entry.kubernetes or not kubernetes:
        return True
    try:
        return versions.satisfies(versions.core(kubernetes), entry.kubernetes)
    except InvalidConstraint:
        return True


def _is_what_it_has(wish: Wish, entry: Entry) -> bool:
    return (entry.name, entry.digest) == (wish.recorded_package, wish.recorded_digest)


def _untrusted(wish: Wish, known: Sequence[Entry]) -> str:
    others = sorted({name for entry in known for name in entry.offered_by})
    followed = ", ".join(wish.repositories) or wish.recorded_repository or "none (the package was made by hand)"
    return (
        f"package {wish.public_name} is offered by {', '.join(others) or 'no repository'}, "
        f"and this install follows {followed}; "
        f"name the repositories that it may follow in spec.packageRef.repositories"
    )


def _passed_over(wish: Wish, chosen: Entry, known: Sequence[Entry]) -> str:
    foreign = {entry.version: entry for entry in known if not _trusted(wish, entry)}
    if wish.version is not None or not foreign:
        return ""
    try:
        version = versions.select(list(foreign), wish.constraint or ANY_VERSION, wish.prereleases)
    except NoMatchingVersion:
        return ""
    if versions.compare(version, chosen.version) <= 0:
        return ""
    return (
        f"{version} is offered by {', '.join(sorted(foreign[version].offered_by))}, which this install does not "
        f"follow; to take it from there, name the repository in spec.packageRef.repositories"
    )


def _pick(wish: Wish, known: Sequence[Entry]) -> Entry:
    by_version = {entry.version: entry for entry in known}
    if wish.version is None:
        constraint = wish.constraint or ANY_VERSION
        try:
            return by_version[versions.select(list(by_version), constraint, wish.prereleases)]
        except NoMatchingVersion as none:
            raise NoMatchingVersion(
                f"package {wish.public_name}: {none.message}; correct spec.packageRef.versionSelection"
            ) from None
    found = next((entry for entry in known if versions.compare(entry.version, wish.version) == 0), None)
    if found is None:
        highest = versions.highest(list(by_version))
        raise PackageNotFound(
            f"package {wish.public_name} has no version {wish.version}; {len(known)} known, the highest is {highest}; "
            f"correct spec.packageRef.version"
        )
    return found


def _guard_downgrade(wish: Wish, chosen: Entry) -> None:
    if wish.last_attempted is None or wish.downgradable:
        return
    if versions.compare(chosen.version, wish.last_attempted) < 0:
        raise DowngradeRefused(
            f"{wish.public_name} {chosen.version} is lower than {wish.last_attempted}, which was installed or tried; "
            f"annotate the install with packaging.carvel.dev/downgradable to allow it"
        )


def _followed(wish: Wish, chosen: Entry) -> str | None:
    """The recorded repository, while it offers what was chosen or nothing else is taken; else the owner."""
    if wish.recorded_repository in chosen.offered_by or _is_what_it_has(wish, chosen):
        return wish.recorded_repository
    return chosen.repository
