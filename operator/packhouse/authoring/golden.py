"""Golden files: what each case of a package's tests renders, beside what it is expected to render.

Objects are compared, not texts: a file that is written in another style, or with comments, says the same.
"""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from packhouse.api.errors import InvalidSpec, PackhouseError
from packhouse.authoring.places import relocated
from packhouse.authoring.project import Case, Project, shown
from packhouse.authoring.rendering import ClusterFacts, render, warnings_of
from packhouse.client.errors import NotFound
from packhouse.domain import yaml_text
from packhouse.ports import Json, Renderer


class State(StrEnum):
    """How a case ended."""

    #: As it is expected.
    SAME = "ok"
    #: Other objects, or another error.
    DIFFERENT = "differs"
    #: Nothing says what is expected.
    UNSAID = "nothing expected"
    #: It cannot be rendered.
    BROKEN = "fails"
    #: What is expected was written.
    WRITTEN = "written"


@dataclass(frozen=True, slots=True)
class Result:
    """`diff`: lines of a unified one; `message`: what else is to be said."""

    case: Case
    state: State
    diff: Sequence[str] = ()
    message: str = ""
    warnings: Sequence[str] = ()

    @property
    def is_good(self) -> bool:
        return self.state in (State.SAME, State.WRITTEN)


def chosen(project: Project, names: Sequence[str]) -> Sequence[Case]:
    """The cases of these names, or all. Raises NotFound."""
    known = {case.name: case for case in project.cases}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            there = f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"
            raise NotFound(f"there is no case {name}", there)
    return [known[name] for name in names] if names else project.cases


async def run(
    renderer: Renderer, project: Project, cases: Sequence[Case], facts: ClusterFacts, *, update: bool = False
) -> AsyncIterator[Result]:
    """One result after the other. `update`: what differs is written. Raises RendererUnavailable, InvalidSpec."""
    for case in cases:
        yield await _result(renderer, project, case, facts, update)


async def _result(renderer: Renderer, project: Project, case: Case, facts: ClusterFacts, update: bool) -> Result:
    fails = case.expected_error.is_file()
    if fails and case.expected.is_file():
        raise InvalidSpec(
            f"{shown(case.folder)} expects objects and an error; remove {case.expected.name} or "
            f"{case.expected_error.name}"
        )
    try:
        rendered = await render(renderer, project, case.values(), facts)
    except PackhouseError as error:
        message = relocated(error, project).message
        return _failed(case, message, update) if fails else Result(case, State.BROKEN, message=message)
    actual, warnings = list(rendered.objects), warnings_of(rendered)
    if fails:
        return Result(case, State.DIFFERENT, message="it renders, and an error is expected", warnings=warnings)
    if not case.expected.is_file() and not update:
        return Result(case, State.UNSAID, message=f"there is no {shown(case.expected)}; write it with --update")
    expected = _read(case.expected) if case.expected.is_file() else None
    if expected == actual:
        return Result(case, State.SAME, warnings=warnings)
    diff = _diff(expected, actual, shown(case.expected)) if expected is not None else ()
    if update:
        _write(case, case.expected, as_yaml(actual))
        return Result(case, State.WRITTEN, diff, warnings=warnings)
    return Result(case, State.DIFFERENT, diff, warnings=warnings)


def _failed(case: Case, message: str, update: bool) -> Result:
    """What the error says, beside the words that must be in it. An empty file waits for --update."""
    wanted = " ".join(case.expected_error.read_text().split())
    if wanted and wanted in " ".join(message.split()):
        return Result(case, State.SAME)
    if update:
        _write(case, case.expected_error, f"{message}\n")
        return Result(case, State.WRITTEN, message=message)
    return Result(case, State.DIFFERENT, message=f"another error than {shown(case.expected_error)} says: {message}")


def _write(case: Case, path: Path, text: str) -> None:
    """Into the folder of the tests and nowhere else: packages come from strangers, and so do links in them."""
    package = case.folder.parent.parent
    if not path.resolve().is_relative_to(package.resolve()):
        raise InvalidSpec(f"{path} is a link that leaves {shown(package)}: replace it by what it leads to")
    path.write_text(text)


def as_yaml(objects: Sequence[Json]) -> str:
    """Objects as the author reads them: block style, long texts as blocks, keys in the order of the template."""
    from packhouse.template.jinja.filters import to_yaml

    return "".join(f"---\n{to_yaml(obj)}\n" for obj in objects)


def _read(path: Path) -> list[Json]:
    return [value for _, value in yaml_text.load_all(path.read_text(), shown(path), InvalidSpec)]


def _diff(expected: Sequence[Json], actual: Sequence[Json], name: str) -> list[str]:
    before, after = as_yaml(expected).splitlines(), as_yaml(actual).splitlines()
    return list(difflib.unified_diff(before, after, name, "rendered", lineterm=""))
