"""`@ytt:struct` (values with fields, functions bound to an object) and `@ytt:module`.

What is made from keyword arguments holds those very values; `encode` and `decode` make anew all that is in a value.
"""

from __future__ import annotations

from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.arguments import exactly
from packhouse.template.ytt.modules.plain_copy import PlainCopy
from packhouse.template.ytt.starlark.args import positional
from packhouse.template.ytt.starlark.names import is_callable
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Struct, Thread


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
    return PlainCopy(thread, structs=True).of(args[0])


def _decode(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
    exactly(args, 1)
    return PlainCopy(thread).of(args[0])


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
