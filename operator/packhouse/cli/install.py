"""`install`: a package into a namespace, with values, and with an account that may do no more than it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from packhouse.cli.asking import TIMEOUT_SECONDS, Timeout, Wait, Yes, agree
from packhouse.cli.output import Form, Output
from packhouse.cli.terminal import note, warn
from packhouse.cli.values_files import Sets, ValuesFiles, read
from packhouse.cli.verb import verb
from packhouse.cli.waiting import followed
from packhouse.client.session import Session

if TYPE_CHECKING:
    from packhouse.client.installing import Draft


@verb
async def install(
    session: Session,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="What the install is to be called; without --package-name it names the package, too."
        ),
    ],
    package_name: Annotated[str | None, typer.Option("--package-name", "-p", help="The package's name.")] = None,
    version: Annotated[
        str | None,
        typer.Option(
            help="A version, or a range such as '>=1.2 <2', whose newest is followed; else the newest release."
        ),
    ] = None,
    values_file: ValuesFiles = None,
    set_: Sets = None,
    service_account: Annotated[
        str | None,
        typer.Option(help="The service account to use; without it, one is made that may do what the package needs."),
    ] = None,
    create_namespace: Annotated[
        bool, typer.Option("--create-namespace", help="Make the namespace if need be.")
    ] = False,
    repositories: Annotated[
        list[str] | None, typer.Option(help="A repository that the package and its upgrades may come from; repeatable.")
    ] = None,
    default_namespace: Annotated[
        str | None, typer.Option(help="The namespace of the package's objects that name none.")
    ] = None,
    sync_period: Annotated[str | None, typer.Option(help="How often to look for drift, such as 10m.")] = None,
    allow_everything: Annotated[
        bool, typer.Option("--allow-everything", help="Make the account even if it can come to hold all rights.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show all objects that there would be, and write nothing.")
    ] = False,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="With --dry-run and -o yaml or json: what is in Secrets, too.")
    ] = False,
    yes: Yes = False,
    wait: Wait = True,
    timeout: Timeout = TIMEOUT_SECONDS,
    output: Output = Form.TABLE,
) -> None:
    """Install a package."""
    package = package_name or name
    texts = read(values_file or ())
    from packhouse.client.installing import Order, check, drafted, installed

    order = Order(
        name=name,
        package=package,
        version=version,
        texts=texts,
        sets=set_ or (),
        account=service_account,
        repositories=repositories or (),
        sync_period=sync_period,
        default_namespace=default_namespace,
        create_namespace=create_namespace,
        allow_everything=allow_everything,
    )
    note(f"Looking up package to install: {package}:")
    draft = await drafted(session, order, rehearsed=dry_run)
    _tell(draft)
    if dry_run:
        from packhouse.cli.install_dry_run import show_dry_run

        await show_dry_run(session, draft, output, show_secrets=show_secrets)
        return
    await check(session, draft)
    if draft.grant is not None:
        from packhouse.cli.rights import shown

        note(shown(draft.grant))
        agree(f"Install {package} {draft.version} with an account of these rights?", yes=yes)
    await installed(session, draft)
    if wait:
        await followed(session, name, timeout)
    _say(draft, output, done=wait)


def _tell(draft: Draft) -> None:
    if draft.chosen.prerelease:
        package = draft.chosen.package["spec"]["publicName"]
        note(f"{package} has no release that would do; taking the newest prerelease, {draft.version}")
    for warning in draft.warnings:
        warn(warning)


def _say(draft: Draft, output: Form, *, done: bool) -> None:
    metadata = draft.install["metadata"]
    if output in (Form.TABLE, Form.WIDE):
        begun = "Installed" if done else "Installing"
        typer.echo(f"{begun} package in {metadata['namespace']}/{metadata['name']}:{draft.version}")
        return
    from packhouse.cli.output import Listing, show

    show(Listing((), (), [draft.install], single=True), output)
