"""`package template`: what a package's folder renders, without a cluster. The objects go to standard output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from packhouse.cli.package_folder import Folder, KubernetesVersion
from packhouse.cli.verb import verb

if TYPE_CHECKING:
    from packhouse.authoring.project import Project
    from packhouse.ports import Json, ValuesDocument


class Form(StrEnum):
    YAML = "yaml"
    JSON = "json"
    NAME = "name"


@verb
async def template(
    folder: Folder = Path(),
    values_file: Annotated[
        list[Path] | None,
        typer.Option("--values-file", "-f", metavar="FILE", help="Values; repeatable, later ones win."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One value, as in a.b=c; repeatable.")
    ] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="The namespace of the install, as templates see it.")
    ] = "default",
    kubernetes_version: KubernetesVersion = "",
    output: Annotated[Form, typer.Option("--output", "-o", help="How to show the objects.")] = Form.YAML,
) -> None:
    """Render a package from its folder, without a cluster."""
    from packhouse.api.errors import PackhouseError
    from packhouse.authoring.places import relocated
    from packhouse.authoring.project import read
    from packhouse.authoring.project import values_file as given
    from packhouse.authoring.rendering import ClusterFacts, aimed_at, render, started, warnings_of
    from packhouse.cli.terminal import warn

    project = read(folder)
    facts = ClusterFacts.of(aimed_at(project, kubernetes_version))
    values = _with_sets(project, [given(path) for path in values_file or ()], set_ or ())
    async with started() as renderer:
        try:
            rendered = await render(renderer, project, values, facts, namespace=namespace)
        except PackhouseError as error:
            raise relocated(error, project) from None
    for warning in warnings_of(rendered):
        warn(warning)
    typer.echo(_text(rendered.objects, output), nl=False)


def _with_sets(project: Project, documents: list[ValuesDocument], sets: Sequence[str]) -> list[ValuesDocument]:
    """The last file with the sets laid over it."""
    from packhouse.client.values import with_sets
    from packhouse.ports import ValuesDocument

    if not sets:
        return documents
    *before, last = documents or [ValuesDocument("--set", "", "values.yml")]
    laid = with_sets(project.view.values_schema or {}, last.text or None, sets, source=last.source)
    return [*before, replace(last, text=laid)]


def _text(objects: Sequence[Json], form: Form) -> str:
    from packhouse.authoring.golden import as_yaml
    from packhouse.cli import output

    if form is Form.YAML:
        return as_yaml(objects)
    return output.rendered(output.Listing((), (), objects), output.Form(form.value))
