"""The values of a template beside Python's own, and what may be called.

Starlark's None, bool, int, float, str, list, tuple, dict and set are Python's. Lists, dicts and sets that a loaded
module gives are frozen: `Thread.frozen` knows them, and what changes one asks it. Nothing here is reached by attribute
from a template: the language looks fields up in `fields()` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from packhouse.template.ytt.nodes import Array, DocumentSet, Map

Args: TypeAlias = tuple[Any, ...]
Kwargs: TypeAlias = dict[str, Any]


class Thread(Protocol):
    """One evaluation: what a builtin may ask of the language (starlark/thread.py has the real one)."""

    def call(self, function: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Call a function of a template or a builtin. Raises EvalError where it is not callable or fails."""
        ...

    def tick(self, steps: int = 1) -> None:
        """Count work that a builtin does in proportion to its input. Raises LimitExceeded."""
        ...

    def weigh(self, size: int) -> None:
        """Count `size` characters or items that are about to be made. Raises LimitExceeded."""
        ...


class Builtin:
    """A function of ours, e.g. "base64.encode". What `run` raises as EvalError gets its name in front."""

    __slots__ = ("name", "run")

    def __init__(self, name: str, run: Callable[[Thread, Args, Kwargs], Any]) -> None:
        self.name = name
        self.run = run


class HasFields(Protocol):
    """What `x.name` works on, beside the methods that the language has for Python's own values."""

    @property
    def type_name(self) -> str: ...

    def fields(self) -> Mapping[str, Any]: ...


class Struct:
    """`struct.make(...)`, and every map of data.values. Immutable."""

    __slots__ = ("_fields",)
    type_name = "struct"

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def __bool__(self) -> bool:  # the language asks Python itself what is true
        return len(self._fields) > 0

    def fields(self) -> Mapping[str, Any]:
        return self._fields


class Module:
    """What `load("@ytt:base64", "base64")` gives: a name and its members."""

    __slots__ = ("_fields", "name")
    type_name = "module"

    def __init__(self, name: str, fields: Mapping[str, Any]) -> None:
        self.name = name
        self._fields = fields

    def fields(self) -> Mapping[str, Any]:
        return self._fields


class Opaque:
    """A value with methods and without a form in YAML (a parsed url, an ip, a version). `plain` is what it becomes
    where a value is asked for that can be encoded; None where it refuses to be, with `hint` after its type."""

    __slots__ = ("_fields", "_type_name", "hint", "plain", "text")

    def __init__(
        self,
        type_name: str,
        text: str,
        fields: Mapping[str, Any],
        plain: Any = None,
        hint: str = "does not automatically encode (hint: use .string())",
    ) -> None:
        self._type_name = type_name
        self.text = text  # what str() gives
        self._fields = fields
        self.plain = plain
        self.hint = hint

    @property
    def type_name(self) -> str:
        return self._type_name

    def fields(self) -> Mapping[str, Any]:
        return self._fields


class Fragment:
    """YAML as a value of a template ("yamlfragment"): what a function with YAML in its body returns.

    `node` is None where none of that YAML was reached: such a fragment is empty, false, and null when it is printed.
    """

    __slots__ = ("node",)
    type_name = "yamlfragment"

    def __init__(self, node: Map | Array | DocumentSet | None) -> None:
        self.node = node

    def __bool__(self) -> bool:  # the language asks Python itself what is true
        return self.node is not None and len(self.node.items) > 0
