"""How rights are shown to whoever is asked to give them: as a table of rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from packhouse.cli.output import Column, Form, Listing, rendered
from packhouse.domain.rights import Right, Rule
from packhouse.domain.roles import CLUSTER, by_namespace, things

if TYPE_CHECKING:
    from packhouse.client.account import Grant

#: Names that are told of one rule; all of them stand in the objects.
NAMES_MOST: Final = 12
ANY: Final = "(any)"
#: Characters of a line of resources, and of one of names.
_WIDE: Final = 56
_NARROW: Final = 44
_COLUMNS: Final = (Column("WHERE"), Column("VERBS"), Column("RESOURCES"), Column("NAMES"))


def shown(grant: Grant) -> str:
    """The account and its rights, apart: those for the objects of the package, and those that its own roles hold."""
    metadata = grant.account["metadata"]
    own = [right for right in grant.rights if right not in grant.given]
    parts = [f"To be made: service account {metadata['namespace']}/{metadata['name']}{_namespaces(grant)}."]
    if own:
        parts.append(f"It needs for the objects of the package:\n{table(own)}")
    if grant.given:
        why = "since roles of the package hold them, and nobody gives away what he does not hold"
        parts.append(f"And these, {why}:\n{table(grant.given)}")
    return "\n".join(parts).rstrip("\n")


def table(rights: Iterable[Right]) -> str:
    """The rules that single rights come to; a long one takes several lines."""
    return rendered(Listing(_COLUMNS, list(_rows(rights)), (), indent="  "), Form.TABLE)


def _rows(rights: Iterable[Right]) -> Iterator[tuple[str, str, str, str]]:
    for namespace, rules in by_namespace(rights).items():
        where = namespace or CLUSTER
        for rule in rules:
            resources, names = _lines(things(rule), _WIDE), _lines(_names(rule), _NARROW)
            lines = zip_longest([", ".join(rule.verbs)], resources, names, fillvalue="")
            yield from ((where, *line) if number == 0 else ("", *line) for number, line in enumerate(lines))
            where = ""


def _lines(text: str, width: int) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _names(rule: Rule) -> str:
    if not rule.names:
        return "" if rule.urls else ANY
    more = len(rule.names) - NAMES_MOST
    return ", ".join(rule.names[:NAMES_MOST]) + (f" and {more} more" if more > 0 else "")


def _namespaces(grant: Grant) -> str:
    """The namespaces that are made along."""
    names = [obj["metadata"]["name"] for obj in grant.objects if obj["kind"] == "Namespace"]
    if not names:
        return ""
    kind = "namespace" if len(names) == 1 else "namespaces"
    return f", and the {kind} {', '.join(names)}, which the package brings, so that its rights end there"
