"""Decides which version is taken: the highest one that the constraint and the prerelease policy let through.

Called by reconcile/ (which Package an install gets), by fetch/ (which tag) and by the CLI. What a constraint means is
in docs/decisions/0003-version-ranges.md. It never looks a version up: the known ones are handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from packhouse.api.errors import InvalidConstraint, NoMatchingVersion
from packhouse.domain import constraints, precedence
from packhouse.domain.constraints import Constraint, quote
from packhouse.domain.precedence import Key, Parsed

_Known = tuple[Key, str, Parsed]  # the text decides between versions that are equal, so that order never does


def is_version(text: str) -> bool:
    """Whether `text` is a semantic version as a Package may carry it: three numbers, no leading `v`."""
    return precedence.parse_strict(text) is not None


def compare(a: str, b: str) -> int:
    """-1, 0 or 1: the order of two versions, build metadata included. Raises InvalidConstraint for what is none."""
    first, second = _read(a).key, _read(b).key
    return (first > second) - (first < second)


def satisfies(version: str, constraint: str) -> bool:
    """Whether the constraint lets `version` through, whatever the prerelease policy. Raises InvalidConstraint."""
    return constraints.parse(constraint).holds(_read(version))


def core(version: str) -> str:
    """The three numbers alone (\"1.31.4\" for \"v1.31.4+k3s1\"). Raises InvalidConstraint."""
    return ".".join(map(str, _read(version).key[:3]))


def sort(versions: Iterable[str]) -> list[str]:
    """The versions in ascending order; texts that are none are left out."""
    return [text for _, text, _ in sorted(_known(versions))]


def highest(versions: Iterable[str]) -> str | None:
    """The highest version, prereleases included; None where there is none."""
    return _highest(_known(versions))


def select(versions: Sequence[str], constraint: str, prereleases: Sequence[str] | None = None) -> str:
    """The highest of `versions` that satisfies `constraint`, as it was written there (with its `v`, if it has one).

    `prereleases`: None leaves prereleases out, an empty list takes all of them, and a list of identifiers takes those
    that carry one of them (`rc` takes 1.0.0-rc.1). A prerelease that the constraint names with `=`, or bare, is taken
    in any case. Texts that are no version are skipped. Raises NoMatchingVersion and InvalidConstraint.
    """
    wanted = constraints.parse(constraint)
    known = _known(versions)
    matching = [entry for entry in known if wanted.holds(entry[2])]
    allowed = [entry for entry in matching if _allowed(entry[2], wanted, prereleases)]
    found = _highest(allowed)
    if found is None:
        raise NoMatchingVersion(_explain(versions, wanted, prereleases, known, matching))
    return found


def _allowed(version: Parsed, wanted: Constraint, prereleases: Sequence[str] | None) -> bool:
    if not version.is_prerelease or version.key in wanted.named:
        return True
    if prereleases is None:
        return False
    return not prereleases or not set(prereleases).isdisjoint(version.prerelease)


def _read(text: str) -> Parsed:
    version = precedence.parse(text)
    if version is None:
        raise InvalidConstraint(f"version {quote(text)} cannot be read: write three numbers, as in 1.2.3 or 1.2.3-rc.1")
    return version


def _known(versions: Iterable[str]) -> list[_Known]:
    return [(version.key, text, version) for text in versions if (version := precedence.parse(text)) is not None]


def _highest(known: list[_Known]) -> str | None:
    return max(known, key=lambda entry: entry[:2])[1] if known else None


def _explain(
    versions: Sequence[str],
    wanted: Constraint,
    prereleases: Sequence[str] | None,
    known: list[_Known],
    matching: list[_Known],
) -> str:
    """What each filter left, the highest known version, and the lever where there is one."""
    constraint = wanted.text.strip() or "*"
    message = f"no version of {len(versions)} satisfies {quote(constraint)}: "
    if not versions:
        return message + "none is known"
    skipped = len(versions) - len(known)
    counts = [f"{len(known)} known"]
    if skipped:
        unread = next(text for text in versions if precedence.parse(text) is None)
        counts.append(f"{skipped} skipped as no semantic version ({quote(unread)})")
    counts.append(f"{len(matching)} match the constraint")
    # What matches and is not taken was held back by the policy: one of its settings is the lever.
    held_back = _highest(matching)
    if held_back is not None and prereleases is None:
        counts.append(f"0 of these are releases; {held_back} would match with prereleases: {{}}")
    elif held_back is not None:
        identifiers = ", ".join(prereleases or ())
        counts.append(
            f"0 of these carry one of the prerelease identifiers ({identifiers}); {held_back} would match with "
            "prereleases: {}"
        )
    elif (top := _highest(known)) is not None:
        counts.append(f"highest is {top}")
    return message + ", ".join(counts)
