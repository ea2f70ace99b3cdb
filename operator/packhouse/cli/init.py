"""`package init`: a package to begin with, which lints, renders and passes its tests at once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from packhouse.cli.terminal import note
from packhouse.cli.verb import verb
from packhouse.client.errors import Trouble


class Engine(StrEnum):
    JINJA2 = "jinja2"
    YTT = "ytt"


@verb
async def init(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What the package is called: small letters, digits and -.")
    ],
    engine: Annotated[Engine, typer.Option(help="What its templates are written in.")] = Engine.JINJA2,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to: a folder that is new or empty; by default ./NAME.")
    ] = None,
    public_name: Annotated[
        str,
        typer.Option(metavar="NAME", help="The name that all versions share; by default NAME.packages.example.com."),
    ] = "",
) -> None:
    """Begin a new package: templates, a schema, test values."""
    from packhouse.authoring.golden import run
    from packhouse.authoring.project import read, shown
    from packhouse.authoring.rendering import ClusterFacts, aimed_at, started
    from packhouse.authoring.skeleton import write

    target = folder or Path(name)
    write(target, name, public_name, engine.value)
    project = read(target)
    async with started() as renderer:
        async for result in run(renderer, project, project.cases, ClusterFacts.of(aimed_at(project)), update=True):
            if not result.is_good:
                raise Trouble(f"the case {result.case.name} of the new package ends badly: {result.message}")
    for path in sorted(path for path in target.rglob("*") if path.is_file()):
        typer.echo(shown(path))
    note(_next(shown(target)))


def _next(folder: str) -> str:
    words = "" if folder == "." else f" {folder}"
    return (
        f"\nNext:\n"
        f"  packhouse package template{words}          what it renders\n"
        f"  packhouse package lint{words}              what is wrong with it\n"
        f"  packhouse package test{words}              compare it with its golden files; --update writes them\n"
        f"  packhouse package build{words}             lock its images\n"
        f"  packhouse package release{words} --help    give it to others"
    )
