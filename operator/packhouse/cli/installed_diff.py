"""`installed diff`: what the next reconcile of an install would change, or an update of it. Writes nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from packhouse.cli.output import Column, Form, Listing, Output, show
from packhouse.cli.terminal import begins, note, warn
from packhouse.cli.verb import verb
from packhouse.client.errors import ExitCode, NotFound
from packhouse.client.session import Session


@verb
async def diff(
    session: Session,
    name: Annotated[str, typer.Argument(help="The name of the install.")],
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 7 where something would change.")] = False,
    output: Output = Form.TABLE,
) -> ExitCode:
    """Show what the next reconcile would change in the cluster."""
    from packhouse.cli import preview
    from packhouse.client.proposals import ref
    from packhouse.client.rehearsal import Proposal, previews, rehearse

    install = await session.cluster.get(ref(session.namespace, name))
    if install is None:
        raise NotFound(
            f"there is no install {session.namespace}/{name}",
            "see those that there are: kubectl package installed list",
        )
    begins(f"Rehearsing the next reconcile of {session.namespace}/{name}...")
    rehearsal = await rehearse(session, Proposal(install, account_exists=True))
    for text in rehearsal.warnings:
        warn(text)
    found = await previews(session, rehearsal)
    changing = preview.changing(found)
    if output is not Form.TABLE:
        items = [preview.change_data(one) for one in changing]
        rows = [(str(one.change.action), str(one.change.ref), one.change.why) for one in changing]
        names = [preview.resource_name(one.change.ref) for one in changing]
        show(Listing((Column("ACTION"), Column("OBJECT"), Column("WHY")), rows, items, names), output)
    else:
        typer.echo(preview.diff_text(changing), nl=False)
        words = preview.outcome_counts(rehearsal.plan, found)
        note(f"\n{words}" if changing else f"Nothing would change: {words}")
    return ExitCode.DIFFERENT if exit_code and changing else ExitCode.DONE
