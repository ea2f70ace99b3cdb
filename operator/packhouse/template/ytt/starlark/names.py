"""The names of types and functions."""

from __future__ import annotations

from types import FunctionType
from typing import Any, Final

from packhouse.template.ytt.starlark.containers import BoundMethod, NativeBuiltin, OrderedSet
from packhouse.template.ytt.values import Builtin

_NAMES: Final[dict[type, str]] = {
    type(None): "NoneType",
    bool: "bool",
    int: "int",
    float: "float",
    str: "string",
    list: "list",
    tuple: "tuple",
    dict: "dict",
    set: "set",
    frozenset: "set",
    OrderedSet: "set",
    range: "range",
    FunctionType: "function",
    Builtin: "builtin_function_or_method",
    NativeBuiltin: "builtin_function_or_method",
    BoundMethod: "builtin_function_or_method",
}


def type_name(value: Any) -> str:
    """What `type(value)` gives."""
    known = _NAMES.get(type(value))
    if known:
        return known
    name: str = value.type_name  # a class of ours: values.HasFields
    return name


def function_name(value: Any) -> str:
    """Of a function, a builtin or a method: "f", "lambda", "base64.encode", "split"."""
    if type(value) is FunctionType:
        return plain_name(value.__code__.co_name)
    name: str = value.name
    return name


def plain_name(code_name: str) -> str:
    """Of the code of a function, as `emit` names it."""
    if code_name == "<lambda>":
        return "lambda"
    if code_name == "<module>":
        return "<toplevel>"
    return code_name.rpartition(".")[2]


def is_callable(value: Any) -> bool:
    """Whether `value` is a function of a template, a builtin or a method."""
    return type(value) is FunctionType or isinstance(value, Builtin | BoundMethod)
