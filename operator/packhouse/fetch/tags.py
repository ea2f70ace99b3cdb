"""Chooses a tag by `tagSelection.semver`: the highest version among the tags of a repository that its range takes.

Called by `image` and `imgpkgBundle`; the rules of ranges and prereleases are those of packages (domain/versions).
"""

from __future__ import annotations

from typing import Any

from packhouse.api.errors import InvalidConstraint, InvalidSpec, NoMatchingVersion
from packhouse.domain import versions
from packhouse.domain.references import ImageReference
from packhouse.fetch.sources import Sources, check_fields
from packhouse.ports import Access, Json


def semver_selection(selection: Any, words: str) -> tuple[str, list[str] | None]:
    """Constraint, and the identifiers of prereleases (None: no prereleases, empty: all) of a tag- or refSelection."""
    if not isinstance(selection, dict) or not isinstance(selection.get("semver"), dict):
        raise InvalidSpec(f"{words} must be a map with semver")
    check_fields(selection, words.removeprefix("fetch step "), ("semver",))
    semver: Json = selection["semver"]
    check_fields(semver, f"{words.removeprefix('fetch step ')}.semver", ("constraints", "prereleases"))
    constraint = semver.get("constraints")
    if not isinstance(constraint, str) or not constraint.strip():
        raise InvalidSpec(f"{words}.semver: constraints must be a text that is not empty")
    prereleases = semver.get("prereleases")
    if prereleases is None:
        return constraint, None
    identifiers = prereleases.get("identifiers") or [] if isinstance(prereleases, dict) else None
    if not isinstance(identifiers, list) or not all(isinstance(one, str) for one in identifiers):
        raise InvalidSpec(f"{words}.semver: prereleases must be a map, its identifiers a list of texts")
    return constraint, identifiers


async def choose_tag(reference: ImageReference, selection: Any, kind: str, access: Access, sources: Sources) -> str:
    """Errors: InvalidSpec, InvalidConstraint, NoMatchingVersion, and those of the registry."""
    constraint, prereleases = semver_selection(selection, f"fetch step {kind}: tagSelection")
    tags = await sources.origins.registry.tags(reference.repository, access, fresh_seconds=sources.fresh_seconds)
    try:
        return versions.select(tags, constraint, prereleases)
    except (NoMatchingVersion, InvalidConstraint) as error:
        raise type(error)(f"fetch step {kind}, tags of {reference.repository}: {error.message}") from None
