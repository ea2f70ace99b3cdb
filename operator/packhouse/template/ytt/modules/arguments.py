"""What the functions of modules ask of their arguments, and texts as the bytes that they stand for.

Called by the modules of this folder. No message here names the function: the language does that.
"""

from __future__ import annotations

from typing import Any, Final

from packhouse.template.ytt import words
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.args import as_string, go_type
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Opaque, Thread

_COUNTS: Final = {0: "no argument", 1: "exactly one argument", 2: "exactly two arguments", 3: "exactly 3 arguments"}


def exactly(args: Args, count: int) -> None:
    """`count` is 0 to 3. Keyword arguments are not looked at: most functions pass over those that they do not know."""
    if len(args) != count:
        raise EvalError(f"expected {_COUNTS[count]}")


def one_text(args: Args) -> str:
    """The only argument, a text."""
    exactly(args, 1)
    return as_string(args[0])


def as_float(value: Any) -> float:
    """Of an int or a float; an int beyond all floats is infinite."""
    if type(value) is float:
        return value
    if type(value) is not int:
        raise EvalError(f"expected float value, but was {go_type(value)}")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def constant(name: str, value: Any) -> Builtin:
    """A method without arguments of a value that does not change."""

    def run(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        exactly(args, 0)
        return value

    return Builtin(name, run)


def go_value_type(value: Any) -> str:
    """Raises EvalError for what the original cannot make a value of its own language: a function, a parsed URL."""
    name = words.known_go_value_type(value)
    if name is None:
        raise no_go_value(value)
    return name


def no_go_value(value: Any) -> EvalError:
    if isinstance(value, Opaque):
        hint = f"{value.type_name} does not automatically encode (hint: use .string())"
        return EvalError(f"Unable to convert value: {hint}")
    return EvalError(f"unknown type {go_type(value)} for conversion to go value")
