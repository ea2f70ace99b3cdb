"""Fetch step `git`: the files of one commit of a repository over https, ssh or http.

`ref` is a branch, a tag, origin/branch, a full name (refs/...) or a whole commit; `refSelection.semver` takes the
highest tag that satisfies a constraint. A whole commit is never asked for twice. Files of Git LFS are pointers in the
repository itself, and stay so: a step that does not say lfsSkipSmudge is told.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packhouse.api.errors import (
    FetchFailed,
    InvalidConstraint,
    InvalidSpec,
    NoMatchingVersion,
    SourceNotFound,
    UnsupportedStep,
)
from packhouse.domain import versions
from packhouse.fetch.folders import kept, sub_path_of
from packhouse.fetch.git_access import git_access
from packhouse.fetch.sources import Content, Resolved, Sources, check_fields, text_field
from packhouse.fetch.verify import refuse_unpinned
from packhouse.ports import Json

_KIND: Final = "git"
_KNOWN: Final = (
    "url",
    "ref",
    "refSelection",
    "secretRef",
    "subPath",
    "lfsSkipSmudge",
    "depth",
    "submodules",
    "forceHTTPBasicAuth",
)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_DIGEST: Final = re.compile(r"sha1:([0-9a-f]{40})")
_SHORT_COMMIT: Final = re.compile(r"[0-9a-f]{7,39}")
_UNFIT: Final = re.compile(r"[\s\x00-\x1f\x7f~^:?*\[\\]|\.\.|@\{|^-")  # what no ref of git may hold
_TAGS: Final = "refs/tags/"
_HEADS: Final = "refs/heads/"
_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_POINTER_MOST: Final = 1024


@dataclass(frozen=True, slots=True)
class _Step:
    """What the stanza asks for: `ref`, or the tags by `semver`."""

    url: str
    shown: str
    ref: str
    semver: Json | None
    depth: int
    submodules: bool
    pointers: bool

    @classmethod
    def read(cls, stanza: Json) -> _Step:
        """Errors: InvalidSpec, UnsupportedStep."""
        check_fields(stanza, _KIND, _KNOWN)
        url = text_field(stanza, _KIND, "url")
        ref, selection = stanza.get("ref"), stanza.get("refSelection")
        if (ref is None) == (selection is None):
            raise InvalidSpec(f"fetch step {_KIND}: exactly one of ref and refSelection says what to check out")
        if ref is not None and (not isinstance(ref, str) or not ref or len(ref) > 1024 or _UNFIT.search(ref)):
            raise InvalidSpec(f"fetch step {_KIND}: ref {str(ref)[:80]!r} can be no branch, tag or commit")
        depth = stanza.get("depth") or 0
        if not isinstance(depth, int) or isinstance(depth, bool) or depth < 0:
            raise InvalidSpec(f"fetch step {_KIND}: depth must be a number that is not negative")
        sub_path_of(stanza, _KIND)
        return cls(
            url,
            _shown(url),
            ref or "",
            None if selection is None else _semver(selection),
            depth,
            _flag(stanza, "submodules"),
            _flag(stanza, "lfsSkipSmudge"),
        )


async def resolve(stanza: Json, sources: Sources) -> Resolved:
    step = _Step.read(stanza)
    _refuse_unsigned(step, sources)
    if _COMMIT.fullmatch(step.ref):
        return Resolved(f"sha1:{step.ref}", source=f"{step.shown}@{step.ref}")
    access = await git_access(step.url, stanza, _KIND, sources)
    refs = await sources.origins.git.refs(step.url, access, fresh_seconds=sources.fresh_seconds)
    name = _selected(step, refs) if step.semver is not None else _found(step, refs)
    version = name.removeprefix(_TAGS) if name.startswith(_TAGS) else None
    return Resolved(f"sha1:{refs[name]}", version, f"{step.shown}@{name}")


async def fetch(stanza: Json, sources: Sources, resolved: Resolved) -> Content:
    step = _Step.read(stanza)
    _refuse_unsigned(step, sources)
    match = _DIGEST.fullmatch(resolved.digest)
    if match is None or (_COMMIT.fullmatch(step.ref) and match[1] != step.ref):
        raise FetchFailed(f"{step.shown}: {resolved.digest[:80]!r} is no commit that this step stands for")
    access = await git_access(step.url, stanza, _KIND, sources)
    tree = await sources.origins.git.checkout(
        step.url, match[1], access, ref=_ref_of(step, resolved), depth=step.depth, submodules=step.submodules
    )
    content = await kept(
        Content(resolved.digest, resolved.version, tree.root), sub_path_of(stanza, _KIND), f"{step.shown}@{match[1]}"
    )
    if content.root is not None and not step.pointers:
        await asyncio.to_thread(_refuse_pointers, content.root, step.shown)
    return content


def _refuse_unsigned(step: _Step, sources: Sources) -> None:
    if not _COMMIT.fullmatch(step.ref):
        refuse_unpinned(step.shown, "give a whole commit (40 hex digits) as ref", sources)


# ---- which commit ----------------------------------------------------------------------------------------


def _found(step: _Step, refs: Mapping[str, str]) -> str:
    """The full name of the ref that is meant; tags go before branches, as git has it."""
    ref = step.ref
    branch = ref.removeprefix("origin/")
    for name in (ref, f"refs/{ref}", f"{_TAGS}{ref}", f"{_HEADS}{ref}", f"{_HEADS}{branch}"):
        if name in refs and (name == "HEAD" or name.startswith("refs/")):
            return name
    hint = "; a commit is written with all of its 40 digits" if _SHORT_COMMIT.fullmatch(ref) else ""
    raise SourceNotFound(f"{step.shown} has no branch and no tag {ref!r}{hint} ({_known(refs)})")


def _known(refs: Mapping[str, str]) -> str:
    branches, tags = (sorted(name for name in refs if name.startswith(prefix)) for prefix in (_HEADS, _TAGS))
    if not branches and not tags:
        return "it is empty"
    some = ", ".join(name.removeprefix(_HEADS) for name in branches[:5])
    return f"it has {len(tags)} tags and {len(branches)} branches: {some}{', ...' if len(branches) > 5 else ''}"


def _selected(step: _Step, refs: Mapping[str, str]) -> str:
    semver = step.semver or {}
    tags = [name.removeprefix(_TAGS) for name in refs if name.startswith(_TAGS)]
    prereleases = semver.get("prereleases")
    identifiers = None if prereleases is None else prereleases.get("identifiers") or []
    try:
        return _TAGS + versions.select(tags, semver["constraints"], identifiers)
    except (NoMatchingVersion, InvalidConstraint) as error:
        raise type(error)(f"fetch step {_KIND}, tags of {step.shown}: {error.message}") from None


def _ref_of(step: _Step, resolved: Resolved) -> str:
    """The full name of what leads to the commit, for servers that give out no bare commits; "" where none is known."""
    name = resolved.source.removeprefix(f"{step.shown}@")
    return name if name != resolved.source and (name == "HEAD" or name.startswith("refs/")) else ""


def _semver(selection: Any) -> Json:
    semver = selection.get("semver") if isinstance(selection, dict) else None
    if not isinstance(semver, dict):
        raise InvalidSpec(f"fetch step {_KIND}: refSelection must hold semver with constraints")
    check_fields(selection, f"{_KIND}, refSelection", ("semver",))
    check_fields(semver, f"{_KIND}, refSelection.semver", ("constraints", "prereleases"))
    text_field(semver, f"{_KIND}, refSelection.semver", "constraints")
    prereleases = semver.get("prereleases")
    if prereleases is not None:
        identifiers = prereleases.get("identifiers") or [] if isinstance(prereleases, dict) else None
        if not isinstance(identifiers, list) or not all(isinstance(one, str) for one in identifiers):
            raise InvalidSpec(f"fetch step {_KIND}: refSelection.semver.prereleases must hold a list of identifiers")
    return semver


def _flag(stanza: Json, name: str) -> bool:
    value = stanza.get(name) or False
    if not isinstance(value, bool):
        raise InvalidSpec(f"fetch step {_KIND}: {name} must be true or false")
    return value


def _shown(url: str) -> str:
    """For messages and status: without user, password and query."""
    scheme, mark, rest = url.partition("://")
    if not mark:  # user@host:path
        return url if ":" not in url.partition("@")[0] else url.rpartition("@")[2]
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


# ---- Git LFS ---------------------------------------------------------------------------------------------


def _refuse_pointers(root: Path, shown: str) -> None:
    """A pointer in the place of a file would be taken for its content. Only where attributes speak of LFS."""
    files = [
        Path(place) / name for place, _, names in os.walk(root) for name in names if not Path(place, name).is_symlink()
    ]
    try:
        if not any(file.name == ".gitattributes" and b"filter=lfs" in file.read_bytes() for file in files):
            return
        for file in files:
            if file.stat().st_size <= _POINTER_MOST and file.read_bytes().startswith(_POINTER):
                raise UnsupportedStep(
                    f"{shown}: {file.relative_to(root).as_posix()!r} is kept by Git LFS, which is not downloaded: set "
                    "lfsSkipSmudge to take the pointers as they are, or keep the file in the repository"
                )
    except OSError as error:
        raise FetchFailed(f"{shown}: the fetched files cannot be read ({error.strerror})") from error
