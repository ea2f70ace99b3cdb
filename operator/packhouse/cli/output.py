"""The forms that every verb shows its objects in: table, wide, json, yaml, name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from packhouse.cli.terminal import is_terminal, plain

#: Between two columns, as kubectl has it.
GAP: Final = 3
#: Characters of prose that are shown in any case.
_PROSE_LEAST: Final = 24


class Form(StrEnum):
    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


#: The option of every verb that shows objects.
Output = Annotated[Form, typer.Option("--output", "-o", help="How to show it.")]


@dataclass(frozen=True, slots=True)
class Column:
    """`wide`: shown with -o wide alone. `prose`: the last one, cut where a terminal's line ends but for -o wide."""

    title: str
    wide: bool = False
    prose: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows for people and the same things for programs, in the same order.

    `items` are what json and yaml show: objects of the API, or maps of ours where there is no such object. `names` are
    what `-o name` prints; left out, they are made of the items as kubectl does ("package.package.carvel.dev/x").
    `single`: one thing was asked for, so json and yaml show it and no list.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    items: Sequence[Mapping[str, Any]]
    names: Sequence[str] = field(default=())
    single: bool = False
    indent: str = ""


def show(listing: Listing, form: Form) -> None:
    room = shutil.get_terminal_size().columns if form is Form.TABLE and is_terminal() else None
    typer.echo(rendered(listing, form, room), nl=False)


def rendered(listing: Listing, form: Form, room: int | None = None) -> str:
    """The text of it; empty where a table has no rows, for then the verb says so itself. `room`: for prose."""
    match form:
        case Form.NAME:
            return "".join(f"{plain(name)}\n" for name in listing.names or map(_name, listing.items))
        case Form.JSON:
            return json.dumps(_whole(listing), indent=4, ensure_ascii=False) + "\n"
        case Form.YAML:
            import yaml

            return yaml.safe_dump(_whole(listing), sort_keys=False, allow_unicode=True, width=4096)
        case Form.TABLE | Form.WIDE:
            return _table(listing, wide=form is Form.WIDE, room=room)


def _whole(listing: Listing) -> Any:
    items = [_without_managed_fields(item) for item in listing.items]
    if listing.single:
        [item] = items
        return item
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _without_managed_fields(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """As kubectl shows it: they are longer than the object, and for programs that apply it."""
    metadata = item.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return item
    return {**item, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def _name(item: Mapping[str, Any]) -> str:
    group = str(item.get("apiVersion", "")).rpartition("/")[0]
    kind = str(item.get("kind", "")).lower()
    return f"{kind}.{group}/{item['metadata']['name']}" if group else f"{kind}/{item['metadata']['name']}"


def _table(listing: Listing, *, wide: bool, room: int | None) -> str:
    shown = [place for place, column in enumerate(listing.columns) if wide or not column.wide]
    lines = [[listing.columns[place].title for place in shown]]
    lines += [[_one_line(row[place]) for place in shown] for row in listing.rows]
    if len(lines) == 1:
        return ""
    widths = [max(len(line[place]) for line in lines) for place in range(len(shown))]
    if room is not None and listing.columns[shown[-1]].prose:
        left = max(_PROSE_LEAST, room - len(listing.indent) - sum(width + GAP for width in widths[:-1]))
        lines = [[*line[:-1], _cut(line[-1], left)] for line in lines]
    return "".join(_line(line, widths, listing.indent) for line in lines)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 3].rstrip()}..."


def _line(cells: Sequence[str], widths: Sequence[int], indent: str) -> str:
    padded = [cell.ljust(width + GAP) for cell, width in zip(cells, widths, strict=True)]
    return (indent + "".join(padded)).rstrip() + "\n"


def _one_line(text: str) -> str:
    return plain(" ".join(text.split()))
