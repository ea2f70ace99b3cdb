"""One run of a template's program: what its instructions do.

`Template.evaluate` makes one and binds the instructions to it. Functions of the template may be called long after the
run, by those that loaded them: they go on using it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from packhouse.template.ytt.compile.given import Giver
from packhouse.template.ytt.compile.replacing import replace
from packhouse.template.ytt.compile.steps import Plan
from packhouse.template.ytt.compile.text_context import TextContext
from packhouse.template.ytt.compile.yaml_context import YamlContext
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import DocumentSet
from packhouse.template.ytt.starlark import instructions
from packhouse.template.ytt.values import Fragment, Opaque, Thread

#: What a compiled template may call; the first one is for the language alone.
INSTRUCTIONS: Final = frozenset(
    {
        instructions.SET_CTX_TYPE,
        instructions.START_CTX,
        instructions.END_CTX,
        instructions.START_NODE,
        instructions.SET_NODE,
        instructions.SET_MAP_ITEM_KEY,
        instructions.START_NODE_ANNOTATION,
        instructions.COLLECT_NODE_ANNOTATION,
    }
)
#: What `template.replace` gives: no value is set for the node that is gone.
REPLACED: Final = Opaque("noop", "noop", {})


class Evaluation:
    """The contexts are a stack: the file's own, and above it those of the functions that run."""

    __slots__ = ("_contexts", "_giver", "_plan", "_root", "_thread", "_top")

    def __init__(self, plan: Plan, thread: Thread) -> None:
        self._plan = plan
        self._thread = thread
        self._giver = Giver(thread)
        self._contexts: list[YamlContext | TextContext] = []
        self._top: YamlContext | TextContext = YamlContext(plan, self._giver)
        self._root: YamlContext | TextContext | None = None

    @property
    def bindings(self) -> Mapping[str, Any]:
        """The instructions by the names under which a program calls them."""
        return {
            instructions.START_CTX: self.start_context,
            instructions.END_CTX: self.end_context,
            instructions.START_NODE: self.start_node,
            instructions.SET_NODE: self.set_node,
            instructions.SET_MAP_ITEM_KEY: self.set_map_item_key,
            instructions.START_NODE_ANNOTATION: self.start_node_annotation,
            instructions.COLLECT_NODE_ANNOTATION: _collected,
        }

    @property
    def is_over(self) -> bool:
        return not self._contexts

    @property
    def result(self) -> DocumentSet | str | None:
        """Of the file's own context; None where a program made nothing."""
        if self._root is None:
            return None
        result = self._root.result()
        if isinstance(result, Fragment):
            return result.node if isinstance(result.node, DocumentSet) else None
        return result

    def start_context(self, kind: str) -> None:
        self._top = TextContext(self._plan, self._thread) if kind == "text" else YamlContext(self._plan, self._giver)
        self._contexts.append(self._top)
        if self._root is None:
            self._root = self._top

    def end_context(self, *returned: Any) -> Any:
        """What the function made, or what it returns instead."""
        if not self._contexts:
            raise EvalError(f"{instructions.END_CTX}: (p) unexpected ctx end")
        ended = self._contexts.pop()
        if self._contexts:
            self._top = self._contexts[-1]
        return returned[0] if returned else ended.result()

    def start_node(self, number: int) -> None:
        try:
            self._top.start(number)
        except EvalError as error:
            raise EvalError(f"{instructions.START_NODE}: {error.message}") from None

    def set_node(self, number: int, value: Any, /, *_: Any, **__: Any) -> None:
        """Code may hold a bracket that closes the call early: then there is more, which means nothing."""
        if value is REPLACED:
            return
        try:
            self._top.set_value(value)
        except EvalError as error:
            raise EvalError(f"{instructions.SET_NODE}: {error.message}") from None

    def set_map_item_key(self, number: int, key: Any) -> None:
        try:
            self._top.name_key(number, key)
        except EvalError as error:
            raise EvalError(f"{instructions.SET_MAP_ITEM_KEY}: {error.message}") from None

    def start_node_annotation(self, number: int, index: int, /, *given: Any, **named: Any) -> None:
        """The one thing that is given is what `_collected` made, but for code with brackets of its own."""
        if len(given) != 1 or named:
            raise EvalError(f"{instructions.START_NODE_ANNOTATION}: expected exactly 3 arguments")
        collected = given[0]
        if not isinstance(collected, tuple) or not collected or not all(isinstance(part, tuple) for part in collected):
            raise EvalError(f"{instructions.START_NODE_ANNOTATION}: expected the arguments of an annotation")
        try:
            kwargs = {name: value for name, value in collected[1:] if isinstance(name, str)}
        except ValueError:
            raise EvalError(f"{instructions.START_NODE_ANNOTATION}: expected the arguments of an annotation") from None
        self._top.annotate(number, index, collected[0], kwargs)

    def replace(self, value: Any) -> Opaque:
        """`template.replace`. Raises EvalError."""
        if not self._contexts or isinstance(self._top, TextContext):
            raise EvalError("unsupported operation")
        replace(self._top, value, self._giver, self._plan.override)
        return REPLACED


def _collected(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
    """As values of the language, since code may look at them: the arguments, and pairs for those with a name."""
    return (args, *kwargs.items())
