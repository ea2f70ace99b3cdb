"""`@ytt:assert`: fail, try, and the assertions that rules are made of.

Loaded by templates; the validations make their named rules (`min=`, `one_of=`, ...) of the same checks. A check is a
function of the language, so that what it says and the calls it names are those of the original. Values are compared
as YAML gives them back: a struct, a dict and a fragment of the same content are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.yaml import YAML
from packhouse.template.ytt.nodes import Map
from packhouse.template.ytt.starlark.args import go_type
from packhouse.template.ytt.starlark.keys import key_of
from packhouse.template.ytt.starlark.lines import CodeLine
from packhouse.template.ytt.starlark.names import is_callable
from packhouse.template.ytt.starlark.program import Program, compile_program
from packhouse.template.ytt.starlark.text import iterate, to_repr, type_name
from packhouse.template.ytt.values import Args, Builtin, Fragment, Kwargs, Module, Opaque, Struct, Thread

if TYPE_CHECKING:
    from packhouse.template.ytt.starlark.thread import Thread as Evaluation

TYPE_NAME = "@ytt:assert.assertion"

#: Steps that a failure which is caught takes beside what its message does: a frame, a hint, the words themselves.
_FAILURE = 1_000

#: The checks in the language. `plain(x)` is x as YAML gives it back; the other names are what the assertion was made
#: with. What a check calls its argument is seen by whoever gives it none, or gives it by name. Each is compiled once,
#: when it is first needed.
_CODE = {
    "assert.min": 'lambda val: plain(val) >= plain(limit) or fail("value < {}".format(plain(limit)))',
    "assert.max": 'lambda val: plain(val) <= plain(limit) or fail("value > {}".format(plain(limit)))',
    "assert.min_len": 'lambda sequence: True if len(sequence) >= limit else fail("length = {}".format(len(sequence)))',
    "assert.max_len": 'lambda sequence: True if len(sequence) <= limit else fail("length = {}".format(len(sequence)))',
    "assert.not_null": 'lambda value: value != None or fail("value is null")',
    "assert.one_of": 'lambda val: plain(val) in plain(limit) or fail("not one of allowed values")',
}


@cache
def _program(name: str) -> Program:
    return compile_program(name, [CodeLine(f"check = {_CODE[name]}", None, 1)], ("plain", "limit"), hidden=True)


def _check(name: str, thread: Thread, limit: Any = None) -> Any:
    predeclared = {"plain": _PLAIN, "limit": limit}
    return _program(name).run(cast("Evaluation", thread), _loads_nothing, predeclared)["check"]


def _loads_nothing(name: str) -> Mapping[str, Any]:
    raise EvalError(f"cannot load {name}")


def min_check(thread: Thread, least: Any) -> Any:
    """A function of one value: True, or it fails."""
    return _check("assert.min", thread, least)


def max_check(thread: Thread, most: Any) -> Any:
    return _check("assert.max", thread, most)


def min_len_check(thread: Thread, least: int) -> Any:
    return _check("assert.min_len", thread, least)


def max_len_check(thread: Thread, most: int) -> Any:
    return _check("assert.max_len", thread, most)


def not_null_check(thread: Thread) -> Any:
    return _check("assert.not_null", thread)


def one_of_check(thread: Thread, allowed: Any) -> Any:
    return _check("assert.one_of", thread, allowed)


def one_not_null_check(keys: Any) -> Builtin:
    """`keys` is a sequence, or None for all keys of the value."""

    def check(thread: Thread, args: Args, kwargs: Kwargs) -> bool:
        _exactly(args, 1)
        has_value = _has_value(thread, args[0])
        if keys is None:
            wanted = list(has_value)
        else:
            wanted = [_key(thread, _plain(thread, key), args[0]) for key in iterate(keys) or ()]
        thread.tick(len(wanted))
        # A key that is missing is one without a value here: it is for the schema to refuse it.
        present = [key[1] for key in wanted if has_value.get(key)]
        if len(present) > 1:
            raise EvalError(f"{to_repr(present)} are not null")
        if not present:
            raise EvalError("all values are null" if has_value else "value is empty")
        return True

    return Builtin("check", check)


def _has_value(thread: Thread, value: Any) -> dict[tuple[bool, Any], bool]:
    """By the keys of a map or a dict: whether it is not null. Raises EvalError for anything else."""
    if isinstance(value, Fragment) and isinstance(value.node, Map) and value.node.items:
        pairs = [(item.key, item.value) for item in value.node.items]
    elif isinstance(value, dict | Struct):
        pairs = list((value if isinstance(value, dict) else value.fields()).items())
    else:
        raise EvalError(f"value must be a map or dict, but was '{type_name(_plain(thread, value))}'")
    thread.tick(len(pairs))
    return {_key(thread, key, value): not _is_null(item) for key, item in pairs}


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, Fragment) and value.node is None)


def _key(thread: Thread, key: Any, value: Any) -> tuple[bool, Any]:
    """True is not 1, which Python would take it for. Raises EvalError for what is no key."""
    try:
        return (isinstance(key, bool), key_of(key, thread.tick))
    except EvalError:
        described = f"{to_repr(key)} in dict {to_repr(value)}"
        raise EvalError(f"unexpected error while looking up key {described}") from None


def is_sequence(value: Any) -> bool:
    """What has a length and can be gone through; a string is none."""
    return not isinstance(value, str) and type_name(value) in _SEQUENCES


def whole_number(value: Any) -> int | None:
    """A number without its fraction; None for what is no (finite) number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return int(value)
    except (OverflowError, ValueError):
        return None


_SEQUENCES = frozenset({"list", "tuple", "dict", "set", "range", "yamlfragment", "struct"})


def _plain(thread: Thread, value: Any) -> Any:
    text = YAML.fields()["encode"].run(thread, (value,), {})
    return YAML.fields()["decode"].run(thread, (text,), {})


#: Its name is what stands before the message of a value that cannot be encoded.
_PLAIN = Builtin("yaml.encode", lambda thread, args, kwargs: _plain(thread, args[0]))


def _exactly(args: Args, count: int) -> None:
    if len(args) != count:
        raise EvalError(f"got {len(args)} arguments, want {count}")


def _assertion(check: Any) -> Opaque:
    return Opaque(TYPE_NAME, "struct(...)", {"check": check}, hint="does not encode (did you mean to call check()?)")


def _limit(make: Callable[[Thread, Any], Any]) -> Callable[[Thread, Args, Kwargs], Any]:
    def run(thread: Thread, args: Args, kwargs: Kwargs) -> Opaque:
        _exactly(args, 1)
        return _assertion(make(thread, args[0]))

    return run


def _length(make: Callable[[Thread, int], Any]) -> Callable[[Thread, Args, Kwargs], Any]:
    def run(thread: Thread, args: Args, kwargs: Kwargs) -> Opaque:
        _exactly(args, 1)
        number = whole_number(args[0])
        if number is None:
            raise EvalError(f"expected value to be an number, but was {type_name(args[0])}")
        return _assertion(make(thread, number))

    return run


def _not_null(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
    if len(args) > 1:
        raise EvalError(f"got {len(args)} arguments, want at most 1")
    check = not_null_check(thread)
    return thread.call(check, args) if args else _assertion(check)


def _one_not_null(thread: Thread, args: Args, kwargs: Kwargs) -> Opaque:
    if len(args) > 1:
        raise EvalError(f"got {len(args)} arguments, want 1")
    keys = args[0] if args else True
    if keys is False:
        raise EvalError("one_not_null() cannot be False")
    if keys is not True and not is_sequence(keys):
        raise EvalError(f"expected a sequence of keys, but was a '{type_name(keys)}'")
    return _assertion(one_not_null_check(None if keys is True else keys))


def _one_of(thread: Thread, args: Args, kwargs: Kwargs) -> Opaque:
    if not args:
        raise EvalError("got 0 arguments, want at least 1")
    allowed = args[0] if len(args) == 1 else args
    if not is_sequence(allowed):
        raise EvalError(f"expected a sequence, but was a '{type_name(allowed)}'")
    return _assertion(one_of_check(thread, allowed))


def _fail(thread: Thread, args: Args, kwargs: Kwargs) -> None:
    _exactly(args, 1)
    if not isinstance(args[0], str):
        raise EvalError(f"expected starlark.String, but was {go_type(args[0])}")
    raise EvalError(f"fail: {args[0]}")


def _try_to(thread: Thread, args: Args, kwargs: Kwargs) -> tuple[Any, Any]:
    _exactly(args, 1)
    if not is_callable(args[0]):
        raise EvalError(f"expected argument to be a function, but was {go_type(args[0])}")
    try:
        return thread.call(args[0]), None
    except EvalError as error:
        thread.weigh(len(error.message))
        thread.tick(_FAILURE + len(error.message) // 10)
        return None, error.message


def _equals(thread: Thread, args: Args, kwargs: Kwargs) -> None:
    _exactly(args, 2)
    for value in args:
        if is_callable(value):
            raise EvalError(f"expected argument not to be a function, but was {go_type(value)}")
    encode = YAML.fields()["encode"].run
    expected, actual = (encode(thread, (value,), {}) for value in args)
    if expected != actual:
        kinds = [type_name(value) for value in args]
        raise EvalError(f"Not equal:\n(expected type: {kinds[0]})\n{expected}\n\n(was type: {kinds[1]})\n{actual}")


_RUNS: dict[str, Callable[[Thread, Args, Kwargs], Any]] = {
    "equals": _equals,
    "fail": _fail,
    "try_to": _try_to,
    "min": _limit(min_check),
    "min_len": _length(min_len_check),
    "max": _limit(max_check),
    "max_len": _length(max_len_check),
    "not_null": _not_null,
    "one_not_null": _one_not_null,
    "one_of": _one_of,
}

ASSERT = Module("assert", {name: Builtin(f"assert.{name}", run) for name, run in _RUNS.items()})
