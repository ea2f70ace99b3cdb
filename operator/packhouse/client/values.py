"""What a package takes as values, and what the caller gives: keys, a file to begin with, `--set`, and the check.

Called by the verbs that show, write or send values. What is checked here is checked as the operator will do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packhouse.api.errors import ValuesInvalid
from packhouse.api.views import Package
from packhouse.client.session import Session
from packhouse.ports import Json, ValuesDocument


@dataclass(frozen=True, slots=True)
class Row:
    """One key that a package takes: `contour.replicas`, `envoy.ports[].name`, `labels.<key>`."""

    key: str
    default: str
    type: str
    description: str


def rows(schema: Json) -> list[Row]:
    """The keys of a schema (Package spec.valuesSchema.openAPIv3), to any depth, in its order."""
    return []


def default_values(schema: Json) -> str:
    """A file of values to begin with: every key with its default and what is said of it."""
    return "{}\n"


def with_sets(schema: Json, text: str | None, sets: Sequence[str]) -> str:
    """The text with `a.b=c` laid over it, typed by the schema. Raises ValuesInvalid."""
    return text or "{}\n"


async def checked(session: Session, package: Json, source: str, text: str) -> list[str]:
    """Warnings. `package`: a whole Package; `source`: what messages call the text.

    Raises ValuesInvalid with source, line, path and the nearest key; ValuesSchemaInvalid.
    """
    from packhouse.domain import values

    given = values.merge(values.parse([ValuesDocument(source, text)]))
    schema = Package.from_wire(package).values_schema
    if schema is None:
        return []
    violations, warnings = values.check(given, schema)
    if violations:
        raise ValuesInvalid(values.format_violations(violations))
    return warnings


async def values_of(session: Session, install: Json) -> str:
    """The values that an install is given, as one text: its Secrets in their order. Raises ValuesMissing, Forbidden."""
    from packhouse.api.views import InstalledPackage
    from packhouse.reconcile.values import read_values

    documents, _ = await read_values(session.cluster, InstalledPackage.from_wire(install))
    return "---\n".join(
        document.text if document.text.endswith("\n") else f"{document.text}\n" for document in documents
    )
