"""Schemas that are none: what an author is told, to the byte."""

from __future__ import annotations

import pytest

from ytt_documents import malformed


def told(summary: str, *lines: str) -> str:
    """A refusal with one finding; `lines` are those under the heading."""
    return "\n".join(["", summary, "=" * len(summary), "", *lines, "", ""])


SYNTAX = "Invalid schema"
EXAMPLE = "2-tuple containing description (string) and example value (of expected type)"


def syntax(annotation: str, found: str, expected: str, *hints: str, value: str = "a: 1") -> str:
    """`#@schema/...` in line 2 that says what it must not say."""
    name = annotation.split()[0]
    return told(
        SYNTAX,
        f"syntax error in @{name} annotation",
        "schema.yml:",
        "    |",
        f"  2 | #@{annotation}",
        f"  3 | {value}",
        "    |",
        "",
        f"    = found: {found}",
        f"    = expected: {expected}",
        *(f"    = hint: {hint}" for hint in hints),
    )


@pytest.mark.parametrize(
    ("annotation", "found", "expected", "hints"),
    [
        *(
            pytest.param(f"schema/{name}{arguments}", found.format(name), "string", hints, id=f"{name}: {why}")
            for name in ("desc", "title", "deprecated")
            for arguments, found, hints, why in (
                ("", "missing value in @schema/{} (by schema.yml:2)", (), "nothing"),
                (' "a", "b"', "2 values in @schema/{} (by schema.yml:2)", (), "two values"),
                (" 1", "Non-string value in @schema/{} (by schema.yml:2)", (), "a number"),
                (
                    ' text="a"',
                    "keyword argument in @schema/{} (by schema.yml:2)",
                    ("this annotation only accepts one argument: a string.",),
                    "a name",
                ),
            )
        ),
        pytest.param(
            "schema/default",
            "missing value in @schema/default (by schema.yml:2)",
            "integer (by schema.yml:3)",
            (),
            id="default: nothing",
        ),
        pytest.param(
            "schema/default 1, 2, 3",
            "3 values in @schema/default (by schema.yml:2)",
            "integer (by schema.yml:3)",
            (),
            id="default: three values",
        ),
        pytest.param(
            "schema/default a=1",
            "keyword argument in @schema/default (by schema.yml:2)",
            "integer (by schema.yml:3)",
            (
                "this annotation only accepts one argument: the default value.",
                "value must be in Starlark format, e.g.: {'key': 'value'}, True.",
            ),
            id="default: a name",
        ),
        *(
            pytest.param(f"schema/examples{arguments}", found, EXAMPLE, (), id=f"examples: {why}")
            for arguments, found, why in (
                ("", "missing value in @schema/examples (by schema.yml:2)", "nothing"),
                (" a=1", "keyword argument in @schema/examples (by schema.yml:2)", "a name"),
                (" 5", "int for @schema/examples (at schema.yml:2)", "no tuple"),
                (" ()", "empty tuple in @schema/examples (by schema.yml:2)", "an empty tuple"),
                (' ("one",)', "empty tuple in @schema/examples (by schema.yml:2)", "one item"),
                (' ("a", 1, 2)', "3-tuple argument in @schema/examples (by schema.yml:2)", "three items"),
                (" (1.5, 1)", "float value for @schema/examples (at schema.yml:2)", "a description that is a number"),
            )
        ),
    ],
)
def test_an_annotation_with_wrong_arguments(annotation: str, found: str, expected: str, hints: tuple[str, ...]) -> None:
    assert malformed(f"---\n#@{annotation}\na: 1\n") == syntax(annotation, found, expected, *hints)


@pytest.mark.parametrize(
    ("arguments", "description", "found", "expected", "hint"),
    [
        pytest.param(
            "",
            "expected @schema/type annotation to have keyword argument and value",
            "missing keyword argument and value",
            "valid keyword argument and value",
            "Supported key-value pairs are 'any=True', 'any=False'",
            id="nothing",
        ),
        pytest.param(
            " sort=True",
            "unknown @schema/type annotation keyword argument",
            "sort",
            "A valid kwarg",
            "Supported kwargs are 'any'",
            id="an unknown name",
        ),
        pytest.param(
            ' any="yes"',
            "unknown @schema/type annotation keyword argument",
            "starlark.String",
            "starlark.Bool",
            "Supported kwargs are 'any'",
            id="no bool",
        ),
        pytest.param(
            " any=[]",
            "unknown @schema/type annotation keyword argument",
            "*starlark.List",
            "starlark.Bool",
            "Supported kwargs are 'any'",
            id="a list",
        ),
    ],
)
def test_a_type_says_any_or_not(arguments: str, description: str, found: str, expected: str, hint: str) -> None:
    assert malformed(f"---\n#@schema/type{arguments}\na: 1\n") == told(
        SYNTAX,
        description,
        "schema.yml:",
        "    |",
        f"  2 | #@schema/type{arguments}",
        "  3 | a: 1",
        "    |",
        "",
        f"    = found: {found} (by schema.yml:2)",
        f"    = expected: {expected}",
        f"    = hint: {hint}",
    )


def test_nullable_takes_no_names() -> None:
    message = malformed("---\n#@schema/nullable yes=True\na: 1\n")
    assert "\nexpected @schema/nullable annotation to not contain any keyword arguments\n" in message
    assert "= found: keyword argument in @schema/nullable (by schema.yml:2)\n" in message


@pytest.mark.parametrize("count", [0, 2])
def test_an_array_declares_one_item(count: int) -> None:
    text = "---\nlist:" + (" []\n" if not count else "\n- 1\n- 2\n")
    assert malformed(text) == told(
        "Invalid schema - wrong number of items in array definition",
        "schema.yml:",
        "    |",
        f"  2 | list:{'' if count else ' []'}",
        "    |",
        "",
        f"    = found: {count} array items",
        "    = expected: exactly 1 array item, of the desired type",
        "    = hint: in schema, the one item of the array implies the type of its elements.",
        "    = hint: in schema, the default value for an array is always an empty list.",
        "    = hint: default values can be overridden via a data values overlay.",
    )


@pytest.mark.parametrize(
    ("text", "line", "number"),
    [
        pytest.param("---\na:\n", "a:", 2, id="a map item"),
        pytest.param("---\na:\n- null\n", "- null", 3, id="an array item"),
        pytest.param("---\n#@schema/nullable\na: null\n", "a: null", 3, id="what may be null says of which type it is"),
    ],
)
def test_null_declares_no_type(text: str, line: str, number: int) -> None:
    assert malformed(text) == told(
        "Invalid schema - null value not allowed here",
        "schema.yml:",
        "    |",
        f"  {number} | {line}",
        "    |",
        "",
        "    = found: null value",
        "    = expected: non-null value",
        "    = hint: in YAML, omitting a value implies null.",
        "    = hint: to set the default value to null, annotate with @schema/nullable.",
        "    = hint: to allow any value, annotate with @schema/type any=True.",
    )


@pytest.mark.parametrize(
    ("default", "found"),
    [
        pytest.param('"x"', "string", id="a string"),
        pytest.param('[{"a": 1}]', "array", id="an array"),
        pytest.param("None", "null", id="null"),
    ],
)
def test_a_default_is_of_the_type(default: str, found: str) -> None:
    assert malformed(f"---\n#@schema/default {default}\na: 1\n") == told(
        "Invalid schema - @schema/default is wrong type",
        "schema.yml:",
        "    |",
        f"  2 | #@schema/default {default}",
        "  3 | a: 1",
        "    |",
        "",
        f"    = found: {found} (at schema.yml:2)",
        "    = expected: integer (by schema.yml:3)",
    )


def test_each_item_of_a_default_is_of_the_type() -> None:
    assert malformed('---\n#@schema/default [1, {"b": 2, "d": 3}, {"b": "x"}]\na:\n- b: 1\n') == told(
        "Invalid schema - @schema/default is wrong type",
        "schema.yml:",
        "    |",
        '  2 | #@schema/default [1, {"b": 2, "d": 3}, {"b": "x"}]',
        "  3 | a:",
        "    |",
        "",
        "    = found: integer (at schema.yml:2)",
        "    = expected: map (by schema.yml:4)",
        "",
        "Given data value is not declared in schema",
        "schema.yml:",
        "    |",
        '  2 | #@schema/default [1, {"b": 2, "d": 3}, {"b": "x"}]',
        "  3 | a:",
        "    |",
        "",
        "    = found: d (at schema.yml:2)",
        '    = expected: a map item with the key named "b" (from schema.yml:4)',
        "",
        "schema.yml:",
        "    |",
        '  2 | #@schema/default [1, {"b": 2, "d": 3}, {"b": "x"}]',
        "  3 | a:",
        "    |",
        "",
        "    = found: string (at schema.yml:2)",
        "    = expected: integer (by schema.yml:4)",
    )


def test_an_example_is_of_the_type() -> None:
    assert malformed('---\n#@schema/title "a"\n#@schema/examples ("none", 0), ("two", [])\non: x\n') == told(
        "Invalid schema - @schema/examples has wrong type",
        "schema.yml:",
        "    |",
        '  3 | #@schema/examples ("none", 0), ("two", [])',
        "  4 | on: x",
        "    |",
        "",
        "    = found: integer (by schema.yml:3)",
        "    = expected: string (by schema.yml:4)",
        "",
        "schema.yml:",
        "    |",
        '  3 | #@schema/examples ("none", 0), ("two", [])',
        "  4 | on: x",
        "    |",
        "",
        "    = found: array (by schema.yml:3)",
        "    = expected: string (by schema.yml:4)",
    )


def test_lines_between_an_annotation_and_its_node_are_left_out() -> None:
    message = malformed('---\n#@schema/default "x"\n#@schema/desc "y"\n#@schema/title "z"\na: 1\n')
    assert '\n  2 | #@schema/default "x"\n    | ...\n  5 | a: 1\n    |\n' in message


def test_a_default_of_an_array_stands_on_the_array() -> None:
    inner = told(
        "Invalid schema - @schema/default not supported on array item",
        "schema.yml:",
        "    |",
        '  3 | #@schema/default "x"',
        "  4 | - y",
        "    |",
        "",
        "",
        "",
        "    = hint: do you mean to set a default value for the array?",
        "    = hint: set an array's default by annotating its parent.",
    )
    assert malformed('---\na:\n#@schema/default "x"\n- y\n') == f"\n{SYNTAX}\n{'=' * 14}\n{inner} \n\n"


def test_a_document_is_not_deprecated() -> None:
    assert malformed('#@schema/deprecated ""\n---\na: 1\n') == told(
        SYNTAX,
        "@schema/deprecated not supported on a document",
        "schema.yml:",
        "    |",
        '  1 | #@schema/deprecated ""',
        "  2 | ---",
        "    |",
        "",
        "",
        "",
        "    = hint: do you mean to deprecate the entire schema document?",
        "    = hint: use schema/deprecated on individual keys.",
    )


def test_nothing_is_declared_inside_of_any() -> None:
    text = "---\n#@schema/type any=True\na:\n- b:\n    #@schema/default 1\n    #@schema/nullable\n    c: 7\n"
    assert malformed(text) == told(
        SYNTAX,
        'Schema was specified within an "any type" fragment',
        "schema.yml:",
        "    |",
        "  5 |     #@schema/default 1",
        "  6 |     #@schema/nullable",
        "  7 |     c: 7",
        "    |",
        "",
        "    = found: @schema/nullable, @schema/default annotation(s)",
        "    = expected: no '@schema/...' on nodes within a node annotated '@schema/type any=True'",
        '    = hint: an "any type" fragment has no constraints; nested schema annotations conflict and are disallowed',
    )


def test_what_is_wrong_under_a_nullable_node_is_told_inside() -> None:
    message = malformed("---\n#@schema/nullable\na:\n- 1\n- 2\n")
    assert message.startswith(f"\n{SYNTAX}\n{'=' * 14}\n\nInvalid schema - wrong number of items in array definition\n")
    assert message.endswith(" \n\n")


def test_rules_that_are_none_are_refused() -> None:
    expected = 'Invalid @schema/validation annotation - unknown keyword argument "least" (at schema.yml:2)'
    assert malformed("---\n#@schema/validation least=1\na: 1\n") == expected
