from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from packhouse.api.errors import RenderLimitExceeded, TemplateFailed
from packhouse.template.jinja import engine
from render_jobs import config_map

SECRET = "hunter2"


def refused(objects: Callable[..., Any], files: dict[str, str], **told: Any) -> str:
    with pytest.raises(TemplateFailed) as caught:
        objects(files, **told)
    return caught.value.message


def test_a_template_sees_values_package_install_cluster_and_files(objects: Callable[..., Any]) -> None:
    text = config_map(
        x="'{{ values.a }} {{ package.version }} {{ install.namespace }} {{ cluster.version }}'",
        y="'{{ files.get(\"c.txt\") }}'",
    )
    [found] = objects({"a.yml": text, "c.txt": "text"}, values="a: 1")
    assert found["data"] == {"x": "1 1.2.3 demo 1.37.2", "y": "text"}


def test_only_manifests_are_rendered_and_suffixes_do_not_matter(objects: Callable[..., Any]) -> None:
    files = {
        f"{number}{suffix}": config_map(f"a{number}")
        for number, suffix in enumerate((".yml.j2", ".yaml.jinja2", ".json"))
    }
    files["2.json"] = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ "a2" }}"}}'
    assert [obj["metadata"]["name"] for obj in objects({**files, "b.txt": "{{ no }}", "m.j2": "{{ no }}"})] == [
        "a0",
        "a1",
        "a2",
    ]


def test_blocks_leave_no_trace_in_the_lines_around_them(objects: Callable[..., Any]) -> None:
    text = textwrap.dedent("""\
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: web
        data:
          {% for name in values.names %}
          {{ name }}: |
            {% if true %}
            a

            b
            {% endif %}
          {% endfor %}
          {%+ include "part.txt" %}
          end: x
        """)
    [found] = objects({"a.yml": text, "part.txt": "last: y\n"}, values="names: [one, two]")
    assert found["data"] == {"one": "a\n\nb\n", "two": "a\n\nb\n", "last": "y", "end": "x"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{{ values.none }}", "null"),
        ("{{ true }} {{ values.false_ }}", "true false"),
        ("{{ values.map }}", '{"items": [1, "ä"], "b": null}'),
        ("{{ values.map.items }}", '[1, "ä"]'),
        ("{{ 1.5 }} {{ 10 }}", "1.5 10"),
    ],
)
def test_values_are_written_as_yaml_spells_them(value: Callable[..., str], expression: str, expected: str) -> None:
    assert expected == value(expression, values="none: null\nfalse_: false\nmap: {items: [1, ä], b: null}")


def test_macros_and_includes_come_from_any_file_also_beside_their_user(objects: Callable[..., Any]) -> None:
    files = {
        "deep/a.yml": '{% from "./m.j2" import name %}{% import "lib/n.j2" as n %}'
        + config_map("{{ name(1) }}{{ n.x }}"),
        "deep/b.yml": '{% include "../lib/b.txt" %}',
        "deep/m.j2": "{% macro name(n) %}web{{ n }}{% endmacro %}",
        "lib/n.j2": "{% set x = 'y' %}",
        "lib/b.txt": config_map("b"),
    }
    assert [obj["metadata"]["name"] for obj in objects(files)] == ["web1y", "b"]


def test_files_are_read_by_path_by_pattern_and_in_base64(
    value: Callable[..., str], objects: Callable[..., Any]
) -> None:
    text = config_map(
        x='\'{% for p, t in files.glob("conf/*.txt").items() %}{{ p }}:{{ t }};{% endfor %}{{ files.base64("b") }}\''
    )
    [found] = objects({"a.yml": text, "conf/b.txt": "B", "conf/a.txt": "A", "conf/x/c.txt": "", "b": b"\xff\x00"})
    assert found["data"] == {"x": "conf/a.txt:A;conf/b.txt:B;/wA="}


# ---- errors ----------------------------------------------------------------------------------------------


def test_an_undefined_name_is_told_with_its_place_the_line_and_the_nearest_name(objects: Callable[..., Any]) -> None:
    text = config_map() + "data:\n  n: {{ values.web.replica }}\n"
    message = refused(objects, {"config/web.yml.j2": text}, values="web: {replicas: 2, name: x}")
    expected = (
        "config/web.yml.j2:6: 'replica' is undefined in this map (did you mean 'replicas'?)\n"
        "    6 >   n: {{ values.web.replica }}"
    )
    assert expected == message


def test_an_undefined_variable_is_told_with_the_nearest_of_the_context(objects: Callable[..., Any]) -> None:
    assert refused(objects, {"a.yml": "\n{{ vlaues.x }}"}).startswith(
        "a.yml:2: 'vlaues' is undefined (did you mean 'values'?)"
    )


def test_a_fault_in_an_include_names_both_files(objects: Callable[..., Any]) -> None:
    message = refused(objects, {"a.yml": "x: 1\n{% include 'b.txt' %}", "b.txt": "\n\n{{ values.x }}"})
    assert message.startswith(
        "b.txt:3: 'x' is undefined in this map (in a part that a.yml:2 includes or calls)\n    3 > {{"
    )


def test_a_fault_in_a_macro_names_the_line_of_the_macro(objects: Callable[..., Any]) -> None:
    files = {
        "a.yml": "{% import 'm.j2' as m %}\n\n{{ m.f(none) }}",
        "m.j2": "{% macro f(x) %}\n{{ x.name }}\n{% endmacro %}",
    }
    message = refused(objects, files)
    assert message.startswith(
        "m.j2:2: 'name' is undefined in null (in a part that a.yml:3 includes or calls)\n    2 > {{ x.name }}"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n{% if %}", "a.yml:2: syntax error: Expected an expression"),
        ("a\n\n{% for x in y %}", "a.yml:3: syntax error: Unexpected end of template"),
        ("a\n{{ 1 | nope }}", "a.yml:2: syntax error: No filter named 'nope'"),
        ("a\n{% include 'b.ymll' %}", "a.yml:2: there is no template 'b.ymll' (did you mean 'b.yml'?)"),
        ("a\n{% include values.secret %}", "a.yml:2: there is no template of a computed name"),
        ("a\n{{ values[values.secret] }}", "a.yml:2: of a computed name is undefined in this map"),
        ("a\n{{ values.list[7] }}", "a.yml:2: a list has no element 7"),
        ("a\n{{ 1 + 'a' }}", "a.yml:2: unsupported operand type(s) for +: 'int' and 'str'"),
        ("a\n{{ 1 / 0 }}", "a.yml:2: division by zero"),
        ("a\n{{ values.secret.nope() }}", "a.yml:2: 'nope' is undefined in a text"),
        ("a\n{{ values.secret.index('zz') }}", "a.yml:2: ValueError (its text is left out, since it may hold a value)"),
        ("a\n{{ files.get('c') }}", "a.yml:2: files: the package has no file of this path"),
        ("a\n{{ values.secret | from_yaml }}{{ ': [' | from_yaml }}", "a.yml:2: from_yaml: the text:1: no valid YAML"),
        ("{% for a in [1] %}" * 30 + "{% endfor %}" * 30, "a.yml: blocks nest too deep"),
    ],
)
def test_a_fault_is_told_with_its_place_and_without_a_value(
    objects: Callable[..., Any], text: str, message: str
) -> None:
    told = refused(objects, {"a.yml": text, "b.yml": ""}, values=f"secret: {SECRET}\nlist: [1]")
    assert told.startswith(message)
    assert SECRET not in told


def test_a_line_that_an_earlier_step_gave_is_not_shown(objects: Callable[..., Any]) -> None:
    files = {"a.yml": config_map(x="'{{ values.secret }} {% raw %}{{ nope }}{% endraw %}'")}
    told = refused(objects, files, steps=[{"jinja2": {}}, {"jinja2": {}}], values=f"secret: {SECRET}")
    assert told.startswith("-:")
    assert "'nope' is undefined" in told
    assert SECRET not in told


@pytest.mark.parametrize("text", ["{% include 'a.yml' %}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"])
def test_templates_that_call_each_other_without_end_are_ended(objects: Callable[..., Any], text: str) -> None:
    with pytest.raises(RenderLimitExceeded, match=r"^a.yml:1: includes, macros or values nest too deep"):
        objects({"a.yml": text})


# ---- the cache of compiled templates ---------------------------------------------------------------------


def test_a_template_is_compiled_once_per_content(objects: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = engine.CompiledTemplates(most=2)
    monkeypatch.setattr(engine, "_compiled", compiled)
    for name in ("a", "a", "b"):
        assert name == objects({"x.yml": config_map(name)})[0]["metadata"]["name"]
    assert len(compiled._code) == 2
    objects({"y.yml": config_map("a")})
    assert len(compiled._code) == 2


# ---- filters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{{ {'b': 1, 'a': ['x']} | to_yaml | to_json }}", '"b: 1\\na:\\n- x"'),
        ("{{ 'x' | to_yaml }}", "x"),
        (
            "{{ ['1e3', 'yes', '0o17', '1:30', '', '1', 'a b'] | to_yaml | from_yaml | to_json }}",
            '["1e3", "yes", "0o17", "1:30", "", "1", "a b"]',
        ),
        ("{{ '1e3' | to_yaml }}", '"1e3"'),
        ("{{ {'t': 'a\nb\n'} | to_yaml | to_json }}".replace("\n", "\\n"), '"t: |\\n  a\\n  b"'),
        ("{{ {'a': [1, true, none]} | to_json }}", '{"a": [1, true, null]}'),
        ("{{ 'a: {b: 1}' | from_yaml | to_json }}", '{"a": {"b": 1}}'),
        ("{{ ('' | from_yaml) is none }}", "true"),
        ("{{ ('[1]' | from_json)[0] }}", "1"),
        ("{{ 'a\\n\\nb' | nindent(2) | to_json }}", '"\\n  a\\n\\n  b"'),
        ("{{ 'a\\nb' | indent(2) | to_json }}", '"a\\n  b"'),
        ("{{ 'hällo' | b64encode }} {{ 'aMOkbGxv' | b64decode }}", "aMOkbGxv hällo"),
        ("{{ 'a' | sha256 }}", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("{{ 'a\"b' | quote }} {{ 1 | quote }} {{ true | quote }} {{ none | quote }}", '"a\\"b" "1" "true" ""'),
        ("{{ values.x | required('set x') }}", "1"),
        ("{{ 'abcdef' | trunc(2) }}{{ 'abcdef' | trunc(-2) }}", "abef"),
        ("{{ 'a-1-b' | regex_replace('[0-9]', 'n') }} {{ 'aaa' | regex_replace('a', 'b', count=1) }}", "a-n-b baa"),
        ("{{ 'v1' | regex_match('v[0-9]') }} {{ 'x' | regex_match('v') }}", "true false"),
        (
            "{{ {'a': {'b': 1, 'c': [1]}} | combine({'a': {'c': [2]}}, {'d': 4}) | to_json }}",
            '{"a": {"b": 1, "c": [2]}, "d": 4}',
        ),
        ("{{ {'a': 1} | merge({'a': 2}) | to_json }}", '{"a": 2}'),
        ("{{ values.nope | default('d') }}", "d"),
    ],
)
def test_the_filters_that_manifests_need(value: Callable[..., str], expression: str, expected: str) -> None:
    assert expected == value(expression, values="x: 1")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("{{ values.nope | to_yaml }}", "'nope' is undefined"),
        ("{{ values.nope | quote }}", "'nope' is undefined"),
        ("{{ values.nope | required('set nope') }}", "required: set nope"),
        ("{{ values.map | quote }}", "quote: a map cannot be quoted; use to_json"),
        ("{{ values.map | b64encode }}", "b64encode: a text is expected, found a map"),
        ("{{ values.secret | b64decode }}", "b64decode: the text is no base64 of a text"),
        ("{{ values.secret | from_json }}", "from_json: the text is no JSON"),
        ("{{ values.secret | combine({}) }}", "combine: maps are expected, found a text"),
        (
            "{{ 'a' | regex_replace('(', '') }}",
            "regex_replace: the pattern or the replacement is no regular expression",
        ),
        (
            "{{ 'a' | regex_replace('a', '\\\\9') }}",
            "regex_replace: the pattern or the replacement is no regular expression",
        ),
        ("{{ 'a' | regex_match('(') }}", "regex_match: the pattern is no regular expression"),
        ("{{ [values.items] | to_json }}", "to_json: a list holds what JSON cannot say"),
        ("{{ [values.items] | to_yaml }}", "to_yaml: a list holds what YAML cannot say"),
        ("{{ [values.items] }}", "a list holds what JSON cannot say"),
    ],
)
def test_a_filter_refuses_in_words_without_values(objects: Callable[..., Any], expression: str, message: str) -> None:
    told = refused(objects, {"a.yml": expression}, values=f"secret: {SECRET}\nmap: {{a: {SECRET}}}")
    assert message in told.splitlines()[0]
    assert SECRET not in told
