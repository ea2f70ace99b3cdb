"""What a value may be: the types of a schema, their defaults and their documentation.

Read from nodes by `reading`, used by `assign`, `check`, `openapi` and, through `under`, by the validations. A type is
complete once it was read and is never changed then; default values are nodes that everybody shares.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from packhouse.template.ytt.nodes import NOWHERE, Array, ArrayItem, Document, Map, MapItem, Node, Source, Value
from packhouse.template.ytt.validations.rules import Validation

#: A key together with its type: True is not 1, and 1 is not 1.0.
Key = tuple[type, Value]


class Example(NamedTuple):
    description: str
    value: Value


class Documentation:
    """What authors say about a value. Empty texts are those that were not given."""

    __slots__ = ("deprecated", "description", "examples", "title")

    def __init__(self) -> None:
        self.title = ""
        self.description = ""
        self.deprecated = False
        self.examples: tuple[Example, ...] = ()


class ValueType:
    """The type of what stands in a document, a map item or an array item. `source` and `line`: where it is declared."""

    __slots__ = ("docs", "line", "source")
    name: ClassVar[str] = ""

    #: Rules are those of the member that holds the value.
    validation: ClassVar[Validation | None] = None

    def __init__(self, source: Source = NOWHERE, line: int = 0) -> None:
        self.source = source
        self.line = line
        self.docs = Documentation()

    @property
    def title(self) -> str:
        """How messages name the type."""
        return self.name

    @property
    def place(self) -> str:
        return f"{self.source.name}:{self.line}" if self.line else "?"

    def default(self) -> Value:
        raise NotImplementedError

    def set_default(self, value: Value) -> None:
        """Only while the type is being read."""
        raise NotImplementedError

    def under(self, child: Node) -> Member | None:
        """The declaration of an item of a value of this type, if it has one."""
        return None


class ScalarType(ValueType):
    """`kind` is STRING, FLOAT, INTEGER or BOOLEAN."""

    __slots__ = ("_default", "kind")

    def __init__(self, kind: str, default: Value, source: Source = NOWHERE, line: int = 0) -> None:
        super().__init__(source, line)
        self.kind = kind
        self._default = default

    @property
    def title(self) -> str:
        return self.kind

    def default(self) -> Value:
        return self._default

    def set_default(self, value: Value) -> None:
        self._default = value


class MapType(ValueType):
    __slots__ = ("members",)
    name = "map"

    def __init__(self, members: dict[Key, Member], source: Source = NOWHERE, line: int = 0) -> None:
        super().__init__(source, line)
        self.members = members

    def default(self) -> Value:
        return Map([member.default_item() for member in self.members.values()], self.source, self.line)

    def set_default(self, value: Value) -> None:
        """Each member has its own; the default of the whole is kept by the member that holds this map."""

    def under(self, child: Node) -> Member | None:
        return self.members.get(key_of(child.key)) if isinstance(child, MapItem) else None


class ArrayType(ValueType):
    __slots__ = ("_default", "items")
    name = "array"

    def __init__(self, items: Member, source: Source = NOWHERE, line: int = 0) -> None:
        super().__init__(source, line)
        self.items = items
        self._default: Value = Array([], source, line)

    def default(self) -> Value:
        return self._default

    def set_default(self, value: Value) -> None:
        self._default = value

    def under(self, child: Node) -> Member | None:
        return self.items if isinstance(child, ArrayItem) else None


class AnyType(ValueType):
    __slots__ = ("_default",)
    name = "any"

    def __init__(self, default: Value, source: Source = NOWHERE, line: int = 0) -> None:
        super().__init__(source, line)
        self._default = default

    def default(self) -> Value:
        return self._default

    def set_default(self, value: Value) -> None:
        self._default = value


class NullType(ValueType):
    """Null, or a value of the type `of`."""

    __slots__ = ("of",)
    name = "null"

    def __init__(self, of: ValueType, source: Source = NOWHERE, line: int = 0) -> None:
        super().__init__(source, line)
        self.of = of

    def default(self) -> Value:
        return None

    def set_default(self, value: Value) -> None:
        self.of.set_default(value)


class Member:
    """What is declared of a document, a map item or an array item. `key` is that of a map item."""

    __slots__ = ("default", "key", "line", "source", "validation", "value")

    def __init__(
        self,
        value: ValueType,
        default: Value,
        validation: Validation | None = None,
        key: Value = None,
        source: Source = NOWHERE,
        line: int = 0,
    ) -> None:
        self.value = value
        self.default = default
        self.validation = validation
        self.key = key
        self.source = source
        self.line = line

    def default_item(self) -> MapItem:
        return MapItem(self.key, self.default, self.source, self.line)

    def default_document(self) -> Document:
        return Document(self.default, self.source, self.line)

    def under(self, child: Node) -> ValueType:
        """The type of the map or array that stands here."""
        return bare(self.value)


def key_of(key: Value) -> Key:
    return (type(key), key)


def bare(value_type: ValueType) -> ValueType:
    """Without the permission to be null."""
    return value_type.of if isinstance(value_type, NullType) else value_type
