"""What the functions of modules ask of their arguments, and texts as the bytes that they stand for.

Called by the modules of this folder. No message here names the function: the language does that.
"""

from __future__ import annotations

from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.args import as_string, bool_arg, check_names, go_type
from packhouse.template.ytt.starlark.names import is_callable, type_name
from packhouse.template.ytt.values import Args, Builtin, Fragment, Kwargs, Opaque, Thread

__all__ = [
    "as_float",
    "as_text",
    "constant",
    "exactly",
    "flag",
    "from_bytes",
    "go_name",
    "go_spelling",
    "go_value_type",
    "is_callable",
    "no_go_value",
    "one_text",
    "only",
    "to_bytes",
]

#: The language's own checks, under the names that modules know.
as_text: Final = as_string
flag: Final = bool_arg
go_name: Final = go_type

_COUNTS: Final = {0: "no argument", 1: "exactly one argument", 2: "exactly two arguments", 3: "exactly 3 arguments"}

#: What values are once the original made them some of its own language, by their type here.
_GO_VALUES: Final = {
    "NoneType": "<nil>",
    "bool": "bool",
    "float": "float64",
    "string": "string",
    "list": "[]interface {}",
    "tuple": "[]interface {}",
    "set": "[]interface {}",
    "dict": "*orderedmap.Map",
    "struct": "*orderedmap.Map",
}


def exactly(args: Args, count: int) -> None:
    """`count` is 0 to 3. Keyword arguments are not looked at: most functions pass over those that they do not know."""
    if len(args) != count:
        raise EvalError(f"expected {_COUNTS[count]}")


def one_text(args: Args) -> str:
    """The only argument, a text."""
    exactly(args, 1)
    return as_string(args[0])


def only(kwargs: Kwargs, *names: str) -> None:
    """Refuse keyword arguments of other names."""
    check_names(kwargs, names)


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
    if isinstance(value, Fragment):
        return "<nil>" if value.node is None else f"*yamlmeta.{type(value.node).__name__}"
    if type(value) is int:
        return "int64" if value < 2**63 else "uint64"
    name = _GO_VALUES.get(type_name(value))
    if name is None:
        raise no_go_value(value)
    return name


def no_go_value(value: Any) -> EvalError:
    if isinstance(value, Opaque):
        hint = f"{value.type_name} does not automatically encode (hint: use .string())"
        return EvalError(f"Unable to convert value: {hint}")
    return EvalError(f"unknown type {go_type(value)} for conversion to go value")


def go_spelling(value: Any) -> str:
    """A scalar that stands in a message where the original expects a text."""
    if type(value) is str:
        return value
    if value is None:
        return "%!s(<nil>)"
    shown = str(value).lower() if type(value) is bool else f"{value:g}" if type(value) is float else str(value)
    return f"%!s({go_value_type(value)}={shown})"


def to_bytes(text: str) -> bytes:
    """UTF-8; a byte that was none is again the byte that it was (see `from_bytes`)."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def from_bytes(data: bytes) -> str:
    """A text of a template may hold any bytes; those that are no UTF-8 are kept as lone surrogates."""
    return data.decode("utf-8", "surrogateescape")
