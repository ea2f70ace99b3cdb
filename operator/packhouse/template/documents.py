"""What travels between template steps: documents with the place they came from, and what a step may use.

Known to pipeline.py and to every engine. Steps hand on values, not text, so that nothing is parsed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

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


@dataclass(frozen=True, slots=True)
class HelmRun:
    """What is asked of the program: the chart as an archive, texts of values in their order, words of the command."""

    chart: bytes
    values: Sequence[bytes] = field(repr=False)
    name: str
    namespace: str
    kube_version: str
    api_versions: Sequence[str]


@dataclass(frozen=True, slots=True)
class HelmOutput:
    """What it printed. `failed`: it refused the chart, and `errors` say why."""

    manifests: bytes
    errors: str
    failed: bool


class Helm(Protocol):
    """Runs `helm template` once, within limits, without network and without a folder of its own."""

    def __call__(self, run: HelmRun) -> HelmOutput:
        """Errors: RenderLimitExceeded, RendererUnavailable."""
        ...


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
    defaults: Json = field(default_factory=dict)  # the two parts of `values`
    given: Json = field(default_factory=dict)
    secret_files: frozenset[str] = frozenset()  # of `files`: what a step before decrypted
    warnings: list[str] = field(default_factory=list)  # of all steps: what the user should know
    helm: Helm | None = None  # who runs the program of that step
    asked: set[ImageAsk] = field(default_factory=set)  # of all steps: what only a registry can tell

    def is_public(self, value: str) -> bool:
        """Whether a text stands in a file of the package that nobody had to decrypt."""
        wanted = value.encode(errors="replace")
        return any(wanted in content for name, content in self.files.items() if name not in self.secret_files)


def stream(step: StepInput, name: str) -> Sequence[Document]:
    """What "-" stands for in a step of the engine `name`. Raises TemplateFailed where no step was before."""
    if step.previous is None:
        raise TemplateFailed(
            f"template step {name}: path {PREVIOUS!r} is the output of the step before, and there is none before"
        )
    return step.previous


@dataclass(frozen=True, slots=True)
class Folder:
    """What a step that gives no documents made of the files: the steps after it see these instead."""

    files: Mapping[str, bytes]
    secret_files: frozenset[str] = frozenset()  # whose content no message may quote


@dataclass(frozen=True, slots=True)
class Templater:
    """One engine: what it does, and which options its step has."""

    run: Callable[[StepInput, Json], Sequence[Document] | Folder]
    options: frozenset[str]
    takes_values: bool = False  # as one map, which is checked before anything is rendered
    merges_values: bool = False  # it takes the documents as they are; the first such step has those of the install
    takes_overlays: bool = False  # and the install's overlays; its values may be templates themselves
