"""Renders all that a package's tests know of, and says which objects and which images that gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from packhouse.api.errors import PackhouseError, ValuesInvalid
from packhouse.authoring.images import NOTING, chosen_later, noted
from packhouse.authoring.places import relocated
from packhouse.authoring.project import Project
from packhouse.authoring.rendering import ClusterFacts, render
from packhouse.domain.images_lock import LOCK_FILE
from packhouse.ports import Json, Renderer, ValuesDocument
from packhouse.template import selection

DEFAULTS: Final = "defaults"


@dataclass(slots=True)
class Build:
    """`objects` by the case that renders them. `references`: each image, and words for an object that holds it."""

    objects: dict[str, Sequence[Json]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def every(self) -> list[Json]:
        return [obj for objects in self.objects.values() for obj in objects]


async def build(renderer: Renderer, project: Project, facts: ClusterFacts) -> Build:
    """With the defaults, and with the values of each case that is expected to render. A package whose values have no
    defaults for all is built by its cases alone. Raises what the rendering raises, with the case and the file."""
    made, noting = Build(), replace(project, instead=NOTING)
    later: set[str] = set()
    for name, values in _cases(project).items():
        try:
            rendered = await render(renderer, noting, values, facts)
        except ValuesInvalid as error:
            if name == DEFAULTS and len(_cases(project)) > 1:
                made.warnings.append(f"the defaults alone are refused, and not built: {error.message}")
                continue
            raise _of_case(error, name, project) from None
        except PackhouseError as error:
            raise _of_case(error, name, project) from None
        later |= chosen_later(rendered.asked)
        made.warnings += [f"{name}: {warning}" for warning in rendered.warnings]
        made.objects[name], references = noted(rendered.objects)
        for reference, holder in references.items():
            made.references.setdefault(reference, f"{name}: {holder}")
    if made.references and not _reads_lock(project):
        made.warnings.append(
            f"no kbld step reads {LOCK_FILE}, so the digests in it reach no object; add one to package.yaml: "
            f'- kbld: {{paths: ["-", {LOCK_FILE}]}}'
        )
    for reference in later & set(made.references):
        del made.references[reference]
        made.warnings.append(f"{reference} is not locked: a range of kbld chooses its tag at each install")
    return made


def _reads_lock(project: Project) -> bool:
    """By its path, or as a file of a folder."""
    steps = [step["kbld"] or {} for step in project.view.template if "kbld" in step]
    paths = [selection.plain(path) for step in steps for path in step.get("paths") or ["."]]
    return any(path in (".", ".imgpkg", LOCK_FILE) for path in paths)


def _cases(project: Project) -> Mapping[str, Sequence[ValuesDocument]]:
    rendering = {case.name: case.values() for case in project.cases if not case.expected_error.is_file()}
    return rendering if any(not values for values in rendering.values()) else {DEFAULTS: [], **rendering}


def _of_case(error: PackhouseError, name: str, project: Project) -> PackhouseError:
    found = relocated(error, project)
    return type(found)(f"{name}: {found.message}")
