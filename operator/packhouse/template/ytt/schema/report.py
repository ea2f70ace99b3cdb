"""The message that says which values do not fit a schema, or what is wrong with a schema, as the original words it.

`Problem` is one finding; the readers and checkers of this folder collect them, `refusal` makes the one error of them.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Annotation, Array, ArrayItem, DocumentSet, Map, MapItem, Node, Source, Value
from packhouse.template.ytt.schema.types import MapType, ValueType
from packhouse.template.ytt.spelling import nearest
from packhouse.template.ytt.values import Thread
from packhouse.template.ytt.words import go_scalar, go_string, kind_of, quote

#: Up to so many keys are named in a message.
_KEYS_NAMED = 9

#: What a finding weighs beside the lines that it shows.
_WEIGHT = 1000


class Spot(NamedTuple):
    """Where a problem is. `memory` stands for the line where a value came from no file."""

    file: str
    line: int
    text: str
    memory: str | None = None

    @property
    def number(self) -> str:
        return str(self.line) if self.line else "?"

    def next_to(self, other: Spot) -> bool:
        return bool(self.line and other.line) and self.file == other.file and abs(self.line - other.line) <= 1


class Problem(NamedTuple):
    """`annotations` are the places whose lines are shown before that of the node."""

    spot: Spot
    found: str = ""
    expected: str = ""
    description: str = ""
    hints: tuple[str, ...] = ()
    annotations: tuple[Spot, ...] = ()

    def by(self, annotation: Annotation, preposition: str) -> Problem:
        """The same, caused by a value of an annotation."""
        spot = spot_of_annotation(annotation)
        return self._replace(
            found=f"{self.found} ({preposition} {place(spot)})",
            annotations=(spot,),
        )


class Findings:
    """Problems in the order in which they were found. What is looked at and what is kept is counted on the thread: a
    small text of a template can hold values that take forever to go through, and lines that a message repeats."""

    __slots__ = ("_thread", "problems")

    def __init__(self, thread: Thread | None) -> None:
        self.problems: list[Problem] = []
        self._thread = thread

    def look(self, steps: int = 4) -> None:
        """A value is looked at. Raises LimitExceeded."""
        if self._thread is not None:
            self._thread.tick(steps)

    def add(self, problem: Problem) -> None:
        if self._thread is not None:
            shown = (problem.spot, *problem.annotations)
            size = sum(len(spot.memory or spot.text) for spot in shown) + len(problem.expected)
            self._thread.weigh(_WEIGHT + 2 * size)
        self.problems.append(problem)


class ProblemError(YttError):
    """One problem on its way to whom knows the heading."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.description)
        self.problem = problem


def mismatch(node: Node, expected: ValueType, holder: Node | None = None) -> Problem:
    """The value of a node is none of the type. `holder` is the item whose value the node is."""
    title = expected.title if expected.line else ""
    spot = spot_of(node if node.line or holder is None else holder)
    return Problem(spot, found=_kind_of_value(node), expected=f"{title} (by {expected.place})")


def unexpected_key(item: MapItem, declared: MapType) -> Problem:
    key = go_scalar(item.key)
    allowed = sorted((go_string(member.key) for member in declared.members.values()), key=str.encode)
    if len(allowed) == 1:
        expected = f'a map item with the key named "{allowed[0]}"'
    elif 1 < len(allowed) <= _KEYS_NAMED:
        expected = f"one of {{ {', '.join(allowed)} }}"
    else:
        expected = "a key declared in map"
    similar = nearest(key, allowed)
    return Problem(
        spot_of(item),
        found=key,
        expected=f"{expected} (from {declared.place})",
        description="Given data value is not declared in schema",
        hints=(f'did you mean "{similar}"?',) if similar else (),
    )


def cost_of_key(item: MapItem, declared: MapType) -> int:
    """How many steps it takes to find the key that was meant."""
    return len(declared.members) * (4 * min(len(go_scalar(item.key)), 256) + 1)


def refusal(summary: str, problems: Sequence[Problem], others: Iterable[str] = ()) -> YttError:
    """The error with all that was found; `others` are messages that are complete already."""
    width = max((len(problem.spot.number) for problem in problems), default=0)
    parts = [f"\n{summary}\n{'=' * len(summary.encode())}\n"]
    parts += [_told(problem, width) for problem in problems]
    parts += [f"{other} \n" for other in others]
    return YttError("".join([*parts, "\n"]))


def _told(problem: Problem, width: int) -> str:
    def margin(mark: str, number: str = "") -> str:
        return f"  {number.rjust(width)} {mark}"

    lines = [""]
    if problem.description:
        lines.append(problem.description)
    if problem.spot.memory is not None:
        lines += ["Data value calculated:", margin("#"), f"{margin('#')} {problem.spot.memory}", margin("#")]
    else:
        lines += [f"{problem.spot.file}:", margin("|")]
        before: Spot | None = None
        for spot in (*sorted(problem.annotations, key=lambda spot: spot.line), problem.spot):
            if before is not None and not spot.next_to(before):
                lines.append(f"{margin('|')} ...")
            lines.append(f"{margin('|', spot.number)} {spot.text}")
            before = spot
        lines.append(margin("|"))
    lines += [
        "",
        f"{margin('=')} found: {problem.found}" if problem.found else "",
        f"{margin('=')} expected: {problem.expected}" if problem.expected else "",
        *(f"{margin('=')} hint: {hint}" for hint in problem.hints),
        "",
    ]
    return "\n".join(lines)


def place(spot: Spot) -> str:
    return f"{spot.file}:{spot.number}" if spot.file else spot.number


def spot_at(source: Source, line: int) -> Spot:
    return Spot(source.name, line, source.line(line)) if line else Spot("", 0, "")


def spot_of_annotation(annotation: Annotation) -> Spot:
    return spot_at(annotation.source, annotation.line)


def spot_of(node: Node) -> Spot:
    if not node.line and isinstance(node, MapItem):
        return Spot("", 0, "", f"{go_scalar(node.key)}: {_written(node.value)}")
    if not node.line and type(node) is ArrayItem:
        return Spot("", 0, "", f"- {_written(node.value)}")
    return spot_at(node.source, node.line)


def _kind_of_value(node: Any) -> str:
    return kind_of(node if isinstance(node, Map | Array | DocumentSet) else node.value)


def _written(value: Value) -> str:
    """A value as Go writes it down; maps and arrays by their names alone."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Map | Array | DocumentSet):
        return kind_of(value)
    return go_scalar(value)
