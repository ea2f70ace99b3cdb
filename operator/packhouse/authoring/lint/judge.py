"""Judges a package: what it is made of is gathered, every check looks at it, findings are put in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from packhouse.authoring import project as projects
from packhouse.authoring.lint import documents, images, objects, renderings, schema, templates
from packhouse.authoring.lint.findings import Finding, Level
from packhouse.authoring.lint.subject import Subject, gather
from packhouse.authoring.project import Unreadable
from packhouse.authoring.rendering import aimed_at, started
from packhouse.ports import Renderer

Check = Callable[[Subject], Iterator[Finding]]

CHECKS: Final[Sequence[Check]] = (
    documents.unknown_fields,
    documents.metadata_name,
    documents.version_range,
    documents.deploy_step,
    documents.fetch_ignored,
    documents.words_for_people,
    schema.schema_invalid,
    schema.schema_default,
    schema.schema_description,
    schema.schema_differs,
    templates.schema_missing,
    templates.value_unknown,
    templates.value_unused,
    renderings.render_failed,
    renderings.render_warning,
    renderings.tests_missing,
    images.image_unlocked,
    images.lock_unread,
    images.lock_unapplied,
    images.lock_unused,
    objects.api_versions,
    objects.namespace_fixed,
    objects.selector_missing,
    objects.service_selector,
)


async def judge(folder: Path, version: str | None = None, renderer: Renderer | None = None) -> list[Finding]:
    """The findings, the worst first, then by place. `version`: of Kubernetes; `renderer`: one that runs already.

    Raises NotFound where there is no package, RendererUnavailable, SettingsInvalid.
    """
    try:
        project = projects.read(folder)
    except Unreadable as error:
        return [documents.refused(error)]
    minor = aimed_at(project, version)
    if renderer is not None:
        return checked(await gather(renderer, project, minor))
    async with started() as own:
        return checked(await gather(own, project, minor))


def checked(subject: Subject) -> list[Finding]:
    found = dict.fromkeys(finding for check in CHECKS for finding in check(subject))
    return sorted(found, key=_order)


def _order(finding: Finding) -> tuple[int, str, int, str]:
    return list(Level).index(finding.level), finding.place.file, finding.place.line, finding.rule
