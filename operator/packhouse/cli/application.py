"""The command line as typer knows it, with the verbs that are wanted. Called by main.py alone."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer

from packhouse import __version__


def application(verbs: Iterable[str]) -> typer.Typer:
    """With these verbs, each a module of this folder."""
    app = typer.Typer(
        name="packhouse",
        help="Packhouse, a package operator for Kubernetes.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(packhouse)
    for verb in verbs:
        module = import_module(f"packhouse.cli.{verb}")
        if hasattr(module, "app"):
            app.add_typer(module.app)
        elif hasattr(module, verb):
            app.command()(getattr(module, verb))
        else:  # it is called before typer is asked; here it stands in the list
            app.command(verb, help=module.HELP)(_listed)
    return app


def _listed() -> None:
    """Never called."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit()


def packhouse(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Packhouse, a package operator for Kubernetes."""
