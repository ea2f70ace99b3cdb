"""`repository list|get`: where packages come from, and how the repositories are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer

from packhouse.api.conditions import ConditionType, Status, find, read_conditions
from packhouse.api.errors import Forbidden
from packhouse.cli.facts import facts
from packhouse.cli.output import Column, Form, Listing, Output, rendered, show
from packhouse.cli.terminal import note, painted, warn
from packhouse.cli.verb import verb
from packhouse.client import repositories
from packhouse.client.session import Session
from packhouse.domain.repository_source import address_of, followed
from packhouse.ports import Json

#: How many versions of a package are named.
_VERSIONS: Final = 5


@verb
async def list_(session: Session, output: Output = Form.TABLE) -> None:
    """List the repositories."""
    found = await repositories.listed(session)
    if not found:
        note("There are no repositories. Add one: kubectl package repository add")
    show(_listing(found), output)
    if output is Form.TABLE:
        for repository in found:
            trouble = _trouble(repository)
            if trouble:
                warn(f"{repository['metadata']['name']}: {trouble}")


@verb
async def get(
    session: Session,
    name: Annotated[str, typer.Argument(help="The name of the repository.")],
    output: Output = Form.TABLE,
) -> None:
    """Show one repository: its source, what it provides, what is wrong with it."""
    found = await repositories.present(session, name)
    if output not in (Form.TABLE, Form.WIDE):
        show(Listing((), (), [found], single=True), output)
        return
    try:
        provided = await repositories.provided(session, name)
    except Forbidden as refused:
        warn(f"the packages that it provides are not shown: {refused.message}")
        provided = {}
    typer.echo(_in_words(found, provided), nl=False)


# ---- what is shown -----------------------------------------------------------------------------------------


def _listing(found: Sequence[Json]) -> Listing:
    columns = ("NAME", "VERSION"), ("PACKAGES", "SOURCE", "FOLLOWS", "DESCRIPTION")
    return Listing(
        columns=[*map(Column, columns[0]), *(Column(title, wide=True) for title in columns[1])],
        rows=[
            (
                one["metadata"]["name"],
                _status(one).get("version") or "",
                _count(_status(one)),
                address_of(one["spec"]["fetch"]),
                followed(one["spec"]["fetch"]),
                _status(one).get("friendlyDescription") or "",
            )
            for one in found
        ],
        items=found,
    )


def _in_words(repository: Json, provided: Mapping[str, Sequence[str]]) -> str:
    spec, status, trouble = repository["spec"], _status(repository), _trouble(repository)
    [(kind, stanza)] = spec["fetch"].items()
    described = status.get("friendlyDescription") or "not looked at yet"
    text = facts(
        [
            ("NAME", repository["metadata"]["name"]),
            ("KIND", kind),
            ("SOURCE", address_of(spec["fetch"]) if kind != "inline" else ""),
            ("FOLLOWS", followed(spec["fetch"])),
            ("SECRET", (stanza.get("secretRef") or {}).get("name") or ""),
            ("MAY-PROVIDE", ", ".join(spec.get("packages") or ())),
            ("SYNC-PERIOD", f"{spec.get('syncPeriod') or ''}{', paused' if spec.get('paused') else ''}"),
            ("VERSION", status.get("version") or ""),
            ("DIGEST", (status.get("fetch") or {}).get("digest") or ""),
            ("VERIFIED-BY", ", ".join(_verified(status))),
            ("PACKAGES", _count(status)),
            ("STATUS", described.partition(": ")[0] if trouble else described),
            ("TROUBLE", trouble),
        ]
    )
    for title, listing in _tables(status, provided):
        if listing.rows:
            text += f"\n{painted(f'{title}:', 'cyan')}\n{rendered(listing, Form.TABLE)}"
    return text


def _tables(status: Json, provided: Mapping[str, Sequence[str]]) -> list[tuple[str, Listing]]:
    bad = [(f"{one['file']}:{one['line']}", one["message"]) for one in status.get("badDocuments") or ()]
    held = [(one["name"], one["owner"], one["message"]) for one in status.get("conflicts") or ()]
    return [
        ("BAD DOCUMENTS", _table(("FILE", "MESSAGE"), bad)),
        ("CONFLICTS", _table(("NAME", "OWNER", "MESSAGE"), held)),
        ("PROVIDES", _table(("NAME", "VERSIONS"), [(name, _some(versions)) for name, versions in provided.items()])),
    ]


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Listing:
    return Listing([*map(Column, titles)], rows, (), indent="  ")


def _some(versions: Sequence[str]) -> str:
    more = f" and {len(versions) - _VERSIONS} more" if len(versions) > _VERSIONS else ""
    return f"{', '.join(versions[:_VERSIONS])}{more}"


def _status(repository: Json) -> Json:
    status: Json = repository.get("status") or {}
    return status


def _count(status: Json) -> str:
    total = (status.get("packages") or {}).get("total")
    return "" if total is None else str(total)


def _verified(status: Json) -> list[str]:
    sources = (status.get("fetch") or {}).get("sources") or ()
    return sorted({source["verifiedBy"] for source in sources if source.get("verifiedBy")})


def _trouble(repository: Json) -> str:
    """What is wrong with it now; "" where it is well, or not looked at yet."""
    status = _status(repository)
    conditions = read_conditions(status.get("conditions"))
    ready, source = (find(conditions, kind) for kind in (ConditionType.READY, ConditionType.SOURCE_AVAILABLE))
    if ready is not None and ready.status is Status.FALSE:
        return str(status.get("usefulErrorMessage") or ready.message)
    return source.message if source is not None and source.status is Status.FALSE else ""
