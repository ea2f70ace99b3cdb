"""`package lint`: findings as `file:line: level: message [rule]`, which editors know how to follow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from packhouse.cli.package_folder import Folder, KubernetesVersion
from packhouse.cli.terminal import note, painted, plain
from packhouse.cli.verb import verb
from packhouse.client.errors import ExitCode

if TYPE_CHECKING:
    from packhouse.authoring.lint.findings import Finding

_COLOURS: Final = {"error": "red", "warning": "yellow", "hint": "cyan"}


class Form(StrEnum):
    TEXT = "text"
    JSON = "json"


@verb
async def lint(
    folder: Folder = Path(),
    kubernetes_version: KubernetesVersion = "",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail as errors do.")] = False,
    output: Annotated[Form, typer.Option("--output", "-o", help="How to show the findings.")] = Form.TEXT,
) -> ExitCode:
    """Say what is wrong with a package, or may be soon."""
    from packhouse.authoring.lint.judge import judge

    findings = await judge(folder, kubernetes_version)
    if output is Form.JSON:
        typer.echo(json.dumps([finding.as_json for finding in findings], indent=4, ensure_ascii=False))
    else:
        typer.echo("".join(map(_line, findings)), nl=False)
    note(_count(findings))
    failing = ("error", "warning") if strict else ("error",)
    return ExitCode.FAILED if any(finding.level in failing for finding in findings) else ExitCode.DONE


def _line(finding: Finding) -> str:
    """Of a message of several lines, all but the first stand below it, indented."""
    first, *rest = finding.message.splitlines()
    level = painted(finding.level, _COLOURS[finding.level], bold=True)
    rule = painted(f"[{finding.rule}]", "bright_black")
    return "".join(
        f"{line}\n"
        for line in [
            f"{plain(str(finding.place))}: {level}: {plain(first)} {rule}",
            *(f"    {plain(one)}" for one in rest),
        ]
    )


def _count(findings: Sequence[Finding]) -> str:
    counted = Counter(str(finding.level) for finding in findings)
    told = [f"{count} {level}{'' if count == 1 else 's'}" for level in _COLOURS if (count := counted[level])]
    return ", ".join(told) or "nothing found"
