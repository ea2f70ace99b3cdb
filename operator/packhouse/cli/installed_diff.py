"""`installed diff`: what the next reconcile of an install would change, or an update of it. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from packhouse.cli.output import Column, Form, Listing, Output, show
from packhouse.cli.terminal import begins, note, warn
from packhouse.cli.values_files import Sets, ValuesFiles, read
from packhouse.cli.verb import verb
from packhouse.client.errors import ExitCode
from packhouse.client.session import Session

if TYPE_CHECKING:
    from packhouse.client.changing import Wishes
    from packhouse.client.rehearsal import Rehearsal
    from packhouse.deploy.dry_run import Preview


@verb
async def diff(
    session: Session,
    name: Annotated[str, typer.Argument(help="The name of the install.")],
    version: Annotated[
        str | None, typer.Option(help="As if it were updated to this version, or to the newest of a range.")
    ] = None,
    values_file: ValuesFiles = None,
    set_: Sets = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 7 where something would change.")] = False,
    output: Output = Form.TABLE,
) -> ExitCode:
    """Show what the next reconcile would change in the cluster."""
    texts = read(values_file or ())
    from packhouse.cli import preview
    from packhouse.client.changing import Wishes
    from packhouse.client.rehearsal import previews

    # To look at what is refused harms nobody.
    wishes = Wishes(
        version=version, texts=texts, sets=set_ or (), allow_downgrade=True, allow_everything=True, force=True
    )
    rehearsal = await _rehearsed(session, name, wishes)
    found = await previews(session, rehearsal)
    changing = preview.changing(found)
    if output is Form.TABLE:
        typer.echo(preview.diff_text(changing), nl=False)
        words = preview.outcome_counts(rehearsal.plan, found)
        note(f"\n{words}" if changing else f"Nothing would change: {words}")
    else:
        show(_listing(changing), output)
    return ExitCode.DIFFERENT if exit_code and changing else ExitCode.DONE


async def _rehearsed(session: Session, name: str, wishes: Wishes) -> Rehearsal:
    from packhouse.client.changing import amended
    from packhouse.client.installs import present
    from packhouse.client.rehearsal import Proposal, rehearse

    is_update = wishes.version is not None or wishes.texts or wishes.sets
    begins(f"Rehearsing {'an update' if is_update else 'the next reconcile'} of {session.namespace}/{name}...")
    install = await present(session, name)
    if is_update:
        amendment = await amended(session, name, wishes, rehearsed=True)
        rehearsal, warnings = amendment.rehearsal, amendment.warnings
        assert rehearsal is not None, "it was asked for"  # noqa: S101 - a promise of amended
    else:
        rehearsal = await rehearse(session, Proposal(install))
        warnings = rehearsal.warnings
    for text in (*_held_up(install), *warnings):
        warn(text)
    return rehearsal


def _held_up(install: dict[str, object]) -> Sequence[str]:
    """Why no reconcile may come."""
    from packhouse.api.views import InstalledPackage

    view = InstalledPackage.from_wire(install)
    where = f"{view.meta.namespace}/{view.meta.name}"
    if view.meta.deleting:
        return [f"{where} is being deleted, and none of this will come"]
    if view.paused or view.canceled:
        return [f"{where} is {'paused' if view.paused else 'canceled'}: none of this comes before it is resumed"]
    return []


def _listing(changing: Sequence[Preview]) -> Listing:
    from packhouse.cli.preview import change_data, resource_name

    return Listing(
        (Column("ACTION"), Column("OBJECT"), Column("WHY")),
        [(str(one.change.action), str(one.change.ref), one.change.why) for one in changing],
        [change_data(one) for one in changing],
        [resource_name(one.change.ref) for one in changing],
    )
