"""The arguments of builtins, refused in the words of the original.

`positional` and `named` are for builtins of the language, whose messages carry their own name; the rest is for those of
the modules, which the language names itself (see values.Builtin).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.names import is_callable, type_name
from packhouse.template.ytt.starlark.sequences import iterate
from packhouse.template.ytt.values import Args, Kwargs

_INT32: Final = range(-(2**31), 2**31)
_INT64: Final = range(-(2**63), 2**63)


class _Absent:
    """An argument that was not given."""

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()


def int32(value: Any) -> int:
    """An int of 32 bits. Raises EvalError: "got string, want int", "4294967296 out of range"."""
    if type(value) is not int:
        raise EvalError(f"got {type_name(value)}, want int")
    if value not in _INT32:
        raise EvalError(f"{value} out of range")
    return value


def _want(wanted: str, fits: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not fits(value):
            raise EvalError(f"got {type_name(value)}, want {wanted}")
        return value

    return check


_KINDS: Final[dict[str, Callable[[Any], Any]]] = {
    "any": lambda value: value,
    "int": int32,
    "string": _want("string", lambda value: type(value) is str),
    "bool": _want("bool", lambda value: type(value) is bool),
    "list": _want("list", lambda value: type(value) is list),
    "dict": _want("dict", lambda value: type(value) is dict),
    "iterable": _want("iterable", lambda value: iterate(value) is not None),
    "callable": _want("callable", is_callable),
}


def positional(name: str, args: Args, kwargs: Kwargs, least: int, *kinds: str) -> Args:
    """The arguments, ABSENT for those that were left out: at least `least`, at most one for each of `kinds` ("any",
    "int", "string", "bool", "list", "dict", "iterable", "callable"). Raises EvalError."""
    if kwargs:
        raise EvalError(f"{name}: unexpected keyword arguments")
    given, most = len(args), len(kinds)
    if given < least:
        raise EvalError(f"{name}: got {given} arguments, want {'at least ' if least < most else ''}{least}")
    if given > most:
        raise EvalError(f"{name}: got {given} arguments, want {'at most ' if most > least else ''}{most}")
    for number, value in enumerate(args):
        kind = kinds[number]
        if kind != "any":
            _checked(value, kind, f"{name}: for parameter {number + 1}")
    return args if given == most else args + (ABSENT,) * (most - given)


def named(name: str, args: Args, kwargs: Kwargs, *parameters: str) -> Args:
    """The arguments by position or name, ABSENT for those that were left out. A parameter is written "key: callable",
    "reverse?: bool"; from the first with a "?" on, all may be left out. Raises EvalError."""
    if len(args) > len(parameters):
        raise EvalError(f"{name}: got {len(args)} arguments, want at most {len(parameters)}")
    names = [parameter.partition(":")[0].rstrip("?") for parameter in parameters]
    kinds = [parameter.partition(": ")[2] for parameter in parameters]
    found: list[Any] = [ABSENT] * len(parameters)
    for number, value in enumerate(args):
        found[number] = _checked(value, kinds[number], f"{name}: for parameter {names[number]}")
    for key, value in kwargs.items():
        if key not in names:
            raise EvalError(f'{name}: unexpected keyword argument "{key}"')
        number = names.index(key)
        if found[number] is not ABSENT:
            raise EvalError(f'{name}: got multiple values for keyword argument "{key}"')
        found[number] = _checked(value, kinds[number], f'{name}: for parameter "{key}"')
    for number, parameter in enumerate(parameters):
        if "?" in parameter:
            break
        if found[number] is ABSENT:
            raise EvalError(f"{name}: missing argument for {names[number]}")
    return tuple(found)


def _checked(value: Any, kind: str, whose: str) -> Any:
    try:
        return _KINDS[kind](value)
    except EvalError as refused:
        raise EvalError(f"{whose}: {refused.message}") from None


def as_string(value: Any) -> str:
    """Raises EvalError: "expected a string, but was int"."""
    if type(value) is not str:
        raise EvalError(f"expected a string, but was {type_name(value)}")
    return value


def as_bool(value: Any) -> bool:
    """Raises EvalError: "expected starlark.Bool, but was starlark.String"."""
    if type(value) is not bool:
        raise EvalError(f"expected starlark.Bool, but was {go_type(value)}")
    return value


def as_int64(value: Any) -> int:
    """Raises EvalError: "expected starlark.Int", "expected int64 value"."""
    if type(value) is not int:
        raise EvalError("expected starlark.Int")
    if value not in _INT64:
        raise EvalError("expected int64 value")
    return value


def bool_arg(kwargs: Kwargs, name: str, default: bool = False) -> bool:
    """A keyword argument that is a bool."""
    return as_bool(kwargs[name]) if name in kwargs else default


def int_arg(kwargs: Kwargs, name: str, default: int = 0) -> int:
    """A keyword argument that is an int of 64 bits."""
    return as_int64(kwargs[name]) if name in kwargs else default


def check_names(kwargs: Kwargs, valid: Collection[str]) -> None:
    """Raises EvalError: "invalid argument name: x"."""
    for name in kwargs:
        if name not in valid:
            raise EvalError(f"invalid argument name: {name}")


_GO_TYPES: Final = {
    "NoneType": "starlark.NoneType",
    "bool": "starlark.Bool",
    "int": "starlark.Int",
    "float": "starlark.Float",
    "string": "starlark.String",
    "list": "*starlark.List",
    "tuple": "starlark.Tuple",
    "dict": "*starlark.Dict",
    "set": "*starlark.Set",
    "range": "starlark.rangeValue",
    "function": "*starlark.Function",
    "builtin_function_or_method": "*starlark.Builtin",
    "struct": "*core.StarlarkStruct",
    "module": "*starlarkstruct.Module",
    "yamlfragment": "*yamltemplate.StarlarkFragment",
}


def go_type(value: Any) -> str:
    """Of a value of a template, in the original's own language."""
    name = type_name(value)
    return _GO_TYPES.get(name, name)
