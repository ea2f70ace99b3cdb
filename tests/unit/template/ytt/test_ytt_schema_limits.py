"""Small texts that make much: schemas, values and rules end at the limits of the evaluation."""

from __future__ import annotations

import pytest

from packhouse.template.ytt import schema
from packhouse.template.ytt.errors import LimitExceeded
from packhouse.template.ytt.nodes import Array, ArrayItem, Document, Map, MapItem, Source, Value
from packhouse.template.ytt.starlark.thread import LanguageLimits, Thread
from packhouse.template.ytt.validations import run
from ytt_documents import documents

FEW = LanguageLimits(steps=50_000, weight=5_000_000)


def doubled(times: int) -> Array:
    """An array that holds the same array twice, and so on."""
    array = Array([ArrayItem(1)])
    for _ in range(times):
        array = Array([ArrayItem(array), ArrayItem(array)])
    return array


def nested(times: int) -> Value:
    value: Value = 1
    for _ in range(times):
        value = Map([MapItem("a", value)])
    return value


def schema_of(text: str) -> schema.Schema:
    return schema.build(documents(text).items[-1], Thread(FEW))


def test_values_that_hold_another_many_times() -> None:
    declared = schema_of(f"---\n{'[' * 41}1.5{']' * 41}\n")
    with pytest.raises(LimitExceeded):
        declared.assigned(Document(doubled(40)))


def test_rules_of_values_that_hold_another_many_times() -> None:
    with pytest.raises(LimitExceeded):
        run(Document(doubled(40)), Thread(FEW))


def test_a_schema_that_declares_without_end() -> None:
    value: Value = 1
    for _ in range(40):
        value = Map([MapItem("a", value), MapItem("b", value)])
    with pytest.raises(LimitExceeded):
        schema.build(Document(value), Thread(FEW))


def test_a_long_line_with_many_values_that_do_not_fit() -> None:
    line = f"[{'1, ' * 5000}1]"
    values = documents(f"---\n{line}\n", "values.yml").items[-1]
    with pytest.raises(LimitExceeded):
        schema_of("---\n- a\n").assigned(values)


def test_many_keys_that_nobody_declared_beside_many_that_are() -> None:
    declared = schema_of("---\n" + "".join(f"declared{number}: 0\n" for number in range(500)))
    values = Map([MapItem(f"given{number}", 0, Source("v.yml", ""), 1) for number in range(500)])
    with pytest.raises(LimitExceeded):
        declared.assigned(Document(values))


@pytest.mark.parametrize("depth", [5_000, 100_000])
def test_values_and_schemas_that_lie_too_deep(depth: int) -> None:
    with pytest.raises(LimitExceeded):
        schema.build(Document(nested(depth)), Thread())
    with pytest.raises(LimitExceeded):
        schema.permissive().invalidity(Document(nested(depth)), Thread())
