"""Values of the language that Python has no own for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from packhouse.template.ytt.values import Builtin


class OrderedSet(set[Any]):
    """A set of Starlark: in the order of insertion, and never changed once it is made."""

    __slots__ = ("_order",)

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._order = dict.fromkeys(items)
        super().__init__(self._order)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._order)


class BoundMethod:
    """`"a,b".split` without the call."""

    __slots__ = ("name", "receiver", "run")
    type_name = "builtin_function_or_method"

    def __init__(self, receiver: Any, name: str, run: Callable[..., Any]) -> None:
        self.receiver = receiver
        self.name = name
        self.run = run


class NativeBuiltin(Builtin):
    """A builtin of the language itself: what it raises is said as it is, without its name in front."""

    __slots__ = ()


class TextElements:
    """What `"abc".elems()` and its three siblings give: it can be iterated over, and nothing else."""

    __slots__ = ("items", "text", "type_name")

    def __init__(self, items: Sequence[Any], text: str, type_name: str) -> None:
        self.items = items
        self.text = text
        self.type_name = type_name

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)
