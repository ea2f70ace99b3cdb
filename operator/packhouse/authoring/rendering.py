"""Renders a package's folder as the operator does, in the renderer's own process, without cluster and network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, Self

from packhouse.api.errors import InvalidSpec
from packhouse.authoring import kubernetes_apis
from packhouse.authoring.project import Project
from packhouse.domain.step_references import references, uses_metadata
from packhouse.ports import FoundImage, ImageAsk, Json, Outside, Rendered, Renderer, RenderJob, ValuesDocument
from packhouse.settings import Settings

#: Where a package is installed while nobody says otherwise.
NAMESPACE: Final = "default"


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What templates may know of a cluster: {"version": "v1.37.0", "apiGroups": ["apps/v1", ...]}."""

    version: str
    api_groups: Sequence[str]

    @property
    def context(self) -> Json:
        return {"version": self.version, "apiGroups": list(self.api_groups)}

    @classmethod
    def of(cls, minor: int) -> Self:
        """Of a new cluster of Kubernetes 1.`minor`."""
        return cls(kubernetes_apis.written(minor), kubernetes_apis.api_groups(minor))


def aimed_at(project: Project, version: str | None = None) -> int:
    """The minor version of Kubernetes that a package is looked at for: `version`, or the newest that it says it takes.

    Raises Usage."""
    if version:
        return kubernetes_apis.read_version(version)
    selection = project.package["spec"].get("kubernetesVersionSelection") or {}
    return kubernetes_apis.newest_within(selection.get("constraint") or selection.get("constraints") or "*")


@asynccontextmanager
async def started(settings: Settings | None = None) -> AsyncIterator[Renderer]:
    """The renderer: a child of ours, unless the settings name a socket. Raises SettingsInvalid, RendererUnavailable."""
    from packhouse.adapters.renderer_client import RendererClient

    own = settings or Settings.from_environment()
    async with RendererClient(replace(own, render_workers=1, log_level="error")) as renderer:
        yield renderer


async def render(
    renderer: Renderer,
    project: Project,
    values: Sequence[ValuesDocument],
    facts: ClusterFacts,
    *,
    namespace: str = NAMESPACE,
    images: Mapping[ImageAsk, FoundImage] | None = None,
) -> Rendered:
    """The objects of an install named after the package.

    What a step would ask registries (`asked`) stays as it is written; `images` are answers that are known.
    Raises what ports.Renderer.render raises, InvalidSpec for what only a cluster could tell.
    """
    package = project.view
    _refuse_references(project)
    job = RenderJob(
        files=project.files(),
        steps=package.template,
        values=list(values),
        values_schema=package.values_schema,
        enforce_schema=True,
        context={
            "package": {
                "name": package.meta.name,
                "publicName": package.public_name,
                "version": package.version,
                "displayName": package.display_name,
            },
            "install": {
                "name": project.name,
                "namespace": namespace,
                "defaultNamespace": namespace,
                "serviceAccountName": project.name,
            },
            "cluster": facts.context,
        },
        outside=Outside(
            metadata=_metadata(project, namespace) if uses_metadata(package.template) else {}, images=images or {}
        ),
    )
    rendered = await renderer.render(job)
    if not rendered.asked:
        return rendered
    as_written = {ask: FoundImage(ask.image) for ask in rendered.asked}
    outside = replace(job.outside, images={**as_written, **job.outside.images})
    again = await renderer.render(replace(job, outside=outside))
    return replace(again, asked=rendered.asked)


def warnings_of(rendered: Rendered) -> list[str]:
    """What the author should know, beside the objects."""
    left = [
        f"{ask.image} stays as it is: a step would ask its registry, and none is asked here" for ask in rendered.asked
    ]
    return [*rendered.warnings, *left]


def _refuse_references(project: Project) -> None:
    for kind, name in references(project.view.template):
        raise InvalidSpec(
            f"{project.written.place('spec', 'template', 'spec', 'template')}: a template step reads the {kind} {name} "
            "of the install's namespace, and there is no cluster here; take such values from spec.values of the install"
        )


def _metadata(project: Project, namespace: str) -> Json:
    return {
        "name": project.name,
        "namespace": namespace,
        "uid": "00000000-0000-0000-0000-000000000000",
        "labels": {},
        "annotations": {},
    }
