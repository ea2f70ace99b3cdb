"""`installed list|get|history`: what is installed, in which version, and how that came."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from packhouse.cli.ages import age, lasted
from packhouse.cli.facts import facts
from packhouse.cli.output import Column, Form, Listing, Output, rendered, show
from packhouse.cli.terminal import note, painted, warn
from packhouse.cli.verb import verb
from packhouse.client.errors import ExitCode, Trouble, Usage, trouble_of
from packhouse.client.session import Session
from packhouse.ports import Json

if TYPE_CHECKING:
    from packhouse.client.installs import Installed, Shelf

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the install.")]


@verb
async def list_(
    session: Session,
    all_namespaces: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="The installs of all namespaces.")
    ] = False,
    output: Output = Form.TABLE,
) -> None:
    """List what is installed, and which newer versions there are."""
    from packhouse.client.installs import listed

    shelf = await listed(session, all_namespaces=all_namespaces)
    if not shelf.installs:
        where = "any namespace" if all_namespaces else f"namespace {session.namespace} (-A looks into all)"
        note(f"Nothing is installed in {where}. Install something: kubectl package install")
    _warn_of_unknown(shelf)
    show(_installs(shelf.installs, all_namespaces=all_namespaces), output)


@verb
async def get(
    session: Session,
    name: Name,
    values_file_output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the values that it was given to a new file, or to the terminal with '-'."
        ),
    ] = None,
    output: Output = Form.TABLE,
) -> None:
    """Show one install, or write the values that it was given."""
    from packhouse.client.installs import present, shelf_of

    install = await present(session, name)
    if values_file_output is not None:
        await _write_values(session, install, values_file_output)
    elif output in (Form.TABLE, Form.WIDE):
        shelf = await shelf_of(session, [install])
        _warn_of_unknown(shelf)
        typer.echo(_described(*shelf.installs), nl=False)
    else:
        show(Listing((), (), [install], single=True), output)


@verb
async def history(session: Session, name: Name, output: Output = Form.TABLE) -> None:
    """Show which versions were rolled out, and how that ended."""
    from packhouse.client.installs import present

    install = await present(session, name)
    entries = (install.get("status") or {}).get("history") or []
    if not entries:
        note(f"Nothing was rolled out for {session.namespace}/{name} yet, as far as its status says.")
    show(_history(entries), output)


async def _write_values(session: Session, install: Json, file: Path) -> None:
    from packhouse.api.errors import Forbidden
    from packhouse.client.proposals import secret_names
    from packhouse.client.values import values_of

    metadata, secrets = install["metadata"], secret_names(install)
    where = f"{metadata['namespace']}/{metadata['name']}"
    try:
        text = await values_of(session, install)
    except Forbidden as refused:
        what = f"the values of {where} stand in Secret {', '.join(secrets)}, which you may not read"
        raise Trouble(what, trouble_of(refused).help, ExitCode.FORBIDDEN) from None
    if not secrets:
        note(f"{where} was given no values.")
    if str(file) == "-":
        typer.echo(text, nl=False)
        return
    _write(file, text or "{}\n")
    note(f"Wrote the values of {where} to {file}")


def _write(file: Path, text: str) -> None:
    """What it holds may be secret: nobody else may read it."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise Usage(f"{file} exists already", "name a file that does not exist, or remove that one") from None
    except OSError as error:
        raise Usage(f"cannot write {file}: {error.strerror}", "name a file in a folder that is there") from None


# ---- what is shown -----------------------------------------------------------------------------------------


def _installs(found: Sequence[Installed], *, all_namespaces: bool) -> Listing:
    from packhouse.domain.install_state import state

    titles = ("NAME", "PACKAGE-NAME", "PACKAGE-VERSION", "STATUS", "AVAILABLE")
    wide = ("CONSTRAINT", "ALLOWED", "AGE")
    rows = [
        (
            one.view.meta.name,
            one.view.public_name,
            one.version,
            state(one.view),
            one.available,
            one.view.version or one.view.constraint or "",
            one.allowed,
            age(one.install["metadata"].get("creationTimestamp") or ""),
        )
        for one in found
    ]
    columns = [*map(Column, titles), *(Column(title, wide=True) for title in wide)]
    if all_namespaces:
        columns = [Column("NAMESPACE"), *columns]
        rows = [(one.view.meta.namespace, *row) for one, row in zip(found, rows, strict=True)]  # type: ignore[misc]
    return Listing(columns, rows, [one.install for one in found])


def _warn_of_unknown(shelf: Shelf) -> None:
    if shelf.unknown:
        warn(f"which newer versions there are is not known: {shelf.unknown}")


def _described(one: Installed) -> str:
    from packhouse.domain.install_state import state, trouble_of_sources, words

    install, view = one.install, one.view
    status, spec = view.status, install["spec"]
    package, template = status.get("packageRef") or {}, status.get("template") or {}
    limits = [f"repositories {', '.join(view.repositories)}" if view.repositories else ""]
    if view.prereleases is not None:
        limits.append(f"prereleases {', '.join(view.prereleases) or 'too'}")
    wanted = [view.version or "", view.constraint or "", *limits]
    held = "paused" if view.paused else "canceled" if view.canceled else ""
    text = facts(
        [
            ("NAME", view.meta.name),
            ("NAMESPACE", view.meta.namespace),
            ("PACKAGE-NAME", view.public_name),
            ("PACKAGE-VERSION", status.get("version") or "(none yet)"),
            ("AVAILABLE", one.available),
            ("CONSTRAINT", "; ".join(filter(None, wanted))),
            ("ALLOWED", one.allowed),
            ("REPOSITORY", package.get("repository") or ""),
            ("SERVICE-ACCOUNT", view.service_account),
            ("DEFAULT-NAMESPACE", spec.get("defaultNamespace") or ""),
            ("VALUES", "\n".join(f"Secret {one.secret}{f' key {one.key}' if one.key else ''}" for one in view.values)),
            ("OBJECTS", str(len(status.get("inventory") or ()))),
            ("SYNC-PERIOD", ", ".join(filter(None, (view.sync_period, held)))),
            ("ADOPTS", {True: "all", False: "nothing"}.get(spec.get("adopt"), "")),
            ("AGE", age(install["metadata"].get("creationTimestamp") or "")),
            ("STATUS", state(view)),
            ("MESSAGE", words(view)),
            ("SOURCES-AWAY", trouble_of_sources(view)),
            ("WARNINGS", "\n".join(template.get("warnings") or ())),
        ]
    )
    sources = _sources((status.get("fetch") or {}).get("sources") or ())
    return text + (f"\n{painted('SOURCES:', 'cyan')}\n{rendered(sources, Form.TABLE)}" if sources.rows else "")


def _sources(sources: Sequence[Json]) -> Listing:
    rows = [tuple(str(one.get(key) or "") for key in ("kind", "source", "version", "verifiedBy")) for one in sources]
    told = [row for row in rows if any(row[1:])]  # what is inline says nothing of itself
    return Listing([*map(Column, ("KIND", "SOURCE", "VERSION", "VERIFIED-BY"))], told, (), indent="  ")


def _history(entries: Sequence[Json]) -> Listing:
    titles, wide = ("VERSION", "OUTCOME", "AGE", "TOOK", "CHANGED", "MESSAGE"), ("PACKAGE", "DIGEST")
    rows = [
        (
            entry["version"],
            entry["reason"] if "finishedAt" in entry else f"under way: {entry['reason']}",
            age(entry["startedAt"]),
            lasted(entry["startedAt"], entry.get("finishedAt") or ""),
            str(entry.get("changed") or 0),
            entry.get("message") or "",
            entry.get("package") or "",
            entry.get("digest") or "",
        )
        for entry in entries
    ]
    columns = [*map(Column, titles), *(Column(title, wide=True) for title in wide)]
    return Listing(columns, rows, entries, names=[entry["version"] for entry in entries])
