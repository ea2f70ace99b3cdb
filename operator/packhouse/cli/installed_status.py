"""`installed status`: how an install is, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from packhouse.api.names import INSTALL_GROUP, INSTALLED_PACKAGE
from packhouse.cli.ages import age
from packhouse.cli.facts import facts
from packhouse.cli.output import Column, Form, Listing, Output, rendered, show
from packhouse.cli.terminal import as_called, painted, plain, warn
from packhouse.cli.verb import verb
from packhouse.client.errors import ExitCode
from packhouse.client.session import Session
from packhouse.ports import Json

if TYPE_CHECKING:
    from packhouse.api.conditions import Condition
    from packhouse.client.events import Event
    from packhouse.client.inspection import Inspection
    from packhouse.domain.object_tree import Node

#: How many lines of each are shown; -o wide shows all.
_MOST: Final = 10


@verb
async def status(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the install.")],
    output: Output = Form.TABLE,
) -> ExitCode:
    """Say how an install is: conditions, what is waited for, events."""
    from packhouse.client.inspection import inspected
    from packhouse.client.tree import in_words

    found = await inspected(session, name)
    if output in (Form.TABLE, Form.WIDE):
        typer.echo(_in_words(found, is_wide=output is Form.WIDE), nl=False)
    else:
        names = [f"{INSTALLED_PACKAGE.lower()}.{INSTALL_GROUP}/{name}"]
        show(Listing((), (), [_whole(found)], names=names, single=True), output)
    for words in in_words(found.barred):
        warn(f"not everything is shown: {words}")
    return ExitCode.DONE if found.ready else ExitCode.NOT_READY


# ---- what is shown -----------------------------------------------------------------------------------------


def _in_words(found: Inspection, *, is_wide: bool) -> str:
    form = Form.WIDE if is_wide else Form.TABLE
    objects, events = list(_troubled(found.troubled, "  ")), list(found.events)
    if not is_wide:
        events = events[-_MOST:]
        if len(objects) > _MOST:
            objects = [*objects[:_MOST], f"  and {len(objects) - _MOST} more: -o wide shows them"]
    sections = [
        ("CONDITIONS", rendered(_conditions(found.view.conditions), form)),
        (f"NOT IN PLACE, {len(found.troubled)} of {found.total} objects", _lines(objects)),
        ("EVENTS", rendered(_events(events), form)),
        ("NEXT STEPS", _lines(f"  {as_called(step)}" for step in found.steps)),
    ]
    return "\n".join([_facts(found), *(f"{painted(f'{title}:', 'cyan')}\n{text}" for title, text in sections if text)])


def _facts(found: Inspection) -> str:
    from packhouse.domain.install_state import failed_stage, state, trouble_of_sources, words

    view = found.view
    version = view.status.get("version") or "(none yet)"
    tried = view.status.get("lastAttemptedVersion") or version
    return facts(
        [
            ("NAME", view.owner),
            ("PACKAGE", f"{view.public_name} {version}{f', {tried} was tried' if tried != version else ''}"),
            ("STATUS", painted(state(view), "green" if found.ready else "yellow")),
            ("STAGE", failed_stage(view)),
            ("MESSAGE", words(view)),
            ("OBJECTS", _counted(found)),
            ("SOURCES-AWAY", trouble_of_sources(view)),
        ]
    )


def _counted(found: Inspection) -> str:
    counts = [(len(found.troubled), "not in place"), (found.unread, "not yours to read")]
    return ", ".join([str(found.total), *(f"{count} {words}" for count, words in counts if count)])


def _conditions(conditions: Sequence[Condition]) -> Listing:
    rows = [(one.type, one.status, one.reason, age(one.last_transition_time), one.message) for one in conditions]
    columns = [*map(Column, ("TYPE", "STATUS", "REASON", "AGE")), Column("MESSAGE", wide=True)]
    return Listing(columns, rows, (), indent="  ")


def _troubled(nodes: Sequence[Node], indent: str) -> Iterator[str]:
    for node in nodes:
        if not node.is_well:
            yield f"{indent}{node.ref.short}: {node.message or node.standing}"
            yield from _troubled(node.children, f"{indent}  ")


def _events(events: Sequence[Event]) -> Listing:
    rows = [
        (age(one.at), one.type, one.reason, one.about, f"{one.note} (x{one.count})" if one.count > 1 else one.note)
        for one in events
    ]
    return Listing([*map(Column, ("AGE", "TYPE", "REASON", "OBJECT", "MESSAGE"))], rows, (), indent="  ")


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{plain(line)}\n" for line in lines)


def _whole(found: Inspection) -> Json:
    from packhouse.domain.install_state import state, words
    from packhouse.domain.object_tree import Standing

    view = found.view
    return {
        "namespace": view.meta.namespace,
        "name": view.meta.name,
        "ready": found.ready,
        "state": state(view),
        "message": words(view),
        "conditions": [condition.to_wire() for condition in view.conditions],
        "objects": found.total,
        "unread": found.unread,
        "notInPlace": [
            {
                "apiVersion": node.ref.kind.api_version,
                "kind": node.ref.kind.kind,
                "namespace": node.ref.namespace,
                "name": node.ref.name,
                "standing": node.standing.value,
                "message": node.message,
            }
            for top in found.troubled
            for node in top
            if node.standing not in (Standing.READY, Standing.UNREAD)
        ],
        "events": [asdict(event) for event in found.events],
        "nextSteps": list(found.steps),
    }
