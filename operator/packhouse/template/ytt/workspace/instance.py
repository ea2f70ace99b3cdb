"""Libraries as templates use them: found by path, given values and schemas, run when a template asks for the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Self, TypeVar

from packhouse.template.ytt.convert import to_structs
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.modules.libraries import library_module
from packhouse.template.ytt.nodes import Document, DocumentSet, Value
from packhouse.template.ytt.schema import Schema, build
from packhouse.template.ytt.values import Module
from packhouse.template.ytt.workspace.envelopes import Envelope, SchemaEnvelope
from packhouse.template.ytt.workspace.execution import Execution, Result
from packhouse.template.ytt.workspace.folders import Library, Place
from packhouse.template.ytt.workspace.plain import plain_overlay
from packhouse.template.ytt.workspace.references import Reference
from packhouse.template.ytt.workspace.session import Session

_Kind = TypeVar("_Kind", bound=Envelope)

#: Steps that a run of a library takes beside what its templates do.
_RUN: Final = 1_000
#: Characters that what is on its way to a library counts as.
_ENVELOPE: Final = 64


def module_at(session: Session, place: Place, values: Sequence[Envelope], schemas: Sequence[SchemaEnvelope]) -> Module:
    """`@ytt:library` for files at a place, where `values` and `schemas` are on their way to libraries."""

    def find(path: str, options: dict[str, Any]) -> LibraryInstance:
        reference = Reference(path, options.pop("alias", ""))
        skipped = options.pop("dangerous_data_values_disable_validation", False)
        options["skip_validations"] = skipped or session.options.skip_validations
        own = replace(session, options=replace(session.options, **options))
        return LibraryInstance(own, place.current.private(path), reference, tuple(values), tuple(schemas))

    return library_module(find)


class LibraryInstance:
    """A library with the values and the schemas that it may take; never changed."""

    def __init__(
        self,
        session: Session,
        library: Library,
        reference: Reference,
        values: tuple[Envelope, ...],
        schemas: tuple[SchemaEnvelope, ...],
    ) -> None:
        self._session = session
        self._library = library
        self._reference = reference
        self._values = values
        self._schemas = schemas

    @property
    def name(self) -> str:
        return str(self._reference)

    def with_values(self, values: Value, plain: bool) -> Self:
        document = Document(values)
        envelope = Envelope.of(plain_overlay(document) if plain else document)
        return self._with((*self._values, envelope), self._schemas)

    def with_schema(self, schema: Value) -> Self:
        document = Document(schema)
        build(document, self._session.thread)  # what is wrong with it is told where it is given
        return self._with(self._values, (*self._schemas, SchemaEnvelope.of(document)))

    def data_values(self) -> Any:
        execution = self._execution()
        return to_structs(self._own_values(execution, self._schema(execution)[0])[0].value)

    def documents(self) -> DocumentSet:
        return self._evaluated().all_documents

    def exported(self, symbol: str, path: str | None) -> Any:
        found = [
            (where, symbols[symbol])
            for where, symbols in self._evaluated().exports
            if symbol in symbols and path in (None, where)
        ]
        if not found:
            raise YttError(f"Expected to find exported symbol '{symbol}', but did not")
        if len(found) > 1:
            paths = ", ".join(where for where, _ in found)
            raise YttError(
                f"Expected to find exactly one exported symbol '{symbol}', but found multiple across files: {paths}"
            )
        return found[0][1]

    def _with(self, values: tuple[Envelope, ...], schemas: tuple[SchemaEnvelope, ...]) -> Self:
        count = len(values) + len(schemas)
        self._session.thread.tick(count)
        self._session.thread.weigh(_ENVELOPE + count)
        return type(self)(self._session, self._library, self._reference, values, schemas)

    def _execution(self) -> Execution:
        self._session.thread.tick(_RUN)
        return Execution(self._session, self._library)

    def _evaluated(self) -> Result:
        execution = self._execution()
        schema, schemas = self._schema(execution)
        values, further = self._own_values(execution, schema)
        return execution.evaluate(values, further, schemas)

    def _schema(self, execution: Execution) -> tuple[Schema, list[SchemaEnvelope]]:
        arrived = _arrived(self._schemas, self._reference)
        schema, found = execution.schemas([envelope for envelope in arrived if not envelope.way])
        return schema, [*found, *(envelope for envelope in arrived if envelope.way)]

    def _own_values(self, execution: Execution, schema: Schema) -> tuple[Document, list[Envelope]]:
        """What is to go after the module goes last; what comes from outside goes over what its files say."""
        arrived = _arrived(self._values, self._reference)
        own = [envelope for envelope in arrived if not envelope.way]
        own.sort(key=lambda envelope: envelope.after_module)
        values, found = execution.values(own, schema)
        return values, [*found, *(envelope for envelope in arrived if envelope.way)]


def _arrived(envelopes: Sequence[_Kind], reference: Reference) -> list[_Kind]:
    taken = [envelope.for_library(reference) for envelope in envelopes]
    return [envelope for envelope in taken if envelope is not None]
