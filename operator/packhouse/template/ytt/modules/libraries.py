"""`@ytt:library`: private libraries as values, and what may be done with them.

What runs a library is handed in (`Instance`), since that is the workspace. A value of a library is never changed: each
`with_...` gives another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

from packhouse.template.ytt.convert import to_nodes
from packhouse.template.ytt.errors import EvalError, YttError
from packhouse.template.ytt.modules.arguments import exactly, one_text
from packhouse.template.ytt.nodes import DocumentSet, Value
from packhouse.template.ytt.starlark.args import as_string, bool_arg, check_names
from packhouse.template.ytt.values import Args, Builtin, Fragment, Kwargs, Module, Thread


class Instance(Protocol):
    """A library with the values and the schemas that it was given so far."""

    @property
    def name(self) -> str:
        """For messages: its path, with its alias."""
        ...

    def with_values(self, values: Value, plain: bool) -> Self: ...

    def with_schema(self, schema: Value) -> Self: ...

    def data_values(self) -> Any: ...

    def documents(self) -> DocumentSet: ...

    def exported(self, symbol: str, path: str | None) -> Any: ...


#: A library by its path; the named arguments as `library.get` was given them, checked by type.
Find = Callable[[str, dict[str, Any]], Instance]

_FLAGS = (
    "ignore_unknown_comments",
    "implicit_map_key_overrides",
    "strict",
    "dangerous_data_values_disable_validation",
)


def library_module(find: Find) -> Module:
    def get(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        path = one_text(args)
        options: dict[str, Any] = {}
        for name, value in kwargs.items():
            if name == "alias":
                options[name] = as_string(value)
            elif name in _FLAGS:
                options[name] = bool_arg(kwargs, name)
            else:
                raise EvalError(f"Unexpected kwarg '{name}'")
        if path.startswith("@"):
            raise EvalError(f"Expected library '{path}' to be specified without '@'")
        return _value(_run("", lambda: find(path, options)))

    return Module("library", {"get": Builtin("library.get", get)})


def _value(instance: Instance) -> Module:
    """The library as a template has it."""

    def with_data_values(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        exactly(args, 1)
        values = to_nodes(args[0])
        check_names(kwargs, ("plain",))
        plain = bool_arg(kwargs, "plain")
        return _value(_run("", lambda: instance.with_values(values, plain)))

    def with_data_values_schema(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        exactly(args, 1)
        schema = to_nodes(args[0])
        return _value(_run("", lambda: instance.with_schema(schema)))

    def evaluate(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        def run() -> Fragment:
            _none(args)
            return Fragment(instance.documents())

        return _run(f"Evaluating library '{instance.name}': ", run)

    def export(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        return _run(f"Exporting from library '{instance.name}': ", lambda: _exported(instance, args, kwargs))

    def data_values(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        def run() -> Any:
            _none(args)
            return instance.data_values()

        return _run(f"Exporting from library '{instance.name}': ", run)

    members = {
        "with_data_values": with_data_values,
        "with_data_values_schema": with_data_values_schema,
        "eval": evaluate,
        "export": export,
        "data_values": data_values,
    }
    return Module("library", {name: Builtin(f"library.{name}", run) for name, run in members.items()})


def _exported(instance: Instance, args: Args, kwargs: Kwargs) -> Any:
    symbol = one_text(args)
    path = None
    for name, value in kwargs.items():
        if name != "path":
            raise EvalError(f"Unexpected keyword argument '{name}'")
        path = as_string(value)
    if symbol.startswith("_"):
        raise EvalError("Symbols starting with '_' are private, and cannot be exported")
    return instance.exported(symbol, path or None)


def _run(what: str, run: Callable[[], Any]) -> Any:
    """`what` goes in front of what is wrong."""
    try:
        return run()
    except YttError as error:
        raise EvalError(what + error.message) from None


def _none(args: Args) -> None:
    if args:
        raise EvalError("expected no arguments")
