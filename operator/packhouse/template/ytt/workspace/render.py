"""The door of the workspace: files and data values in, documents and output files out.

The template step and the command call it. What is wrong with what they were given is a YttError, whose message is what
the original prints after "ytt: Error: "; LimitExceeded says that a template took too much. Nothing else leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from packhouse.template.ytt.nodes import DocumentSet
from packhouse.template.ytt.workspace.inputs import DataValues, InputFile, Options

if TYPE_CHECKING:
    from packhouse.template.ytt.starlark.thread import LanguageLimits

__all__ = ["DataValues", "InputFile", "Options", "OutputFile", "Rendered", "inspect_files", "inspect_schema"]
__all__ += ["inspect_values", "render"]

_NO_VALUES: Final = DataValues()
_DEFAULT: Final = Options()


@dataclass(frozen=True, slots=True)
class OutputFile:
    """What `--output-files` writes. `is_yaml` is false for a text template, which standard output leaves out."""

    path: str
    text: str
    is_yaml: bool


@dataclass(frozen=True, slots=True)
class Rendered:
    """`documents` is what standard output shows (`yaml.write.write` prints them); `files` the same by file, and the
    texts."""

    documents: DocumentSet
    files: list[OutputFile]


def render(
    files: Sequence[InputFile],
    values: DataValues = _NO_VALUES,
    options: Options = _DEFAULT,
    limits: LanguageLimits | None = None,
) -> Rendered:
    """All files, with schemas, values and overlays applied. Raises YttError and LimitExceeded."""
    raise NotImplementedError


def inspect_schema(
    files: Sequence[InputFile], options: Options = _DEFAULT, limits: LanguageLimits | None = None
) -> DocumentSet:
    """The schema of the data values as an OpenAPI v3 document (`--data-values-schema-inspect -o openapi-v3`)."""
    raise NotImplementedError


def inspect_values(
    files: Sequence[InputFile],
    values: DataValues = _NO_VALUES,
    options: Options = _DEFAULT,
    limits: LanguageLimits | None = None,
) -> DocumentSet:
    """The data values that templates would see (`--data-values-inspect`)."""
    raise NotImplementedError


def inspect_files(files: Sequence[InputFile], options: Options = _DEFAULT) -> DocumentSet:
    """The paths of the files that would be looked at, in their order (`--files-inspect`)."""
    raise NotImplementedError
