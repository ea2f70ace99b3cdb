"""The annotations of overlays: their names, and what their arguments say.

`apply` reads them of the upper tree; the workspace asks for the names. How many nodes may match is `expects`.
"""

from __future__ import annotations

from typing import Any, Final

from packhouse.template.ytt.convert import to_nodes, to_plain, to_template
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import ArrayItem, MapItem, Value
from packhouse.template.ytt.overlay.compare import difference
from packhouse.template.ytt.overlay.expects import Expectation
from packhouse.template.ytt.starlark.args import ABSENT, as_bool, go_type
from packhouse.template.ytt.starlark.names import is_callable
from packhouse.template.ytt.values import Thread

NAMESPACE: Final = "overlay/"
MERGE: Final = "overlay/merge"
REMOVE: Final = "overlay/remove"
REPLACE: Final = "overlay/replace"
INSERT: Final = "overlay/insert"
APPEND: Final = "overlay/append"
ASSERT: Final = "overlay/assert"
MATCH: Final = "overlay/match"
MATCH_CHILD_DEFAULTS: Final = "overlay/match-child-defaults"

#: What may be done with an item; without any of them it is merged.
OPERATIONS: Final = (MERGE, REMOVE, REPLACE, INSERT, APPEND, ASSERT)

#: A document is an array item of its kind.
Item = MapItem | ArrayItem


def operation_of(item: Item) -> str:
    """One of OPERATIONS. Raises EvalError where there are two."""
    if not item.annotations:
        return MERGE
    named = [name for name in OPERATIONS if name in item.annotations]
    if len(named) > 1:
        raise EvalError("Expected to find only one overlay operation")
    return named[0] if named else MERGE


def kwargs_of(item: Item, name: str) -> dict[str, Any]:
    """The named arguments of the annotation `name`; none where it is missing."""
    annotation = item.annotations.get(name) if item.annotations else None
    return annotation.kwargs if annotation else {}


def defaults_of(item: Item, inherited: Expectation) -> Expectation:
    """How many matches the children of `item` expect that do not say so themselves."""
    if not item.annotations or MATCH_CHILD_DEFAULTS not in item.annotations:
        return inherited
    own = Expectation()
    for name, value in kwargs_of(item, MATCH_CHILD_DEFAULTS).items():
        if not own.take(name, value):
            raise _unknown(MATCH_CHILD_DEFAULTS, name)
    return own.filled(inherited)


def match_of(item: Item, inherited: Expectation) -> tuple[Any, Expectation]:
    """`by` (ABSENT where it is not said), and how many matches are expected."""
    if not item.annotations or MATCH not in item.annotations:
        return ABSENT, inherited
    matcher: Any = ABSENT
    own = Expectation()
    for name, value in kwargs_of(item, MATCH).items():
        if name == "by":
            matcher = value
        elif not own.take(name, value):
            raise _unknown(MATCH, name)
    return matcher, own.filled(inherited)


class Replacement:
    """`#@overlay/replace via=, or_add=`"""

    __slots__ = ("item", "or_add", "via")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.via: Any = ABSENT
        self.or_add = False
        for name, value in kwargs_of(item, REPLACE).items():
            if name == "via":
                self.via = value
            elif name == "or_add":
                self.or_add = as_bool(value)
            else:
                raise _unknown(REPLACE, name)

    def value(self, old: Value, new: Value, thread: Thread) -> Value:
        """What takes the place of `old`, None where nothing was there. Raises EvalError."""
        if self.via is ABSENT:
            return new
        if not is_callable(self.via):
            raise _no_function(REPLACE, self.via)
        return _made(self.via, old, new, thread)


class Insertion:
    """`#@overlay/insert before=, after=, via=`"""

    __slots__ = ("after", "before", "via")

    def __init__(self, item: Item) -> None:
        kwargs = kwargs_of(item, INSERT)
        if not kwargs:
            raise _too_few(INSERT, "before=..., after=...")
        self.before = self.after = False
        self.via: Any = ABSENT
        for name, value in kwargs.items():
            if name == "before":
                self.before = as_bool(value)
            elif name == "after":
                self.after = as_bool(value)
            elif name != "via":
                raise _unknown(INSERT, name)
            elif not is_callable(value):
                raise _no_function(INSERT, value)
            else:
                self.via = value

    def value(self, old: Value, new: Value, thread: Thread) -> Value:
        """What is put beside `old`. Raises EvalError."""
        return new if self.via is ABSENT else _made(self.via, old, new, thread)


class Assertion:
    """`#@overlay/assert via=`"""

    __slots__ = ("via",)

    def __init__(self, item: Item) -> None:
        self.via: Any = ABSENT
        for name, value in kwargs_of(item, ASSERT).items():
            if name != "via":
                raise _unknown(ASSERT, name)
            self.via = value

    def check(self, old: Value, new: Value, thread: Thread) -> None:
        """Raises EvalError where `old` is not what is asserted."""
        if self.via is ABSENT:
            reason = difference(old, new, thread)
            if reason:
                raise EvalError(f"Expected objects to equal, but did not: {reason}")
            return
        if not is_callable(self.via):
            raise _no_function(ASSERT, self.via)
        _judge(thread.call(self.via, (to_template(old), to_template(new))))


def at_least_one(item: Item) -> None:
    """Raises EvalError where `#@overlay/match` says nothing, but must."""
    if not kwargs_of(item, MATCH):
        raise _too_few(MATCH, "by=..., expects=...")


def _judge(verdict: Any) -> None:
    if verdict is None or verdict is True:
        return
    if verdict is False:
        raise EvalError("Expected via invocation to return true, but was false")
    if isinstance(verdict, list | tuple) and len(verdict) == 2:
        success, message = verdict
        if isinstance(success, bool) and isinstance(message, str):
            if not success:
                raise EvalError(f"Expected via invocation to return true, but was false with message: {message}")
            return
    to_plain(verdict)  # what has no form in YAML is refused as such
    raise EvalError(
        "Expected via invocation to return NoneType, Bool or Tuple(Bool,String), but returned neither of those"
    )


def _made(via: Any, old: Value, new: Value, thread: Thread) -> Value:
    return to_nodes(thread.call(via, (to_template(old), to_template(new))))


def _unknown(annotation: str, argument: str) -> EvalError:
    return EvalError(f"Unknown '{annotation}' annotation keyword argument '{argument}'")


def _too_few(annotation: str, which: str) -> EvalError:
    return EvalError(f"Expected '{annotation}' annotation to have at least one keyword argument ({which})")


def _no_function(annotation: str, value: Any) -> EvalError:
    return EvalError(
        f"Expected '{annotation}' annotation keyword argument 'via' to be function, but was {go_type(value)}"
    )
