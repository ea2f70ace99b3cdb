"""`install --dry-run`: everything that there would be, what the client makes and what the package brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packhouse.cli import preview
from packhouse.cli.output import Form, Listing, show
from packhouse.cli.terminal import note, warn
from packhouse.client.session import Session
from packhouse.domain.difference import masked
from packhouse.domain.objects import ref_of

if TYPE_CHECKING:
    from packhouse.client.installing import Draft


async def show_dry_run(session: Session, draft: Draft, output: Form, *, show_secrets: bool = False) -> None:
    """The objects on standard output, Secrets without their content unless that is asked for; beside them what the
    cluster would refuse."""
    from packhouse.client.rehearsal import previews

    assert draft.rehearsal is not None, "it was asked for"  # noqa: S101 - the caller did
    plan = draft.rehearsal.plan
    listing = preview.plan_listing(plan, show_secrets=show_secrets)
    mine, why = [ref_of(obj) for obj in draft.objects], "made by this command"
    rows = [("create", one.kind.kind, one.namespace, one.name, one.kind.api_version, why) for one in mine]
    show(
        Listing(
            listing.columns,
            [*rows, *listing.rows],
            [*(draft.objects if show_secrets else map(masked, draft.objects)), *listing.items],
            [*map(preview.resource_name, mine), *listing.names],
        ),
        output,
    )
    if output not in (Form.TABLE, Form.WIDE):
        return
    if draft.grant is not None:
        from packhouse.cli.rights import shown

        note(shown(draft.grant))
    if draft.namespace is None:  # in one that is not there yet nothing can be tried
        for one in await previews(session, draft.rehearsal):
            if one.is_refused:
                warn(f"{one.change.ref}: {one.note}")
    note(f"This command would make {len(mine)} objects, and of the package's: {preview.plan_counts(plan)}.")
    note("Nothing was written.")
