"""YAML as ytt sees it: documents, maps and arrays whose items know their place, their comments and their annotations.

A node is a value: whoever wants another one makes a copy along the path that changes (`with_value`, `with_items`), so
that trees of compiled templates are shared and never copied. Only who made a node, and has not yet handed it on, may
set its fields.
"""

from __future__ import annotations

from typing import Any, Final, Self

#: A scalar of YAML or of Starlark: None, bool, int, float, str; or a Map, an Array. In a value of a template also a
#: DocumentSet (a function that gives documents).
Value = Any


class Source:
    """A text with a name; lines count from 1."""

    __slots__ = ("_lines", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._lines: list[str] | None = None

    def line(self, number: int) -> str:
        """Empty where there is no such line."""
        if self._lines is None:
            self._lines = self.text.split("\n")
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""


#: Where something is that was made by a program; its line is 0.
NOWHERE: Final = Source("?", "")


class Comment:
    """`text` is what follows `#`, as written: "@ if x:" for a line "#@ if x:"."""

    __slots__ = ("line", "text")

    def __init__(self, text: str, line: int) -> None:
        self.text = text
        self.line = line


class Annotation:
    """`#@name args, key=value`, its arguments computed. `source` and `line` are those of the comment."""

    __slots__ = ("args", "kwargs", "line", "source")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any], source: Source = NOWHERE, line: int = 0) -> None:
        self.args = args
        self.kwargs = kwargs
        self.source = source
        self.line = line


#: By name, without the "@": "overlay/match". None where there are none.
Annotations = dict[str, Annotation]


class Node:
    """What all nodes have. `line` is 0 where the place is not known."""

    __slots__ = ("annotations", "comments", "line", "source")

    source: Source
    line: int
    comments: tuple[Comment, ...]
    annotations: Annotations | None

    @property
    def place(self) -> str:
        """`file.yml:3`, or "?" """
        return f"{self.source.name}:{self.line}" if self.line else "?"


class MapItem(Node):
    __slots__ = ("key", "value")

    def __init__(
        self,
        key: Value,
        value: Value,
        source: Source = NOWHERE,
        line: int = 0,
        comments: tuple[Comment, ...] = (),
        annotations: Annotations | None = None,
    ) -> None:
        self.key = key
        self.value = value
        self.source = source
        self.line = line
        self.comments = comments
        self.annotations = annotations

    def with_value(self, value: Value) -> Self:
        return type(self)(self.key, value, self.source, self.line, self.comments, self.annotations)

    def with_annotations(self, annotations: Annotations | None) -> Self:
        return type(self)(self.key, self.value, self.source, self.line, self.comments, annotations)


class ArrayItem(Node):
    __slots__ = ("value",)

    def __init__(
        self,
        value: Value,
        source: Source = NOWHERE,
        line: int = 0,
        comments: tuple[Comment, ...] = (),
        annotations: Annotations | None = None,
    ) -> None:
        self.value = value
        self.source = source
        self.line = line
        self.comments = comments
        self.annotations = annotations

    def with_value(self, value: Value) -> Self:
        return type(self)(value, self.source, self.line, self.comments, self.annotations)

    def with_annotations(self, annotations: Annotations | None) -> Self:
        return type(self)(self.value, self.source, self.line, self.comments, annotations)


class Document(ArrayItem):
    """One document. `injected`: it stands for the beginning of a text that has no "---" there."""

    __slots__ = ("injected",)

    def __init__(
        self,
        value: Value,
        source: Source = NOWHERE,
        line: int = 0,
        comments: tuple[Comment, ...] = (),
        annotations: Annotations | None = None,
        injected: bool = False,
    ) -> None:
        super().__init__(value, source, line, comments, annotations)
        self.injected = injected

    def with_value(self, value: Value) -> Self:
        return type(self)(value, self.source, self.line, self.comments, self.annotations, self.injected)

    def with_annotations(self, annotations: Annotations | None) -> Self:
        return type(self)(self.value, self.source, self.line, self.comments, annotations, self.injected)


class Map(Node):
    """Items in their order; the same key twice is possible until it is printed or merged."""

    __slots__ = ("items",)

    def __init__(
        self,
        items: list[MapItem],
        source: Source = NOWHERE,
        line: int = 0,
        comments: tuple[Comment, ...] = (),
        annotations: Annotations | None = None,
    ) -> None:
        self.items = items
        self.source = source
        self.line = line
        self.comments = comments
        self.annotations = annotations

    def with_items(self, items: list[MapItem]) -> Self:
        return type(self)(items, self.source, self.line, self.comments, self.annotations)


class Array(Node):
    __slots__ = ("items",)

    def __init__(
        self,
        items: list[ArrayItem],
        source: Source = NOWHERE,
        line: int = 0,
        comments: tuple[Comment, ...] = (),
        annotations: Annotations | None = None,
    ) -> None:
        self.items = items
        self.source = source
        self.line = line
        self.comments = comments
        self.annotations = annotations

    def with_items(self, items: list[ArrayItem]) -> Self:
        return type(self)(items, self.source, self.line, self.comments, self.annotations)


class DocumentSet(Node):
    """The documents of a file, or of a function. `comments`: what stands after the last node."""

    __slots__ = ("items",)

    def __init__(
        self,
        items: list[Document],
        source: Source = NOWHERE,
        line: int = 0,
        comments: tuple[Comment, ...] = (),
        annotations: Annotations | None = None,
    ) -> None:
        self.items = items
        self.source = source
        self.line = line
        self.comments = comments
        self.annotations = annotations

    def with_items(self, items: list[Document]) -> Self:
        return type(self)(items, self.source, self.line, self.comments, self.annotations)
