"""Rules of values and templates together: what templates use and the schema does not name, and the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from packhouse.authoring.jinja_uses import Use, uses
from packhouse.authoring.lint.findings import Finding
from packhouse.authoring.lint.schema import leaves, place_in
from packhouse.authoring.lint.subject import Subject
from packhouse.domain.values_path import Path, written
from packhouse.domain.values_report import nearest
from packhouse.domain.values_shape import Shape

_YTT_VALUES: Final = re.compile(r"^[^#\n]*#@.*\bdata\.values\b", re.MULTILINE)


def schema_missing(subject: Subject) -> Iterator[Finding]:
    if subject.schema is not None:
        return
    used = [use for use in uses(subject.sources.texts, subject.steps) or () if use.path]
    place = subject.sources.place(used[0].file, used[0].line) if used else None
    if place is None and next(subject.of_engine("ytt"), None) is not None:
        place = subject.sources.search(_YTT_VALUES.pattern)
    if place is not None:
        message = "the templates take values and no schema says which; write spec.valuesSchema.openAPIv3"
        if "ytt" in subject.steps[0]:
            message += ", or #@data/values-schema"
        yield Finding("schema-missing", place, message)


def value_unknown(subject: Subject) -> Iterator[Finding]:
    if subject.shape is None:
        return
    for use in uses(subject.sources.texts, subject.steps) or ():
        unknown = _first_unknown(subject.shape, use.path)
        if unknown is None:
            continue
        path, known = unknown
        near = nearest(str(path[-1]), known)
        hint = f"; did you mean {written((*path[:-1], near))}?" if near else ""
        place = subject.sources.place(use.file, use.line)
        yield Finding("value-unknown", place, f"values.{written(path)} is no key of the schema{hint}")


def value_unused(subject: Subject) -> Iterator[Finding]:
    """Only where the texts of all templates could be read; helm and ytt are not looked into."""
    used = uses(subject.sources.texts, subject.steps)
    if used is None or any("jinja2" not in step and "kbld" not in step for step in subject.steps):
        return
    unused = [path for path, _ in leaves(subject.shape) if not any(_touches(use, path) for use in used)]
    for path in unused:
        yield Finding("value-unused", place_in(subject, path), f"no template uses values.{written(path)}")


def _touches(use: Use, path: Path) -> bool:
    """Whether a use is of the key, of what it holds, or of what holds it."""
    both = min(len(use.path), len(path))
    return use.path[:both] == path[:both]


def _first_unknown(shape: Shape, path: Path) -> tuple[Path, list[str]] | None:
    """The part of a path that the schema knows nothing of, with the keys that it names there."""
    for depth, part in enumerate(path):
        inner = shape.at((part,))
        if inner is None:
            return None if shape.is_open or shape.item is not None else (path[: depth + 1], list(shape.named))
        shape = inner
    return None
