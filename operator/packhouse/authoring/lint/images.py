"""Rules of images: each by its digest, by the lock or by itself; and a lock that is read, and holds what is used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from packhouse.api.errors import FetchFailed, InvalidSpec
from packhouse.authoring import images
from packhouse.authoring.images import Locked, words
from packhouse.authoring.lint.findings import Finding
from packhouse.authoring.lint.subject import Subject
from packhouse.authoring.project import Place
from packhouse.domain.images_lock import LOCK_FILE
from packhouse.domain.references import ImageReference, read_reference
from packhouse.template import selection
from packhouse.template.kbld.references import rewrite
from packhouse.template.kbld.rules import IMAGE_KEY, Rules


def image_unlocked(subject: Subject) -> Iterator[Finding]:
    for text, (reference, holder) in _references(subject).items():
        if reference.digest is None:
            named = f"{text} ({holder}) is named by {'tag' if _has_tag(text) else 'neither tag nor digest'}"
            yield Finding("image-unlocked", _place(subject, text), f"{named}; lock it: packhouse package build")


def lock_unread(subject: Subject) -> Iterator[Finding]:
    try:
        _lock(subject)
    except FetchFailed as error:
        yield Finding("lock-unread", subject.sources.place(LOCK_FILE), error.message)


def lock_unapplied(subject: Subject) -> Iterator[Finding]:
    """The step reads it by its path, or as a file of a folder that it is given."""
    if not _entries(subject):
        return
    for options in subject.of_engine("kbld"):
        if any(selection.plain(path) in (".", ".imgpkg", LOCK_FILE) for path in options.get("paths") or ["."]):
            return
    message = f"no kbld step reads {LOCK_FILE}; add one: kbld with paths [-, {LOCK_FILE}]"
    yield Finding("lock-unapplied", subject.of_steps, message)


def lock_unused(subject: Subject) -> Iterator[Finding]:
    used = {reference.digest for reference, _ in _references(subject).values()}
    for entry in _entries(subject):
        if entry.name and entry.digest not in used and any(one.rendered for one in subject.renderings):
            place = subject.sources.search(re.escape(entry.digest)) or subject.sources.place(LOCK_FILE)
            yield Finding("lock-unused", place, f"no case renders {entry.name}, which is locked")


def _references(subject: Subject) -> dict[str, tuple[ImageReference, str]]:
    """What the objects hold under a key `image`, each with the words for the first that holds it."""
    found: dict[str, tuple[ImageReference, str]] = {}
    for obj in subject.objects:
        rewrite(obj, Rules.of([IMAGE_KEY]), partial(_note, words(obj), found))
    return found


def _note(holder: str, found: dict[str, tuple[ImageReference, str]], text: str) -> str:
    """A text that is no reference is some other thing's image."""
    with suppress(InvalidSpec):
        found.setdefault(text, (read_reference(text), holder))
    return text


def _lock(subject: Subject) -> list[Locked]:
    body = subject.sources.texts.get(LOCK_FILE)
    return list(images.read(body.encode() if body is not None else None, LOCK_FILE))


def _entries(subject: Subject) -> list[Locked]:
    try:
        return _lock(subject)
    except FetchFailed:
        return []


def _place(subject: Subject, text: str) -> Place:
    """Where the reference is written: whole, or its repository alone. A default stands in package.yaml."""
    name = text if not _has_tag(text) else text.rpartition(":")[0]
    found = subject.sources.search(re.escape(text)) or subject.sources.search(rf"{re.escape(name)}\b")
    written = subject.project.written
    return found or written.search(text) or written.search(name) or subject.of_steps


def _has_tag(text: str) -> bool:
    return ":" in text.rpartition("/")[2]
