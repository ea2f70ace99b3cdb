"""The tree of verbs as typer knows it. A verb is imported when it is called; help and completion read the tree alone.

Called by main.py, and by what writes docs/cli.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer import _click
from typer.core import TyperArgument, TyperCommand, TyperGroup

from packhouse import __version__
from packhouse.cli.help import help_of, named, printed, usage
from packhouse.cli.terminal import say_trouble, width
from packhouse.cli.tree import QUICK, Noun, Verb
from packhouse.client.errors import ExitCode

#: Help as plain text: rich takes a tenth of a second to import.
_PLAIN: Final[dict[str, Any]] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "add_completion": False,
    "context_settings": {"help_option_names": ["--help", "-h"]},
}


class _Plain(_click.Command):
    """Says of itself what help.py makes of it."""

    def format_help(self, ctx: _click.Context, formatter: _click.HelpFormatter) -> None:
        formatter.write(printed(help_of(self, ctx.command_path), width()))

    def get_usage(self, ctx: _click.Context) -> str:
        return f"Usage: {usage(self, ctx.command_path)}"

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """What is wrong with the words is said in two lines, as all errors are."""
        typers: Any = super()  # TyperCommand, TyperGroup: the base alone has no such method
        if not standalone_mode:
            return typers.main(*args, standalone_mode=False, **extra)
        try:
            code = typers.main(*args, standalone_mode=False, **extra)
        except _click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(ExitCode.USAGE)
        except _click.exceptions.ClickException as error:
            say_trouble(*_mistake(error))
            sys.exit(error.exit_code)
        except typer.Abort:
            typer.echo("interrupted", err=True)
            sys.exit(ExitCode.INTERRUPTED)
        sys.exit(code or 0)


class _Verb(_Plain, TyperCommand):
    """A word that does something."""


class _Words(_Plain, TyperGroup):
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
        words = {**self._noun.short, **self._noun.words}
        if args and args[0] in words:
            self.commands[args[0]] = loaded(args[0], words[args[0]])
        elif args and not args[0].startswith("-"):
            raise _Unknown(ctx, args[0], get_close_matches(args[0], words, n=2))
        return super().resolve_command(ctx, args)


class _Unknown(_click.exceptions.UsageError):
    def __init__(self, ctx: _click.Context, word: str, close: list[str]) -> None:
        super().__init__(f"{ctx.command_path} has no command {word!r}", ctx)
        self.close = close


def _mistake(error: _click.exceptions.ClickException) -> tuple[str, str]:
    """What is wrong with the command line, and what to do."""
    message = error.format_message().rstrip(".").replace("Value error, ", "")
    what = message[:1].lower() + message[1:]
    if isinstance(error, _Unknown) and error.close:
        return what, f"did you mean {' or '.join(error.close)}?"
    ctx = getattr(error, "ctx", None)
    return what, f"{ctx.command_path} --help" if ctx else ""


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
    if word == QUICK:
        return _stub(word, what)
    module, _, name = what.place.partition(":")
    return command_of(word, getattr(import_module(f"packhouse.cli.{module}"), name))


def command_of(word: str, function: Callable[..., Any]) -> _click.Command:
    app = typer.Typer(**_PLAIN)
    app.command(word, cls=_Verb, no_args_is_help=False)(function)
    command = typer.main.get_command(app)
    command.name = word
    for param in command.params:
        if isinstance(param, TyperArgument):
            param.metavar = named(param)  # in messages, too
    return command


def _stub(word: str, what: Noun | Verb) -> _click.Command:
    return _Verb(word, help=what.help, rich_markup_mode=None)


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
