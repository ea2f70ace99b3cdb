"""`available list|get|search`: the packages that can be installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from packhouse.cli.facts import facts
from packhouse.cli.output import Column, Form, Listing, Output, show
from packhouse.cli.terminal import begins, note
from packhouse.cli.verb import verb
from packhouse.client import catalogue, listings
from packhouse.client.errors import Usage
from packhouse.client.session import Session
from packhouse.ports import Json

if TYPE_CHECKING:
    from packhouse.domain.offers import Summary

_INDENT = "  "


@verb
async def list_(session: Session, output: Output = Form.TABLE) -> None:
    """List the packages of all repositories."""
    begins("Retrieving available packages...")
    found = await listings.listed(session)
    if not found:
        note("There are no packages. Add a repository: kubectl package repository add")
    show(_packages(found), output)


@verb
async def search(
    session: Session,
    word: Annotated[str, typer.Argument(help="What to look for; capitals do not matter.")],
    output: Output = Form.TABLE,
) -> None:
    """Find packages by a word of their names and descriptions."""
    begins(f"Searching available packages for {word}...")
    found = await listings.searched(session, word)
    if not found:
        note(f"No package has {word!r} in its name or in its descriptions.")
    show(_packages(found), output)


@verb
async def get(
    session: Session,
    package: Annotated[str, typer.Argument(metavar="NAME[/VERSION]", help="The package, or one version of it.")],
    values_schema: Annotated[
        bool, typer.Option("--values-schema", help="Show the values that it takes; of the newest release by default.")
    ] = False,
    default_values_file_output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a file of values to begin with: all keys, commented.")
    ] = None,
    output: Output = Form.TABLE,
) -> None:
    """Show the versions of a package, or one version and the values that it takes."""
    if values_schema or default_values_file_output is not None:
        await _values(session, package, default_values_file_output, output, shown=values_schema)
        return
    name, slash, version = package.partition("/")
    if not slash:
        begins(f"Retrieving package versions for {name}...")
        show(_versions(await catalogue.packages_there(session, name)), output)
        return
    begins(f"Retrieving package details for {name}/{version}...")
    found = await catalogue.find(session, package)
    if output in (Form.TABLE, Form.WIDE):
        metadata = await catalogue.metadata_of(session, name)
        typer.echo(_details(found, (metadata or {}).get("spec") or {}), nl=False)
    else:
        show(Listing((), (), [found], single=True), output)


async def _values(session: Session, package: str, file: Path | None, output: Form, *, shown: bool) -> None:
    from packhouse.cli.values import listing
    from packhouse.client.values import default_values
    from packhouse.client.values_schema import package_of, schema_of
    from packhouse.domain.values_keys import rows

    begins(f"Retrieving package details for {package}...")
    found = await package_of(session, package)
    schema = schema_of(found) or {}
    if "/" not in package:
        note(f"Of its versions, {found['spec']['version']} is taken.")
    if file is not None:
        _write(file, default_values(schema))
        note(f"Wrote the values to {file}")
    if shown:
        show(listing(rows(schema), indent=_INDENT), output)


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise Usage(f"{file} exists already", "name a file that does not exist, or remove that one") from None
    except OSError as error:
        raise Usage(f"cannot write {file}: {error.strerror}", "name a file in a folder that is there") from None


# ---- what is shown -----------------------------------------------------------------------------------------


def _packages(found: Sequence[Summary]) -> Listing:
    words = Column("NAME"), Column("DISPLAY-NAME"), Column("SHORT-DESCRIPTION", prose=True)
    return Listing(
        columns=[*words, Column("VERSION", wide=True), Column("VERSIONS", wide=True)],
        rows=[
            (one.name, one.words.display_name, one.words.short_description, one.newest, str(len(one.versions)))
            for one in found
        ],
        items=[
            {
                "name": one.name,
                "displayName": one.words.display_name,
                "shortDescription": one.words.short_description,
                "version": one.newest,
                "versions": list(one.versions),
            }
            for one in found
        ],
        names=[one.name for one in found],
        indent=_INDENT,
    )


def _versions(packages: Sequence[Json]) -> Listing:
    columns = ("NAME", "VERSION", "RELEASED-AT"), ("KUBERNETES", "REPOSITORY")
    return Listing(
        columns=[*map(Column, columns[0]), *(Column(title, wide=True) for title in columns[1])],
        rows=[
            (
                package["spec"]["publicName"],
                package["spec"]["version"],
                package["spec"].get("releasedAt") or "",
                catalogue.kubernetes_of(package),
                catalogue.repository_of(package),
            )
            for package in packages
        ],
        items=packages,
        indent=_INDENT,
    )


def _details(package: Json, metadata: Json) -> str:
    spec = package["spec"]
    included = [(one.get("displayName"), one.get("version")) for one in spec.get("includedSoftware") or ()]
    maintainers = [one.get("name") or "" for one in metadata.get("maintainers") or ()]
    return facts(
        [
            ("NAME", spec["publicName"]),
            ("VERSION", spec["version"]),
            ("RELEASED-AT", spec.get("releasedAt") or ""),
            ("DISPLAY-NAME", metadata.get("displayName") or spec.get("displayName") or ""),
            ("SHORT-DESCRIPTION", metadata.get("shortDescription") or spec.get("shortDescription") or ""),
            ("DESCRIPTION", metadata.get("longDescription") or spec.get("longDescription") or ""),
            ("PROVIDER", metadata.get("providerName") or ""),
            ("MAINTAINERS", ", ".join(filter(None, maintainers))),
            ("CATEGORIES", ", ".join(metadata.get("categories") or ())),
            ("SUPPORT", metadata.get("supportDescription") or ""),
            ("LICENSES", ", ".join(spec.get("licenses") or ())),
            ("SOFTWARE", ", ".join(" ".join(filter(None, one)) for one in included)),
            ("CAPACITY", spec.get("capacityRequirementsDescription") or ""),
            ("KUBERNETES", catalogue.kubernetes_of(package)),
            ("REPOSITORY", catalogue.repository_of(package)),
            ("RELEASE-NOTES", spec.get("releaseNotes") or ""),
        ]
    )
