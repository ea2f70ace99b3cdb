"""`package test`: a line for each case, and below it how what is rendered differs from its golden file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from packhouse.cli.package_folder import KubernetesVersion
from packhouse.cli.terminal import note, painted, plain, warn
from packhouse.cli.verb import verb
from packhouse.client.errors import ExitCode, NotFound

if TYPE_CHECKING:
    from packhouse.authoring.golden import Result

_LINES: Final = {"+": "green", "-": "red", "@": "cyan"}


@verb
async def test(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DIR] [CASE]...", help="The package's folder, and which of its cases; by default all."),
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Write what is rendered into the golden files.")] = False,
    kubernetes_version: KubernetesVersion = "",
) -> ExitCode:
    """Compare what a package renders with its golden files."""
    from packhouse.authoring.golden import chosen, run
    from packhouse.authoring.project import TESTS, read, shown
    from packhouse.authoring.rendering import ClusterFacts, aimed_at, started

    folder, names = _folder_and_cases(words or [])
    project = read(folder)
    cases = chosen(project, names)
    if not cases:
        place = shown(project.folder / TESTS)
        raise NotFound(f"there is no case below {place}", f"make a folder {place}/NAME with values.yml, then --update")
    facts = ClusterFacts.of(aimed_at(project, kubernetes_version))
    results = []
    async with started() as renderer:
        async for result in run(renderer, project, cases, facts, update=update):
            typer.echo("".join(_shown(result)), nl=False)
            for warning in result.warnings:
                warn(f"{result.case.name}: {warning}")
            results.append(result)
    note(_count(results))
    return ExitCode.DONE if all(result.is_good for result in results) else ExitCode.FAILED


def _folder_and_cases(words: list[str]) -> tuple[Path, list[str]]:
    """A first word that is a folder with a package is DIR; all others are cases, by their names or their folders."""
    from packhouse.authoring.project import PACKAGE_FILE, TESTS

    cases = [word.removeprefix(f"{TESTS}/").rstrip("/") for word in words]
    if words and ((Path(words[0]) / PACKAGE_FILE).is_file() or "/" in cases[0] or cases[0] == "."):
        return Path(words[0]), cases[1:]
    return Path(), cases


def _shown(result: Result) -> Iterator[str]:
    colour = "green" if result.is_good else "red"
    yield f"{painted(result.state, colour, bold=True)} {plain(result.case.name)}\n"
    yield from (f"    {plain(line)}\n" for line in result.message.splitlines())
    yield from (
        f"    {painted(line, _LINES.get(line[:1], 'white')) if line[:1] in _LINES else plain(line)}\n"
        for line in result.diff
    )


def _count(results: Sequence[Result]) -> str:
    good, written = sum(one.is_good for one in results), sum(one.state == "written" for one in results)
    told = f"{good} of {len(results)} cases as expected"
    if written:
        told += f", {written} written"
    return told if good == len(results) else f"{told}; --update writes what is rendered"
