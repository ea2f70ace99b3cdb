"""Rules of what comes of the cases: errors, warnings, and whether there are any."""

from __future__ import annotations

from collections.abc import Iterator

from packhouse.api.errors import ValuesSchemaInvalid
from packhouse.authoring.lint.findings import Finding
from packhouse.authoring.lint.subject import Rendering, Subject
from packhouse.authoring.project import TESTS, Place, shown


def render_failed(subject: Subject) -> Iterator[Finding]:
    """Cases that fail alike are told together. A schema that is none is told by itself."""
    failed: dict[tuple[Place, str], list[str]] = {}
    for rendering in subject.renderings:
        if rendering.error is None or isinstance(rendering.error, ValuesSchemaInvalid):
            continue
        place, message = subject.sources.located(rendering.error.message)
        if rendering.case is None:
            told = f"the defaults alone do not render; give values in {TESTS}/NAME/values.yml: {message}"
            yield Finding("defaults-fail", place or subject.of_steps, told)
        else:
            failed.setdefault((place or rendering.place or subject.of_steps, message), []).append(rendering.case.name)
    for (place, message), cases in failed.items():
        yield Finding("render-failed", place, f"{'case' if len(cases) == 1 else 'cases'} {', '.join(cases)}: {message}")


def render_warning(subject: Subject) -> Iterator[Finding]:
    for rendering in subject.renderings:
        for warning in rendering.rendered.warnings if rendering.rendered is not None else ():
            yield Finding("render-warning", rendering.place or subject.of_steps, f"{_named(rendering)}: {warning}")


def tests_missing(subject: Subject) -> Iterator[Finding]:
    if not subject.project.cases:
        place = Place(shown(subject.project.folder / TESTS))
        yield Finding(
            "tests-missing",
            place,
            "there is no case; make a folder with values.yml, then: packhouse package test --update",
        )
    for case in subject.project.cases:
        if not case.expected.is_file() and not case.expected_error.is_file():
            place = Place(shown(case.folder))
            message = f"case {case.name} says nothing of what is expected; write it: packhouse package test --update"
            yield Finding("tests-missing", place, message)


def _named(rendering: Rendering) -> str:
    return f"case {rendering.case.name}" if rendering.case is not None else "with the defaults"
