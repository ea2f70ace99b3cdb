"""`available diff`: what differs between two versions of a package, before either is installed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from packhouse.cli.output import Column, Form, Listing, Output, show
from packhouse.cli.terminal import begins, note, painted, warn
from packhouse.cli.values_files import Sets, ValuesFiles, read
from packhouse.cli.verb import verb
from packhouse.client.session import Session
from packhouse.ports import Json

if TYPE_CHECKING:
    from packhouse.client.comparing import Comparison
    from packhouse.domain.values_keys import Row
    from packhouse.domain.version_changes import KeyChange, ObjectChange

_COLOURS: Final = {"added": "green", "removed": "red", "changed": "yellow"}


@verb
async def diff(
    session: Session,
    name: Annotated[str, typer.Argument(help="The name of the package.")],
    before: Annotated[str, typer.Argument(metavar="VERSION", help="The version to begin with.")],
    after: Annotated[str, typer.Argument(metavar="VERSION", help="The version to compare with it.")],
    values_file: ValuesFiles = None,
    set_: Sets = None,
    output: Output = Form.TABLE,
) -> None:
    """Show what differs between two versions: values and rendered objects."""
    texts = read(values_file or ())
    from packhouse.client.comparing import compared

    begins(f"Rendering {name} {before} and {after}...")
    comparison = await compared(session, name, (before, after), texts, set_ or ())
    for text in comparison.warnings:
        warn(text)
    for problem in comparison.problems:
        warn(f"{problem}; so only the values are compared")
    if output is Form.TABLE:
        typer.echo("".join(f"{line}\n" for line in _lines(comparison)), nl=False)
        note(_summary(comparison))
    else:
        show(_listing(comparison), output)


def _lines(comparison: Comparison) -> Iterator[str]:
    if comparison.keys:
        yield painted("values", "reset", bold=True)
    for change in comparison.keys:
        yield from _key_lines(change)
    for number, obj in enumerate(comparison.objects or ()):
        if number or comparison.keys:
            yield ""
        yield from _object_lines(obj)


def _key_lines(change: KeyChange) -> Iterator[str]:
    before, after = change.before, change.after
    if before is None or after is None:
        sign, colour, row = ("+", "green", after) if before is None else ("-", "red", before)
        yield painted(f"{sign} {_row_text(row)}" if row else "", colour)
        return
    sides = [(word, getattr(before, word), getattr(after, word)) for word in change.changed]
    short = ", ".join(f"{word} {one} -> {other}" for word, one, other in sides if word != "description")
    yield painted(f"~ {change.key}{f': {short}' if short else ''}", "yellow")
    if "description" in change.changed:
        yield painted(f"    - {before.description}", "red")
        yield painted(f"    + {after.description}", "green")


def _row_text(row: Row) -> str:
    text = f"{row.key} ({row.type}, default {row.default})"
    return f"{text}: {row.description}" if row.description else text


def _object_lines(change: ObjectChange) -> Iterator[str]:
    from packhouse.cli.preview import file_name
    from packhouse.cli.yaml_diff import diff_lines
    from packhouse.domain.difference import shown

    word = _word(change)
    yield f"{painted(word, _COLOURS[word], bold=True)} {painted(str(change.ref), 'reset', bold=True)}"
    yield from diff_lines(*shown(change.before, change.after), file_name(change.ref))


def _summary(comparison: Comparison) -> str:
    keys = _counted(comparison.keys)
    texts = [f"values: {keys or 'no difference'}"]
    if comparison.objects is not None:
        parts = [_counted(comparison.objects), f"{comparison.unchanged} unchanged" if comparison.unchanged else ""]
        texts.append(f"objects: {', '.join(part for part in parts if part) or 'none'}")
    return "\n" * bool(comparison.keys or comparison.objects) + "; ".join(texts)


def _counted(changes: Sequence[KeyChange | ObjectChange]) -> str:
    found = Counter(map(_word, changes))
    return ", ".join(f"{found[word]} {word}" for word in _COLOURS if found[word])


def _word(change: KeyChange | ObjectChange) -> str:
    if change.before is None:
        return "added"
    return "removed" if change.after is None else "changed"


def _listing(comparison: Comparison) -> Listing:
    from packhouse.cli.preview import resource_name

    keys, objects = comparison.keys, comparison.objects or ()
    return Listing(
        (Column("ACTION"), Column("WHAT")),
        [(_word(change), f"value {change.key}") for change in keys]
        + [(_word(change), str(change.ref)) for change in objects],
        [_key_data(change) for change in keys] + [_object_data(change) for change in objects],
        [f"value/{change.key}" for change in keys] + [resource_name(change.ref) for change in objects],
    )


def _key_data(change: KeyChange) -> Json:
    sides = {
        side: {"type": row.type, "default": row.default, "description": row.description}
        for side, row in (("before", change.before), ("after", change.after))
        if row is not None
    }
    return {"action": _word(change), "value": change.key, **sides}


def _object_data(change: ObjectChange) -> Json:
    from packhouse.cli.preview import field_data, reference
    from packhouse.domain.difference import differences

    changes = [field_data(difference) for difference in differences(change.before, change.after)]
    return {"action": _word(change), "object": reference(change.ref), "changes": changes}
