"""Rules of what comes of the cases: errors, warnings, and whether there are any."""

from __future__ import annotations

from collections.abc import Iterator

from packhouse.authoring.lint.findings import Finding
from packhouse.authoring.lint.subject import Rendering, Subject
from packhouse.authoring.project import TESTS, Place, shown


def render_failed(subject: Subject) -> Iterator[Finding]:
    for rendering in subject.renderings:
        if rendering.error is None:
            continue
        place, message = subject.sources.located(rendering.error.message)
        if rendering.case is None:
            told = f"the defaults alone do not render; give values in {TESTS}/NAME/values.yml: {message}"
            yield Finding("defaults-fail", place or subject.of_steps, told)
        else:
            yield Finding(
                "render-failed", place or rendering.place or subject.of_steps, f"case {rendering.case.name}: {message}"
            )


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
