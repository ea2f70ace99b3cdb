"""Values as the command line gets them: what a file gives, whether it fits, and `--set` laid over it.

A file that only ytt can read is read by the real one; what such a file and `--set` come to is asked of the pipeline.
"""

from __future__ import annotations

from typing import Any

import pytest

from fakes_cluster import FakeCluster
from house import secret
from packhouse.api.errors import ValuesInvalid, ValuesSchemaInvalid
from packhouse.client.errors import NotFound, Usage
from packhouse.client.session import Session, Target
from packhouse.client.values import checked, findings, values_of, with_sets
from packhouse.client.values_schema import explanation, package_in, schema_of
from packhouse.client.values_text import read
from packhouse.domain import values
from packhouse.ports import Json, RenderJob, ValuesDocument
from packhouse.settings import Settings
from packhouse.template.limits import Limits
from packhouse.template.pipeline import render

SECRET = "hunter2"
SCHEMA: Json = {
    "type": "object",
    "properties": {
        "replicas": {"type": "integer"},
        "service": {"type": "object", "properties": {"type": {"type": "string"}, "port": {"type": "integer"}}},
        "hosts": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "a.b": {"type": "integer"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def package(*engines: str, schema: Json | None = SCHEMA) -> Json:
    spec: Json = {
        "publicName": "web.example.com",
        "version": "1.0.0",
        "template": {"spec": {"template": [{engine: {}} for engine in engines or ("jinja2",)]}},
    }
    if schema is not None:
        spec["valuesSchema"] = {"openAPIv3": schema}
    return {"metadata": {"name": "web.example.com.1.0.0", "uid": "1"}, "spec": spec}


def found(text: str, *engines: str) -> list[str]:
    told = [str(finding) for finding in findings(package(*engines), "my.yaml", text)]
    assert SECRET not in "".join(told)
    return told


def session(**settings: Any) -> Session:
    return Session(FakeCluster(), "demo", Settings(**settings), Target())


# ---- what fits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["jinja2", "ytt"])
def test_what_does_not_fit_is_told_with_its_line_in_the_order_of_the_file(engine: str) -> None:
    text = f"""#@data/values
---
replicas: {SECRET}
servce: {{}}
service:
  type:
    - {SECRET}
  prt: 1
hosts:
- name: a
- name: 1
  nme: {SECRET}
"a.b": x
labels: {{app: 1}}
"""
    assert found(text, engine) == [
        "my.yaml:3: values.replicas: expected integer, found string",
        "my.yaml:4: warning: values.servce is not known (did you mean service?)",
        "my.yaml:6: values.service.type: expected string, found array",
        "my.yaml:8: warning: values.service.prt is not known (did you mean port?)",
        "my.yaml:11: values.hosts[1].name: expected string, found integer",
        "my.yaml:12: warning: values.hosts[1].nme is not known (did you mean name?)",
        'my.yaml:13: values["a.b"]: expected integer, found string',
        "my.yaml:14: values.labels.app: expected string, found integer",
    ]


def test_of_several_documents_the_last_one_that_says_it_is_named() -> None:
    assert found("replicas: a\nservice: {port: b}\n---\nreplicas: c\n") == [
        "my.yaml:2: values.service.port: expected integer, found string",
        "my.yaml:4: values.replicas: expected integer, found string",
    ]
    assert found("replicas: a\n---\nreplicas: 1\n") == []


def test_what_is_missing_is_told_by_what_should_have_it() -> None:
    schema = {"properties": {"tls": {"required": ["secret"], "properties": {"secret": {"type": "string"}}}}}
    [told] = findings(package(schema=schema), "my.yaml", "\ntls:\n  other: 1\n")[:1]
    assert str(told) == "my.yaml:2: values.tls.secret: expected a value, it is required, found nothing"


def test_a_package_without_a_schema_takes_any_map() -> None:
    assert findings(package(schema=None), "my.yaml", "x: 1") == []
    with pytest.raises(ValuesInvalid, match=r"my\.yaml:1: values must be a map"):
        findings(package(schema=None), "my.yaml", "- 1")


def test_a_schema_without_end_is_given_up() -> None:
    doubled = {f"d{n}": {"allOf": [{"$ref": f"#/d/d{n + 1}"}] * 2} for n in range(40)}
    schema = {"properties": {"a": {"$ref": "#/d/d0"}}, "d": doubled | {"d40": {"type": "string"}}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("packhouse.client.values._SECONDS", 0.05)
        with pytest.raises(ValuesSchemaInvalid, match="takes longer than"):
            findings(package(schema=schema), "my.yaml", "a: 1")


# ---- values with code -----------------------------------------------------------------------------------------------

CODE = """#@ load("@ytt:base64", "base64")
#@ def one():
#@   return 1
#@ end
#@data/values
---
replicas: #@ one()
service:
  #@overlay/match missing_ok=True
  type: #@ base64.encode("x")
hosts:
#@ for/end name in ["a", "b"]:
- name: #@ name
"""


def test_code_is_computed_where_the_package_has_ytt() -> None:
    given = read("my.yaml", CODE, has_ytt=True)
    assert given.values == {"replicas": 1, "service": {"type": "eA=="}, "hosts": [{"name": "a"}, {"name": "b"}]}
    assert given.line("hosts[1].name") == 13
    assert found(CODE, "ytt") == []
    assert read("my.yaml", CODE, has_ytt=False).values["replicas"] is None


def test_what_code_gives_is_warned_of_for_the_operator_leaves_it_to_ytt() -> None:
    assert found(CODE.replace("return 1", f"return '{SECRET}'"), "ytt") == [
        "my.yaml:7: warning: values.replicas: expected integer, found string"
    ]


def test_code_of_the_package_is_not_there_to_be_run() -> None:
    text = '#@ load("helpers.star", "x")\n#@data/values\n---\nreplicas: #@ x()\n'
    assert found(text, "ytt") == [
        "my.yaml: warning: not checked: they use code of the package, which only its rendering has"
    ]


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("#@data/values\n---\na: #@ foo(1)\n", "my.yaml:3", "undefined: foo"),
        ("#@data/values\n---\na: #@ 1 +\n", "my.yaml:3", "want primary expression"),
        ("#@data/values\n---\n#@ x = 'a' + 1\na: 1\n", "my.yaml:3", "unknown binary op"),
        ("#@data/values\n---\na: b: c #@ x\n", "my.yaml:3", "no valid YAML"),
        ("#@data/values\n---\na: #@ [0] * 1000000000\n", "my.yaml", "was ended"),
        ("a: #@ 1\n", "my.yaml", "it has code of ytt and no values"),
        ("#@data/values\n---\na: #@ 1\n---\nkind: x\n", "my.yaml", "to only have data values documents"),
    ],
)
def test_a_bug_in_the_callers_own_code_is_told_with_file_and_line(text: str, place: str, reason: str) -> None:
    with pytest.raises(ValuesInvalid) as refused:
        findings(package("ytt"), "my.yaml", text)
    assert refused.value.message.startswith(f"{place}: ")
    assert reason in refused.value.message


@pytest.mark.parametrize("code", [f"x = '{SECRET}' + 1", f"fail('{SECRET}')", f"x = 1 + {SECRET}("])
def test_a_bug_in_the_callers_own_code_shows_no_value(code: str) -> None:
    with pytest.raises(ValuesInvalid) as refused:
        findings(package("ytt"), "my.yaml", f"#@data/values\n---\n#@ {code}\na: {SECRET}\n")
    assert refused.value.message.startswith("my.yaml:")
    assert SECRET not in refused.value.message


# ---- the check of verbs ---------------------------------------------------------------------------------------------


async def test_what_does_not_fit_is_refused_with_the_first_mistake_and_where_to_look() -> None:
    with pytest.raises(ValuesInvalid) as refused:
        await checked(session(), package(), "my.yaml", "replicas: x\nservice:\n  port: y\nmore: 1\n")
    assert refused.value.message.split("\n") == [
        "my.yaml:1: values.replicas: expected integer, found string (2 mistakes); see what it takes with: "
        "packhouse package available get web.example.com/1.0.0 --values-schema",
        "my.yaml:3: values.service.port: expected integer, found string",
    ]


async def test_warnings_are_given_back_and_so_is_all_where_the_check_only_warns() -> None:
    assert await checked(session(), package(), "my.yaml", "more: 1\n") == [
        "my.yaml:1: warning: values.more is not known"
    ]
    assert await checked(session(values_schema_check="warn"), package(), "my.yaml", "replicas: x\n") == [
        "my.yaml:1: values.replicas: expected integer, found string"
    ]


# ---- --set ----------------------------------------------------------------------------------------------------------


def merged(text: str) -> Json:
    return values.merge(values.parse([ValuesDocument("it", text)]))


def test_sets_alone_are_a_file_and_no_sets_leave_it_alone() -> None:
    assert with_sets(SCHEMA, None, ["replicas=2", "service.type=x"]) == "replicas: 2\nservice:\n  type: x\n"
    assert with_sets(SCHEMA, "a: 1 # mine\n", []) == "a: 1 # mine\n"
    assert merged(with_sets(SCHEMA, None, [])) == {}


@pytest.mark.parametrize(
    "text", ["replicas: 1 # mine", "replicas: 1 # mine\n", "#@data/values\n---\nreplicas: 1 # mine\n", "# mine\n", ""]
)
def test_sets_go_over_a_file_that_keeps_its_comments(text: str) -> None:
    over = with_sets(SCHEMA, text, ["replicas=2", "hosts[0].name=x"])
    assert merged(over) == {"replicas": 2, "hosts": [{"name": "x"}]}
    assert ("# mine" in over) == ("# mine" in text)
    assert not values.has_code(over)


def test_an_item_of_a_list_in_the_file_is_set() -> None:
    text = "hosts:\n- name: a\n  port: 1\n- name: b\n"
    assert merged(with_sets(SCHEMA, text, ["hosts[0].name=x"]))["hosts"] == [{"name": "x", "port": 1}, {"name": "b"}]
    assert values.parse([ValuesDocument("it", with_sets(SCHEMA, CODE, ["hosts[1].name=x"]))])


def test_sets_go_over_values_that_ytt_computes() -> None:
    shown = {
        "schema.yml": b"#@data/values-schema\n---\nreplicas: 0\nservice: {type: ''}\nhosts: [{name: ''}]\n"
        b"#@schema/type any=True\nlabels: {}\n",
        "out.yml": b'#@ load("@ytt:data", "data")\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n'
        b"data:\n  it: #@ str(data.values.replicas) + data.values.service.type + data.values.labels.x + "
        b"str(len(data.values.hosts))\n",
    }
    over = with_sets(SCHEMA, CODE, ["replicas=7", "service.type=-", "labels.x=-", "hosts=[{name: q}]"], source="v")
    job = RenderJob(shown, [{"ytt": {}}], [ValuesDocument("v", over, "values.yml")], None, True, {})
    assert render(job, Limits.from_settings(Settings())).objects[0]["data"] == {"it": "7--1"}


# ---- where a schema comes from --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "type: object\nproperties: {a: {type: integer}}\n",
        "openAPIv3: {type: object, properties: {a: {type: integer}}}\n",
        "valuesSchema: {openAPIv3: {type: object, properties: {a: {type: integer}}}}\n",
        "kind: ConfigMap\n---\nkind: Package\nspec: {valuesSchema: {openAPIv3: {properties: {a: {type: integer}}}}}\n",
        "#@data/values-schema\n---\na: 0\n",
    ],
)
def test_a_schema_is_read_in_each_form_that_it_is_written_in(text: str) -> None:
    schema = schema_of(package_in("schema.yml", text))
    assert schema is not None
    assert schema["properties"]["a"]["type"] == "integer"
    assert [str(one) for one in findings(package_in("schema.yml", text), "my.yaml", "a: x")] == [
        "my.yaml:1: values.a: expected integer, found string"
    ]


def test_what_holds_no_schema_is_refused() -> None:
    with pytest.raises(Usage, match=r"schema\.yml has no schema of values"):
        package_in("schema.yml", "a: 1\n")
    with pytest.raises(ValuesInvalid, match=r"schema\.yml: its schema cannot be computed"):
        package_in("schema.yml", "#@data/values-schema\n---\na: #@ nope\n")
    with pytest.raises(ValuesSchemaInvalid, match=r"schema\.yml:1: no valid YAML"):
        package_in("schema.yml", "a: b: c\n")


def test_a_key_that_is_not_there_is_answered_with_the_nearest() -> None:
    assert explanation(package(), "service.port").type == "integer"
    with pytest.raises(NotFound) as missing:
        explanation(package(), "service.prt")
    assert missing.value.help.startswith("did you mean service.port")


# ---- the values of an install ---------------------------------------------------------------------------------------


async def values_in(*texts: str) -> str:
    there = session()
    for number, text in enumerate(texts):
        await there.cluster.apply(secret(f"v{number}", text), manager="user")
    refs = [{"secretRef": {"name": f"v{number}"}} for number in range(len(texts))]
    return await values_of(
        there, {"metadata": {"name": "web", "namespace": "demo", "uid": "1"}, "spec": {"values": refs}}
    )


async def test_the_values_of_an_install_are_one_text_that_gives_them_again() -> None:
    marked = "#@data/values\n---\na: 2 # mine\n"
    assert await values_in(marked) == marked
    several = await values_in("a: 1\nb: 1", marked, "c: 3\n")
    assert several == "a: 1\nb: 1\n---\na: 2 # mine\n---\nc: 3\n"
    assert merged(several) == {"a": 2, "b": 1, "c": 3}
    assert await values_in(marked, CODE) == marked + CODE
    assert await values_in() == ""
