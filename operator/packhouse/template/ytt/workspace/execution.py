"""Runs one library: its schema, its data values, its templates, its overlays. The root is a library as any other.

`render` runs the root, `instance` what templates get by `library.get`. Files are evaluated by the loader; merging,
checking and validating are done by the rooms below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Document, DocumentSet, Map
from packhouse.template.ytt.overlay.annotations import MATCH
from packhouse.template.ytt.overlay.apply import apply_document, apply_sets
from packhouse.template.ytt.schema import Schema, build, permissive
from packhouse.template.ytt.values import Module
from packhouse.template.ytt.workspace import parsed
from packhouse.template.ytt.workspace.envelopes import Envelope, SchemaEnvelope
from packhouse.template.ytt.workspace.files import Kind
from packhouse.template.ytt.workspace.folders import Library, LibraryFile, Place
from packhouse.template.ytt.workspace.loader import Globals, Loader, parsed_file
from packhouse.template.ytt.workspace.session import Session

_ONLY_VALUES = "Expected data values file '{}' to only have data values documents"
_ONLY_SCHEMAS = "Expected schema file '{}' to only have schema documents"


class Result(NamedTuple):
    """What a library gave, in the order of its files: texts by path, documents by path, exports by path."""

    texts: list[tuple[str, str]]
    documents: list[tuple[str, DocumentSet]]
    exports: list[tuple[str, Globals]]

    @property
    def all_documents(self) -> DocumentSet:
        return DocumentSet([document for _, documents in self.documents for document in documents.items])


class Execution:
    """`root` is the library: "/" in its files, and where its files are listed from."""

    def __init__(self, session: Session, root: Library) -> None:
        self._session = session
        self._root = root

    def schemas(self, given: Sequence[SchemaEnvelope]) -> tuple[Schema, list[SchemaEnvelope]]:
        """Its schema, with `given` over that of its files; and what its files hold for libraries in it."""
        files = self._holding(parsed.SCHEMA)
        try:
            return self._schemas(files, given)
        except YttError as error:
            names = _names(files, "additional data value schema" if given else "")
            raise YttError(f"Overlaying data values schema (in following order: {names}): {error.message}") from None

    def values(self, given: Sequence[Envelope], schema: Schema) -> tuple[Document, list[Envelope]]:
        """Its data values, with `given` over those of its files, checked and validated; and what its files hold for
        libraries in it."""
        files = self._holding(parsed.VALUES)
        try:
            values, others = self._values(files, given, schema)
        except YttError as error:
            names = _names(files, "additional data values" if given else "")
            raise YttError(f"Overlaying data values (in following order: {names}): {error.message}") from None
        if not self._session.options.skip_validations:
            try:
                invalid = schema.invalidity(values, self._session.thread)
            except YttError as error:
                invalid = error.message
            if invalid:
                raise YttError(f"Validating final data values:\n{invalid}")
        return values, others

    def values_documents(self) -> list[Document]:
        """The documents of data values that its files hold, computed, and not yet laid over each other."""
        return self._marked(self._holding(parsed.VALUES), parsed.VALUES, _ONLY_VALUES)

    def evaluate(
        self, values: Document, for_libraries: Sequence[Envelope], schemas_for_libraries: Sequence[SchemaEnvelope]
    ) -> Result:
        """All its files. Raises YttError, also where values or schemas for libraries were not used."""
        loader = self._loader(values, for_libraries, schemas_for_libraries)
        texts: list[tuple[str, str]] = []
        rendered: list[tuple[LibraryFile, DocumentSet]] = []
        exports: list[tuple[str, Globals]] = []
        for each in self._root.accessible():
            place = Place(each.home, self._root)
            if each.file.is_for_output:
                if each.file.kind is Kind.YAML:
                    rendered.append((each, loader.evaluate_yaml(place, each.file)[1]))
                elif each.file.kind is Kind.TEXT:
                    texts.append((each.path, loader.evaluate_text(place, each.file)[1]))
                else:
                    raise YttError("Unknown file type")
            elif each.file.is_library and each.file.kind is not Kind.UNKNOWN:
                exports.append((each.path, loader.exported(place, each.file)))
        _all_used(for_libraries, schemas_for_libraries)
        return Result(texts, self._overlaid(rendered), exports)

    def _holding(self, name: str) -> list[LibraryFile]:
        """The files with documents annotated `name`, in their order. They are not for output."""
        found = []
        for each in self._root.accessible():
            if (
                each.file.kind is Kind.YAML
                and each.file.is_template
                and parsed_file(self._session, each.file).holds(name)
            ):
                each.file.mark_output(False)
                found.append(each)
        return sorted(found, key=lambda each: each.file.order)

    def _marked(self, files: Sequence[LibraryFile], name: str, refusal: str) -> list[Document]:
        """The documents annotated `name`, computed; templates see no data values. Other documents are refused."""
        loader = self._loader(Document(Map([])), (), ())
        documents = []
        for each in files:
            try:
                _, computed = loader.evaluate_yaml(Place(each.home, self._root), each.file)
                marked, others = parsed.split(computed, name)
                if not all(map(parsed.is_empty, others)):
                    raise YttError(refusal.format(each.file.path))
            except YttError as error:
                raise YttError(f"Templating file '{each.file.path}': {error.message}") from None
            documents += marked
        return documents

    def _schemas(
        self, files: Sequence[LibraryFile], given: Sequence[SchemaEnvelope]
    ) -> tuple[Schema, list[SchemaEnvelope]]:
        thread = self._session.thread
        documents = self._marked(files, parsed.SCHEMA, _ONLY_SCHEMAS)
        envelopes = [SchemaEnvelope.of(document) for document in documents]
        schemas = [build(envelope.document, thread) for envelope in envelopes]
        own = [envelope.document for envelope in [*envelopes, *given] if not envelope.way]
        others = [envelope for envelope in [*envelopes, *given] if envelope.way]
        if not own:
            return permissive(), others
        merged = own[0]
        for document in own[1:]:
            merged = apply_document(merged, document, thread)
        ready = next((schema for schema in schemas if schema.source is merged), None)
        return ready or build(merged, thread), others

    def _values(
        self, files: Sequence[LibraryFile], given: Sequence[Envelope], schema: Schema
    ) -> tuple[Document, list[Envelope]]:
        documents = self._marked(files, parsed.VALUES, _ONLY_VALUES)
        envelopes = [*(Envelope.of(document) for document in documents), *given]
        own = [envelope.document for envelope in envelopes if not envelope.way]
        defaults = schema.default_document()
        if defaults is not None:
            own.insert(0, defaults)
        merged: Document | None = None
        for document in own:
            merged = document if merged is None else apply_document(merged, document, self._session.thread)
            merged = schema.assigned(merged)
        return merged or Document(Map([])), [envelope for envelope in envelopes if envelope.way]

    def _overlaid(self, rendered: Sequence[tuple[LibraryFile, DocumentSet]]) -> list[tuple[str, DocumentSet]]:
        """The documents of the files with those over them that are overlays; empty ones are left out."""
        kept: list[tuple[LibraryFile, DocumentSet]] = []
        overlays: list[tuple[LibraryFile, DocumentSet]] = []
        for file, documents in sorted(rendered, key=lambda each: each[0].file.order):
            upper, lower = [], []
            for document in documents.items:
                if document.annotations and MATCH in document.annotations:
                    upper.append(document)
                elif not parsed.is_empty(document):
                    lower.append(document)
            if lower:
                kept.append((file, documents.with_items(lower)))
            if upper:
                overlays.append((file, documents.with_items(upper)))
        sets = [documents for _, documents in kept]
        if overlays:
            try:
                sets = apply_sets(sets, [documents for _, documents in overlays], self._session.thread)
            except YttError as error:
                names = _names([file for file, _ in overlays])
                raise YttError(f"Overlaying (in following order: {names}): {error.message}") from None
        return [(file.path, documents) for (file, _), documents in zip(kept, sets, strict=True)]

    def _loader(self, values: Document, for_libraries: Sequence[Envelope], schemas: Sequence[SchemaEnvelope]) -> Loader:
        def library_of(place: Place) -> Module:
            from packhouse.template.ytt.workspace.instance import module_at

            return module_at(self._session, place, for_libraries, schemas)

        return Loader(self._session, values.value, library_of)


def _all_used(values: Sequence[Envelope], schemas: Sequence[SchemaEnvelope]) -> None:
    unused: list[Envelope] = []
    kinds = []
    for kind, envelopes in (("data values", values), ("schema", schemas)):
        left = [envelope for envelope in envelopes if not envelope.used]
        if left:
            kinds.append(kind)
            unused += left
    if unused:
        named = ", ".join(envelope.describe() for envelope in unused)
        raise YttError(
            f"Expected all provided library {', and '.join(kinds)} documents to be used but found unused: {named}"
        )


def _names(files: Sequence[LibraryFile], more: str = "") -> str:
    return ", ".join([*(each.file.path for each in files), *([more] if more else [])])
