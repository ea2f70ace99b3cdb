"""A tree of YAML as it grows while a template runs.

The program names steps; each puts a node where it belongs: below the nearest node that is open. `Evaluation` has one
for the file itself, and one for each running function with YAML in its body. Nodes that are begun here are changed here
alone, until the tree is handed on; plain nodes are only ever put into it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from packhouse.template.ytt.compile.given import Giver
from packhouse.template.ytt.compile.steps import Plan, Step
from packhouse.template.ytt.compile.survey import key_identity
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import (
    Annotation,
    Annotations,
    Array,
    ArrayItem,
    Document,
    DocumentSet,
    Map,
    MapItem,
    Node,
    Value,
)
from packhouse.template.ytt.values import Fragment
from packhouse.template.ytt.words import go_string, kind_of

MAP_KEY_OVERRIDE = "yaml/map-key-override"

Keys = dict[Hashable, MapItem]

_ITEMS = (Document, MapItem, ArrayItem)
_MAY_HOLD = {
    Document: "documents can only contain arrays, maps, or scalars",
    MapItem: "map items can only contain arrays, maps, or scalars",
    ArrayItem: "array items can only contain maps, arrays, or scalars",
}


class YamlContext:
    """`root` is None until a node was begun. The open nodes and, for maps, their keys are stacks beside each other."""

    __slots__ = ("_giver", "_keys", "_nodes", "_numbers", "_pending", "_pending_keys", "_plan", "root")

    def __init__(self, plan: Plan, giver: Giver) -> None:
        self.root: Map | Array | DocumentSet | None = None
        self._plan = plan
        self._giver = giver
        self._numbers: list[int] = []
        self._nodes: list[Any] = []
        self._keys: list[Keys | None] = []
        self._pending: dict[int, Annotations] = {}
        self._pending_keys: dict[int, Value] = {}

    def result(self) -> Fragment:
        return Fragment(self.root)

    @property
    def open_nodes(self) -> list[Any]:
        return self._nodes

    def keys_of(self, depth: int) -> Keys | None:
        """Of the open node at that depth."""
        return self._keys[depth]

    def start(self, number: int) -> None:
        step = self._plan.nodes.get(number)
        if step is None:
            raise EvalError(f"expected to find node tag {number}")
        if self._numbers:
            if self._numbers[-1] != step.parent:
                self._close_down_to(step)
        elif step.kind in _ITEMS:
            self._open(self._made(self._plan.nodes[step.parent]), step.parent)
        if step.ready:
            self._giver.weigh(len(step.ready))
            for item in step.ready:
                self._add(item)
            return
        self._open(self._made(step), number)
        if step.inner is not None:
            self._open(self._made(step.inner), step.inner.number)

    def annotate(self, number: int, index: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """For the node that the step begins next; `index` is that of the annotation in the step's."""
        step = self._plan.nodes[number]
        note = step.notes[index]
        self._pending.setdefault(number, {})[note.name] = Annotation(args, kwargs, step.source, note.line)

    def name_key(self, number: int, key: Any) -> None:
        """For the item that the step begins next."""
        self._pending_keys[number] = self._giver.give(key)

    def set_value(self, value: Any) -> None:
        """Of the node that was begun last."""
        node = self._nodes[-1]
        if not isinstance(node, _ITEMS):
            article = "an" if isinstance(node, Array) else "a"
            raise EvalError(f"cannot set value on {article} {kind_of(node)}")
        node.value = _checked(node, self._giver.give(value))

    def _made(self, step: Step) -> Any:
        kind = step.kind
        node: Any
        if kind is MapItem:
            node = MapItem(step.key, step.value, step.source, step.line, step.comments)
            if self._pending_keys:
                node.key = self._pending_keys.pop(step.number, step.key)
        elif kind is Document:
            node = Document(step.value, step.source, step.line, step.comments, None, step.injected)
        elif kind is ArrayItem:
            node = ArrayItem(step.value, step.source, step.line, step.comments)
        else:
            return kind([], step.source, step.line)  # type: ignore[arg-type] # one of the three that hold items
        if self._pending:
            node.annotations = self._pending.pop(step.number, None)
        return node

    def _open(self, node: Any, number: int) -> None:
        if self._nodes:
            self._add(node)
        else:
            self.root = node
        self._nodes.append(node)
        self._numbers.append(number)
        self._keys.append({} if type(node) is Map else None)

    def _add(self, node: Any) -> None:
        parent = self._nodes[-1]
        kind = type(parent)
        if kind is Map:
            if type(node) is not MapItem:
                raise EvalError(f"maps can only contain map items; this is a {kind_of(node)}")
            keys = self._keys[-1]
            assert keys is not None  # noqa: S101 - every map has them
            make_room(parent, keys, node, self._plan.override)
            keys[key_identity(node.key)] = node
            parent.items.append(node)
        elif kind is Array:
            if type(node) is not ArrayItem:
                raise EvalError(f"arrays can only contain array items; this is a {kind_of(node)}")
            parent.items.append(node)
        elif kind is DocumentSet:
            if type(node) is not Document:
                raise EvalError(f"document sets can only contain documents; this is a {kind_of(node)}")
            parent.items.append(node)
        else:
            parent.value = _checked(parent, node)

    def _close_down_to(self, step: Step) -> None:
        """Until the nearest node is open which holds what the step begins.

        It is nearly always the parent. Where blocks of code begin and end at different depths, the parent may never
        have been begun, and what is common to the node and to the one before takes its place.
        """
        if step.parent in self._numbers:
            depth = self._numbers.index(step.parent)
        else:
            common = self._common_ancestor(step)
            if common not in self._numbers:
                raise EvalError(f"(p) expected to find node tag {common} when unwinding")
            depth = self._numbers.index(common)
        del self._numbers[depth + 1 :], self._nodes[depth + 1 :], self._keys[depth + 1 :]

    def _common_ancestor(self, step: Step) -> int:
        steps = self._plan.nodes
        before = {self._numbers[-1]}
        number = self._numbers[-1]
        while number in steps:
            number = steps[number].parent
            before.add(number)
        number = step.parent
        while number not in before:
            number = steps[number].parent
        return number


def make_room(holder: Map, keys: Keys, item: MapItem, override: bool) -> None:
    """Take the item away that has the key already. Raises EvalError where nothing allows it."""
    before = keys.get(key_identity(item.key))
    if before is None:
        return
    if not override and MAP_KEY_OVERRIDE not in (item.annotations or ()):
        raise EvalError(
            f"expected key '{go_string(item.key)}' to not be specified again "
            f"(unless '{MAP_KEY_OVERRIDE}' annotation is added)"
        )
    holder.items[:] = [other for other in holder.items if other is not before]


def _checked(holder: Node, value: Value) -> Value:
    if isinstance(value, Node) and not isinstance(value, Map | Array):
        raise EvalError(f"{_MAY_HOLD[type(holder)]}; this is a {kind_of(value)}")
    return value
