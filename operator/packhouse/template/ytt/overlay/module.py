"""What `load("@ytt:overlay", "overlay")` gives."""

from __future__ import annotations

from typing import Any, Final

from packhouse.template.ytt.convert import to_nodes, to_template
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.overlay import matchers
from packhouse.template.ytt.overlay.apply import apply
from packhouse.template.ytt.starlark.args import as_int64, as_string
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Thread


def _apply(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
    if not args:
        raise EvalError("expected exactly at least argument")
    left, *rights = [to_nodes(value) for value in args]
    return to_template(apply(left, rights, thread))


def _index(thread: Thread, args: Args, kwargs: Kwargs) -> Builtin:
    return matchers.at_index(as_int64(_only(args)))


def _map_key(thread: Thread, args: Args, kwargs: Kwargs) -> Builtin:
    return matchers.by_map_key(as_string(_only(args)))


def _subset(thread: Thread, args: Args, kwargs: Kwargs) -> Builtin:
    return matchers.holding(_only(args))


def _and_op(thread: Thread, args: Args, kwargs: Kwargs) -> Builtin:
    return matchers.all_of(_some(args))


def _or_op(thread: Thread, args: Args, kwargs: Kwargs) -> Builtin:
    return matchers.any_of(_some(args))


def _not_op(thread: Thread, args: Args, kwargs: Kwargs) -> Builtin:
    return matchers.none_of(_only(args))


def _only(args: Args) -> Any:
    if len(args) != 1:
        raise EvalError("expected exactly one argument")
    return args[0]


def _some(args: Args) -> Args:
    if not args:
        raise EvalError("expected at least one argument")
    return args


OVERLAY: Final = Module(
    "overlay",
    {
        "apply": Builtin("overlay.apply", _apply),
        "index": Builtin("overlay.index", _index),
        "all": matchers.every(),
        "map_key": Builtin("overlay.map_key", _map_key),
        "subset": Builtin("overlay.subset", _subset),
        "and_op": Builtin("overlay.and_op", _and_op),
        "or_op": Builtin("overlay.or_op", _or_op),
        "not_op": Builtin("overlay.not_op", _not_op),
    },
)
