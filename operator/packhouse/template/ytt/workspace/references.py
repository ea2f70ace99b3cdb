"""References to private libraries: "@path", "@~alias", "@path~alias", and chains of them for libraries in libraries."""

from __future__ import annotations

from typing import NamedTuple

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Document
from packhouse.template.ytt.starlark.args import as_string, bool_arg

LIBRARY_REF = "library/ref"
DATA_VALUES = "data/values"
_AFTER = "after_library_module"


class Reference(NamedTuple):
    """One library, by its path, its alias, or both."""

    path: str
    alias: str

    def means(self, library: Reference) -> bool:
        if not self.alias:
            return self.path == library.path
        return self.alias == library.alias and self.path in ("", library.path)

    def __str__(self) -> str:
        return f"{self.path}~{self.alias}" if self.alias else self.path


#: Outermost first. Empty: the library itself.
References = tuple[Reference, ...]


def parse(text: str) -> References:
    """Raises YttError where `text` is no reference."""
    if not text:
        raise YttError("Expected library ref to not be empty")
    if not text.startswith("@"):
        raise YttError("Expected library ref to start with '@'")
    return tuple(_one(piece, text) for piece in text.split("@")[1:])


def _one(piece: str, text: str) -> Reference:
    path, *rest = piece.split("~")
    if not rest:
        return Reference(path, "")
    if len(rest) > 1:
        raise YttError(f"Expected library ref to have form: '@path', '@~alias', or '@path~alias', got: '{text}'")
    if not rest[0]:
        raise YttError("Expected library alias to not be empty")
    return Reference(path, rest[0])


def describe(references: References) -> str:
    return "@" + "@".join(str(reference) for reference in references)


def of_document(document: Document) -> References:
    """What its `#@library/ref` says; empty without one. Raises YttError."""
    annotation = (document.annotations or {}).get(LIBRARY_REF)
    if annotation is None:
        return ()
    if len(annotation.args) != 1:
        raise YttError(f"Expected {LIBRARY_REF} annotation to have one arg, got {len(annotation.args)}")
    text = as_string(annotation.args[0])
    try:
        return parse(text)
    except YttError as error:
        raise YttError(f"Annotation {LIBRARY_REF}: {error.message}") from None


def is_after_module(document: Document, references: References) -> bool:
    """Whether its `#@data/values` says that it goes after what `with_data_values` gives. Raises YttError."""
    annotation = (document.annotations or {}).get(DATA_VALUES)
    if annotation is None or not annotation.kwargs:
        return False
    for name in annotation.kwargs:
        if name != _AFTER:
            raise YttError(f"Unknown kwarg {name} for annotation {DATA_VALUES}")
    after = bool_arg(annotation.kwargs, _AFTER)
    if not references:
        raise YttError(f"Annotation {DATA_VALUES}: Expected kwarg '{_AFTER}' to be used with {LIBRARY_REF} annotation")
    return after
