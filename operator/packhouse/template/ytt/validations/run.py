"""Go through a document and tell which of its values break which rule.

Called by the workspace with the last data values, and by the schema, which knows the rules of `#@schema/validation`.
Functions of templates are called through the thread, which counts what they do; nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from packhouse.template.ytt.convert import to_template
from packhouse.template.ytt.errors import EvalError, YttError
from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem, Node
from packhouse.template.ytt.starlark.text import type_name
from packhouse.template.ytt.validations import rules
from packhouse.template.ytt.values import Struct, Thread
from packhouse.template.ytt.words import go_string, kind_of

ASSERT_VALIDATE = "assert/validate"

#: What it takes to come to a node and to name its path.
_STEPS = 8


class Declared(Protocol):
    """What a schema says of a node (schema/types.py)."""

    @property
    def validation(self) -> rules.Validation | None: ...

    def under(self, child: Node) -> Declared | None: ...


class Violation(NamedTuple):
    message: str
    place: str
    result: str


class _Seen(NamedTuple):
    """A node on the way down, and what is declared of it."""

    node: Node
    parent: Node | None
    path: str
    declared: Declared | None


def run(root: Node, thread: Thread, declared: Declared | None = None) -> str:
    """What is wrong with the values under `root`, as a text of many lines; empty where all are valid.

    `declared` holds the rules of a schema, which go before those of annotations. Raises YttError for an annotation
    that is none, or for a condition (`when=`) that fails.
    """
    own: dict[int, rules.Validation] = {}
    for seen in _walk(_Seen(root, None, "", declared)):
        thread.tick(_STEPS)
        if seen.node.annotations and ASSERT_VALIDATE in seen.node.annotations:
            own[id(seen.node)] = _annotated(seen.node, thread)
    results = []
    for seen in _walk(_Seen(root, None, "", declared)):
        thread.tick(_STEPS)
        validations = (seen.declared.validation if seen.declared else None, own.get(id(seen.node)))
        results += [
            _told(seen, violations, thread)
            for validation in validations
            if validation is not None and (violations := _broken(validation, seen, root, thread))
        ]
    return "".join(results)


def _walk(seen: _Seen) -> Iterator[_Seen]:
    """`seen` and all that is under it, from top to bottom."""
    yield seen
    for index, child in enumerate(_children(seen.node)):
        path = _path(seen.path, child, index)
        yield from _walk(_Seen(child, seen.node, path, seen.declared.under(child) if seen.declared else None))


def _children(node: Any) -> list[Any]:
    if isinstance(node, Map | Array | DocumentSet):
        return list(node.items)
    return [node.value] if isinstance(node.value, Map | Array | DocumentSet) else []


def _path(path: str, child: Node, index: int) -> str:
    if isinstance(child, MapItem):
        return f"{path}.{go_string(child.key)}" if path else go_string(child.key)
    if isinstance(child, ArrayItem) and not isinstance(child, Document):
        return f"{path}[{index}]"
    return path


def _annotated(node: Node, thread: Thread) -> rules.Validation:
    assert node.annotations is not None  # noqa: S101 - the caller asked for nodes that have the annotation
    annotation = node.annotations[ASSERT_VALIDATE]
    if isinstance(node, Map | Array | DocumentSet):
        raise YttError(f"Invalid @{ASSERT_VALIDATE} annotation - not supported on {kind_of(node)} at {node.place}")
    try:
        return rules.read(annotation, thread)
    except YttError as error:
        raise YttError(f"Invalid @{ASSERT_VALIDATE} annotation - {error.message}") from None


def _broken(validation: rules.Validation, seen: _Seen, root: Node, thread: Thread) -> list[Violation]:
    value = _value(seen.node)
    try:
        if not _applies(validation, value, seen, root, thread):
            return []
    except YttError as error:
        raise YttError(f"Validating {seen.path}: {error.message}") from None
    violations = []
    for rule in validation.rules:
        thread.tick()
        result = ""
        try:
            if thread.call(rule.check, (value,)) is True:
                continue
        except EvalError as error:
            result = error.message.removeprefix("fail: ").removeprefix("check: ")
        violations.append(Violation(rule.message, validation.place, result))
        if rule.critical:
            break
    return violations


def _applies(validation: rules.Validation, value: Any, seen: _Seen, root: Node, thread: Thread) -> bool:
    if value is None and not validation.not_null:
        return False
    if validation.when is None:
        return True
    count = rules.parameters(validation.when)
    if count not in (1, 2):
        raise YttError(f"Failed to evaluate when=: function must accept 1 or 2 arguments ({count} given)")
    context = (Struct({"parent": _value(seen.parent), "root": _value(root)}),) if count == 2 else ()
    try:
        answer = thread.call(validation.when, (value, *context))
    except EvalError as error:
        raise YttError(f"Failure evaluating when=: {error.message}") from None
    if not isinstance(answer, bool):
        raise YttError(f"want when= to be bool, got {type_name(answer)}")
    return answer


def _value(node: Any) -> Any:
    """What a rule sees: the value of an item or of a document, or a map, an array, documents as they are."""
    if node is None:
        return None
    return to_template(node if isinstance(node, Map | Array | DocumentSet) else node.value)


def _told(seen: _Seen, violations: list[Violation], thread: Thread) -> str:
    lines = [f"  {seen.path or f'({kind_of(seen.node)})'}", f"    from: {seen.node.place}"]
    for violation in violations:
        lines.append(f"    - must be: {violation.message} (by: {violation.place})")
        if violation.result:
            lines.append(f"      found: {violation.result}")
    text = "\n".join([*lines, "", ""])
    thread.weigh(len(text))
    return text
