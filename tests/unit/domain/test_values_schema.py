"""Values: layers, merging, defaults and the check against a schema. jsonschema is real; so are packages, if found."""

from __future__ import annotations

import copy
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.api.errors import BundleInvalid, ValuesInvalid, ValuesSchemaInvalid
from packhouse.domain import values, yaml_text
from packhouse.domain.values import Violation
from packhouse.ports import Json, ValuesDocument

SECRET = "hunter2"  # what must not show up in any message


def found(given_values: Json, schema: Json) -> list[str]:
    """The violations in writing; each test of one sees that no value is in it."""
    violations, warnings = values.check(given_values, schema)
    written = [str(violation) for violation in violations]
    assert SECRET not in json.dumps([*written, *warnings])
    return written


def warned(given_values: Json, schema: Json) -> list[str]:
    violations, warnings = values.check(given_values, schema)
    assert violations == []
    return warnings


def obj(additional: object = None, **properties: Any) -> Json:
    schema: Json = {"type": "object", "properties": properties}
    return schema if additional is None else schema | {"additionalProperties": additional}


STRING, INTEGER = {"type": "string"}, {"type": "integer"}


# ---- layers ---------------------------------------------------------------------------------------------------------


def test_each_document_of_each_text_is_a_layer_in_order() -> None:
    texts = ["#@data/values\n---\na: 1\n---\nb: 2\n", "", "# nothing\n", "c: 3"]
    layers = values.parse([ValuesDocument(f"Secret demo/web key {n}", text) for n, text in enumerate(texts)])
    assert layers == [{"a": 1}, {"b": 2}, {}, {}, {"c": 3}]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (f"- {SECRET}", 1, "values must be a map (key: value), found a list"),
        (f"a: 1\n---\n{SECRET}", 3, "values must be a map (key: value), found a scalar"),
        (f"a: {SECRET}\nb: [", 3, "no valid YAML: while parsing a flow node"),
        (f"a: {SECRET}\na: {SECRET}", 2, "duplicate key 'a'"),
    ],
)
def test_a_bad_text_is_refused_by_source_and_line_without_its_content(text: str, line: int, reason: str) -> None:
    with pytest.raises(ValuesInvalid) as refused:
        values.parse([ValuesDocument("Secret demo/web key a.yml", text)])
    assert refused.value.message.startswith(f"Secret demo/web key a.yml:{line}: {reason}")
    assert SECRET not in refused.value.message


def test_maps_are_merged_all_else_is_replaced_and_the_later_layer_wins() -> None:
    layers = [
        {"a": {"x": 1, "y": [1, 2]}, "b": 1, "d": {"x": 1}},
        {"a": {"y": [3], "z": None}, "b": {"c": 1}, "d": None},
    ]
    before = copy.deepcopy(layers)
    assert values.merge(layers) == {"a": {"x": 1, "y": [3], "z": None}, "b": {"c": 1}, "d": None}
    assert layers == before
    assert values.merge([]) == {}


json_map = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.none() | st.integers(0, 2), lambda inner: st.dictionaries(st.sampled_from("abc"), inner), max_leaves=6
    ),
)


@given(json_map, json_map)
def test_a_layer_over_itself_is_itself_and_each_of_its_values_is_in_what_it_lies_over(a: Json, b: Json) -> None:
    merged = values.merge([a, b])
    assert values.merge([a, a]) == a
    assert values.merge([merged, b]) == merged
    assert merged.keys() == a.keys() | b.keys()


# ---- defaults -------------------------------------------------------------------------------------------------------


def test_defaults_are_gathered_from_all_levels_and_the_nearest_one_wins() -> None:
    schema = obj(
        namespace={"type": "string", "default": "demo"},
        nothing={"type": "string"},
        empty=obj(inner=STRING),
        given={"type": "string", "nullable": True, "default": None},
        list={"type": "array", "default": [1], "items": {"default": 5}},
        items_only={"type": "array", "items": {"default": 5}},
        made=obj(port=INTEGER | {"default": 80}, deep=obj(on={"default": False})),
        own=obj(a={"default": 1}, b={"default": 2}) | {"default": {"b": 3, "c": 4}},
        nulled=obj(a={"default": 1}) | {"default": None},
        bare=obj() | {"default": {}},
    )
    assert values.defaults(schema) == {
        "namespace": "demo",
        "given": None,
        "list": [1],
        "made": {"port": 80, "deep": {"on": False}},
        "own": {"a": 1, "b": 3, "c": 4},
        "nulled": None,
        "bare": {},
    }


def test_the_default_of_the_whole_schema_lies_over_those_inside() -> None:
    assert values.defaults(obj(a={"default": 1}, b={"default": 2}) | {"default": {"a": 5}}) == {"a": 5, "b": 2}
    assert values.defaults({"default": "text"}) == {}
    assert values.defaults({}) == {}


def test_references_give_defaults_where_they_lead_somewhere_and_end() -> None:
    schema = obj(
        a={"$ref": "#/definitions/a"},
        lost={"$ref": "#/definitions/lost"},
        away={"$ref": "https://example.invalid/schema"},
        loop={"$ref": "#/definitions/loop"},
        all={"allOf": [obj(x={"default": 1}), {"$ref": "#/definitions/a"}]},
    )
    schema["definitions"] = {
        "a": obj(y={"default": 2}),
        "loop": obj(z={"default": 3}, again={"$ref": "#/definitions/loop"}),
    }
    assert values.defaults(schema) == {"a": {"y": 2}, "loop": {"z": 3}, "all": {"x": 1, "y": 2}}


def test_defaults_belong_to_the_caller() -> None:
    schema = obj(a={"default": {"b": [1]}})
    values.defaults(schema)["a"]["b"].append(2)
    assert values.defaults(schema) == {"a": {"b": [1]}}


# ---- the check ------------------------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[Json, object, str]] = {
    "type": (INTEGER, SECRET, "expected integer, found string"),
    "types": ({"type": ["integer", "null"]}, [SECRET], "expected integer or null, found array"),
    "null": (STRING, None, "expected string, found null"),
    "a boolean is no integer": (INTEGER, True, "expected integer, found boolean"),
    "enum": ({"enum": ["debug", "info"]}, SECRET, "expected one of debug, info, found another string"),
    "const": ({"const": "on"}, SECRET, "expected on, found another string"),
    "minimum": ({"minimum": 3}, 2, "expected at least 3, found a smaller integer"),
    "maximum": ({"maximum": 3}, 4.5, "expected at most 3, found a larger number"),
    "exclusive as OpenAPI": (
        {"minimum": 3, "exclusiveMinimum": True},
        3,
        "expected more than 3, found a smaller or equal integer",
    ),
    "exclusive as JSON Schema": ({"exclusiveMaximum": 3}, 3, "expected less than 3, found a larger or equal integer"),
    "multipleOf": ({"multipleOf": 5}, 4, "expected a multiple of 5, found another integer"),
    "minLength": ({"minLength": 9}, SECRET, "expected at least 9 characters, found a shorter string"),
    "pattern": ({"pattern": "^[a-z]+$"}, SECRET, "expected a string like ^[a-z]+$, found another string"),
    "minItems": ({"minItems": 2}, [SECRET], "expected at least 2 items, found a shorter array"),
    "uniqueItems": (
        {"uniqueItems": True},
        [SECRET, SECRET],
        "expected items that differ, found an array with repeated items",
    ),
    "minProperties": ({"minProperties": 2}, {SECRET[:1]: SECRET}, "expected at least 2 keys, found a smaller object"),
    "oneOf of types": ({"oneOf": [STRING, INTEGER]}, [SECRET], "expected string or integer, found array"),
    "anyOf of forms": (
        {"anyOf": [{"minLength": 9}, INTEGER]},
        SECRET,
        "expected one of the 2 forms that the schema allows, found string",
    ),
    "oneOf twice": (
        {"oneOf": [STRING, {"minLength": 1}]},
        SECRET,
        "expected only one of the forms that the schema allows, found string",
    ),
    "not": ({"not": STRING}, SECRET, "expected what the schema says under not, found another string"),
    "allOf": ({"allOf": [STRING, {"maxLength": 3}]}, SECRET, "expected at most 3 characters, found a longer string"),
    "false": (
        {"additionalProperties": False, "patternProperties": {"^x": {}}},
        {"x1": 1, "y": SECRET},
        ".y is not known",
    ),
}


@pytest.mark.parametrize(("schema", "value", "said"), BROKEN.values(), ids=BROKEN)
def test_a_violation_says_what_is_expected_and_which_type_was_found(schema: Json, value: object, said: str) -> None:
    joint = "" if said.startswith(".") else ": "
    assert found({"key": value}, obj(key=schema)) == [f"values.key{joint}{said}"]


def test_a_path_leads_through_maps_and_lists_and_quotes_odd_keys() -> None:
    schema = obj(a=obj(b={"type": "array", "items": obj(c=INTEGER)}), labels={"additionalProperties": STRING})
    broken, _ = values.check({"a": {"b": [{"c": 1}, {}, {"c": SECRET}]}, "labels": {"app.k8s.io/name": 1}}, schema)
    assert broken == [
        Violation("a.b[2].c", "integer", "string"),
        Violation('labels["app.k8s.io/name"]', "string", "integer"),
    ]


def test_an_unknown_key_fails_where_the_schema_forbids_others_and_names_the_nearest() -> None:
    broken, warnings = values.check({"replcas": SECRET, "zzz": 1}, obj(False, replicas=INTEGER, Namespace=STRING))
    assert [str(violation) for violation in broken] == [
        "values.replcas is not known (did you mean replicas?)",
        "values.zzz is not known",
    ]
    assert broken[0].nearest == "replicas"
    assert warnings == []
    assert found({"namespace": SECRET}, obj(False, Namespace=STRING)) == [
        "values.namespace is not known (did you mean Namespace?)"
    ]


def test_an_unknown_key_warns_where_the_schema_names_keys_and_says_nothing_of_others() -> None:
    schema = obj(outer=obj(replicas=INTEGER), list={"items": obj(name=STRING)}, both={"allOf": [obj(a={}), obj(b={})]})
    assert warned(
        {"outer": {"replcas": SECRET}, "list": [{}, {"nam": SECRET}], "both": {"a": 1, "b": 2, "c": 3}}, schema
    ) == [
        "values.outer.replcas is not known (did you mean replicas?)",
        "values.list[1].nam is not known (did you mean name?)",
        "values.both.c is not known",
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        obj(),
        obj(True, replicas=INTEGER),
        obj(STRING, replicas=INTEGER),
        obj(replicas=INTEGER) | {"patternProperties": {"^z": {}}},
        obj(replicas=INTEGER) | {"x-kubernetes-preserve-unknown-fields": True},
        obj(replicas=INTEGER) | {"allOf": [{"$ref": "#/definitions/lost"}]},
    ],
)
def test_a_map_that_is_open_to_other_keys_does_not_warn(schema: Json) -> None:
    assert warned({"key": {"replcas": SECRET}}, obj(key=schema)) == []


def test_a_missing_key_fails_only_where_no_default_gives_it() -> None:
    schema = obj(a=STRING, b=INTEGER | {"default": 1}) | {"required": ["a", "b", "c"]}
    assert found({}, schema) == [
        "values.a: expected a value, it is required, found nothing",
        "values.c: expected a value, it is required, found nothing",
    ]


def test_null_passes_where_the_schema_is_nullable_whatever_else_it_says() -> None:
    for nullable in (
        STRING,
        {"enum": ["a"]},
        {"oneOf": [STRING, INTEGER]},
        {"$ref": "#/definitions/text"},
        {"not": {}},
    ):
        schema = obj(key=nullable | {"nullable": True}) | {"definitions": {"text": STRING}}
        assert found({"key": None}, schema) == []
        assert found({"key": None}, obj(key=nullable) | {"definitions": {"text": STRING}}) != []


def test_a_default_passes_its_own_schema_whatever_this_says() -> None:
    schema = obj(key=STRING | {"default": None}, number=STRING | {"default": 1})
    assert found({"key": None, "number": 1}, schema) == []
    assert found({"key": 5, "number": True}, schema) == [
        "values.key: expected string, found integer",
        "values.number: expected string, found boolean",
    ]


def test_words_that_openapi_adds_and_unknown_formats_mean_nothing() -> None:
    schema = obj(
        key={
            "type": "string",
            "format": "int-or-string",
            "example": 5,
            "examples": [5],
            "x-example-description": "a",
            "deprecated": True,
            "title": "Key",
            "xml": {"name": "a"},
            "discriminator": {"propertyName": "a"},
            "required": True,
        },
        minimum={"type": "integer", "exclusiveMinimum": False, "minimum": 1},
    )
    assert found({"key": SECRET, "minimum": 1}, schema) == []


def test_properties_may_bear_the_names_of_keywords() -> None:
    schema = obj(False, default=STRING, properties=obj(False, enum=INTEGER), exclusiveMinimum=STRING, required=STRING)
    assert found({"default": SECRET, "properties": {"enum": 1}, "exclusiveMinimum": "a", "required": "b"}, schema) == []
    assert found({"properties": {"enum": SECRET}}, schema) == ["values.properties.enum: expected integer, found string"]


# ---- references -----------------------------------------------------------------------------------------------------


def test_a_reference_within_the_schema_holds_and_one_that_leads_nowhere_takes_anything() -> None:
    schema = obj(
        here={"$ref": "#/definitions/a~1b"},
        shared={"$ref": "#/components/schemas/port"},
        lost={"$ref": "#/definitions/io.k8s.api.core.v1.EnvVar"},
        number={"$ref": 5},
        tree={"$ref": "#/definitions/tree"},
    )
    schema["definitions"] = {"a/b": STRING, "tree": obj(False, children={"items": {"$ref": "#/definitions/tree"}})}
    schema["components"] = {"schemas": {"port": {"minimum": 1, "exclusiveMinimum": True}}}
    nested = {"children": [{"children": [{"leaf": SECRET}]}]}
    schema["properties"].pop("number")
    assert found({"here": 1, "shared": 1, "lost": {SECRET[:1]: SECRET}, "tree": nested}, schema) == [
        "values.here: expected string, found integer",
        "values.shared: expected more than 1, found a smaller or equal integer",
        "values.tree.children[0].children[0].leaf is not known",
    ]


def test_no_reference_is_looked_up_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a schema must never reach the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    away = {"$ref": "http://example.invalid/schema.json"}
    for schema in (
        obj(key=away),
        obj(key={"$schema": "http://json-schema.org/draft-07/schema#", **away}),
        obj(key={"$id": "http://example.invalid/", "$ref": "other"}),
        obj(key={"$dynamicRef": "http://example.invalid/a"}),
        obj(key={"allOf": [away], "unevaluatedProperties": False}),
        {"$schema": "http://example.invalid/dialect", **obj(key=away)},
        {"$vocabulary": {"http://example.invalid/v": True}, **obj(key=away)},
    ):
        assert found({"key": {"a": SECRET}}, schema) == []


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (obj(key={"type": "strin"}), "valuesSchema is invalid at properties.key.type"),
        (obj(key={"type": 5}), "valuesSchema is invalid at properties.key.type"),
        (obj(key={"minimum": "three"}), "valuesSchema is invalid at properties.key.minimum"),
        ({"properties": []}, "valuesSchema is invalid at properties"),
        (obj(key={"pattern": "("}), "a pattern in the package's valuesSchema cannot be read"),
        (obj(key={"$ref": "#/properties/key"}), "refers to itself without end"),
        (obj(key={"allOf": [{"$ref": "#/properties/key"}]}), "refers to itself without end"),
        ([], "valuesSchema is no map"),
        (obj(key=5), "valuesSchema is invalid at properties.key"),
        (obj(key={"$ref": "#/x-parts/a"}) | {"x-parts": {"a": {"properties": []}}}, "invalid at properties"),
        (obj(key={"$ref": "#/x-parts/a"}) | {"x-parts": {"a": {"type": "strin"}}}, "invalid at type"),
    ],
)
def test_a_broken_schema_is_the_packages_fault_and_says_where(schema: Any, said: str) -> None:
    with pytest.raises(ValuesSchemaInvalid) as refused:
        values.check({"key": SECRET}, schema)
    assert said in refused.value.message
    assert SECRET not in refused.value.message


def test_a_schema_nested_without_end_is_refused() -> None:
    schema: Json = {}
    for _ in range(5_000):
        schema = obj(a=schema)
    for decide in (values.defaults, lambda deep: values.check({}, deep)):
        with pytest.raises(ValuesSchemaInvalid, match="nested too deeply"):
            decide(schema)


# ---- messages -------------------------------------------------------------------------------------------------------


def test_the_message_is_compact_and_counts_what_it_leaves_out() -> None:
    broken, _ = values.check({"replicas": SECRET, "replcas": 3}, obj(False, replicas=INTEGER))
    assert sorted(values.format_violations(broken).split("; ")) == [
        "values.replcas is not known (did you mean replicas?)",
        "values.replicas: expected integer, found string",
    ]
    many = [Violation(f"a[{place}]", "integer", "string") for place in range(9)]
    assert values.format_violations(many, shown=2) == (
        "values.a[0]: expected integer, found string; values.a[1]: expected integer, found string; and 7 more"
    )
    assert values.format_violations([Violation("", "object", "array")]) == "values: expected object, found array"
    assert values.format_violations([]) == ""


def test_a_flood_of_violations_and_warnings_is_cut_off() -> None:
    broken, _ = values.check({"list": ["x"] * 5_000}, obj(list={"items": INTEGER}))
    assert len(broken) == 1_000
    many = {f"key{n}": n for n in range(20_000)}
    assert len(values.check(many, obj(False, **{key: {} for key in list(many)[:20]}))[0]) == 1_000
    _, warnings = values.check(many, obj(a={}))
    assert len(warnings) == 100


def test_a_key_that_cannot_be_printed_or_is_endless_is_made_fit_for_a_message() -> None:
    (said,) = found({"a\nb\x1b" + "c" * 1_000: 1}, obj(False, a={}))
    assert said.isprintable()
    assert len(said) < 150


# ---- real packages --------------------------------------------------------------------------------------------------


def real_schemas() -> dict[str, Json]:
    beside = Path(__file__).resolve().parents[3].parent / "shared" / "conformance"
    packages = Path(os.environ.get("PACKHOUSE_CONFORMANCE", beside)) / "packages"
    if not packages.is_dir():
        pytest.skip("no conformance data here")
    schemas = {}
    for path in sorted(packages.glob("*/*/package.yaml")):
        for _, document in yaml_text.load_all(path.read_text(), path.name, BundleInvalid):
            schema = document["spec"].get("valuesSchema", {}).get("openAPIv3")
            if schema:
                schemas["/".join(path.parts[-3:-1])] = schema
    return schemas


#: The default of `daemonset` there lacks a key that the schema itself asks for.
BREAKS_ITSELF = {
    "sriov-network-device-plugin/3.3.2": "values.daemonset.args: expected a value, it is required, found nothing"
}


def test_the_defaults_of_real_packages_pass_their_own_schemas() -> None:
    schemas = real_schemas()
    failed = {}
    for name, schema in schemas.items():
        broken, warnings = values.check(values.defaults(schema), schema)
        assert warnings == []
        if broken:
            failed[name] = values.format_violations(broken)
    assert len(schemas) > 10
    assert failed == {name: said for name, said in BREAKS_ITSELF.items() if name in schemas}


def test_an_unknown_key_is_noticed_by_every_real_package() -> None:
    schemas = real_schemas()
    for schema in schemas.values():
        broken, warnings = values.check({"no-such-key": SECRET}, schema)
        assert [*map(str, broken), *warnings] == ["values.no-such-key is not known"]
