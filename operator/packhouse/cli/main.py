"""`packhouse` and `kubectl package`: the list of verbs, and nothing else.

A verb's module is imported only when that verb is called, or when all are listed: some of them take half a second.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Annotated, Final

import typer

from packhouse import __version__

#: Each is a module of this folder, with a command of the same name, or an `app` where it has verbs of its own.
VERBS: Final = ("operator", "renderer", "uninstall", "ytt", "bundle")


def application(verbs: Iterable[str] = VERBS) -> typer.Typer:
    """The command line with these verbs."""
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
        else:
            app.command()(getattr(module, verb))
    return app


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


def _wanted(words: Sequence[str]) -> Sequence[str]:
    first = words[0] if words else ""
    return (first,) if first in VERBS else () if words == ["--version"] else VERBS


def run() -> None:
    application(_wanted(sys.argv[1:]))()


if __name__ == "__main__":
    run()
