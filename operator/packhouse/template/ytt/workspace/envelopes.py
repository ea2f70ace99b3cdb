"""Data values and schemas on their way to the library that they are meant for, and whether they arrived.

The execution sorts them by library; what nobody took is an error at its end.
"""

from __future__ import annotations

from typing import Self

from packhouse.template.ytt.nodes import Document
from packhouse.template.ytt.workspace import references
from packhouse.template.ytt.workspace.references import Reference, References


class Envelope:
    """A document and the libraries to go through. `whole` is that way as it was first written, for messages."""

    __slots__ = ("after_module", "document", "used", "way", "whole")

    #: How messages call what is inside.
    what = "Data Value"

    def __init__(self, document: Document, way: References, whole: References, after_module: bool = False) -> None:
        self.document = document
        self.way = way
        self.whole = whole
        self.after_module = after_module
        self.used = False

    @classmethod
    def of(cls, document: Document, way: References | None = None) -> Self:
        """`way` overrules what the document's annotations say. Raises YttError for annotations that are wrong."""
        annotated = references.of_document(document)
        way = annotated if way is None else way
        return cls(document, way, way, references.is_after_module(document, way))

    def for_library(self, library: Reference) -> Self | None:
        """What that library gets: the same, one step further; None where it is meant for another one. Marks it used."""
        if not self.way:
            self.used = True
            return type(self)(self.document, (), self.whole, self.after_module)
        if not self.way[0].means(library):
            return None
        self.used = True
        return type(self)(self.document, self.way[1:], self.whole, self.after_module)

    def describe(self) -> str:
        place = f"line {self.document.place}"
        return f"{self.what} belonging to library '{references.describe(self.whole)}' on {place}"


class SchemaEnvelope(Envelope):
    __slots__ = ()
    what = "Schema"

    @classmethod
    def of(cls, document: Document, way: References | None = None) -> Self:
        way = references.of_document(document) if way is None else way
        return cls(document, way, way)
