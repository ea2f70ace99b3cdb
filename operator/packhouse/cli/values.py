"""`values`: what a package takes, key by key, and whether a file of values fits."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from packhouse.cli.output import Column, Form, Listing, Output, show
from packhouse.cli.terminal import note, painted, plain, width
from packhouse.cli.verb import verb
from packhouse.client.errors import ExitCode, Usage
from packhouse.client.session import Session, Target, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packhouse.client.values import Finding
    from packhouse.domain.values_explain import Explained
    from packhouse.domain.values_keys import Row

_DEFAULT_MOST: Final = 48

PackageWords = Annotated[
    str, typer.Option("--package", "-p", metavar="NAME[/VERSION]", help="The package; its newest release by default.")
]


@verb
async def explain(
    session: Session,
    package: PackageWords,
    key: Annotated[str, typer.Argument(help="The key, such as a.b or a.list[].b; left out: all keys.")] = "",
    output: Output = Form.TABLE,
) -> None:
    """Explain a key of a package's values."""
    from packhouse.client.values_schema import explanation, package_of, schema_of
    from packhouse.domain.values_keys import rows

    found = await package_of(session, package)
    if not key:
        show(listing(rows(schema_of(found) or {})), output)
        return
    told = explanation(found, key)
    if output in (Form.TABLE, Form.WIDE):
        typer.echo(in_words(told, width()), nl=False)
    else:
        show(Listing((), (), [told.wire], names=[told.key], single=True), output)


@verb
async def lint(
    target: Target,
    file: Annotated[str, typer.Argument(help="The file of values; `-` is standard input.")],
    package: Annotated[
        str | None,
        typer.Option("--package", "-p", metavar="NAME[/VERSION]", help="The package; its newest release by default."),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A file with the schema instead, so that no cluster is asked: a Package, or its schema.",
        ),
    ] = None,
    output: Output = Form.TABLE,
) -> ExitCode:
    """Check a file of values against a package's schema."""
    from packhouse.client.values import findings
    from packhouse.client.values_schema import package_in, package_of

    if (package is None) == (schema is None):
        raise Usage("values lint takes either --package or --schema", "give the one that has the schema")
    source, text = _read(file)
    if schema is not None:
        found = package_in(*_read(schema))
    else:
        async with opened(target) as session:
            found = await package_of(session, package or "")
    told = findings(found, source, text)
    if output in (Form.TABLE, Form.WIDE):
        typer.echo("".join(f"{plain(str(finding))}\n" for finding in told), nl=False)
    else:
        show(_findings(told), output)
    wrong = sum(not finding.is_warning for finding in told)
    note(_summary(source, wrong, len(told) - wrong))
    return ExitCode.FAILED if wrong else ExitCode.DONE


def listing(rows: Sequence[Row], indent: str = "") -> Listing:
    """The keys of a schema, for every verb that shows them."""
    return Listing(
        columns=[Column("KEY"), Column("DEFAULT"), Column("TYPE"), Column("DESCRIPTION", prose=True)],
        rows=[(row.key, _cut(row.default), row.type, row.description) for row in rows],
        items=[
            {"key": row.key, "default": row.value, "type": row.type, "description": row.description} for row in rows
        ],
        names=[row.key for row in rows],
        indent=indent,
    )


def _cut(default: str) -> str:
    """Whole files are defaults, too; programs see all of them."""
    return default if len(default) <= _DEFAULT_MOST else f"{default[: _DEFAULT_MOST - 3]}..."


def in_words(told: Explained, columns: int) -> str:
    import yaml

    from packhouse.cli.output import rendered
    from packhouse.domain.values_keys import NONE, said

    facts = [
        ("KEY", told.key),
        ("TYPE", told.type + (" or null" if told.is_nullable else "")),
        ("DEFAULT", "" if told.example is None else said(told.default[0]) if told.default else NONE),
        ("ONE OF", ", ".join(map(said, told.choices))),
        ("LIMITS", ", ".join(told.limits)),
    ]
    text = "".join(
        f"{painted(f'{name}:', 'cyan')}{' ' * (10 - len(name))}{plain(fact)}\n" for name, fact in facts if fact
    )
    if told.description:
        lines = [line for part in told.description.splitlines() for line in textwrap.wrap(part, columns - 2) or [""]]
        text += f"\n{painted('DESCRIPTION:', 'cyan')}\n" + "".join(f"  {plain(line)}".rstrip() + "\n" for line in lines)
    if told.below:
        text += f"\n{painted('KEYS:', 'cyan')}\n"
        text += rendered(listing(told.below, indent="  "), Form.TABLE, columns)
    if told.example is not None:
        example = yaml.safe_dump(told.example, sort_keys=False, allow_unicode=True)
        text += f"\n{painted('EXAMPLE:', 'cyan')}\n{textwrap.indent(plain(example), '  ')}"
    return text + (f"\n  {plain(told.set)}\n" if told.set else "")


def _read(name: str) -> tuple[str, str]:
    """What messages call it, and its text."""
    source = "standard input" if name == "-" else name
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return source, content.decode("utf-8-sig")
    except OSError as error:
        raise Usage(
            f"cannot read {source}: {error.strerror}", "name a file that can be read, or - for standard input"
        ) from None
    except UnicodeDecodeError:
        raise Usage(f"{source} is no UTF-8 text", "values and schemas are YAML") from None


def _findings(found: Sequence[Finding]) -> Listing:
    items = [
        {
            "file": finding.source,
            "line": finding.line,
            "path": finding.path,
            "severity": "warning" if finding.is_warning else "error",
            "message": finding.message,
        }
        for finding in found
    ]
    return Listing((), (), items, names=[finding.path for finding in found])


def _summary(source: str, wrong: int, warned: int) -> str:
    parts = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in ((wrong, "mistake"), (warned, "warning"))]
    told = [part for part, count in zip(parts, (wrong, warned), strict=True) if count]
    return f"{source}: {', '.join(told)}" if told else f"{source} fits"
