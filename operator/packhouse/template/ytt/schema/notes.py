"""What `#@schema/...` says on a node, with the refusals of the original for what it must not say.

Read by `reading`, which knows the type that an annotation belongs to. Raises ProblemError for one finding, whose
heading the caller knows, and YttError for a complete message.
"""

from __future__ import annotations

from typing import Any

from packhouse.template.ytt.convert import to_nodes
from packhouse.template.ytt.nodes import Annotation, Array, ArrayItem, Document, DocumentSet, Map, Node, Value
from packhouse.template.ytt.schema.report import (
    Problem,
    ProblemError,
    place,
    refusal,
    spot_of,
    spot_of_annotation,
)
from packhouse.template.ytt.schema.types import Example, ValueType
from packhouse.template.ytt.starlark.args import go_type
from packhouse.template.ytt.starlark.text import type_name
from packhouse.template.ytt.words import kind_of

TYPE = "schema/type"
NULLABLE = "schema/nullable"
DEFAULT = "schema/default"
DESCRIPTION = "schema/desc"
TITLE = "schema/title"
EXAMPLES = "schema/examples"
DEPRECATED = "schema/deprecated"
VALIDATION = "schema/validation"

_EXAMPLE = "2-tuple containing description (string) and example value (of expected type)"


def find(node: Node, name: str) -> Annotation | None:
    return node.annotations.get(name) if node.annotations else None


def says_any(node: Node) -> bool:
    """`#@schema/type any=True`"""
    annotation = find(node, TYPE)
    if annotation is None:
        return False
    if not annotation.kwargs:
        raise _refused(
            node,
            annotation,
            description=f"expected @{TYPE} annotation to have keyword argument and value",
            expected="valid keyword argument and value",
            found="missing keyword argument and value",
            hints=("Supported key-value pairs are 'any=True', 'any=False'",),
        )
    answer = False
    for name, value in annotation.kwargs.items():
        if name != "any" or not isinstance(value, bool):
            raise _refused(
                node,
                annotation,
                description=f"unknown @{TYPE} annotation keyword argument",
                expected="A valid kwarg" if name != "any" else "starlark.Bool",
                found=name if name != "any" else go_type(value),
                hints=("Supported kwargs are 'any'",),
            )
        answer = value
    return answer


def says_nullable(node: Node) -> bool:
    annotation = find(node, NULLABLE)
    if annotation is None:
        return False
    if annotation.kwargs:
        raise _refused(
            node,
            annotation,
            description=f"expected @{NULLABLE} annotation to not contain any keyword arguments",
            expected="starlark.Bool",
            found=f"keyword argument in @{NULLABLE}",
            hints=("Supported kwargs are 'any'",),
        )
    return True


def default_value(node: Node, annotation: Annotation, declared: ValueType) -> Value:
    """The value of `#@schema/default`, as nodes at the place of `node`; not yet checked against its type."""
    _refuse_default_here(node, annotation)
    expected = f"{declared.title} (by {declared.place})"
    hints = (
        "this annotation only accepts one argument: the default value.",
        "value must be in Starlark format, e.g.: {'key': 'value'}, True.",
    )
    return to_nodes(_only_argument(node, DEFAULT, annotation, expected, hints), node.source, node.line)


def _refuse_default_here(node: Node, annotation: Annotation) -> None:
    hints: tuple[str, ...] = ()
    if isinstance(node, Map | Array | DocumentSet):
        kind = kind_of(node)
    elif isinstance(node, ArrayItem) and not isinstance(node, Document):
        kind = "array item"
        hints = (
            "do you mean to set a default value for the array?",
            "set an array's default by annotating its parent.",
        )
    else:
        return
    problem = Problem(spot_of(node), hints=hints, annotations=(spot_of_annotation(annotation),))
    raise refusal(f"Invalid schema - @{DEFAULT} not supported on {kind}", [problem])


def text(node: Node, name: str) -> str | None:
    """The text of `#@schema/desc` or `#@schema/title`; None where there is none."""
    annotation = find(node, name)
    return None if annotation is None else _text(node, name, annotation)


def says_deprecated(node: Node) -> bool:
    """Its notice is checked and not kept: nothing shows it."""
    annotation = find(node, DEPRECATED)
    if annotation is None:
        return False
    if isinstance(node, Document):
        raise ProblemError(
            Problem(
                spot_of(node),
                description=f"@{DEPRECATED} not supported on a document",
                hints=(
                    "do you mean to deprecate the entire schema document?",
                    "use schema/deprecated on individual keys.",
                ),
                annotations=(spot_of_annotation(annotation),),
            )
        )
    _text(node, DEPRECATED, annotation)
    return True


def examples(node: Node, annotation: Annotation) -> tuple[Example, ...]:
    if annotation.kwargs:
        raise _syntax(node, EXAMPLES, annotation, _EXAMPLE, f"keyword argument in @{EXAMPLES}")
    if not annotation.args:
        raise _syntax(node, EXAMPLES, annotation, _EXAMPLE, f"missing value in @{EXAMPLES}")
    return tuple(_example(node, annotation, argument) for argument in annotation.args)


def _example(node: Node, annotation: Annotation, argument: Any) -> Example:
    if not isinstance(argument, tuple):
        raise _syntax(node, EXAMPLES, annotation, _EXAMPLE, f"{type_name(argument)} for @{EXAMPLES}", "at")
    if len(argument) < 2:
        raise _syntax(node, EXAMPLES, annotation, _EXAMPLE, f"empty tuple in @{EXAMPLES}")
    if len(argument) > 2:
        raise _syntax(node, EXAMPLES, annotation, _EXAMPLE, f"{len(argument)}-tuple argument in @{EXAMPLES}")
    description, value = argument
    if not isinstance(description, str):
        raise _syntax(node, EXAMPLES, annotation, _EXAMPLE, f"{type_name(description)} value for @{EXAMPLES}", "at")
    return Example(description, to_nodes(value, node.source, node.line))


def _text(node: Node, name: str, annotation: Annotation) -> str:
    hints = ("this annotation only accepts one argument: a string.",)
    value = _only_argument(node, name, annotation, "string", hints)
    if not isinstance(value, str):
        raise _syntax(node, name, annotation, "string", f"Non-string value in @{name}")
    return value


def _only_argument(node: Node, name: str, annotation: Annotation, expected: str, hints: tuple[str, ...]) -> Any:
    if annotation.kwargs:
        raise _syntax(node, name, annotation, expected, f"keyword argument in @{name}", hints=hints)
    if not annotation.args:
        raise _syntax(node, name, annotation, expected, f"missing value in @{name}")
    if len(annotation.args) > 1:
        raise _syntax(node, name, annotation, expected, f"{len(annotation.args)} values in @{name}")
    return annotation.args[0]


def _syntax(
    node: Node,
    name: str,
    annotation: Annotation,
    expected: str,
    found: str,
    preposition: str = "by",
    hints: tuple[str, ...] = (),
) -> ProblemError:
    description = f"syntax error in @{name} annotation"
    return _refused(node, annotation, description, expected, found, hints, preposition)


def _refused(
    node: Node,
    annotation: Annotation,
    description: str,
    expected: str,
    found: str,
    hints: tuple[str, ...],
    preposition: str = "by",
) -> ProblemError:
    spot = spot_of_annotation(annotation)
    found = f"{found} ({preposition} {place(spot)})"
    return ProblemError(Problem(spot_of(node), found, expected, description, hints, (spot,)))
