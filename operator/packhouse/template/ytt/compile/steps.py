"""What an instruction of a compiled template does: each step by its number, as the program calls it.

The compiler makes steps, the contexts carry them out, as often as the program says. A step is never changed once it is
made, and may be used by many evaluations at once.
"""

from __future__ import annotations

from typing import Final

from packhouse.template.ytt.compile.comments import Note
from packhouse.template.ytt.nodes import (
    NOWHERE,
    Array,
    ArrayItem,
    Comment,
    Document,
    DocumentSet,
    Map,
    MapItem,
    Source,
    Value,
)

#: The parent of what has none.
NO_PARENT: Final = -100

NodeClass = type[DocumentSet] | type[Document] | type[Map] | type[MapItem] | type[Array] | type[ArrayItem]


class Step:
    """Begin a node, or hand on nodes that are plain.

    `parent` is the number of the step whose node holds this one. A node begins with `value`; where that is a map or an
    array which has to be computed, `inner` is its step, and begins together with it. `ready` are whole plain items to
    hand on instead. `notes` are its annotations.
    """

    __slots__ = (
        "comments",
        "injected",
        "inner",
        "key",
        "kind",
        "line",
        "notes",
        "number",
        "parent",
        "ready",
        "source",
        "value",
    )

    def __init__(self, number: int, parent: int, kind: NodeClass, source: Source = NOWHERE, line: int = 0) -> None:
        self.number = number
        self.parent = parent
        self.kind = kind
        self.source = source
        self.line = line
        self.key: Value = None
        self.value: Value = None
        self.comments: tuple[Comment, ...] = ()
        self.injected = False
        self.inner: Step | None = None
        self.ready: tuple[Document | MapItem | ArrayItem, ...] = ()
        self.notes: tuple[Note, ...] = ()


class TextStep:
    """Add a piece of text: `text`, or a place for a value where that is None. The root of a text is no piece."""

    __slots__ = ("root", "text")

    def __init__(self, text: str | None, root: bool = False) -> None:
        self.text = text
        self.root = root


class Plan:
    """The steps of one file, by number. `override` lets a key of a map be given again without being asked."""

    __slots__ = ("_last", "nodes", "override", "texts")

    def __init__(self, override: bool = False) -> None:
        self.nodes: dict[int, Step] = {}
        self.texts: dict[int, TextStep] = {}
        self.override = override
        self._last = 0

    def number(self, of: int = 1) -> int:
        """The next number; `of` numbers are used up."""
        first = self._last + 1
        self._last += of
        return first

    def skip(self, of: int) -> None:
        """Nodes that get no step of their own are counted too, since messages tell numbers."""
        self._last += of

    def add(self, step: Step) -> Step:
        self.nodes[step.number] = step
        return step

    def add_text(self, text: str | None, root: bool = False) -> int:
        number = self.number()
        self.texts[number] = TextStep(text, root)
        return number
