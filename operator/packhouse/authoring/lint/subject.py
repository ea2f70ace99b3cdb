"""All that the checks look at, gathered once: the package, its texts, what each case renders, the version aimed at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from packhouse.api.errors import PackhouseError, RendererUnavailable
from packhouse.authoring.places import Sources
from packhouse.authoring.project import VALUES_FILE, Case, Place, Project, shown
from packhouse.authoring.rendering import ClusterFacts, render
from packhouse.domain.objects import digest
from packhouse.domain.values_shape import Shape
from packhouse.ports import Json, Rendered, Renderer

#: Where the package is installed while it is looked at. No template names it by chance.
NAMESPACE = "namespace-of-the-install"


@dataclass(frozen=True, slots=True)
class Rendering:
    """What came of a case; `case` is None for the defaults of a package without cases."""

    case: Case | None
    rendered: Rendered | None
    error: PackhouseError | None = None

    @property
    def place(self) -> Place | None:
        """The values that were given."""
        path = self.case.folder / VALUES_FILE if self.case is not None else None
        return Place(shown(path)) if path is not None and path.is_file() else None


@dataclass(frozen=True)
class Subject:
    """`minor`: the Kubernetes version that is aimed at."""

    project: Project
    sources: Sources
    renderings: Sequence[Rendering]
    minor: int

    @cached_property
    def objects(self) -> Sequence[Json]:
        """Of all cases; of those that are the same in several, one."""
        of_all = (obj for one in self.renderings if one.rendered is not None for obj in one.rendered.objects)
        return list({digest(obj): obj for obj in of_all}.values())

    @property
    def schema(self) -> Json | None:
        return self.project.view.values_schema

    @cached_property
    def shape(self) -> Shape | None:
        return Shape.of(self.schema) if isinstance(self.schema, dict) else None

    @property
    def steps(self) -> Sequence[Json]:
        return self.project.view.template

    def of_engine(self, name: str) -> Iterator[Json]:
        """The options of the steps of one engine."""
        return (step[name] or {} for step in self.steps if name in step)

    def place(self, *path: str | int) -> Place:
        """A field of package.yaml, or what stands nearest above it."""
        return self.project.written.place(*path)

    def of_object(self, obj: Json, line: str = "") -> Place:
        """Where it is written, as far as that can be found."""
        return self.sources.of_object(obj, line) or self.of_steps

    @property
    def of_steps(self) -> Place:
        return self.place("spec", "template", "spec", "template")


async def gather(renderer: Renderer, project: Project, minor: int) -> Subject:
    """Raises RendererUnavailable; what else a rendering ends with is looked at."""
    facts = ClusterFacts.of(minor)
    cases: list[Case | None] = [case for case in project.cases if not case.expected_error.is_file()]
    renderings = []
    for case in cases or [None]:
        try:
            values = case.values() if case is not None else ()
            rendered = await render(renderer, project, values, facts, namespace=NAMESPACE)
            renderings.append(Rendering(case, rendered))
        except RendererUnavailable:
            raise
        except PackhouseError as error:
            renderings.append(Rendering(case, None, error))
    return Subject(project, Sources.of(project), renderings, minor)
