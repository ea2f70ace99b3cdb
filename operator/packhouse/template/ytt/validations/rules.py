"""One annotation with rules, read: `#@assert/validate ("a name", check), min_len=1, when=...`.

Called for `#@assert/validate` by `run` and for `#@schema/validation` by the schema. Says what is wrong with an
annotation; it never looks at the value that is to be checked.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.modules import assert_
from packhouse.template.ytt.nodes import Annotation
from packhouse.template.ytt.starlark.names import is_callable
from packhouse.template.ytt.starlark.text import to_repr, type_name
from packhouse.template.ytt.values import Module, Opaque, Struct, Thread


class Rule(NamedTuple):
    """`check` is a function of a template or a builtin, of one value; a value is valid where it gives True."""

    message: str
    check: Any
    #: Where a critical rule is broken, no other one is looked at; it goes first.
    critical: bool = False


class Validation:
    """The rules of one annotation, those first that must go first. `when` is a function, or None."""

    __slots__ = ("not_null", "place", "rules", "when")

    def __init__(self, rules: list[Rule], when: Any, not_null: bool, place: str) -> None:
        self.rules = sorted(rules, key=lambda rule: not rule.critical)
        self.when = when
        self.not_null = not_null
        self.place = place


def read(annotation: Annotation, thread: Thread) -> Validation:
    """Raises YttError, in words that go after "Invalid @... annotation - "."""
    place = place_of(annotation)
    if not annotation.args and not annotation.kwargs:
        raise YttError(f"expected annotation to have 2-tuple as argument(s), but found no arguments (by {place})")
    rules = [_custom(argument, place) for argument in annotation.args]
    options: dict[str, Any] = {}
    for name, value in annotation.kwargs.items():
        reader = _OPTIONS.get(name)
        if reader is None:
            raise YttError(f'unknown keyword argument "{name}" (at {place})')
        options[name] = reader(name, value, place)
    if options.get("not_null") is False:
        del options["not_null"]
    # The order of the named rules is fixed, whatever the order they were written in.
    rules += [rule(thread, options[name]) for name, rule in _NAMED.items() if name in options]
    return Validation(rules, options.get("when"), "not_null" in options, place)


def _custom(argument: Any, place: str) -> Rule:
    if not isinstance(argument, tuple):
        found = to_repr(argument)
        raise YttError(f"expected annotation to have 2-tuple as argument(s), but found: {found} (by {place})")
    if len(argument) != 2:
        raise YttError(f"expected 2-tuple, but found tuple with length {len(argument)} (by {place})")
    message, check = argument
    if not isinstance(message, str):
        raise YttError(
            "expected first item in the 2-tuple to be a string describing a valid value, "
            f"but was {type_name(message)} (at {place})"
        )
    return Rule(message, check if is_callable(check) else _check_of(check, place))


def _check_of(value: Any, place: str) -> Any:
    """The field `check` of an assertion or of a struct."""
    if not isinstance(value, str | list | dict | set | Struct | Module | Opaque):
        kind = type_name(value)
        raise YttError(f"expected second item in the 2-tuple to be an assertion function, but was {kind} (at {place})")
    fields = value.fields() if isinstance(value, Struct | Module | Opaque) else {}
    if "check" not in fields:
        kind = type_name(value)
        raise YttError(
            f"expected second item in tuple to be an assertion function or assertion object, but was a {kind} "
            f"(at {place})"
        )
    if not is_callable(fields["check"]):
        raise YttError(f"expected struct with attribute check(), but was {type_name(fields['check'])} (at {place})")
    return fields["check"]


def _function(name: str, value: Any, place: str) -> Any:
    if not is_callable(value):
        raise YttError(f'expected keyword argument "{name}" to be a function, but was {type_name(value)} (at {place})')
    return value


def _boolean(name: str, value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise YttError(f'expected keyword argument "{name}" to be a boolean, but was {type_name(value)} (at {place})')
    return value


def _whole(name: str, value: Any, place: str) -> int:
    number = assert_.whole_number(value)
    if number is None:
        raise YttError(f'expected keyword argument "{name}" to be a number, but was {type_name(value)} (at {place})')
    return number


def _anything(name: str, value: Any, place: str) -> Any:
    return value


def _keys(name: str, value: Any, place: str) -> Any:
    if value is False:
        raise YttError("one_not_null= cannot be False")
    if value is not True and not assert_.is_sequence(value):
        raise YttError(f"expected True or a sequence of keys, but was a '{type_name(value)}'")
    return value


def _allowed(name: str, value: Any, place: str) -> Any:
    if not assert_.is_sequence(value):
        raise YttError(f"expected keyword argument one_of to be a sequence, but was {type_name(value)}")
    return value


_OPTIONS: dict[str, Callable[[str, Any, str], Any]] = {
    "when": _function,
    "min_len": _whole,
    "max_len": _whole,
    "min": _anything,
    "max": _anything,
    "not_null": _boolean,
    "one_not_null": _keys,
    "one_of": _allowed,
}


def _one_not_null(thread: Thread, keys: Any) -> Rule:
    everything = keys is True
    described = "all children" if everything else to_repr(keys)
    return Rule(f"exactly one of {described} to be not null", assert_.one_not_null_check(None if everything else keys))


_NAMED: dict[str, Callable[[Thread, Any], Rule]] = {
    "min_len": lambda thread, least: Rule(f"length >= {least}", assert_.min_len_check(thread, least)),
    "max_len": lambda thread, most: Rule(f"length <= {most}", assert_.max_len_check(thread, most)),
    "min": lambda thread, least: Rule(f"a value >= {to_repr(least)}", assert_.min_check(thread, least)),
    "max": lambda thread, most: Rule(f"a value <= {to_repr(most)}", assert_.max_check(thread, most)),
    "not_null": lambda thread, _: Rule("not null", assert_.not_null_check(thread), critical=True),
    "one_not_null": _one_not_null,
    "one_of": lambda thread, allowed: Rule(f"one of {to_repr(allowed)}", assert_.one_of_check(thread, allowed)),
}


def parameters(function: Any) -> int:
    """How many a function of a template has, those for all other arguments among them; a builtin is given one."""
    if type(function) is not FunctionType:
        return 1
    code = function.__code__
    others = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)  # *args, **kwargs
    return code.co_argcount + code.co_kwonlyargcount + others


def place_of(annotation: Annotation) -> str:
    """`file.yml:3`, or "?" """
    return f"{annotation.source.name}:{annotation.line}" if annotation.line else "?"
