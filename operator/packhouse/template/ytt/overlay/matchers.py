"""Functions that say which nodes an item of an overlay means: those of the module, and those of a template.

`tester` makes a function of them that `drafts` asks for each node on the left. A matcher of ours is asked directly, so
that hundreds of documents cost no call of the language.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from packhouse.template.ytt.convert import to_nodes, to_template
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import Map, Value
from packhouse.template.ytt.overlay.annotations import as_bool
from packhouse.template.ytt.overlay.compare import difference, same
from packhouse.template.ytt.overlay.words import template_type, yaml_type
from packhouse.template.ytt.values import Args, Builtin, Fragment, Kwargs, Thread

#: Index or key, left value, right value: values of nodes, or of a template where it calls a matcher itself.
Test: TypeAlias = Callable[[Any, Any, Any], bool]

_INT64_LEAST, _INT64_MOST = -(2**63), 2**63 - 1


class Matcher(Builtin):
    """A builtin of three arguments. `prepare` is done once for each item of an overlay."""

    __slots__ = ("prepare",)

    def __init__(self, name: str, prepare: Callable[[Thread], Test]) -> None:
        super().__init__(name, self._called)
        self.prepare = prepare

    def _called(self, thread: Thread, args: Args, kwargs: Kwargs) -> bool:
        if len(args) != 3:
            raise EvalError("expected exactly 3 arguments")
        return self.prepare(thread)(*args)


def tester(function: Any, thread: Thread) -> Test:
    """What to ask for each node. It raises EvalError as the function does."""
    if not isinstance(function, Matcher):
        return lambda label, left, right: as_bool(
            thread.call(function, (to_template(label), to_template(left), to_template(right)))
        )
    test = function.prepare(thread)
    name = function.name

    def named(label: Any, left: Any, right: Any) -> bool:
        try:
            return test(label, left, right)
        except EvalError as error:
            raise EvalError(f"{name}: {error.message}") from error

    return named


def every() -> Matcher:
    return Matcher("overlay.all", lambda thread: lambda label, left, right: True)


def at_index(expected: int) -> Matcher:
    def test(label: Any, left: Any, right: Any) -> bool:
        return as_int64(label) == expected

    return Matcher("overlay.index_matcher", lambda thread: test)


def by_map_key(key: str) -> Matcher:
    def test(label: Any, left: Any, right: Any) -> bool:
        return same(_of_key(key, left), _of_key(key, right))

    return Matcher("overlay.map_key_matcher", lambda thread: test)


def holding(expected: Any) -> Matcher:
    """`expected` is a value of a template."""

    def prepare(thread: Thread) -> Test:
        wanted = to_nodes(expected)
        return lambda label, left, right: not difference(to_nodes(left), wanted, thread)

    return Matcher("overlay.subset_matcher", prepare)


def all_of(functions: Args) -> Matcher:
    def prepare(thread: Thread) -> Test:
        tests = [tester(function, thread) for function in functions]
        return lambda label, left, right: all(test(label, left, right) for test in tests)

    return Matcher("overlay.and_op", prepare)


def any_of(functions: Args) -> Matcher:
    def prepare(thread: Thread) -> Test:
        tests = [tester(function, thread) for function in functions]
        return lambda label, left, right: any(test(label, left, right) for test in tests)

    return Matcher("overlay.or_op", prepare)


def none_of(function: Any) -> Matcher:
    def prepare(thread: Thread) -> Test:
        test = tester(function, thread)
        return lambda label, left, right: not test(label, left, right)

    return Matcher("overlay.not_op", prepare)


def as_int64(value: Any) -> int:
    """Raises EvalError in the original's words."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise EvalError("expected starlark.Int")
    if not _INT64_LEAST <= value <= _INT64_MOST:
        raise EvalError("expected int64 value")
    return value


def as_text(value: Any) -> str:
    """Raises EvalError in the original's words."""
    if not isinstance(value, str):
        raise EvalError(f"expected a string, but was {template_type(value)}")
    return value


def _of_key(key: str, value: Any) -> Value:
    node = value.node if isinstance(value, Fragment) else value
    if not isinstance(node, Map):
        raise EvalError(f"Expected value to be map, but was {yaml_type(node)}")
    for item in node.items:
        if item.key == key:
            return item.value
    raise EvalError(f"Expected to find map item with key '{key}', but did not")
