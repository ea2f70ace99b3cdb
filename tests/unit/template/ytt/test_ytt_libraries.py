"""Private libraries: what `library.get` gives, and which values and schemas arrive where."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from packhouse.template.ytt.workspace.render import DataValues, Options
from ytt_cases import printed, refusal

HEAD = '#@ load("@ytt:template", "template")\n#@ load("@ytt:library", "library")\n#@ load("@ytt:data", "data")\n'
SHOW = '#@ load("@ytt:data", "data")\nvalues: #@ data.values\n'
LIB_VALUES = "#@data/values\n---\na: lib\nb: lib\n"


def root(*codes: str) -> str:
    """A template with one document for each expression."""
    return HEAD + "".join(f"--- #@ template.replace({code})\n" for code in codes)


def library(template: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """A root of one template, and the library "lib", which shows its values; `more` are files by path."""
    return {"t.yml": template, "_ytt_lib/lib/values.yml": LIB_VALUES, "_ytt_lib/lib/show.yml": SHOW, **(more or {})}


OVERLAY = """
#@ load("@ytt:overlay", "overlay")
#@overlay/match by=overlay.all, expects=2
---
#@overlay/match missing_ok=True
over: true
"""


def test_a_library_is_rendered_with_its_overlays_and_all_its_folders() -> None:
    files = {
        "t.yml": root('library.get("lib").eval()'),
        "_ytt_lib/lib/a.yml": "a: 1\n",
        "_ytt_lib/lib/sub/b.yml": "b: 1\n",
        "_ytt_lib/lib/over.yml": OVERLAY,
        "_ytt_lib/lib/t.txt": "text",
        "_ytt_lib/lib/_ytt_lib/in/c.yml": "c: 1\n",
    }
    assert printed(files) == "a: 1\nover: true\n---\nb: 1\nover: true\n"


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        pytest.param("", "a: lib\nb: lib", id="its own"),
        pytest.param('.with_data_values({"a": 1})', "a: 1\nb: lib", id="a dict"),
        pytest.param('.with_data_values({"a": 1}).with_data_values({"b": 2, "a": 3})', "a: 3\nb: 2", id="twice"),
        pytest.param('.with_data_values({"c": 1}, plain=True)', "a: lib\nb: lib\nc: 1", id="plain"),
        pytest.param(".with_data_values(data.values)", "a: root\nb: lib", id="a struct"),
    ],
)
def test_values_are_given_to_a_library(calls: str, expected: str) -> None:
    files = library(root(f'library.get("lib"){calls}.eval()'), {"v.yml": "#@data/values\n---\na: root\n"})
    shown = "".join(f"  {line}\n" for line in expected.split("\n"))
    assert f"values:\n{shown}" == printed(files)


def test_each_value_of_a_library_is_one_of_its_own() -> None:
    template = (
        HEAD
        + '#@ lib = library.get("lib")\n'
        + "".join(f'#@ {name} = lib.with_data_values({{"a": {a}}})\n' for name, a in (("one", 1), ("two", 2)))
        + "".join(f"--- #@ template.replace({name}.eval())\n" for name in ("one", "two", "lib"))
    )
    expected = "---\n".join(f"values:\n  a: {a}\n  b: lib\n" for a in ("1", "2", "lib"))
    assert expected == printed(library(template))


def test_yaml_with_annotations_is_an_overlay_of_values_and_never_plain() -> None:
    template = (
        HEAD
        + "#@ def more():\na: 1\n#@overlay/match missing_ok=True\nc: 2\n#@ end\n"
        + '--- #@ template.replace(library.get("lib").with_data_values(more(){0}).eval())\n'
    )
    assert printed(library(template.format(""))) == "values:\n  a: 1\n  b: lib\n  c: 2\n"
    assert "Expected to be plain YAML, having no annotations" in refusal(library(template.format(", plain=True")))


EXPORTS = {
    "_ytt_lib/lib/x.lib.yml": '#@ load("@ytt:data", "data")\n#@ def twice(): return 2 * [data.values.a]\n#@ name = 1\n',
    "_ytt_lib/lib/sub/y.star": 'name = "y"\n_own = 1\n',
}


def test_symbols_are_exported_from_the_files_that_may_be_loaded() -> None:
    template = HEAD + (
        'a: #@ library.get("lib").with_data_values({"a": 5}).export("twice")()\n'
        'b: #@ library.get("lib").export("name", path="sub/y.star")\n'
    )
    assert printed(library(template, EXPORTS)) == 'a:\n- 5\n- 5\nb: "y"\n'


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(
            'export("name")',
            "library.export: Exporting from library 'lib': Expected to find exactly one exported symbol 'name', "
            "but found multiple across files: x.lib.yml, sub/y.star",
            id="a symbol of two files",
        ),
        pytest.param(
            'export("none")',
            "library.export: Exporting from library 'lib': Expected to find exported symbol 'none', but did not",
            id="no symbol",
        ),
        pytest.param(
            'export("_own")',
            "library.export: Exporting from library 'lib': "
            "Symbols starting with '_' are private, and cannot be exported",
            id="a private symbol",
        ),
        pytest.param(
            'export("name", file="x")',
            "library.export: Exporting from library 'lib': Unexpected keyword argument 'file'",
            id="an argument of another name",
        ),
        pytest.param(
            "eval(1)", "library.eval: Evaluating library 'lib': expected no arguments", id="eval of something"
        ),
        pytest.param("with_data_values()", "library.with_data_values: expected exactly one argument", id="no values"),
        pytest.param(
            "with_data_values({}, over=True)",
            "library.with_data_values: invalid argument name: over",
            id="values with another argument",
        ),
        pytest.param(
            'with_data_values({"c": 1}).eval()',
            "library.eval: Evaluating library 'lib': Overlaying data values (in following order: "
            "_ytt_lib/lib/values.yml, additional data values): ",
            id="a key that the library does not know",
        ),
    ],
)
def test_what_is_wrong_with_a_library_is_told_with_its_name(call: str, message: str) -> None:
    told = refusal(library(HEAD + f'a: #@ library.get("lib").{call}\n', EXPORTS))
    assert told.startswith(f"\n- {message}")
    assert told.endswith(f'    in <toplevel>\n      t.yml:4 | a: #@ library.get("lib").{call}')


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param('"@lib"', "library.get: Expected library '@lib' to be specified without '@'", id="@"),
        pytest.param('"no"', "library.get: Expected library 'no' to be found", id="none"),
        pytest.param('"lib", strikt=True', "library.get: Unexpected kwarg 'strikt'", id="another argument"),
        pytest.param('"lib", strict=1', "library.get: expected starlark.Bool, but was starlark.Int", id="no bool"),
    ],
)
def test_a_library_that_cannot_be_had_is_told(arguments: str, message: str) -> None:
    expected = message.replace(
        "Expected library 'no' to be found", "Expected to find library 'no', but did not find ''"
    )
    assert refusal(library(HEAD + f"#@ library.get({arguments})\n")).startswith(f"\n- {expected}\n")


def test_without_private_files_there_is_no_library() -> None:
    told = refusal({"t.yml": HEAD + '#@ library.get("lib")\n'})
    assert "library.get: Could not find private library (directory '_ytt_lib' missing?)" in told


def test_options_of_a_library_are_its_own() -> None:
    more = {"_ytt_lib/lib/show.yml": "# a comment\n" + SHOW}
    assert "# a comment" in refusal(library(root('library.get("lib").eval()'), more))
    assert printed(library(root('library.get("lib", ignore_unknown_comments=True).eval()'), more))
    strict = library(root('library.get("lib", strict=True).eval()'), {"_ytt_lib/lib/show.yml": "a: yes\n"})
    assert "Strict parsing: Found 'yes'" in refusal(strict)


REFERENCES = """
#@data/values
#@library/ref "{0}"
---
a: from root
"""


@pytest.mark.parametrize(
    ("reference", "alias", "arrives"),
    [
        pytest.param("@lib", "", True, id="by path"),
        pytest.param("@lib", "one", True, id="by path, with an alias"),
        pytest.param("@~one", "one", True, id="by alias"),
        pytest.param("@lib~one", "one", True, id="by both"),
        pytest.param("@lib~one", "two", False, id="another alias"),
        pytest.param("@lib~one", "", False, id="no alias"),
        pytest.param("@other~one", "one", False, id="another path"),
    ],
)
def test_documents_of_values_go_to_the_library_that_they_name(reference: str, alias: str, arrives: bool) -> None:
    named = f'library.get("lib", alias="{alias}").eval()' if alias else 'library.get("lib").eval()'
    files = library(root(named), {"v.yml": REFERENCES.format(reference)})
    if arrives:
        assert printed(files) == "values:\n  a: from root\n  b: lib\n"
        return
    assert refusal(files) == (
        "Expected all provided library data values documents to be used but found unused: "
        f"Data Value belonging to library '{reference}' on line v.yml:4"
    )


def test_values_for_a_library_in_a_library_go_through_it() -> None:
    files = {
        "t.yml": root('library.get("outer", alias="o").eval()'),
        "v.yml": REFERENCES.format("@~o@inner~i"),
        "_ytt_lib/outer/t.yml": root('library.get("inner", alias="i").eval()'),
        "_ytt_lib/outer/v.yml": '#@data/values\n#@library/ref "@inner"\n---\na: from outer\nb: from outer\n',
        "_ytt_lib/outer/_ytt_lib/inner/v.yml": LIB_VALUES,
        "_ytt_lib/outer/_ytt_lib/inner/t.yml": SHOW,
    }
    assert printed(files) == "values:\n  a: from root\n  b: from outer\n"


def test_values_may_go_after_what_the_module_gives() -> None:
    more = {
        "v.yml": '#@library/ref "@lib"\n#@data/values after_library_module=True\n---\na: after\n'
        '#@library/ref "@lib"\n#@data/values\n---\nb: before\n'
    }
    template = root('library.get("lib").with_data_values({"a": "module", "b": "module"}).eval()')
    assert printed(library(template, more)) == "values:\n  a: after\n  b: module\n"


def test_values_from_outside_go_to_libraries() -> None:
    values = DataValues(
        files=(("@lib:v.yml", "c: file\n"),),
        strings=("@~one:a=string",),
        env_strings=("@lib:P",),
        environ={"P_b": "env"},
    )
    files = library(root('library.get("lib", alias="one").eval()'))
    assert printed(files, values) == "values:\n  a: string\n  b: env\n  c: file\n"


def test_schemas_are_given_to_a_library() -> None:
    more = {
        "_ytt_lib/lib/values.yml": "#@data/values-schema\n---\na: 1\n",
        "s.yml": '#@data/values-schema\n#@library/ref "@lib"\n---\n#@overlay/match missing_ok=True\nb: x\n',
    }
    template = HEAD + (
        "#@ def schema():\n#@overlay/match missing_ok=True\nc: true\n#@ end\n"
        '#@ lib = library.get("lib").with_data_values_schema(schema())\n'
        '--- #@ template.replace(lib.with_data_values({"a": 2}).eval())\n'
    )
    assert printed(library(template, more)) == "values:\n  a: 2\n  b: x\n  c: true\n"
    wrong = root('library.get("lib").with_data_values({"a": "x"}).eval()')
    assert "= expected: integer (by _ytt_lib/lib/values.yml:3)" in refusal(library(wrong, more))
    told = refusal(library("", more))
    assert "Expected all provided library schema documents to be used but found unused: Schema belonging" in told


def test_a_library_tells_its_values() -> None:
    template = HEAD + 'a: #@ library.get("lib").with_data_values({"a": 1}).data_values().a\n'
    assert printed(library(template)) == "a: 1\n"


RULES = {"_ytt_lib/lib/values.yml": '#@data/values\n---\n#@assert/validate ("none", lambda v: False)\na: 1\n'}


def test_rules_of_a_library_are_skipped_where_that_is_asked_for() -> None:
    checked = library(root('library.get("lib").eval()'), RULES)
    assert "library.eval: Evaluating library 'lib': Validating final data values:" in refusal(checked)
    assert printed(checked, options=Options(skip_validations=True))
    skipped = root('library.get("lib", dangerous_data_values_disable_validation=True).eval()')
    assert printed(library(skipped, RULES)) == "values:\n  a: 1\n"
