"""Functions that say which nodes an item of an overlay means: those of the module, and those of a template.

`tester` makes a function of them that `drafts` asks for each node on the left. A matcher of ours is asked directly, so
that hundreds of documents cost no call of the language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from packhouse.template.ytt.convert import to_nodes, to_template
from packhouse.template.ytt.errors import EvalError, LimitExceeded
from packhouse.template.ytt.nodes import Map, Value
from packhouse.template.ytt.overlay.compare import difference, same
from packhouse.template.ytt.starlark.args import as_bool, as_int64
from packhouse.template.ytt.values import Args, Builtin, Fragment, Kwargs, Thread
from packhouse.template.ytt.words import kind_of

#: Index or key, left value, right value: values of nodes, or of a template where it calls a matcher itself.
Test: TypeAlias = Callable[[Any, Any, Any], bool]


#: Tests that were made already for the same item, by the identity of the function.
Known: TypeAlias = "dict[int, Test]"


class Matcher:
    """What a builtin of three arguments runs. `prepare` is done once for each item of an overlay."""

    __slots__ = ("prepare",)

    def __init__(self, prepare: Callable[[Thread, Known], Test]) -> None:
        self.prepare = prepare

    def __call__(self, thread: Thread, args: Args, kwargs: Kwargs) -> bool:
        if len(args) != 3:
            raise EvalError("expected exactly 3 arguments")
        try:
            return self.prepare(thread, {})(*args)
        except RecursionError:
            raise LimitExceeded("matchers of overlays are nested too deeply") from None


def tester(function: Any, thread: Thread, known: Known | None = None) -> Test:
    """What to ask for each node. It raises EvalError as the function does."""
    known = {} if known is None else known
    test = known.get(id(function))
    if test is None:
        test = known[id(function)] = _tester(function, thread, known)
    return test


def _tester(function: Any, thread: Thread, known: Known) -> Test:
    matcher = function.run if isinstance(function, Builtin) else None
    if not isinstance(matcher, Matcher):
        return lambda label, left, right: as_bool(
            thread.call(function, (to_template(label), to_template(left), to_template(right)))
        )
    test = matcher.prepare(thread, known)
    name = function.name

    def named(label: Any, left: Any, right: Any) -> bool:
        try:
            return test(label, left, right)
        except EvalError as error:
            raise EvalError(f"{name}: {error.message}") from error

    return named


def every() -> Builtin:
    return Builtin("overlay.all", Matcher(lambda thread, known: lambda label, left, right: True))


def at_index(expected: int) -> Builtin:
    def test(label: Any, left: Any, right: Any) -> bool:
        return as_int64(label) == expected

    return Builtin("overlay.index_matcher", Matcher(lambda thread, known: test))


def by_map_key(key: str) -> Builtin:
    def test(label: Any, left: Any, right: Any) -> bool:
        return same(_of_key(key, left), _of_key(key, right))

    return Builtin("overlay.map_key_matcher", Matcher(lambda thread, known: test))


def holding(expected: Any) -> Builtin:
    """`expected` is a value of a template."""

    def prepare(thread: Thread, known: Known) -> Test:
        wanted = to_nodes(expected)
        return lambda label, left, right: not difference(to_nodes(left), wanted, thread)

    return Builtin("overlay.subset_matcher", Matcher(prepare))


def all_of(functions: Args) -> Builtin:
    def prepare(thread: Thread, known: Known) -> Test:
        return _combined(all, functions, thread, known)

    return Builtin("overlay.and_op", Matcher(prepare))


def any_of(functions: Args) -> Builtin:
    def prepare(thread: Thread, known: Known) -> Test:
        return _combined(any, functions, thread, known)

    return Builtin("overlay.or_op", Matcher(prepare))


def none_of(function: Any) -> Builtin:
    def prepare(thread: Thread, known: Known) -> Test:
        test = tester(function, thread, known)
        return lambda label, left, right: not test(label, left, right)

    return Builtin("overlay.not_op", Matcher(prepare))


def _combined(how: Callable[[Iterable[bool]], bool], functions: Args, thread: Thread, known: Known) -> Test:
    tests = [tester(function, thread, known) for function in functions]

    def combined(label: Any, left: Any, right: Any) -> bool:
        thread.tick()  # the same matcher may be in others many times
        return how(test(label, left, right) for test in tests)

    return combined


def _of_key(key: str, value: Any) -> Value:
    node = value.node if isinstance(value, Fragment) else value
    if not isinstance(node, Map):
        raise EvalError(f"Expected value to be map, but was {kind_of(node)}")
    for item in node.items:
        if item.key == key:
            return item.value
    raise EvalError(f"Expected to find map item with key '{key}', but did not")
