"""The schema of a set of data values: what the workspace asks it.

Made of one document by `build`. A schema is never changed and may be shared by many renderings of the same files only
where its rules are: those are functions of the evaluation that made them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from packhouse.template.ytt.errors import LimitExceeded
from packhouse.template.ytt.nodes import Document
from packhouse.template.ytt.schema import openapi, reading
from packhouse.template.ytt.schema.assign import filled_item
from packhouse.template.ytt.schema.check import check_item
from packhouse.template.ytt.schema.report import Findings, refusal
from packhouse.template.ytt.schema.types import AnyType, Member
from packhouse.template.ytt.validations.run import run
from packhouse.template.ytt.values import Thread

_INVALID = "One or more data values were invalid"


class Schema:
    """`source` is the document that it was made of, which further schema documents are overlaid on; None where there
    is none, so that every value is allowed and nothing has a default."""

    __slots__ = ("_thread", "declared", "source")

    def __init__(self, declared: Member, source: Document | None, thread: Thread | None) -> None:
        self.declared = declared
        self.source = source
        self._thread = thread  # counts what is looked at

    def default_document(self) -> Document | None:
        """The values where none are given; None without a schema."""
        return None if self.source is None else self.declared.default_document()

    def assigned(self, document: Document) -> Document:
        """The document with the defaults of all that it leaves out. Raises YttError where a value does not fit."""
        findings = Findings(self._thread)
        with _within_depth():
            document = filled_item(self.declared, document, findings)
            if not findings.problems:
                check_item(self.declared, document, findings)
        if findings.problems:
            raise refusal(_INVALID, findings.problems)
        return document

    def invalidity(self, document: Document, thread: Thread) -> str:
        """Which rules the values of an assigned document break: those of the schema, then those of its own
        `#@assert/validate`. Empty where it is valid; otherwise it goes after "Validating final data values:" and a
        new line, as does what is raised (YttError) for a rule that is no rule."""
        with _within_depth():
            return run(document, thread, self.declared)

    def openapi(self) -> Document:
        """An OpenAPI v3 document with the type of the values as `components.schemas.dataValues`."""
        return openapi.document(self.declared)


def build(document: Document, thread: Thread) -> Schema:
    """The schema that a document marked `#@data/values-schema` declares. Raises YttError: "Invalid schema ..."."""
    with _within_depth():
        return Schema(reading.member_of(document, thread), document, thread)


def permissive() -> Schema:
    """The schema of a library that has none."""
    return Schema(Member(AnyType(None), None), None, None)


@contextmanager
def _within_depth() -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise LimitExceeded("values lie too deep in each other") from None
