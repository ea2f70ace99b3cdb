"""Data values: from the files, from outside, in their order; and how each wrong one is refused."""

from __future__ import annotations

import pytest

from packhouse.template.ytt.workspace.render import DataValues, Options, inspect_values
from ytt_cases import files_of, printed, refusal, text_of

ALL = '#@ load("@ytt:data", "data")\nvalues: #@ data.values\n'
SCHEMA = '#@data/values-schema\n---\nname: default\nnested:\n  count: 1\nitems:\n- ""\n'


def values_of(texts: dict[str, str], values: DataValues | None = None, options: Options | None = None) -> str:
    return text_of(inspect_values(files_of(texts), values or DataValues(), options or Options()))


def test_without_any_values_there_is_an_empty_struct() -> None:
    assert printed({"t.yml": ALL}) == "values: {}\n"


FIRST = "#@data/values\n---\na: 1\nb: {x: 1, w: 2}\n"
SECOND = """#@data/values
---
a: 2
#@data/values
---
b:
  #@overlay/remove
  x:
  #@overlay/match missing_ok=True
  z: 3
"""


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param("#@data/values-schema\n#@schema/nullable\n---\na: 1\n", id="nullable"),
        pytest.param("#@data/values\n---\n", id="an empty document"),
    ],
)
def test_values_that_are_null_are_none_here_and_in_a_library(marked: str) -> None:
    assert printed({"t.yml": ALL, "v.yml": marked}) == "values: null\n"
    template = '#@ load("@ytt:library", "library")\na: #@ library.get("lib").data_values()\n'
    assert printed({"t.yml": template, "_ytt_lib/lib/v.yml": marked}) == "a: null\n"


def test_documents_of_values_are_merged_in_the_order_of_their_files() -> None:
    assert values_of({"2.yml": FIRST, "1.yml": SECOND}) == "a: 2\nb:\n  w: 2\n  z: 3\n"


COMPUTED = """
#@ load("@ytt:data", "data")
#@ load("n.star", "number")
#@data/values
---
a: #@ number
b: #@ len(dir(data.values))
c: #@ data.list("/")
"""


def test_values_are_templates_too_and_see_no_values() -> None:
    assert values_of({"v.yml": COMPUTED, "n.star": "number = 7\n"}) == "a: 7\nb: 0\nc:\n- /v.yml\n- /n.star\n"


def test_what_comes_from_outside_wins_by_its_kind() -> None:
    values = DataValues(
        files=(("one.yml", "a: file\nb: file\nc: file\nd: file\ne: file\nf: file\n"), ("two.yml", "b: file2\n")),
        env_strings=("P",),
        env_yaml=("Q",),
        environ={"P_c": "env", "Q_d": "4", "Q_g__h": "{i: 1}", "PATH": "x"},
        strings=("d=string", "e=string", "f=string"),
        yaml=("e=[1, 2]",),
        from_files=(("f=notes.txt", "text\n"),),
    )
    expected = "a: file\nb: file2\nc: env\nd: string\ne:\n- 1\n- 2\nf: |\n  text\ng:\n  h:\n    i: 1\n"
    assert expected == values_of({"v.yml": "#@data/values\n---\na: 0\n"}, values)


def test_plain_values_files_add_keys_and_replace_arrays() -> None:
    files = {"v.yml": "#@data/values\n---\na: [1, 2, 3]\nb: {c: 1}\n"}
    values = DataValues(
        files=(("v1.yml", "# any comment\na: [4]\nb: {d: 2}\n---\nb:\n  e: 3\n"), ("v2.yml", "# nothing\n"))
    )
    assert values_of(files, values) == "a:\n- 4\nb:\n  c: 1\n  d: 2\n  e: 3\n"


def test_a_schema_gives_defaults_and_refuses_what_it_does_not_know() -> None:
    files = {"s.yml": SCHEMA, "t.yml": ALL}
    assert printed(files) == "values:\n  name: default\n  nested:\n    count: 1\n  items: []\n"
    told = refusal(files, DataValues(files=(("my.yml", "nested:\n  cuont: 2\n"),)))
    assert told.startswith(
        "Overlaying data values (in following order: additional data values): \nOne or more data values were invalid\n"
    )
    assert "my.yml:\n    |\n  2 |   cuont: 2\n    |\n\n    = found: cuont\n" in told


def test_a_value_of_a_wrong_type_names_the_argument_that_gave_it() -> None:
    told = refusal({"s.yml": SCHEMA}, DataValues(strings=("nested.count=x",)))
    assert "(data-value arg):\n    |\n  1 | nested.count=x\n    |\n" in told
    assert "= found: string\n    = expected: integer (by s.yml:5)" in told


def test_schemas_of_many_files_are_overlaid() -> None:
    files = {
        "1.yml": "#@data/values-schema\n---\na: 1\n",
        "2.yml": "#@data/values-schema\n---\n#@overlay/match missing_ok=True\nb: x\n",
    }
    assert values_of(files) == "a: 1\nb: x\n"


def test_rules_of_values_are_checked_at_the_end() -> None:
    files = {"s.yml": "#@data/values-schema\n---\n#@schema/validation min_len=3\nname: ab\n"}
    told = refusal(files)
    assert told.startswith(
        "Validating final data values:\n  name\n    from: s.yml:4\n    - must be: length >= 3 (by: s.yml:3)"
    )
    assert values_of(files, DataValues(strings=("name=abc",))) == "name: abc\n"
    assert values_of(files, options=Options(skip_validations=True)) == "name: ab\n"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        pytest.param(
            {"v.yml": "#@data/values\n---\na: 1\n---\nb: 2\n"},
            "Overlaying data values (in following order: v.yml): Templating file 'v.yml': "
            "Expected data values file 'v.yml' to only have data values documents",
            id="another document beside values",
        ),
        pytest.param(
            {"s.yml": "#@data/values-schema\n---\na: 1\n---\nb: 2\n"},
            "Overlaying data values schema (in following order: s.yml): Templating file 's.yml': "
            "Expected schema file 's.yml' to only have schema documents",
            id="another document beside a schema",
        ),
        pytest.param(
            {"v.yml": "---\n#@data/values\na: 1\n"},
            "Found @data/values on map item (v.yml:3); only documents (---) can be annotated with @data/values",
            id="values that are no document",
        ),
        pytest.param(
            {"v.yml": "#@data/values\n#@data/values\n---\na: 1\n"},
            "data/values annotation may only be used once per document",
            id="values twice",
        ),
        pytest.param(
            {"1.yml": "#@data/values\n---\na: 1\n", "2.yml": "#@data/values\n---\nb: 1\n"},
            "Overlaying data values (in following order: 1.yml, 2.yml): Document on line 2.yml:2: "
            "Map item (key 'b') on line 2.yml:3: Expected number of matched nodes to be 1, but was 0",
            id="a new key",
        ),
        pytest.param(
            {"v.yml": "#@data/values after=True\n---\na: 1\n"},
            "Overlaying data values (in following order: v.yml): Unknown kwarg after for annotation data/values",
            id="an unknown argument",
        ),
        pytest.param(
            {"v.yml": "#@data/values after_library_module=True\n---\na: 1\n"},
            "Overlaying data values (in following order: v.yml): Annotation data/values: Expected kwarg "
            "'after_library_module' to be used with library/ref annotation",
            id="after the module of no library",
        ),
        pytest.param(
            {"v.yml": '#@library/ref "lib"\n#@data/values\n---\na: 1\n'},
            "Overlaying data values (in following order: v.yml): Annotation library/ref: "
            "Expected library ref to start with '@'",
            id="a reference without @",
        ),
        pytest.param(
            {"v.yml": '#@library/ref "@lib~"\n#@data/values\n---\na: 1\n'},
            "Overlaying data values (in following order: v.yml): Annotation library/ref: "
            "Expected library alias to not be empty",
            id="an empty alias",
        ),
        pytest.param(
            {"v.yml": '#@library/ref "@~a~b"\n#@data/values\n---\na: 1\n'},
            "Overlaying data values (in following order: v.yml): Annotation library/ref: Expected library ref to have "
            "form: '@path', '@~alias', or '@path~alias', got: '@~a~b'",
            id="two aliases",
        ),
    ],
)
def test_files_of_values_that_are_wrong_are_refused(texts: dict[str, str], message: str) -> None:
    assert message.strip() == refusal(texts).strip().splitlines()[0].strip()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param(DataValues(strings=("a",)), "Extracting data value from KV: Expected format key=value", id="no ="),
        pytest.param(
            DataValues(yaml=("i:nt=1",)),
            "Extracting data value from KV: Expected at most one library-key separator ':' in 'i:nt'",
            id="a colon",
        ),
        pytest.param(
            DataValues(strings=("@:a=1",)),
            "Extracting data value from KV: Expected library ref to not be empty",
            id="@",
        ),
        pytest.param(
            DataValues(from_files=(("a", ""),)),
            "Extracting data value from file: Expected format key=/file/path",
            id="a file without a key",
        ),
        pytest.param(
            DataValues(files=(("v.yml", "#@ x = 1\na: 1\n"),)),
            "Extracting data value from file: Checking data values file 'v.yml': Expected to be plain YAML, "
            "having no annotations (hint: remove comments starting with `#@`)",
            id="a template as values file",
        ),
        pytest.param(
            DataValues(files=(("v.toml", "\n[foo]\n  bar = 123\n"),)),
            "Extracting data value from file: Unmarshaling YAML data values file 'v.toml': "
            "yaml: line 2: did not find expected <document start>",
            id="no YAML",
        ),
    ],
)
def test_values_from_outside_that_are_wrong_are_refused(values: DataValues, message: str) -> None:
    assert message == refusal({"t.yml": ALL}, values)


def test_strict_yaml_holds_for_values_from_outside() -> None:
    told = refusal({"t.yml": ALL}, DataValues(yaml=("a=yes",)), Options(strict=True))
    assert told == (
        "Extracting data value from KV: Deserializing value for key 'a': Deserializing YAML value: "
        "yaml: Strict parsing: Found 'yes' ambigious (could be !!str or !!bool)"
    )
