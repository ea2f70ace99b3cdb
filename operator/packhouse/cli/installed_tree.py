"""`installed tree`: the objects of an install like the files of a folder."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import typer

from packhouse.api.views import InstalledPackage
from packhouse.cli.output import Form, Listing, Output, show
from packhouse.cli.terminal import is_terminal, is_unicode, note, painted, plain, warn
from packhouse.cli.verb import verb
from packhouse.client.session import Session
from packhouse.domain.install_state import state
from packhouse.domain.object_tree import Node, Standing
from packhouse.ports import Json

#: How an object stands: in Unicode, in ASCII, and the colour.
_MARKS: Final = {
    Standing.READY: ("✓", "+", "green"),
    Standing.WAITING: ("…", "~", "yellow"),
    Standing.FAILED: ("✗", "!", "red"),
    Standing.MISSING: ("✗", "!", "red"),
    Standing.DRIFTED: ("≠", "#", "yellow"),
    Standing.UNREAD: ("?", "?", "bright_black"),
}
#: Before a thing that others follow, before the last; what their children have before them.
_BRANCHES: Final = {True: ("├── ", "└── ", "│   ", "    "), False: ("|-- ", "`-- ", "|   ", "    ")}


@verb
async def tree(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the install.")],
    output: Output = Form.TABLE,
) -> None:
    """Show the objects of an install and whether they are ready."""
    from packhouse.client.installs import present
    from packhouse.client.tree import in_words, objects_of

    install = await present(session, name)
    objects = await objects_of(session, install)
    if output in (Form.TABLE, Form.WIDE):
        for line in _drawn(install, objects.nodes, is_wide=output is Form.WIDE):
            typer.echo(line)
        if not objects.nodes:
            note("It has no objects (yet).")
    else:
        show(_listing(install, objects.nodes, objects.all), output)
    for words in in_words(objects.barred):
        warn(f"not everything is shown: {words}")


# ---- what is shown -----------------------------------------------------------------------------------------


def _drawn(install: Json, nodes: Sequence[Node], *, is_wide: bool) -> Iterator[str]:
    view = InstalledPackage.from_wire(install)
    version = view.status.get("version") or "(not installed yet)"
    yield _fitting(f"{view.owner} ({view.public_name} {version}): {state(view)}")
    rooms: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        rooms[node.ref.namespace].append(node)
    ordered = sorted(rooms)  # what has no namespace stands first
    for room in ordered:
        branch, below = _branch(is_last=room == ordered[-1])
        yield f"{branch}{f'namespace {room}' if room else 'cluster'}"
        yield from _below(rooms[room], below, is_wide=is_wide)


def _below(nodes: Sequence[Node], before: str, *, is_wide: bool) -> Iterator[str]:
    for node in nodes:
        branch, below = _branch(is_last=node is nodes[-1])
        mark, ascii_mark, colour = _MARKS[node.standing]
        kind = f"{node.ref.kind.kind} ({node.ref.kind.api_version})" if is_wide else node.ref.kind.kind
        words = f": {node.message}" if node.message and (is_wide or node.standing is not Standing.READY) else ""
        line = _fitting(f"{before}{branch}M {kind} {node.ref.name}{words}")
        start = len(before) + len(branch)
        yield line[:start] + painted(mark if is_unicode() else ascii_mark, colour) + line[start + 1 :]
        yield from _below(node.children, f"{before}{below}", is_wide=is_wide)


def _branch(*, is_last: bool) -> tuple[str, str]:
    more, last, beside, empty = _BRANCHES[is_unicode()]
    return (last, empty) if is_last else (more, beside)


def _fitting(line: str) -> str:
    """One line; at a terminal no longer than it is wide."""
    line = plain(" ".join(line.split("\n")))
    most = shutil.get_terminal_size().columns if is_terminal() else len(line)
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _listing(install: Json, nodes: Sequence[Node], everything: Sequence[Node]) -> Listing:
    metadata = install["metadata"]
    whole = {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "objects": [_item(node) for node in nodes],
    }
    return Listing((), (), [whole], names=[_word(node) for node in everything], single=True)


def _item(node: Node) -> Json:
    ref = node.ref
    item: Json = {"apiVersion": ref.kind.api_version, "kind": ref.kind.kind}
    item |= {"namespace": ref.namespace} if ref.namespace else {}
    item |= {"name": ref.name, "standing": node.standing.value, "message": node.message}
    return item | ({"children": [_item(child) for child in node.children]} if node.children else {})


def _word(node: Node) -> str:
    kind = node.ref.kind
    return f"{kind.kind.lower()}.{kind.group}/{node.ref.name}" if kind.group else f"{kind.kind.lower()}/{node.ref.name}"
