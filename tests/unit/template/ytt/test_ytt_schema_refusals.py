"""Data values that do not fit their schema: what is said, to the byte, and in which order."""

from __future__ import annotations

import pytest

from ytt_documents import assigned, refused, schema_of

HEADING = "\nOne or more data values were invalid\n====================================\n"


def found(line: int, text: str, what: str, expected: str, width: int = 1, hint: str = "") -> str:
    """One finding in values.yml, as it is told."""
    margin = "  " + " " * width
    lines = [
        "",
        "values.yml:",
        f"{margin} |",
        f"  {line:>{width}} | {text}",
        f"{margin} |",
        "",
        f"{margin} = found: {what}",
        f"{margin} = expected: {expected}",
    ]
    return "\n".join([*lines, *([f"{margin} = hint: {hint}"] if hint else []), ""])


def undeclared(line: int, text: str, key: str, expected: str, hint: str = "") -> str:
    return "\nGiven data value is not declared in schema" + found(line, text, key, expected, hint=hint)


SERVER = """---
name: ""
port: 0
ratio: 1.5
tls: false
labels:
- key: ""
"""


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(
            "---\nname: 1\nport: x\nratio: 2m\ntls: 0\n",
            found(2, "name: 1", "integer", "string (by schema.yml:2)")
            + found(3, "port: x", "string", "integer (by schema.yml:3)")
            + found(4, "ratio: 2m", "string", "float (by schema.yml:4)")
            + found(5, "tls: 0", "integer", "boolean (by schema.yml:5)"),
            id="each scalar of another type is told, in the order of the document",
        ),
        pytest.param(
            "---\nport: 1.0\nname: null\n",
            found(2, "port: 1.0", "float", "integer (by schema.yml:3)")
            + found(3, "name: null", "null", "string (by schema.yml:2)"),
            id="a float is no integer, and null is nothing that was not declared",
        ),
        pytest.param(
            "---\nlabels: []\nname:\n  first: a\n",
            found(4, "  first: a", "map", "string (by schema.yml:2)").replace("4 |   first: a", "3 | name:"),
            id="a map where a string is declared",
        ),
        pytest.param(
            "---\nname: 5\nlabels:\n  a: b\n",
            found(3, "labels:", "map", "array (by schema.yml:6)"),
            id="a map in the place of an array is told alone, before scalars are looked at",
        ),
        pytest.param(
            "---\nlabels: many\n",
            found(2, "labels: many", "string", "array (by schema.yml:6)"),
            id="a string where an array is declared",
        ),
        pytest.param(
            "---\nlabels:\n- key: a\n- one\n- key: 1\n",
            found(4, "- one", "string", "map (by schema.yml:7)")
            + found(5, "- key: 1", "integer", "string (by schema.yml:7)"),
            id="items of an array are told one by one",
        ),
        pytest.param(
            "---\n" + "\n" * 7 + "name: 1\nport: x\n",
            found(9, "name: 1", "integer", "string (by schema.yml:2)", width=2)
            + found(10, "port: x", "string", "integer (by schema.yml:3)", width=2),
            id="the numbers of lines stand in one column",
        ),
        pytest.param(
            "---\nprt: 1\nname: 2\n",
            undeclared(
                2,
                "prt: 1",
                "prt",
                "one of { labels, name, port, ratio, tls } (from schema.yml:1)",
                hint='did you mean "port"?',
            )
            + found(3, "name: 2", "integer", "string (by schema.yml:2)"),
            id="a key that nobody declared, with the one that was meant, goes before the items of its map",
        ),
        pytest.param(
            "---\nlabels:\n- value: x\n",
            undeclared(3, "- value: x", "value", 'a map item with the key named "key" (from schema.yml:7)'),
            id="the only key that is declared is named",
        ),
        pytest.param(
            "---\n7: x\ntrue: y\n",
            undeclared(2, "7: x", "7", "one of { labels, name, port, ratio, tls } (from schema.yml:1)")
            + undeclared(3, "true: y", "true", "one of { labels, name, port, ratio, tls } (from schema.yml:1)"),
            id="keys that are no strings",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_both_places(values: str, expected: str) -> None:
    assert refused(SERVER, values) == f"{HEADING}{expected}\n"


def test_of_many_keys_none_is_named() -> None:
    schema = "---\n" + "".join(f"key{number}: 0\n" for number in range(10))
    expected = undeclared(1, "unlike: 1", "unlike", "a key declared in map (from schema.yml:1)")
    assert refused(schema, "unlike: 1\n") == f"{HEADING}{expected}\n"


@pytest.mark.parametrize(
    ("given", "declared", "meant"),
    [
        pytest.param("hostnam", "hostname", "hostname", id="a letter is missing"),
        pytest.param("hostName", "host_name", "host_name", id="case and underscores do not count"),
        pytest.param("ab", "xy", "", id="nothing in common"),
        pytest.param("abcd", "abxy", "", id="half of the letters is too much"),
        pytest.param("abcde", "abxye", "abxye", id="less than half is a typing error"),
        pytest.param("x" * 5000, "x" * 5001, "", id="long names are not compared"),
    ],
)
def test_the_key_that_was_meant_is_hinted_at(given: str, declared: str, meant: str) -> None:
    message = refused(f"---\n{declared}: 0\n", f"---\n{given}: 0\n")
    assert (f'hint: did you mean "{meant}"?' in message) == bool(meant)
    assert ("did you mean" in message) == bool(meant)


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        pytest.param("---\nratio: 1.5\n", "---\nratio: 2\n", id="an integer is a float"),
        pytest.param("---\n#@schema/nullable\nname: a\n", "---\nname: null\n", id="null where it is allowed"),
        pytest.param(
            "---\n#@schema/type any=True\na: 1\n", "---\na: [b, {c: d}]\n", id="anything where any is allowed"
        ),
        pytest.param("--- 5\n", "--- 6\n", id="a document that is a number"),
        pytest.param("---\n- a\n", "---\n- b\n- c\n", id="a document that is an array"),
        pytest.param("---\n1: a\n", "---\n1: b\n", id="a key that is a number"),
    ],
)
def test_values_that_fit_are_kept(schema: str, values: str) -> None:
    assert assigned(schema, values) == assigned("#@schema/type any=True\n---\n", values)


def test_where_null_is_allowed_a_value_of_another_type_is_not() -> None:
    message = refused("---\n#@schema/nullable\nname: a\n", "---\nname: 5\n")
    assert message == f"{HEADING}{found(2, 'name: 5', 'integer', 'string (by schema.yml:3)')}\n"


def test_a_document_of_another_type_is_told_at_its_line() -> None:
    assert refused("--- 5\n", "--- a\n") == f"{HEADING}{found(1, '--- a', 'string', 'integer (by schema.yml:1)')}\n"


def test_a_value_that_came_from_no_file_is_shown_itself() -> None:
    from packhouse.template.ytt.convert import to_nodes
    from packhouse.template.ytt.errors import YttError
    from packhouse.template.ytt.nodes import Document

    schema = schema_of("---\nport: 0\n")
    with pytest.raises(YttError) as refusal:
        schema.assigned(Document(to_nodes({"port": 'say "4"'})))
    assert refusal.value.message == (
        f"{HEADING}\nData value calculated:\n    #\n"
        '    # port: "say \\"4\\""\n    #\n\n    = found: string\n    = expected: integer (by schema.yml:2)\n\n'
    )
