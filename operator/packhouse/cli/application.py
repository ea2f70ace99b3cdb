"""The tree of verbs as typer knows it. A verb is imported when it is called; help and completion read the tree alone.

Called by main.py, and by what writes docs/cli.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer import _click
from typer.core import TyperCommand, TyperGroup

from packhouse import __version__
from packhouse.cli.tree import QUICK, Noun, Verb

#: Help as plain text: rich takes a tenth of a second to import.
_PLAIN: Final[dict[str, Any]] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "add_completion": False,
    "context_settings": {"help_option_names": ["--help", "-h"], "max_content_width": 120},
}


class _Words(TyperGroup):
    """A noun. Until one of its words is called, each is a stub that knows its sentence."""

    def __init__(self, name: str, noun: Noun) -> None:
        super().__init__(
            name=name,
            help=noun.help,
            no_args_is_help=True,
            rich_markup_mode=None,
            context_settings=_PLAIN["context_settings"],
            commands={word: _stub(word, what) for word, what in noun.words.items()},
        )
        self._noun = noun

    def resolve_command(
        self, ctx: _click.Context, args: list[str]
    ) -> tuple[str | None, _click.Command | None, list[str]]:
        if args and args[0] in self._noun.words:
            self.commands[args[0]] = loaded(args[0], self._noun.words[args[0]])
        return super().resolve_command(ctx, args)


def root(noun: Noun, name: str) -> _click.Command:
    """The whole tree under one word, with --version where it is the program's own."""
    group = _Words(name, noun)
    version = typer.Typer(**_PLAIN)
    version.callback(invoke_without_command=True)(_with_version)
    group.params = typer.main.get_command(version).params
    return group


def loaded(word: str, what: Noun | Verb) -> _click.Command:
    """The command behind a word; a verb's module is imported. For a noun its words stay stubs."""
    if isinstance(what, Noun):
        return _Words(word, what)
    module, _, name = what.place.partition(":")
    found = getattr(import_module(f"packhouse.cli.{module}"), name)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    if word == QUICK:
        return _stub(word, what)
    return command_of(word, found)


def command_of(word: str, function: Callable[..., Any]) -> _click.Command:
    app = typer.Typer(**_PLAIN)
    app.command(word, no_args_is_help=False)(function)
    command = typer.main.get_command(app)
    command.name = word
    return command


def _stub(word: str, what: Noun | Verb) -> _click.Command:
    return TyperCommand(word, help=what.help, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit()


def _with_version(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Never called: its option is."""
