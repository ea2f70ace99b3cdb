"""How what would happen is shown: the objects of a plan by what becomes of them, or what changes in each.

Used by `install --dry-run`, `installed diff` and what asks before it writes. No value of a Secret comes out but where
the caller asks for whole objects with their secrets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from packhouse.cli.output import Column, Listing
from packhouse.cli.terminal import painted, plain
from packhouse.domain.change import Action, Change, Plan
from packhouse.domain.difference import NOTHING, Difference, masked, shown
from packhouse.ports import Json, Ref

if TYPE_CHECKING:
    from packhouse.deploy.dry_run import Preview

#: In the order in which they are told; what stays as it is comes last. FORGET concerns our record alone.
_WORDS: Final[Mapping[Action, str]] = {
    Action.CREATE: "to create",
    Action.CONFIGURE: "to configure",
    Action.REPLACE: "to replace",
    Action.PRUNE: "to prune",
    Action.ORPHAN: "to orphan",
    Action.EXPECT: "made by others",
    Action.SKIP: "left alone",
    Action.KEEP: "unchanged",
}
_COLOURS: Final[Mapping[Action, str]] = {
    Action.CREATE: "green",
    Action.CONFIGURE: "yellow",
    Action.REPLACE: "red",
    Action.PRUNE: "red",
    Action.ORPHAN: "red",
}
#: What nothing happens to in the cluster.
_SILENT: Final = frozenset({Action.FORGET, Action.EXPECT})

_COLUMNS: Final = (
    Column("ACTION"),
    Column("KIND"),
    Column("NAMESPACE"),
    Column("NAME"),
    Column("API-VERSION", wide=True),
    Column("WHY", wide=True),
)


def counts(actions: Iterable[Action]) -> str:
    """ "3 to create, 1 to configure, 2 unchanged"."""
    found = Counter(actions)
    return ", ".join(f"{found[action]} {words}" for action, words in _WORDS.items() if found[action]) or "no objects"


def plan_counts(plan: Plan) -> str:
    return counts(change.action for change in plan)


def plan_listing(plan: Plan, *, show_secrets: bool = False) -> Listing:
    """All objects of a plan, by what becomes of them; json and yaml show those whole that are applied."""
    places = list(_WORDS)
    shown_ones = (change for change in plan if change.action in places)
    changes = sorted(shown_ones, key=lambda change: places.index(change.action))
    rows = [
        (str(change.action), ref.kind.kind, ref.namespace, ref.name, ref.kind.api_version, change.why)
        for change in changes
        for ref in (change.ref,)
    ]
    objects = [change.obj for change in changes if change.obj is not None]
    return Listing(
        _COLUMNS,
        rows,
        objects if show_secrets else [masked(obj) for obj in objects],
        [resource_name(change.ref) for change in changes],
    )


# ---- differences -------------------------------------------------------------------------------------------


def changing(previews: Iterable[Preview]) -> list[Preview]:
    """Those that change anything in the cluster, and those of which nobody can tell."""
    return [preview for preview in previews if preview.change.action not in _SILENT and not _is_same(preview)]


def outcome_counts(plan: Plan, previews: Iterable[Preview]) -> str:
    """As plan_counts, where an apply that changes nothing counts as none."""
    same = {preview.change.identity for preview in previews if _is_same(preview)}
    told = {preview.change.identity: preview.change.action for preview in previews}
    return counts(
        Action.KEEP if change.identity in same else told.get(change.identity, change.action) for change in plan
    )


def diff_text(previews: Sequence[Preview]) -> str:
    """One part for each object; "" where there is none."""
    return "\n\n".join("\n".join(_part(preview)) for preview in previews) + ("\n" if previews else "")


def change_data(preview: Preview) -> Json:
    """The same for programs. A field that is not there has no `before` or no `after`."""
    change = preview.change
    data: Json = {"action": str(change.action), "why": change.why, "object": reference(change.ref)}
    if preview.note:
        data["note"] = preview.note
    return {**data, "changes": [field_data(difference) for difference in preview.differences]}


def field_data(difference: Difference) -> Json:
    sides = {"before": difference.before, "after": difference.after}
    return {"path": difference.path, **{side: value for side, value in sides.items() if value is not NOTHING}}


def reference(ref: Ref) -> Json:
    found = {"apiVersion": ref.kind.api_version, "kind": ref.kind.kind, "namespace": ref.namespace, "name": ref.name}
    return {key: value for key, value in found.items() if value}


def resource_name(ref: Ref) -> str:
    group = f".{ref.kind.group}" if ref.kind.group else ""
    return f"{ref.kind.kind.lower()}{group}/{ref.name}"


def file_name(ref: Ref) -> str:
    """How a diff names an object."""
    return "/".join(part for part in (ref.kind.kind, ref.namespace, ref.name) if part)


def _is_same(preview: Preview) -> bool:
    return preview.change.action is Action.CONFIGURE and not preview.note and not preview.differences


def _part(preview: Preview) -> list[str]:
    from packhouse.cli.yaml_diff import diff_lines

    lines = [_title(preview.change)]
    if preview.note:
        lines.append(painted(f"# {' '.join(preview.note.split())}", "yellow"))
    return lines + diff_lines(*shown(preview.before, preview.after), file_name(preview.change.ref))


def _title(change: Change) -> str:
    action = painted(str(change.action), _COLOURS.get(change.action, "reset"), bold=True)
    return f"{action} {painted(str(change.ref), 'reset', bold=True)}: {plain(change.why)}"
