"""The door of the workspace: files and data values in, documents and output files out.

The template step and the command call it. What is wrong with what they were given is a YttError, whose message is what
the original prints after "ytt: Error: "; LimitExceeded says that a template took too much. Nothing else leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from packhouse.template.ytt.errors import LimitExceeded
from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet
from packhouse.template.ytt.starlark.thread import LanguageLimits, Thread
from packhouse.template.ytt.workspace import given_values
from packhouse.template.ytt.workspace.cache import CACHE
from packhouse.template.ytt.workspace.envelopes import Envelope, SchemaEnvelope
from packhouse.template.ytt.workspace.execution import Execution
from packhouse.template.ytt.workspace.files import files_of
from packhouse.template.ytt.workspace.folders import Library
from packhouse.template.ytt.workspace.inputs import DataValues, InputFile, Options
from packhouse.template.ytt.workspace.marks import apply_marks
from packhouse.template.ytt.workspace.session import Session
from packhouse.template.ytt.yaml.write import is_empty, write

__all__ = ["DataValues", "InputFile", "Options", "OutputFile", "Rendered", "inspect_files", "inspect_schema"]
__all__ += ["inspect_values", "render", "values_documents"]

_NO_VALUES: Final = DataValues()
_DEFAULT: Final = Options()


class OutputFile:
    """What `--output-files` writes. Without documents it is a text, which standard output leaves out."""

    __slots__ = ("_text", "documents", "path")

    def __init__(self, path: str, documents: DocumentSet | None, text: str = "") -> None:
        self.path = path
        self.documents = documents
        self._text = text

    @property
    def is_yaml(self) -> bool:
        return self.documents is not None

    @property
    def text(self) -> str:
        """The documents as they are printed, or the text."""
        return self._text if self.documents is None else write(self.documents.items)


@dataclass(frozen=True, slots=True)
class Rendered:
    """`documents` is what standard output shows (`yaml.write.write` prints them), without empty ones; `files` the same
    by file, and the texts."""

    documents: DocumentSet
    files: list[OutputFile]


def render(
    files: Sequence[InputFile],
    values: DataValues = _NO_VALUES,
    options: Options = _DEFAULT,
    limits: LanguageLimits | None = None,
) -> Rendered:
    """All files, with schemas, values and overlays applied. Raises YttError and LimitExceeded."""
    with _bounded():
        root = _Root(files, options, limits)
        ready = root.prepared(values)
        result = root.execution.evaluate(ready.values, ready.for_libraries, ready.schemas)
    texts = [OutputFile(path, None, text) for path, text in result.texts]
    printed = [document for document in result.all_documents.items if not is_empty(document)]
    return Rendered(DocumentSet(printed), texts + [OutputFile(*each) for each in result.documents])


def inspect_schema(
    files: Sequence[InputFile], options: Options = _DEFAULT, limits: LanguageLimits | None = None
) -> DocumentSet:
    """The schema of the data values as an OpenAPI v3 document (`--data-values-schema-inspect -o openapi-v3`)."""
    with _bounded():
        schema, _ = _Root(files, options, limits).execution.schemas(())
        return DocumentSet([schema.openapi()])


def inspect_values(
    files: Sequence[InputFile],
    values: DataValues = _NO_VALUES,
    options: Options = _DEFAULT,
    limits: LanguageLimits | None = None,
) -> DocumentSet:
    """The data values that templates would see (`--data-values-inspect`)."""
    with _bounded():
        return DocumentSet([_Root(files, options, limits).prepared(values).values])


def values_documents(
    files: Sequence[InputFile], options: Options = _DEFAULT, limits: LanguageLimits | None = None
) -> list[Document]:
    """The documents of data values that files hold, computed without the rest of what they are meant for."""
    with _bounded():
        return _Root(files, options, limits).execution.values_documents()


def inspect_files(files: Sequence[InputFile], options: Options = _DEFAULT) -> DocumentSet:
    """The paths of the files that would be looked at, in their order (`--files-inspect`)."""
    accessible = Library.of(apply_marks(files_of(files), options.file_marks)).accessible()
    paths = [each.file.path for each in sorted(accessible, key=lambda each: each.file.order)]
    return DocumentSet([Document(Array([ArrayItem(path) for path in paths]))])


@contextmanager
def _bounded() -> Iterator[None]:
    """Trees are walked by functions that call themselves: what is too deep for that is refused."""
    try:
        yield
    except RecursionError:
        raise LimitExceeded("values lie too deep in each other") from None


class _Ready(NamedTuple):
    """Data values of the root, and what is on its way to libraries."""

    values: Document
    for_libraries: list[Envelope]
    schemas: list[SchemaEnvelope]


class _Root:
    def __init__(self, files: Sequence[InputFile], options: Options, limits: LanguageLimits | None) -> None:
        library = Library.of(apply_marks(files_of(files), options.file_marks))
        self._options = options
        self.execution = Execution(Session(Thread(limits or LanguageLimits()), CACHE, options), library)

    def prepared(self, values: DataValues) -> _Ready:
        given = given_values.envelopes(values, self._options.strict)
        schema, schemas = self.execution.schemas(())
        own, for_libraries = self.execution.values([each for each in given if not each.way], schema)
        return _Ready(own, [*for_libraries, *(each for each in given if each.way)], schemas)
