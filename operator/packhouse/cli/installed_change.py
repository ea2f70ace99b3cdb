"""`installed update|upgrade|pause|resume|kick|delete`: what changes an install that is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from packhouse.cli.asking import TIMEOUT_SECONDS, Timeout, Wait, Yes, agree
from packhouse.cli.terminal import begins, note, warn
from packhouse.cli.values_files import Sets, ValuesFiles, read
from packhouse.cli.verb import verb
from packhouse.cli.waiting import followed, gone
from packhouse.client.errors import Trouble, Usage
from packhouse.client.session import Session

if TYPE_CHECKING:
    from packhouse.client.changing import Amendment
    from packhouse.client.deleting import Parting

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the install.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="The names of the installs.")]
AllowEverything = Annotated[
    bool, typer.Option("--allow-everything", help="Give its account the rights even if it can come to hold all.")
]


@verb
async def update(
    session: Session,
    name: Name,
    version: Annotated[
        str | None, typer.Option(help="A version, or a range such as '>=1.2 <2', whose newest is followed.")
    ] = None,
    values_file: ValuesFiles = None,
    set_: Sets = None,
    service_account: Annotated[str | None, typer.Option(help="The service account to use from now on.")] = None,
    allow_downgrade: Annotated[
        bool, typer.Option("--allow-downgrade", help="Take a version that is lower than the present one.")
    ] = False,
    allow_everything: AllowEverything = False,
    force: Annotated[
        bool, typer.Option("--force", help="Turn the install away from a Secret of values that somebody else made.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change in the cluster, and write nothing.")
    ] = False,
    yes: Yes = False,
    wait: Wait = True,
    timeout: Timeout = TIMEOUT_SECONDS,
) -> None:
    """Change the version, the values or the rights of an install.

    With a name alone, the account that was made for it gets the rights that it needs by now.
    """
    texts = read(values_file or ())
    from packhouse.client.changing import Wishes, amended, change, check

    wishes = Wishes(
        version=version,
        texts=texts,
        sets=set_ or (),
        account=service_account,
        allow_downgrade=allow_downgrade,
        allow_everything=allow_everything,
        force=force,
    )
    begins(f"Looking at {session.namespace}/{name}...")
    amendment = await amended(session, name, wishes, rehearsed=dry_run)
    for warning in amendment.warnings:
        warn(warning)
    if amendment.is_empty:
        note("Nothing to change: it is like this already.")
        return
    _show(amendment)
    if dry_run:
        await _show_rehearsal(session, amendment)
        return
    await check(session, amendment)
    agree(f"Change {session.namespace}/{name} like this?", yes=yes)
    await change(session, amendment)
    await _settled(session, amendment, wait=wait, timeout=timeout)


@verb
async def upgrade(
    session: Session,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="The names of the installs.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All installs of the namespace.")] = False,
    allow_everything: AllowEverything = False,
    yes: Yes = False,
    wait: Wait = True,
    timeout: Timeout = TIMEOUT_SECONDS,
) -> None:
    """Upgrade installs to the newest version that there is for them."""
    if bool(names) is all_:
        raise Usage("say which installs to upgrade", "give their names, or --all")
    from packhouse.client.changing import change, check
    from packhouse.client.upgrading import upgrades

    begins("Looking for newer versions...")
    found = await upgrades(session, names or (), allow_everything=allow_everything)
    for words in found.staying:
        note(words)
    if not found.amendments:
        note("Nothing to upgrade.")
        return
    for amendment in found.amendments:
        for warning in amendment.warnings:
            warn(f"{amendment.name}: {warning}")
        _show_step(amendment)
        await check(session, amendment)
    agree("Upgrade?" if len(found.amendments) == 1 else f"Upgrade these {len(found.amendments)}?", yes=yes)
    for amendment in found.amendments:  # one after the other: what goes wrong with one stops the rest
        await change(session, amendment)
        await _settled(session, amendment, wait=wait, timeout=timeout)


@verb
async def pause(session: Session, names: Names) -> None:
    """Leave an install as it is until it is resumed."""
    await _hold(session, names, paused=True)


@verb
async def resume(session: Session, names: Names) -> None:
    """Take up an install that was paused."""
    await _hold(session, names, paused=False)


@verb
async def kick(session: Session, names: Names) -> None:
    """Have an install reconciled now, and not at the next sync."""
    from packhouse.client.changing import edited
    from packhouse.client.proposals import kicked

    for name in names:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        before = await edited(session, name, partial(kicked, at=at))
        held = [word for word in ("paused", "canceled") if before["spec"].get(word)]
        if held:
            warn(f"{session.namespace}/{name} is {held[0]}, and stays as it is")
        typer.echo(f"kicked {session.namespace}/{name}")


@verb
async def delete(
    session: Session,
    name: Name,
    keep_values: Annotated[
        bool, typer.Option("--keep-values", help="Leave the Secret of values that was made for it.")
    ] = False,
    yes: Yes = False,
    wait: Wait = True,
    timeout: Timeout = TIMEOUT_SECONDS,
) -> None:
    """Delete an install, its objects, and what was made for it."""
    from packhouse.client import deleting

    parting = await deleting.parting(session, name, keep_values=keep_values)
    _show_parting(session, parting)
    agree(f"Delete {session.namespace}/{name}?", yes=yes)
    await deleting.delete(session, parting)
    where = f"{session.namespace}/{name}{f':{parting.version}' if parting.version else ''}"
    if not wait:
        typer.echo(f"Deleting package from {where}")
        if parting.made:
            note("What was made for it stays until it is gone; the same words, given again then, remove it.")
        return
    if parting.install is not None:
        try:
            await gone(session, name, timeout)
        except Trouble as late:
            if parting.made:
                late.help += "; the same words, given again, wait on and remove what was made for it"
            raise
    for words in await deleting.clear(session, parting):
        warn(f"left behind: {words}")
    typer.echo(f"Deleted package from {where}")


# ---- what it does ------------------------------------------------------------------------------------------


async def _hold(session: Session, names: Sequence[str], *, paused: bool) -> None:
    from packhouse.client.changing import edited
    from packhouse.client.proposals import with_spec

    for name in names:
        before = await edited(session, name, lambda install: with_spec(install, paused=paused))
        where = f"{session.namespace}/{name}"
        if bool(before["spec"].get("paused")) is paused:
            typer.echo(f"{where} is {'paused already' if paused else 'not paused'}")
        else:
            typer.echo(f"{'paused' if paused else 'resumed'} {where}")


async def _settled(session: Session, amendment: Amendment, *, wait: bool, timeout: float) -> None:
    from packhouse.client.changing import sweep

    where = f"{session.namespace}/{amendment.name}:{amendment.version}"
    held = next((word for word in ("paused", "canceled") if amendment.after["spec"].get(word)), "")
    if held:
        note(f"{session.namespace}/{amendment.name} is {held}, and is taken up when that ends")
    if held or not wait:
        typer.echo(f"Updating package in {where}")
        return
    await followed(session, amendment.name, timeout)
    for words in await sweep(session, amendment):
        warn(f"left behind: {words}")
    typer.echo(f"Updated package in {where}")


# ---- what is shown before it is agreed to ------------------------------------------------------------------


def _show(amendment: Amendment) -> None:
    from packhouse.cli.yaml_diff import diff_lines

    metadata = amendment.before["metadata"]
    before, after = ({"spec": one["spec"]} for one in (amendment.before, amendment.after))
    for line in diff_lines(before, after, f"InstalledPackage/{metadata['namespace']}/{metadata['name']}"):
        note(line)
    if amendment.keys:
        note(f"values that change: {', '.join(amendment.keys)}")
    _show_rights(amendment)


def _show_step(amendment: Amendment) -> None:
    package = amendment.before["spec"]["packageRef"]["publicName"]
    note(f"{amendment.name}: {package} {amendment.present_version} -> {amendment.version}")
    _show_rights(amendment)


def _show_rights(amendment: Amendment) -> None:
    if amendment.added:
        from packhouse.cli.rights import table

        note(f"Its service account {amendment.after['spec']['serviceAccountName']} would be given, too:")
        note(table(amendment.added).rstrip())


async def _show_rehearsal(session: Session, amendment: Amendment) -> None:
    from packhouse.cli import preview
    from packhouse.client.rehearsal import previews

    assert amendment.rehearsal is not None, "it was asked for"  # noqa: S101 - the caller did
    found = await previews(session, amendment.rehearsal)
    typer.echo(preview.diff_text(preview.changing(found)), nl=False)
    note(f"{preview.outcome_counts(amendment.rehearsal.plan, found)}. Nothing was written.")


def _show_parting(session: Session, parting: Parting) -> None:
    if parting.install is None:
        note(f"There is no install {session.namespace}/{parting.name} any more; what was made for it is left:")
    else:
        package = parting.install["spec"]["packageRef"]["publicName"]
        count = f"{parting.objects} object{'' if parting.objects == 1 else 's'}"
        note(f"{session.namespace}/{parting.name}: {package} {parting.version or '(none yet)'}, {count}")
    for obj in parting.made:
        note(f"  {_words(obj)}, made for it")
    for obj in parting.kept:
        note(f"  {_words(obj)} stays")


def _words(obj: dict[str, Any]) -> str:
    namespace = obj["metadata"].get("namespace")
    return f"{obj['kind']} {f'{namespace}/' if namespace else ''}{obj['metadata']['name']}"
