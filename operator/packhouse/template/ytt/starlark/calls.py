"""Calls: of functions of templates, of builtins, of methods; and what is said about wrong arguments."""

from __future__ import annotations

from collections.abc import Iterable
from types import FunctionType
from typing import Any

from packhouse.template.ytt.convert import to_template
from packhouse.template.ytt.errors import EvalError, LimitExceeded, YttError
from packhouse.template.ytt.nodes import Map
from packhouse.template.ytt.starlark.access import METHODS, attr, no_attr
from packhouse.template.ytt.starlark.containers import BoundMethod, NativeBuiltin
from packhouse.template.ytt.starlark.names import function_name, type_name
from packhouse.template.ytt.starlark.sequences import iterate, rounds
from packhouse.template.ytt.starlark.thread import Thread
from packhouse.template.ytt.values import Args, Builtin, Fragment, Kwargs, Struct


class WrongArguments(EvalError):
    """A function of a template was called with wrong arguments; the function is part of the chain of calls."""

    def __init__(self, message: str, function: FunctionType) -> None:
        super().__init__(message)
        self.function = function


def call(thread: Thread, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`function(*args, **kwargs)` in a template."""
    if type(function) is FunctionType:
        thread.steps -= 1
        if thread.steps < 0:
            thread.tick()
        try:
            return function(*args, **kwargs)
        except TypeError as wrong:
            # what was raised here, and not inside, is Python's word about the arguments
            if wrong.__traceback__ is not None and wrong.__traceback__.tb_next is None:
                raise _wrong_arguments(function, args, kwargs) from None
            raise
    return call_builtin(thread, function, args, kwargs)


def invoke(thread: Thread, x: Any, name: str, /, *args: Any, **kwargs: Any) -> Any:
    """`x.name(*args, **kwargs)` in a template."""
    methods = METHODS.get(type(x))
    if methods is not None:
        method = methods.get(name)
        if method is None:
            raise no_attr(x, name)
        return method(thread, x, args, kwargs)
    function = attr(thread, x, name)
    if type(function) is FunctionType:
        return call(thread, function, *args, **kwargs)
    return call_builtin(thread, function, args, kwargs)


def call_builtin(thread: Thread, function: Any, args: Args, kwargs: Kwargs) -> Any:
    kind = type(function)
    if kind is Builtin:
        try:
            return function.run(thread, args, kwargs)
        except YttError as refused:
            raise EvalError(f"{function.name}: {refused.message}") from None
        except (LimitExceeded, RecursionError, MemoryError):
            raise
        except Exception as panic:  # the original says of what a builtin did not foresee "(p)", too
            raise EvalError(f"{function.name}: (p) {panic}") from panic
    if kind is BoundMethod:
        return function.run(thread, function.receiver, args, kwargs)
    if kind is NativeBuiltin:
        return function.run(thread, args, kwargs)
    raise EvalError(f"invalid call of non-function ({type_name(function)})")


def call_value(thread: Thread, function: Any, args: Args, kwargs: Kwargs) -> Any:
    """A call that a builtin makes: its errors are EvalError and LimitExceeded."""
    try:
        return call(thread, function, *args, **kwargs)
    except NameError as unbound:
        raise EvalError(unbound_name(unbound)).with_traceback(unbound.__traceback__) from None
    except RecursionError:
        raise LimitExceeded("calls lie too deep in each other") from None


def unbound_name(error: NameError) -> str:
    """What is said of a name that nothing has been assigned to yet."""
    words = str(error).split("'")
    name = words[1] if len(words) > 1 else ""
    kind = "global" if name.startswith("g.") else "local"
    return f"{kind} variable {name.rpartition('.')[2]} referenced before assignment"


def splat(thread: Thread, function: Any, positional: Args, named: Args, star: Any, stars: Any, has_stars: bool) -> Any:
    """`function(x, name=y, *star, **stars)` in a template."""
    args, kwargs, repeated = _taken_apart(thread, positional, named, star, stars, has_stars)
    if repeated is None:
        return call(thread, function, *args, **kwargs)
    if type(function) is FunctionType:
        if repeated in _parameters(function) or _takes_any_name(function):
            words = f"got multiple values for parameter {_quoted(repeated)}"
            raise WrongArguments(f"function {function_name(function)} {words}", function)
        raise _wrong_arguments(function, args, {**kwargs, repeated + " again": None})
    name = _name_of(function)
    if name in ("dict", "update"):
        raise EvalError(f"{name}: duplicate keyword arg: {_quoted(repeated)}")
    call(thread, function, *args, **kwargs)  # it may have worse to say
    raise EvalError(f"{name}: got multiple values for keyword argument {_quoted(repeated)}")


def direct(thread: Thread, function: Any, positional: Args, named: Args, star: Any, stars: Any, has_stars: bool) -> Any:
    """The same for an instruction."""
    args, kwargs, _ = _taken_apart(thread, positional, named, star, stars, has_stars)
    return function(*args, **kwargs)


def _taken_apart(
    thread: Thread, positional: Args, named: Args, star: Any, stars: Any, has_stars: bool
) -> tuple[Args, Kwargs, str | None]:
    kwargs: Kwargs = dict(named)
    repeated = None
    if has_stars:
        for name, value in _pairs(stars):
            if type(name) is not str:
                raise EvalError(f"keywords must be strings, not {type_name(name)}")
            if name in kwargs and repeated is None:
                repeated = name
            kwargs[name] = value
    items = iterate(star)
    if items is None:
        raise EvalError(f"argument after * must be iterable, not {type_name(star)}")
    thread.tick(len(positional) + len(kwargs) + rounds(star))
    return (*positional, *items), kwargs, repeated


def _pairs(mapping: Any) -> Iterable[tuple[Any, Any]]:
    if type(mapping) is dict:
        return list(mapping.items())
    if type(mapping) is Struct:
        return list(mapping.fields().items())
    if type(mapping) is Fragment:
        return fragment_pairs(mapping)
    raise EvalError(f"argument after ** must be a mapping, not {type_name(mapping)}")


def fragment_pairs(fragment: Fragment) -> list[tuple[Any, Any]]:
    """The items of a map. Raises EvalError for an array."""
    node = fragment.node
    if node is None:
        return []
    if type(node) is not Map:
        raise EvalError("yamlfragment.Items: Expected value to be a map, but was an array or document set")
    return [(to_template(item.key), to_template(item.value)) for item in node.items]


def _name_of(function: Any) -> str:
    return function_name(function) if isinstance(function, Builtin | BoundMethod) else type_name(function)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _wrong_arguments(function: FunctionType, args: Args, kwargs: Kwargs) -> WrongArguments:
    return WrongArguments(f"function {function_name(function)} {_complaint(function, args, kwargs)}", function)


def _parameters(function: FunctionType) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _takes_any_name(function: FunctionType) -> bool:
    return bool(function.__code__.co_flags & 0x08)


def _complaint(function: FunctionType, args: Args, kwargs: Kwargs) -> str:
    code = function.__code__
    count, names = code.co_argcount, _parameters(function)
    has_star, has_stars = bool(code.co_flags & 0x04), _takes_any_name(function)
    defaults = function.__defaults__ or ()
    if not names and not has_star and not has_stars:
        return f"accepts no arguments ({len(args) + len(kwargs)} given)"
    if len(args) > count and not has_star:
        at_most = "at most " if defaults else ""
        plural = "" if count == 1 else "s"
        return f"accepts {at_most}{count} positional argument{plural} ({len(args)} given)"
    for name in kwargs:
        if name in names:
            if name in names[: min(len(args), count)]:
                return f"got multiple values for parameter {_quoted(name)}"
        elif not has_stars:
            return f"got an unexpected keyword argument {_quoted(name)}"
    optional = set(names[count - len(defaults) : count]) | set(function.__kwdefaults__ or ())
    missing = [
        name
        for number, name in enumerate(names)
        if name not in kwargs and name not in optional and not (number < count and number < len(args))
    ]
    plural = "s" if len(missing) > 1 else ""
    return f"missing {len(missing)} argument{plural} ({', '.join(missing)})"
