"""`@ytt:struct` (values with fields, functions bound to an object) and `@ytt:module`.

What is made from keyword arguments holds those very values; `encode` and `decode` make anew all that is in a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.arguments import exactly, go_spelling, go_value_type, is_callable, no_go_value
from packhouse.template.ytt.starlark.args import positional
from packhouse.template.ytt.values import Args, Builtin, Fragment, Kwargs, Module, Opaque, Struct, Thread

_INT_LEAST: Final = -(2**63)
_INT_MOST: Final = 2**64 - 1


def _make(thread: Thread, args: Args, kwargs: Kwargs) -> Struct:
    if args:
        raise EvalError("unexpected positional arguments (structs are made from keyword arguments only)")
    return Struct(dict(kwargs))


def _make_and_bind(thread: Thread, args: Args, kwargs: Kwargs) -> Struct:
    if len(args) != 1:
        raise EvalError("expected at exactly one argument")
    return Struct({name: _bound(value, args) if is_callable(value) else value for name, value in kwargs.items()})


def _bind(thread: Thread, args: Args, kwargs: Kwargs) -> Builtin:
    if len(args) < 2:
        raise EvalError("expected at least two arguments")
    return _bound(args[0], args[1:])


def _bound(function: Any, first: Args) -> Builtin:
    def run(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        return thread.call(function, (*first, *args), kwargs)

    return Builtin("struct.bind_result", run)


def _encode(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
    exactly(args, 1)
    return _Copy(thread, structs=True).of(args[0])


def _decode(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
    exactly(args, 1)
    return _Copy(thread, structs=False).of(args[0])


class _Copy:
    """A value made anew: its maps as structs or as dicts, its sequences as lists."""

    __slots__ = ("_path", "_structs", "_thread")

    def __init__(self, thread: Thread, *, structs: bool) -> None:
        self._thread = thread
        self._structs = structs
        self._path: set[int] = set()

    def of(self, value: Any) -> Any:
        """Raises EvalError for what is no plain value: a function, YAML, a value that holds itself."""
        if value is None or isinstance(value, str | bool | float):
            return value
        if isinstance(value, int):
            if not _INT_LEAST <= value <= _INT_MOST:
                raise EvalError("not sure how to get int")
            return value
        if isinstance(value, Struct):
            return self._map(value.fields())
        if isinstance(value, Mapping):
            return self._within(value, "dict", self._map)
        if isinstance(value, list):
            return self._within(value, "list", self._list)
        if isinstance(value, tuple | set | frozenset):
            return self._list(value)
        if isinstance(value, Opaque) and value.plain is not None:
            return self.of(value.plain)
        if isinstance(value, Fragment):
            if value.node is None:
                return None
            raise EvalError(f"unknown type {go_value_type(value)} for conversion to starlark value")
        raise no_go_value(value)

    def _within(self, value: Any, kind: str, copy: Any) -> Any:
        if id(value) in self._path:
            raise EvalError(f"Unable to convert value: self-referencing {kind}")
        self._path.add(id(value))
        made = copy(value)
        self._path.discard(id(value))
        return made

    def _map(self, items: Mapping[Any, Any]) -> Any:
        self._thread.tick(len(items))
        made = {}
        for key, item in items.items():
            name, copy = self.of(key), self.of(item)
            if self._structs and not isinstance(name, str):
                raise EvalError(f"expected struct key {go_spelling(name)} to be string")
            if not isinstance(name, list):  # of a tuple; what has become no key is left out without a word
                made[name] = copy
        return Struct(made) if self._structs else made

    def _list(self, items: Iterable[Any]) -> list[Any]:
        made = [self.of(item) for item in items]
        self._thread.tick(len(made))
        return made


def _make_module(thread: Thread, args: Args, kwargs: Kwargs) -> Module:
    (name,) = positional("module.make", args, {}, 1, "string")
    return Module(name, dict(kwargs))


STRUCT: Final = Module(
    "struct",
    {
        "make": Builtin("struct.make", _make),
        "make_and_bind": Builtin("struct.make_and_bind", _make_and_bind),
        "bind": Builtin("struct.bind", _bind),
        "encode": Builtin("struct.encode", _encode),
        "decode": Builtin("struct.decode", _decode),
    },
)
MODULE: Final = Module("module", {"make": Builtin("module.make", _make_module)})
