"""What all verbs that speak with a cluster share: the options that say which one, and how a verb ends.

    @verb
    async def get(session: Session, name: Annotated[str, typer.Argument(...)], output: Output = Form.TABLE) -> None:
        \"\"\"Show one install.\"\"\"

`session: Session` is opened and closed around the verb; a verb with `target: Target` opens what it needs itself; one
with neither gets only --debug. A verb returns an ExitCode, or None for DONE, and raises Trouble or PackhouseError.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any, Final, get_type_hints

import typer

from packhouse.api.errors import PackhouseError
from packhouse.cli.terminal import plain, say_trouble
from packhouse.client.errors import ExitCode, Trouble, trouble_of
from packhouse.client.session import Target, opened
from packhouse.settings import SettingsInvalid

_CLUSTER: Final = "Which cluster, and who you are"


def _target(
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace", "-n", rich_help_panel=_CLUSTER, help="The namespace; by default that of the context."
        ),
    ] = None,
    kubeconfig: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_CLUSTER, metavar="FILE", help="The kubeconfig; by default KUBECONFIG, or ~/.kube/config."
        ),
    ] = None,
    context: Annotated[
        str | None, typer.Option(rich_help_panel=_CLUSTER, help="The context of the kubeconfig.")
    ] = None,
    as_: Annotated[str, typer.Option("--as", rich_help_panel=_CLUSTER, metavar="USER", help="Act as this user.")] = "",
    as_group: Annotated[
        list[str] | None,
        typer.Option("--as-group", rich_help_panel=_CLUSTER, help="Act as of this group; repeatable."),
    ] = None,
    request_timeout: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_CLUSTER, metavar="SECONDS", help="Seconds that one request to the cluster may take."
        ),
    ] = None,
) -> Target:
    return Target(kubeconfig, context, namespace, as_, tuple(as_group or ()), request_timeout)


def _debug(debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False) -> bool:
    return debug


def verb(function: Callable[..., Any]) -> Callable[..., None]:
    """The function as a command of typer, with the shared options behind its own."""
    own, hints = inspect.signature(function).parameters, get_type_hints(function, include_extras=True)
    wants_session, wants_target = "session" in own, "target" in own
    shared: dict[str, Any] = dict(inspect.signature(_debug, eval_str=True).parameters)
    if wants_session or wants_target:
        shared = dict(inspect.signature(_target, eval_str=True).parameters) | shared

    async def opened_for(target: Target, given: dict[str, Any]) -> Any:
        async with opened(target) as session:
            return await function(session=session, **given)

    @wraps(function)
    def command(**given: Any) -> None:
        debug = given.pop("debug")
        target = _target(**{name: given.pop(name) for name in shared if name != "debug"}) if len(shared) > 1 else None
        with ended(debug=debug):
            if wants_session:
                assert target is not None  # noqa: S101 - its options are there
                code = asyncio.run(opened_for(target, given))
            else:
                answer = function(**given, **({"target": target} if wants_target else {}))
                code = asyncio.run(answer) if inspect.iscoroutine(answer) else answer
            if code:
                raise typer.Exit(int(code))

    shown = [one.replace(annotation=hints[name]) for name, one in own.items() if name not in ("session", "target")]
    keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in [*shown, *shared.values()]]
    command.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined] # typer reads it
    command.__annotations__ = {one.name: one.annotation for one in keyword}
    return command


@contextmanager
def ended(*, debug: bool = False) -> Iterator[None]:
    """Errors as what happened, what to do, and an exit code; with `debug` as a traceback, too."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except (typer.Exit, typer.Abort):
        raise
    except BrokenPipeError:  # who reads has seen enough, as in `| head`; Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.UNREAD) from None
    except Exception as error:
        if debug:
            typer.echo(plain(traceback.format_exc()), err=True, nl=False)
        trouble = _trouble(error)
        say_trouble(trouble.what, trouble.help)
        raise typer.Exit(int(trouble.code)) from None


def _trouble(error: Exception) -> Trouble:
    match error:
        case Trouble():
            return error
        case PackhouseError():
            return trouble_of(error)
        case SettingsInvalid():
            return Trouble(str(error), "correct that variable, or unset it", ExitCode.USAGE)
        case _:
            return Trouble(f"a bug of packhouse: {type(error).__name__}: {error}", "see it with --debug, and report it")
