"""Who owns a catalogue document: what a repository creates, shares, takes over, passes on or leaves alone. Pure.

Several repositories may offer the same document. Identical content is shared, a higher revision wins, and anything
else is a conflict that leaves the first owner in place. A document made by hand counts as another owner. Ownership
is passed on before anything is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from packhouse.api.names import ALSO_OFFERED_BY, REPOSITORY_LABEL, REVISION
from packhouse.domain.catalogue import Entry
from packhouse.domain.objects import digest
from packhouse.ports import Json


class Action(StrEnum):
    CREATE = "create"  # nobody offers it yet
    CONFIGURE = "configure"  # ours, with other content now
    KEEP = "keep"  # ours, or shared by us, as it should be
    SHARE = "share"  # another's, with the same content
    TAKE_OVER = "take over"  # another repository's, of a lower revision
    SUPERSEDED = "superseded"  # another repository's, of a higher revision
    CONFLICT = "conflict"  # another's, with other content
    PASS_ON = "pass on"  # noqa: S105 - no password: we no longer offer it, another does
    RELEASE = "release"  # another's, which we no longer offer
    REMOVE = "remove"  # ours alone, and no longer offered


@dataclass(frozen=True, slots=True)
class Step:
    """What a repository does about one document.

    `doc` is what is applied (with its marks), where anything is; `entry` the document as it stands.
    """

    kind: str
    name: str
    action: Action
    doc: Json | None = None
    entry: Entry | None = None


def content_digest(doc: Json) -> str:
    """Of all that a publisher says in a document, and of nothing that others may add to it."""
    revision = (doc["metadata"].get("annotations") or {}).get(REVISION, "")
    return digest({"spec": doc.get("spec") or {}, "revision": revision})


def entry_of(doc: Json) -> Entry:
    """A Package or PackageMetadata, trimmed."""
    metadata, spec = doc["metadata"], doc.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    others = annotations.get(ALSO_OFFERED_BY, "")
    return Entry(
        namespace=metadata.get("namespace") or "",
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        public_name=spec.get("publicName") or metadata["name"],
        version=spec.get("version") or "",
        digest=content_digest(doc),
        revision=annotations.get(REVISION, ""),
        kubernetes=_kubernetes(spec.get("kubernetesVersionSelection") or {}),
        repository=(metadata.get("labels") or {}).get(REPOSITORY_LABEL),
        also_offered_by=tuple(name for name in others.split(",") if name),
    )


def _kubernetes(selection: Json) -> str:
    """Spelled `constraint` in the design's own API and `constraints` in the later generation."""
    return str(selection.get("constraint") or selection.get("constraints") or "")


def decide(me: str, offered: Sequence[Json], live: Mapping[str, Entry], *, kind: str, may_remove: bool) -> list[Step]:
    """`offered`: the documents of one kind in my bundle; `live`: all documents of that kind, by name.

    `may_remove` is False while any document of the bundle is bad.
    """
    steps = [_arrive(me, doc, live.get(doc["metadata"]["name"])) for doc in offered]
    if may_remove:
        names = {doc["metadata"]["name"] for doc in offered}
        steps += [
            leave(me, entry, kind=kind) for name, entry in live.items() if is_mine(me, entry) and name not in names
        ]
    return steps


def is_mine(me: str, entry: Entry) -> bool:
    """Owned or shared by the repository `me`."""
    return me == entry.repository or me in entry.also_offered_by


def _arrive(me: str, doc: Json, entry: Entry | None) -> Step:
    kind, name = doc["kind"], doc["metadata"]["name"]
    if entry is None:
        return Step(kind, name, Action.CREATE, marked(doc, me, ()))
    same = entry.digest == content_digest(doc)
    if entry.repository == me:
        # The others offered the old content; when they sync, they share the new one or are told of the conflict.
        return (
            Step(kind, name, Action.KEEP, entry=entry)
            if same
            else Step(kind, name, Action.CONFIGURE, marked(doc, me, (), over=entry), entry)
        )
    if same:
        if me in entry.also_offered_by:
            return Step(kind, name, Action.KEEP, entry=entry)
        return Step(kind, name, Action.SHARE, marked(doc, entry.repository, (*entry.also_offered_by, me)), entry)
    # What somebody made by hand is never taken over.
    if entry.repository is None:
        return Step(kind, name, Action.CONFLICT, entry=entry)
    mine = revision_key((doc["metadata"].get("annotations") or {}).get(REVISION, ""))
    theirs = revision_key(entry.revision)
    if mine > theirs:
        return Step(kind, name, Action.TAKE_OVER, marked(doc, me, (), over=entry), entry)
    return Step(kind, name, Action.SUPERSEDED if mine < theirs else Action.CONFLICT, entry=entry)


def leave(me: str, entry: Entry, *, kind: str) -> Step:
    """What becomes of a document that `me` no longer offers."""
    if entry.repository != me:
        return Step(kind, entry.name, Action.RELEASE, entry=entry)
    heirs = [name for name in entry.also_offered_by if name != me]
    return Step(kind, entry.name, Action.PASS_ON if heirs else Action.REMOVE, entry=entry)


def handed_over(me: str, entry: Entry) -> Entry:
    """The entry after `handing_over`."""
    rest = [name for name in entry.also_offered_by if name != me]
    if entry.repository == me:
        return replace(entry, repository=rest[0], also_offered_by=tuple(rest[1:]))
    return replace(entry, also_offered_by=tuple(rest))


def handing_over(me: str, entry: Entry) -> list[Json]:
    """The JSON patch of PASS_ON and RELEASE; it fails where somebody else changed the marks meanwhile."""
    label = f"/metadata/labels/{_pointer(REPOSITORY_LABEL)}"
    annotation = f"/metadata/annotations/{_pointer(ALSO_OFFERED_BY)}"
    held = ",".join(entry.also_offered_by)
    rest = [name for name in entry.also_offered_by if name != me]
    operations: list[Json] = [{"op": "test", "path": annotation, "value": held}]
    if entry.repository == me:
        heir, *rest = rest
        operations += [{"op": "test", "path": label, "value": me}, {"op": "replace", "path": label, "value": heir}]
    if rest:
        return [*operations, {"op": "replace", "path": annotation, "value": ",".join(rest)}]
    return [*operations, {"op": "remove", "path": annotation}]


def purging(doc: Json, live: Json) -> list[Json]:
    """The JSON patch that leaves nothing in `live` beyond what `doc` says; empty where there is no such thing."""
    wanted, held = doc["metadata"].get("annotations") or {}, live["metadata"].get("annotations") or {}
    operations: list[Json] = [
        {"op": "remove", "path": f"/metadata/annotations/{_pointer(mark)}"}
        for mark in (ALSO_OFFERED_BY, REVISION)
        if mark in held and not wanted.get(mark)
    ]
    spec = doc.get("spec") or {}
    if digest(live.get("spec") or {}) != digest(spec):
        operations.append({"op": "replace", "path": "/spec", "value": spec})
    if not operations:
        return []
    version = live["metadata"]["resourceVersion"]
    return [{"op": "test", "path": "/metadata/resourceVersion", "value": version}, *operations]


def marked(doc: Json, repository: str | None, others: Sequence[str], *, over: Entry | None = None) -> Json:
    """`doc` with its owner's label and the list of those that offer the same.

    Over an entry that has such a list, an empty one is said: left out, it would stay, since a hand-over wrote it, and
    for a moment the new content would pass for theirs.
    """
    metadata = doc["metadata"]
    labels = {**(metadata.get("labels") or {})}
    annotations = {**(metadata.get("annotations") or {})}
    if repository is not None:
        labels[REPOSITORY_LABEL] = repository
    if others or (over is not None and over.also_offered_by):
        annotations[ALSO_OFFERED_BY] = ",".join(others)
    return {**doc, "metadata": {**metadata, "labels": labels, "annotations": annotations}}


def revision_key(revision: str) -> tuple[tuple[int, int, str], ...]:
    """Dotted revisions, numbers by value ("1.10" > "1.9"); none is the lowest."""
    parts = [part for part in re.split(r"[.\-_]", revision) if part]
    return tuple(_revision_part(part) for part in parts)


def _revision_part(part: str) -> tuple[int, int, str]:
    """Words before numbers, numbers by their length and digits: a publisher may write one that no int can hold."""
    if not (part.isascii() and part.isdigit()):
        return 0, 0, part
    digits = part.lstrip("0")
    return 1, len(digits), digits


def holding(me: str, live: Mapping[str, Entry]) -> dict[str, str]:
    """Name -> content digest of everything that `me` owns or shares."""
    return {name: entry.digest for name, entry in live.items() if is_mine(me, entry)}


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
