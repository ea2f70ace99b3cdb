"""Read types from a document: what stands there is an example of what may stand there, annotations say more.

Called by `document.build`. Raises YttError with the complete message of the original: "Invalid schema ...". Nothing of
the document is changed or copied but what becomes a default.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Annotation, Array, ArrayItem, DocumentSet, Map, MapItem, Node, Value
from packhouse.template.ytt.schema import notes
from packhouse.template.ytt.schema.assign import filled
from packhouse.template.ytt.schema.check import accepts_scalar, check_node
from packhouse.template.ytt.schema.notes import DEFAULT, EXAMPLES, NULLABLE, TYPE, VALIDATION
from packhouse.template.ytt.schema.report import (
    Findings,
    Problem,
    ProblemError,
    mismatch,
    refusal,
    spot_of,
    spot_of_annotation,
)
from packhouse.template.ytt.schema.types import (
    AnyType,
    ArrayType,
    MapType,
    Member,
    NullType,
    ScalarType,
    ValueType,
    bare,
    key_of,
)
from packhouse.template.ytt.validations import rules
from packhouse.template.ytt.values import Thread
from packhouse.template.ytt.words import kind_of

#: What a declaration takes: a small text of a template can make documents that declare very much.
_WEIGHT = 1000
_STEPS = 8


def member_of(item: MapItem | ArrayItem, thread: Thread) -> Member:
    """What a map item, an array item or a document of a schema declares."""
    thread.tick(_STEPS)
    thread.weigh(_WEIGHT)
    value_type = _type_of(item, thread)
    default = _default_of(item, value_type, thread)
    validation = _validation_of(item, thread)
    value_type.set_default(default)
    key = item.key if isinstance(item, MapItem) else None
    return Member(value_type, default, validation, key, item.source, item.line)


@contextmanager
def _invalid_schema() -> Iterator[None]:
    try:
        yield
    except ProblemError as error:
        raise refusal("Invalid schema", [error.problem]) from None
    except YttError as error:
        raise refusal("Invalid schema", [], [error.message]) from None


def _type_of(item: MapItem | ArrayItem, thread: Thread) -> ValueType:
    with _invalid_schema():
        anything, nullable = notes.says_any(item), notes.says_nullable(item)
    declared: ValueType
    if anything:
        _refuse_annotations_under(item.value, thread)
        declared = AnyType(None if nullable else item.value, item.source, item.line)
    elif item.value is None:
        raise _null_not_allowed(item)
    elif nullable:
        with _invalid_schema():
            declared = NullType(_inferred(item, thread), item.source, item.line)
    else:
        declared = _inferred(item, thread)
    _document(item, declared, thread)
    return declared


def _inferred(item: MapItem | ArrayItem, thread: Thread) -> ValueType:
    """From a value that is not null."""
    value = item.value
    if isinstance(value, Map):
        members = {key_of(child.key): member_of(child, thread) for child in value.items}
        return MapType(members, value.source, value.line)
    if isinstance(value, Array):
        if len(value.items) != 1:
            raise _wrong_number_of_items(value)
        return ArrayType(member_of(value.items[0], thread), value.source, value.line)
    if isinstance(value, DocumentSet):
        raise YttError("Expected value to be a map, array, or scalar, but was document set")
    return ScalarType(kind_of(value), value, item.source, item.line)


def _document(item: MapItem | ArrayItem, declared: ValueType, thread: Thread) -> None:
    docs = declared.docs
    annotation = notes.find(item, EXAMPLES)
    with _invalid_schema():
        docs.description = notes.text(item, notes.DESCRIPTION) or ""
        docs.title = notes.text(item, notes.TITLE) or ""
        docs.examples = notes.examples(item, annotation) if annotation else ()
        docs.deprecated = notes.says_deprecated(item)
    if annotation:
        findings = Findings(thread)
        for example in docs.examples:
            _fitting(declared, example.value, findings)
        _refuse_if(findings, annotation, f"Invalid schema - @{EXAMPLES} has wrong type", "by")


def _default_of(item: MapItem | ArrayItem, declared: ValueType, thread: Thread) -> Value:
    annotation = notes.find(item, DEFAULT)
    if annotation is None:
        return declared.default()
    with _invalid_schema():
        given = notes.default_value(item, annotation, declared)
    findings = Findings(thread)
    value = _fitting(declared, given, findings)
    _refuse_if(findings, annotation, f"Invalid schema - @{DEFAULT} is wrong type", "at")
    return value


def _fitting(declared: ValueType, value: Value, findings: Findings) -> Value:
    """A value of an annotation with what is missing in it; how it does not fit is added to `findings`."""
    before = len(findings.problems)
    if not isinstance(value, Map | Array | DocumentSet):
        if not accepts_scalar(declared, value):
            # As a value at the place where the type is declared: an annotation has no place among the values.
            findings.add(mismatch(MapItem(None, value, declared.source, declared.line), bare(declared)))
        return value
    value = filled(declared, value, findings)
    if len(findings.problems) == before:
        check_node(declared, value, findings)
    return value


def _refuse_if(findings: Findings, annotation: Annotation, summary: str, preposition: str) -> None:
    if findings.problems:
        raise refusal(summary, [problem.by(annotation, preposition) for problem in findings.problems])


def _validation_of(item: MapItem | ArrayItem, thread: Thread) -> rules.Validation | None:
    annotation = notes.find(item, VALIDATION)
    if annotation is None:
        return None
    try:
        return rules.read(annotation, thread)
    except YttError as error:
        raise YttError(f"Invalid @{VALIDATION} annotation - {error.message}") from None


def _refuse_annotations_under(value: Value, thread: Thread) -> None:
    """A value of any type declares nothing in it."""
    if not isinstance(value, Map | Array | DocumentSet | MapItem | ArrayItem):
        return
    thread.tick(_STEPS)
    found = {name: note for name in (NULLABLE, TYPE, DEFAULT) if (note := notes.find(value, name))}
    if found:
        problem = Problem(
            spot_of(value),
            description='Schema was specified within an "any type" fragment',
            expected="no '@schema/...' on nodes within a node annotated '@schema/type any=True'",
            found=f"@{', @'.join(found)} annotation(s)",
            hints=('an "any type" fragment has no constraints; nested schema annotations conflict and are disallowed',),
            annotations=tuple(spot_of_annotation(note) for note in found.values()),
        )
        raise refusal("Invalid schema", [problem])
    for child in value.items if isinstance(value, Map | Array | DocumentSet) else (value.value,):
        _refuse_annotations_under(child, thread)


def _wrong_number_of_items(array: Array) -> YttError:
    problem = Problem(
        spot_of(array),
        found=f"{len(array.items)} array items",
        expected="exactly 1 array item, of the desired type",
        hints=(
            "in schema, the one item of the array implies the type of its elements.",
            "in schema, the default value for an array is always an empty list.",
            "default values can be overridden via a data values overlay.",
        ),
    )
    return refusal("Invalid schema - wrong number of items in array definition", [problem])


def _null_not_allowed(item: Node) -> YttError:
    problem = Problem(
        spot_of(item),
        found="null value",
        expected="non-null value",
        hints=(
            "in YAML, omitting a value implies null.",
            "to set the default value to null, annotate with @schema/nullable.",
            "to allow any value, annotate with @schema/type any=True.",
        ),
    )
    return refusal("Invalid schema - null value not allowed here", [problem])
