"""`@ytt:math`: functions of floats and ints, the constants e and pi.

What a function gives is what the original's does, to the last bit where `math_functions` says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules import math_functions as functions
from packhouse.template.ytt.modules.arguments import as_float, exactly
from packhouse.template.ytt.starlark.args import go_type, positional
from packhouse.template.ytt.starlark.containers import NativeBuiltin
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Thread


def _unary(name: str, function: Callable[[float], float]) -> Builtin:
    def run(thread: Thread, args: Args, kwargs: Kwargs) -> float:
        exactly(args, 1)
        return function(as_float(args[0]))

    return Builtin(name, run)


def _binary(name: str, function: Callable[[float, float], float]) -> Builtin:
    def run(thread: Thread, args: Args, kwargs: Kwargs) -> float:
        exactly(args, 2)
        return function(as_float(args[0]), as_float(args[1]))

    return Builtin(name, run)


def _whole(name: str, function: Callable[[float], int]) -> Builtin:
    def run(thread: Thread, args: Args, kwargs: Kwargs) -> int:
        (value,) = positional(name, args, kwargs, 1, "any")
        if type(value) is int:
            return value
        if type(value) is not float:
            raise EvalError(f"expected float value, but was {go_type(value)}")
        if math.isnan(value):
            raise EvalError("cannot convert float NaN to integer")
        if math.isinf(value):
            raise EvalError("cannot convert float infinity to integer")
        return function(value)

    return Builtin(name, run)


def _log(thread: Thread, args: Args, kwargs: Kwargs) -> float:
    value, base = positional("log", args, kwargs, 1, "any", "any")
    below = functions.log(as_float(base)) if len(args) > 1 else 1.0
    return functions.quotient(functions.log(as_float(value)), below)


_FIELDS: Final[dict[str, Any]] = {
    "ceil": _whole("ceil", math.ceil),
    "floor": _whole("floor", math.floor),
    "log": NativeBuiltin("log", _log),
    "e": math.e,
    "pi": math.pi,
    **{name: _unary(name, function) for name, function in functions.UNARY.items()},
    **{name: _binary(name, function) for name, function in functions.BINARY.items()},
}
MATH: Final = Module("math", _FIELDS)
