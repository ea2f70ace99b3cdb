"""Rules on values: which run, in which order, and what is said of those that are broken."""

from __future__ import annotations

import pytest

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Document, Map, MapItem
from packhouse.template.ytt.validations import run
from ytt_documents import documents, lines_before, schema_of, thread, validated

NO_ASSERTION = "expected second item in tuple to be an assertion function or assertion object"


def broken(path: str, line: int, rule: int, must: str, found: str = "") -> str:
    """One rule of an annotation in line `rule` that the value in line `line` breaks."""
    told = f"  {path}\n    from: values.yml:{line}\n    - must be: {must} (by: values.yml:{rule})\n"
    return told + (f"      found: {found}\n" if found else "") + "\n"


@pytest.mark.parametrize(
    ("rules", "value", "must", "found"),
    [
        pytest.param("min=3", "2", "a value >= 3", "value < 3", id="min"),
        pytest.param("max=3", "4", "a value <= 3", "value > 3", id="max"),
        pytest.param('min="b"', "a", 'a value >= "b"', "value < b", id="min of strings"),
        pytest.param("min=2.0", "1", "a value >= 2", "value < 2", id="limits are compared as YAML gives them back"),
        pytest.param("min=4", "{a: 1}", "a value >= 4", "dict >= int not implemented", id="min of a map"),
        pytest.param("max=[1]", "5", "a value <= [1]", "int <= list not implemented", id="max that is a list"),
        pytest.param("min_len=2", "a", "length >= 2", "length = 1", id="min_len"),
        pytest.param("max_len=2", "[1, 2, 3]", "length <= 2", "length = 3", id="max_len of an array"),
        pytest.param("max_len=1.9", "{a: 1, b: 2}", "length <= 1", "length = 2", id="a length without its fraction"),
        pytest.param("not_null=True", "null", "not null", "value is null", id="not_null"),
        pytest.param('one_of=["a", 5]', "b", 'one of ["a", 5]', "not one of allowed values", id="one_of"),
        pytest.param('one_of=("a",)', "b", 'one of ("a",)', "not one of allowed values", id="one_of a tuple"),
        pytest.param(
            "one_not_null=True",
            "{a: 1, b: 2}",
            "exactly one of all children to be not null",
            '["a", "b"] are not null',
            id="one_not_null of all",
        ),
        pytest.param(
            'one_not_null=["a", "b"]',
            "{a: null, c: 2}",
            'exactly one of ["a", "b"] to be not null',
            "all values are null",
            id="one_not_null of some",
        ),
        pytest.param(
            "one_not_null=True",
            "{}",
            "exactly one of all children to be not null",
            "value must be a map or dict, but was 'NoneType'",
            id="an empty map is printed as nothing",
        ),
        pytest.param(
            "one_not_null=True",
            "x",
            "exactly one of all children to be not null",
            "value must be a map or dict, but was 'string'",
            id="one_not_null of no map",
        ),
        pytest.param('("odd", lambda v: v % 2 == 1)', "2", "odd", "", id="a rule that gives False"),
        pytest.param('("odd", lambda v: None)', "2", "odd", "", id="a rule that gives nothing"),
        pytest.param('("odd", lambda v: 1)', "2", "odd", "", id="a rule that gives something true"),
        pytest.param('("odd", lambda v: fail("it is even"))', "2", "odd", "it is even", id="a rule that fails"),
        pytest.param(
            '("odd", lambda v: assert.fail("even"))', "2", "odd", "assert.fail: fail: even", id="a rule that asserts"
        ),
        pytest.param('("small", assert.max(1))', "2", "small", "value > 1", id="an assertion as a rule"),
        pytest.param('("a", struct.make(check=lambda v: False))', "2", "a", "", id="a struct with a check as a rule"),
    ],
)
def test_a_rule_that_is_broken_is_told(rules: str, value: str, must: str, found: str) -> None:
    text = f"#@assert/validate {rules}\na: {value}\n"
    before = lines_before(text)
    assert validated(text) == broken("a", before + 2, before + 1, must, found)


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        pytest.param("min=3", "3", id="min"),
        pytest.param("max=0", "-1", id="max"),
        pytest.param("max=False", "false", id="a limit that is False"),
        pytest.param("min_len=0", '""', id="min_len"),
        pytest.param("max_len=1", "{a: 1}", id="max_len"),
        pytest.param("not_null=False", "null", id="not_null=False says nothing"),
        pytest.param("one_of=[None, 1]", "null", id="null breaks no rule"),
        pytest.param('one_of={"a": 1}', "a", id="one of the keys of a dict"),
        pytest.param("one_of=[{'a': [1]}]", "{a: [1]}", id="a map like another one"),
        pytest.param('one_not_null=["a", "b"]', "{a: 1, c: 2}", id="a key that is missing is one without a value"),
        pytest.param('("", lambda v: True), ("", lambda v: v == 5)', "5", id="own rules"),
        pytest.param("min=9, when=lambda v: False", "5", id="when is false"),
        pytest.param('("", lambda v: fail("no"))', "null", id="rules are for values"),
    ],
)
def test_a_value_that_meets_its_rules(rules: str, value: str) -> None:
    assert validated(f"#@assert/validate {rules}\na: {value}\n") == ""


def test_all_rules_of_an_annotation_are_told_in_a_fixed_order() -> None:
    text = '#@assert/validate ("own", lambda v: False), one_of=[1], max=1, min=3, min_len=9, max_len=0\na: "2"\n'
    told = [line.split("must be: ")[1] for line in validated(text).splitlines() if "must be" in line]
    assert [rule.removesuffix(" (by: values.yml:1)") for rule in told] == [
        "own",
        "length >= 9",
        "length <= 0",
        "a value >= 3",
        "a value <= 1",
        "one of [1]",
    ]


def test_where_a_value_is_null_that_must_not_be_nothing_else_is_told() -> None:
    text = '#@assert/validate ("own", lambda v: fail("ran")), not_null=True\na: null\n'
    assert validated(text) == broken("a", 2, 1, "not null", "value is null")


def test_paths_lead_from_the_top_through_maps_and_arrays() -> None:
    rule = '#@assert/validate ("no", lambda v: False)'
    text = f"#@data/values\n{rule}\n---\n{rule}\na:\n  {rule}\n  -\n    {rule}\n    5: x\n"
    assert validated(text) == (
        broken("(document)", 3, 2, "no")
        + broken("a", 5, 4, "no")
        + broken("a[0]", 7, 6, "no")
        + broken("a[0].%!s(int=5)", 9, 8, "no")
    )


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        pytest.param("lambda v: v == 1", True, id="the value"),
        pytest.param("lambda v, c: c.parent['b'] == 2", True, id="the map around it"),
        pytest.param("lambda v, c: c.root[0]['top']['b'] == 3", False, id="the whole"),
        pytest.param("lambda v, c: len(c.parent) == 2", True, id="how many are beside it"),
    ],
)
def test_a_condition_sees_the_value_and_what_is_around_it(condition: str, runs: bool) -> None:
    text = f'top:\n  #@assert/validate ("no", lambda v: False), when={condition}\n  a: 1\n  b: 2\n'
    assert validated(text) == (broken("top.a", 3, 2, "no") if runs else "")


def test_a_condition_of_a_document_sees_the_documents_around_it() -> None:
    rule = '#@assert/validate ("no", lambda v: False), when=lambda v, c: c.parent == None'
    document = documents(f"#@data/values\n{rule}\n---\na: 1\n", "values.yml").items[-1]
    assert "(document)" in run(document, thread())


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        pytest.param(
            "",
            "expected annotation to have 2-tuple as argument(s), but found no arguments (by values.yml:1)",
            id="nothing",
        ),
        pytest.param(
            '"a"', 'expected annotation to have 2-tuple as argument(s), but found: "a" (by values.yml:1)', id="a string"
        ),
        pytest.param("()", "expected 2-tuple, but found tuple with length 0 (by values.yml:1)", id="an empty tuple"),
        pytest.param(
            '("a", min, 1)', "expected 2-tuple, but found tuple with length 3 (by values.yml:1)", id="three items"
        ),
        pytest.param(
            "({}, min)",
            "expected first item in the 2-tuple to be a string describing a valid value, "
            "but was dict (at values.yml:1)",
            id="a description that is a dict",
        ),
        pytest.param(
            '("a", True)',
            "expected second item in the 2-tuple to be an assertion function, but was bool (at values.yml:1)",
            id="a rule that is a bool",
        ),
        pytest.param(
            '("a", "b")',
            f"{NO_ASSERTION}, but was a string (at values.yml:1)",
            id="a rule that is a string",
        ),
        pytest.param(
            '("a", struct.make(chek=min))',
            f"{NO_ASSERTION}, but was a struct (at values.yml:1)",
            id="a struct without a check",
        ),
        pytest.param(
            '("a", struct.make(check=5))',
            "expected struct with attribute check(), but was int (at values.yml:1)",
            id="a struct whose check is a number",
        ),
        pytest.param(
            "when=5", 'expected keyword argument "when" to be a function, but was int (at values.yml:1)', id="when"
        ),
        pytest.param(
            'min_len="5"',
            'expected keyword argument "min_len" to be a number, but was string (at values.yml:1)',
            id="min_len",
        ),
        pytest.param(
            "max_len=True",
            'expected keyword argument "max_len" to be a number, but was bool (at values.yml:1)',
            id="max_len",
        ),
        pytest.param(
            "not_null=1",
            'expected keyword argument "not_null" to be a boolean, but was int (at values.yml:1)',
            id="not_null",
        ),
        pytest.param("one_not_null=False", "one_not_null= cannot be False", id="one_not_null"),
        pytest.param(
            "one_not_null=4", "expected True or a sequence of keys, but was a 'int'", id="one_not_null of a number"
        ),
        pytest.param('one_of="a"', "expected keyword argument one_of to be a sequence, but was string", id="one_of"),
        pytest.param("least=1", 'unknown keyword argument "least" (at values.yml:1)', id="an unknown name"),
    ],
)
def test_an_annotation_that_is_no_rule_is_refused(rules: str, message: str) -> None:
    with pytest.raises(YttError) as refusal:
        validated(f"#@assert/validate {rules}\na: 1\n")
    message = message.replace("values.yml:1", f"values.yml:{1 + lines_before(rules)}")
    assert refusal.value.message == f"Invalid @assert/validate annotation - {message}"


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        pytest.param(
            "lambda: True",
            "Failed to evaluate when=: function must accept 1 or 2 arguments (0 given)",
            id="no parameter",
        ),
        pytest.param(
            "lambda a, b, c: True",
            "Failed to evaluate when=: function must accept 1 or 2 arguments (3 given)",
            id="three",
        ),
        pytest.param('lambda v: fail("oh")', "Failure evaluating when=: fail: oh", id="it fails"),
        pytest.param("lambda v: None", "want when= to be bool, got NoneType", id="it gives nothing"),
    ],
)
def test_a_condition_that_is_none_is_refused(condition: str, message: str) -> None:
    with pytest.raises(YttError) as refusal:
        validated(f"#@assert/validate min=5, when={condition}\na: 1\n")
    assert refusal.value.message == f"Validating a: {message}"


def test_annotations_are_read_before_any_rule_is_run() -> None:
    text = '#@assert/validate ("", lambda v: True), when=lambda: True\na: 1\n#@assert/validate least=1\nb: 1\n'
    with pytest.raises(YttError, match="unknown keyword argument"):
        validated(text)


def test_rules_of_a_schema_go_before_those_of_the_values() -> None:
    declared = schema_of('---\na:\n#@schema/validation ("positive", lambda v: v > 0)\n- 0\n')
    values = documents('---\na:\n- 5\n#@assert/validate ("odd", lambda v: v % 2 == 1)\n- -2\n', "values.yml").items[0]
    assert declared.invalidity(declared.assigned(values), thread()) == (
        "  a[1]\n    from: values.yml:5\n    - must be: positive (by: schema.yml:3)\n\n"
        "  a[1]\n    from: values.yml:5\n    - must be: odd (by: values.yml:4)\n\n"
    )


def test_rules_of_a_schema_hold_for_defaults_and_under_what_may_be_null() -> None:
    declared = schema_of(
        '---\n#@schema/validation min_len=1\na: ""\n#@schema/nullable\n#@schema/validation max=1\nb: 5\n'
        "#@schema/nullable\nc:\n  #@schema/validation min=3\n  d: 1\n"
    )
    values = documents("---\nc: {}\n", "values.yml").items[0]
    assert declared.invalidity(declared.assigned(values), thread()) == (
        "  c.d\n    from: schema.yml:10\n    - must be: a value >= 3 (by: schema.yml:9)\n      found: value < 3\n\n"
        "  a\n    from: schema.yml:3\n    - must be: length >= 1 (by: schema.yml:2)\n      found: length = 0\n\n"
    )


def test_a_value_without_a_place_is_told_so() -> None:
    annotated = documents("#@assert/validate min=5\na: 1\n", "values.yml").items[0].value.items[0]
    document = Document(Map([MapItem("a", 1, annotations=annotated.annotations)]))
    assert run(document, thread()).startswith("  a\n    from: ?\n")
