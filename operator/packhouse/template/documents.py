"""What travels between template steps: documents with the place they came from, and what a step may use.

Known to pipeline.py and to every engine. Steps hand on values, not text, so that nothing is parsed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from packhouse.api.errors import TemplateFailed
from packhouse.ports import ImageAsk, Json, Outside, ValuesDocument
from packhouse.template.limits import Limits

#: The path that stands for the output of the step before.
PREVIOUS = "-"
#: How many references of one package registries are asked about.
ASKED_MOST = 256


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document and where it begins: in a file, or in what a template made of the file."""

    file: str
    line: int
    value: Any
    rendered: bool = False

    @property
    def place(self) -> str:
        return f"{origin(self.file, self.rendered)}:{self.line}"


def origin(file: str, rendered: bool) -> str:
    """How messages name a text: a file, or what a template made of it."""
    return f"output of {file}" if rendered else file


class OutputMeter:
    """Counts what templates give, over all steps of a job."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.output_most_bytes

    def add(self, text: str) -> None:
        """Raises RenderLimitExceeded. A character counts at least as one byte; the encoded answer is weighed again."""
        self.weigh(len(text))

    def weigh(self, size: int) -> None:
        """The same for what is no text yet: about the bytes that it will take at least."""
        self._left -= size
        if self._left < 0:
            raise self._limits.output_exceeded()


@dataclass(frozen=True, slots=True)
class StepInput:
    """All that a step may see."""

    files: Mapping[str, bytes]  # the fetched folder
    previous: Sequence[Document] | None  # None for the first step
    values: Json  # schema defaults and all documents, merged: for engines that take one map
    values_documents: Sequence[ValuesDocument]  # the user's own, for the first step that merges them itself
    context: Json
    meter: OutputMeter
    outside: Outside  # its overlays, and its word on values, only for the first step that takes them
    asked: set[ImageAsk] = field(default_factory=set)  # of all steps: what only a registry can tell


def stream(step: StepInput, name: str) -> Sequence[Document]:
    """What "-" stands for in a step of the engine `name`. Raises TemplateFailed where no step was before."""
    if step.previous is None:
        raise TemplateFailed(
            f"template step {name}: path {PREVIOUS!r} is the output of the step before, and there is none before"
        )
    return step.previous


@dataclass(frozen=True, slots=True)
class Templater:
    """One engine: what it does, and which options its step has."""

    run: Callable[[StepInput, Json], Sequence[Document]]
    options: frozenset[str]
    takes_values: bool = False  # as one map, which is checked before anything is rendered
    merges_values: bool = False  # it takes the documents as they are, and the install's overlays
