"""What a PackageRepository follows: its source with another address, tag or range. Pure.

Called by the command line. The table of what stays and what goes is in docs/decisions/0020-upgrades-from-the-client.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from packhouse.api.errors import InvalidSpec
from packhouse.domain import constraints
from packhouse.domain.references import read_reference
from packhouse.ports import Json

#: In which field of a source its address stands. Others have no tags.
_ADDRESS: Final[Mapping[str, str]] = {"imgpkgBundle": "image", "image": "url", "git": "url"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is said of the source; what is left out stays. At most one of tag and constraint."""

    url: str | None = None
    tag: str | None = None
    constraint: str | None = None
    secret: str | None = None


def new_source(wanted: Wanted) -> Json:
    """spec.fetch of a repository that is a bundle in a registry. Raises InvalidSpec, InvalidConstraint."""
    return changed_source({"imgpkgBundle": {"image": ""}}, wanted)


def changed_source(fetch: Json, wanted: Wanted) -> Json:
    """Raises InvalidSpec where the source has no such part, InvalidConstraint."""
    if wanted.tag and wanted.constraint:
        raise InvalidSpec("a tag and a range cannot be followed at once; name one of the two")
    if wanted.constraint:
        constraints.parse(wanted.constraint)
    [(kind, stanza)] = fetch.items()
    if kind not in _ADDRESS:
        raise InvalidSpec(f"a source of the kind {kind} has no tags; apply another manifest with repository install -f")
    changed = _git(stanza, wanted) if kind == "git" else _image(stanza, _ADDRESS[kind], wanted)
    if wanted.secret is not None:
        changed["secretRef"] = {"name": wanted.secret}
    return {kind: changed}


def followed(fetch: Json) -> str:
    """What of the source is followed, in words: "tag 1.2", "tags 1.x", "ref main"; "" where nothing is."""
    [(kind, stanza)] = fetch.items()
    selection = stanza.get("tagSelection") or stanza.get("refSelection") or {}
    if "semver" in selection:
        return f"tags {selection['semver']['constraints']}"
    if kind == "git":
        return f"ref {stanza['ref']}"
    if kind not in _ADDRESS:
        return ""
    parts = _Parts.of(stanza[_ADDRESS[kind]])
    return f"digest {parts.digest}" if parts.digest else f"tag {parts.tag or 'latest'}"


def address_of(fetch: Json) -> str:
    """Where the source is, without its tag; "inline" for one that stands in the repository itself."""
    [(kind, stanza)] = fetch.items()
    if kind in ("git", "http"):
        return str(stanza["url"])
    return _Parts.of(stanza[_ADDRESS[kind]]).place if kind in _ADDRESS else str(kind)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A reference as it is written: host/path, tag, digest."""

    place: str
    tag: str
    digest: str

    @classmethod
    def of(cls, text: str) -> _Parts:
        name, _, digest = text.partition("@")
        place, colon, tag = name.rpartition(":")
        return cls(place, tag, digest) if colon and "/" not in tag else cls(name, "", digest)


def _image(stanza: Json, address: str, wanted: Wanted) -> Json:
    old, given = _Parts.of(stanza[address]), _Parts.of(wanted.url or "")
    named = f"tag {given.tag}" if given.tag else "digest" if given.digest else ""
    if named and (wanted.tag or wanted.constraint):
        raise InvalidSpec(f"the address names a {named}; leave that out, or name no other tag or range")
    place = given.place or old.place
    changed = dict(stanza)
    if wanted.tag:
        changed[address] = f"{place}:{wanted.tag}"
    elif wanted.constraint:
        changed[address] = place
    elif named:
        changed[address] = wanted.url
    elif given.place:
        changed[address] = f"{place}:{old.tag}" if old.tag else place
    read_reference(changed[address])
    return _selecting(changed, "tagSelection", wanted, keep=not named)


def _git(stanza: Json, wanted: Wanted) -> Json:
    changed = dict(stanza)
    if wanted.url:
        changed["url"] = wanted.url
    if wanted.tag:
        changed["ref"] = wanted.tag
    elif wanted.constraint:
        changed.pop("ref", None)
    return _selecting(changed, "refSelection", wanted, keep=True)


def _selecting(stanza: Json, field: str, wanted: Wanted, *, keep: bool) -> Json:
    if wanted.constraint:
        semver = (stanza.get(field) or {}).get("semver") or {}
        return {**stanza, field: {"semver": {**semver, "constraints": wanted.constraint}}}
    if wanted.tag or not keep:
        stanza.pop(field, None)
    return stanza
