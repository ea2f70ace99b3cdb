"""What a schema gives: the values where none are given, and what is filled into those that are."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.template.ytt import schema
from ytt_documents import assigned, defaults, documents, plain, schema_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("---\na: 1\nb: x\nc: 1.5\nd: true\n", {"a": 1, "b": "x", "c": 1.5, "d": True}, id="scalars"),
        pytest.param("---\na:\n- 1\n", {"a": []}, id="an array is empty"),
        pytest.param("---\na:\n  b:\n    c: 1\n", {"a": {"b": {"c": 1}}}, id="maps have all their keys"),
        pytest.param("---\n#@schema/nullable\na:\n  b: 1\n", {"a": None}, id="what may be null is null"),
        pytest.param("---\n#@schema/type any=True\na:\n- b: 1\n", {"a": [{"b": 1}]}, id="any is what stands there"),
        pytest.param(
            "---\n#@schema/type any=True\n#@schema/nullable\na: 1\n", {"a": None}, id="any that may be null is null"
        ),
        pytest.param(
            "---\n#@schema/nullable\n#@schema/type any=False\na: 1\n", {"a": None}, id="any=False says nothing"
        ),
        pytest.param('---\n#@schema/default "x"\na: ""\n', {"a": "x"}, id="a default"),
        pytest.param("---\n#@schema/default 3\na: 1.5\n", {"a": 3}, id="an integer as the default of a float"),
        pytest.param("---\n#@schema/nullable\n#@schema/default 3\na: 1\n", {"a": 3}, id="a default beside nullable"),
        pytest.param("---\n#@schema/default None\n#@schema/nullable\na: 1\n", {"a": None}, id="null as a default"),
        pytest.param(
            '---\n#@schema/default [{"name": "x"}]\na:\n- name: ""\n  host: local\n',
            {"a": [{"name": "x", "host": "local"}]},
            id="what a default leaves out is filled in",
        ),
        pytest.param(
            '---\n#@schema/default {"b": 2}\na:\n  b: 0\n  c:\n  - 1\n', {"a": {"b": 2, "c": []}}, id="also in a map"
        ),
        pytest.param('#@schema/default {"a": 2}\n---\na: 0\n', {"a": 2}, id="a default of the document"),
        pytest.param("#@schema/nullable\n---\na: 0\n", None, id="a document that may be null"),
        pytest.param("--- 5\n", 5, id="a document that is a number"),
        pytest.param("---\n- a\n", [], id="a document that is an array"),
        pytest.param("#@schema/type any=True\n---\na: [1]\n", {"a": [1]}, id="a document of any type"),
    ],
)
def test_without_values_there_are_defaults(text: str, expected: Any) -> None:
    assert defaults(text) == expected


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        pytest.param(
            "---\na: 1\nb: 2\nc: 3\n", "---\nb: 5\n", {"b": 5, "a": 1, "c": 3}, id="missing keys follow those given"
        ),
        pytest.param(
            "---\na:\n- id: 0\n  up: true\n",
            "---\na:\n- id: 1\n- up: false\n",
            {"a": [{"id": 1, "up": True}, {"up": False, "id": 0}]},
            id="each item of an array is filled in",
        ),
        pytest.param(
            "---\na:\n- name: x\n  more:\n    args:\n    - b: 1\n    #@schema/nullable\n    opts:\n      c: 1\n",
            "---\na:\n- name: z\n",
            {"a": [{"name": "z", "more": {"args": [], "opts": None}}]},
            id="with all that is under a missing key",
        ),
        pytest.param(
            "---\n#@schema/nullable\na:\n  b: 1\n  c: 2\n",
            "---\na:\n  c: 5\n",
            {"a": {"c": 5, "b": 1}},
            id="what may be null and is not is filled in",
        ),
        pytest.param(
            "---\n#@schema/type any=True\na:\n  b: 1\n", "---\na:\n  c: 5\n", {"a": {"c": 5}}, id="any is not filled in"
        ),
        pytest.param(
            "#@schema/nullable\n---\na: 0\nb: x\n", "---\na: 4\n", {"a": 4, "b": "x"}, id="a nullable document"
        ),
    ],
)
def test_what_values_leave_out_is_filled_in(text: str, values: str, expected: Any) -> None:
    assert assigned(text, values) == expected
    assert list(assigned(text, values)) == list(expected)


def test_the_document_that_is_filled_in_stays_as_it_was() -> None:
    declared = schema_of("---\na:\n  b: 1\n  c: 2\n")
    given = documents("---\na:\n  b: 5\n", "values.yml").items[0]
    assert plain(declared.assigned(given)) == {"a": {"b": 5, "c": 2}}
    assert plain(given) == {"a": {"b": 5}}


def test_a_document_that_is_complete_is_given_back_itself() -> None:
    given = documents("---\na: 5\n", "values.yml").items[0]
    assert schema_of("---\na: 1\n").assigned(given) is given


def test_defaults_stand_where_they_are_declared() -> None:
    document = schema_of("---\na: 1\nb:\n  c: 2\n").default_document()
    assert document is not None
    places = [document.place, *(item.place for item in document.value.items)]
    assert places == ["schema.yml:1", "schema.yml:2", "schema.yml:3"]


def test_without_a_schema_everything_is_allowed_and_nothing_is_given() -> None:
    declared = schema.permissive()
    given = documents("---\na: [1, {b: null}]\n", "values.yml").items[0]
    assert declared.default_document() is None
    assert declared.assigned(given) is given
