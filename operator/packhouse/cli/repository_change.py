"""`repository add|install|update|kick|delete`: what changes where packages come from."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from packhouse.cli.asking import TIMEOUT_SECONDS, Timeout, Wait, Yes, agree
from packhouse.cli.terminal import begins, note, warn
from packhouse.cli.verb import verb
from packhouse.client import repositories
from packhouse.client.errors import Usage
from packhouse.client.session import Session
from packhouse.domain.repository_source import Wanted, address_of, followed
from packhouse.ports import Json

#: How many installs a question names.
_NAMED: Final = 10

Name = Annotated[str, typer.Argument(help="The name of the repository.")]
Constraint = Annotated[
    str | None, typer.Option(metavar="RANGE", help="Follow the highest tag of a range, such as '1.x' or '>=1.2 <2'.")
]
Secret = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A Secret in the operator's namespace with the registry's credentials."),
]


@verb
async def add(
    session: Session,
    name: Name,
    url: Annotated[
        str, typer.Option(metavar="HOST/PATH[:TAG]", help="The reference of the bundle; its tag is followed.")
    ],
    constraint: Constraint = None,
    secret: Secret = None,
    wait: Wait = True,
    timeout: Timeout = TIMEOUT_SECONDS,
) -> None:
    """Add a repository by the reference of its bundle."""
    added = await repositories.add(session, name, Wanted(url=url, constraint=constraint, secret=secret))
    _say_what_is_followed(added)
    await _synced(session, [name], timeout, wait=wait)
    typer.echo("added package repo")


@verb
async def install(
    session: Session,
    file: Annotated[
        str,
        typer.Option("--file", "-f", metavar="FILE_OR_URL", help="A manifest: a file, a URL, or - for standard input."),
    ],
    wait: Wait = True,
    timeout: Timeout = TIMEOUT_SECONDS,
) -> None:
    """Add a repository from a manifest: a file or a URL."""
    from packhouse.client.manifests import read

    manifests = await read(file, session.settings)
    await repositories.install(session, manifests)
    names = [manifest.document["metadata"]["name"] for manifest in manifests]
    await _synced(session, names, timeout, wait=wait)
    for _ in names:
        typer.echo("installed package repo")


@verb
async def update(
    session: Session,
    name: Name,
    tag: Annotated[str | None, typer.Option(help="Follow this tag.")] = None,
    constraint: Constraint = None,
    url: Annotated[
        str | None, typer.Option(metavar="HOST/PATH[:TAG]", help="Another address; without a tag the rest stays.")
    ] = None,
    secret: Secret = None,
    wait: Wait = True,
    timeout: Timeout = TIMEOUT_SECONDS,
) -> None:
    """Have a repository follow another tag or a range of tags."""
    if not (tag or constraint or url or secret):
        raise Usage("nothing is to be changed", "give --tag, --constraint, --url or --secret")
    before, after = await repositories.update(session, name, Wanted(url, tag, constraint, secret))
    if before["spec"] == after["spec"]:
        note("Nothing to change: it is like this already.")
        return
    _say_what_is_followed(after)
    await _synced(session, [name], timeout, wait=wait)
    typer.echo("updated package repo")


@verb
async def kick(
    session: Session,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The names of the repositories.")],
) -> None:
    """Have the source asked now, and not at the next sync."""
    for name in names:
        kicked = await repositories.kick(session, name, datetime.now(UTC).isoformat(timespec="milliseconds"))
        if kicked["spec"].get("paused"):
            warn(f"{name} is paused, and stays as it is")
        typer.echo(f"kicked {name}")


@verb
async def delete(
    session: Session, name: Name, yes: Yes = False, wait: Wait = True, timeout: Timeout = TIMEOUT_SECONDS
) -> None:
    """Delete a repository, and with it the packages that it provides."""
    repository = await repositories.present(session, name)
    _say_who_uses_it(name, await repositories.users(session, name))
    agree(f"Delete the repository {name} and the packages that it provides?", yes=yes)
    await repositories.delete(session, repository)
    if wait:
        await _gone(session, name, timeout)
    typer.echo("deleted package repo")


# ---- what it does ------------------------------------------------------------------------------------------


def _say_what_is_followed(repository: Json) -> None:
    fetch = repository["spec"]["fetch"]
    begins(f"{repository['metadata']['name']} follows {followed(fetch)} of {address_of(fetch)}")


def _say_who_uses_it(name: str, users: repositories.Users) -> None:
    if users.unseen:
        warn(f"which installs use its packages is not known: {users.unseen}")
    if users.installs:
        more = f" and {len(users.installs) - _NAMED} more" if len(users.installs) > _NAMED else ""
        note(
            f"These installs have a package of {name}: {', '.join(users.installs[:_NAMED])}{more}\n"
            "They keep running, and are not upgraded or rendered anew until their package is back."
        )


async def _synced(session: Session, names: Sequence[str], timeout_seconds: float, *, wait: bool) -> None:
    """Until each is in place as it is written now. Interrupted, only the waiting ends. Raises Trouble (NOT_READY)."""
    if not wait:
        return
    from packhouse.cli.progress import progress
    from packhouse.client.following import follow_repository

    try:
        with progress() as watcher:
            for name in names:
                await follow_repository(session, name, timeout_seconds=timeout_seconds, watcher=watcher)
    except asyncio.CancelledError:
        note(f"The operator goes on: kubectl package repository get {names[0]}")
        raise


async def _gone(session: Session, name: str, timeout_seconds: float) -> None:
    from packhouse.cli.progress import progress
    from packhouse.client.following import follow_deletion

    try:
        with progress() as watcher:
            await follow_deletion(session, repositories.ref(name), timeout_seconds=timeout_seconds, watcher=watcher)
    except asyncio.CancelledError:
        note("The operator goes on deleting it.")
        raise
