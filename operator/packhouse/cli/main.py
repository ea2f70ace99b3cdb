"""`packhouse` and `kubectl package`: the list of verbs, and nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from packhouse import __version__
from packhouse.cli import bundle
from packhouse.cli.operator import operator
from packhouse.cli.renderer import renderer
from packhouse.cli.uninstall import uninstall

app = typer.Typer(
    name="packhouse",
    help="Packhouse, a package operator for Kubernetes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(operator)
app.command()(renderer)
app.command()(uninstall)
app.add_typer(bundle.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit()


@app.callback()
def packhouse(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Packhouse, a package operator for Kubernetes."""


def run() -> None:
    app()


if __name__ == "__main__":
    run()
