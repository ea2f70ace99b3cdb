"""What a schema says of its keys: rows, explanations, the file of values to begin with. Packages are real, if found."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import real_packages
from packhouse.api.errors import ValuesInvalid, ValuesSchemaInvalid
from packhouse.domain import values
from packhouse.domain.values_explain import explained, keys
from packhouse.domain.values_keys import ROWS_MOST, rows
from packhouse.domain.values_path import EACH, parse, written
from packhouse.domain.values_template import default_values
from packhouse.ports import Json, ValuesDocument


def obj(**properties: Any) -> Json:
    return {"type": "object", "properties": properties}


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
#: The design's own example.
CONTOUR = obj(
    contour=obj(configFileContents={"type": "object", "description": "The YAML contents of the config file."}),
    envoy=obj(
        service=obj(nodePorts=obj(http=INTEGER | {"description": "If type == NodePort, the node port number"})),
        hostNetwork={"type": "boolean", "default": False, "description": "Whether to enable host networking."},
    ),
)


def shown(schema: Json) -> list[tuple[str, str, str]]:
    return [(row.key, row.default, row.type) for row in rows(schema)]


# ---- rows -----------------------------------------------------------------------------------------------------------


def test_keys_are_dotted_to_any_depth_in_the_schemas_order() -> None:
    assert [(row.key, row.default, row.type, row.description) for row in rows(CONTOUR)] == [
        ("contour.configFileContents", "<nil>", "object", "The YAML contents of the config file."),
        ("envoy.service.nodePorts.http", "<nil>", "integer", "If type == NodePort, the node port number"),
        ("envoy.hostNetwork", "false", "boolean", "Whether to enable host networking."),
    ]


def test_lists_and_maps_show_what_is_in_them() -> None:
    schema = obj(
        ports={"type": "array", "items": obj(name=STRING, number=INTEGER)},
        args={"type": "array", "items": STRING, "default": ["-v"]},
        anything={"type": "array", "items": {}},
        labels={"type": "object", "additionalProperties": STRING},
        pools={"type": "object", "additionalProperties": obj(size=INTEGER)},
        patterns={"patternProperties": {"^x-": INTEGER}},
    )
    assert shown(schema) == [
        ("ports", "<nil>", "array"),
        ("ports[].name", "<nil>", "string"),
        ("ports[].number", "<nil>", "integer"),
        ("args", '["-v"]', "array"),
        ("args[]", "<nil>", "string"),
        ("anything", "<nil>", "array"),
        ("labels", "<nil>", "object"),
        ("labels.<key>", "<nil>", "string"),
        ("pools", "<nil>", "object"),
        ("pools.<key>.size", "<nil>", "integer"),
        ("patterns", "<nil>", "object"),
        ("patterns.<key>", "<nil>", "integer"),
    ]


@pytest.mark.parametrize(
    ("default", "text"),
    [(None, "<nil>"), ("", '""'), ("a b", "a b"), (0, "0"), (1.5, "1.5"), (True, "true"), ([], "[]"), ({}, "{}")],
)
def test_a_default_is_written_as_json_but_for_texts(default: Any, text: str) -> None:
    assert shown(obj(a={"default": default}))[0][1] == text


def test_the_default_of_a_map_overrules_those_of_its_keys() -> None:
    schema = obj(a=obj(b=INTEGER | {"default": 1}, c=INTEGER | {"default": 2}) | {"default": {"b": 7}})
    assert shown(schema) == [("a.b", "7", "integer"), ("a.c", "2", "integer")]


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({}, "any"),
        ({"type": ["string", "null"]}, "string"),
        ({"type": "string", "nullable": True}, "string"),
        ({"oneOf": [INTEGER, STRING]}, "integer or string"),
        ({"anyOf": [INTEGER, {"type": "null"}]}, "integer"),
        ({"allOf": [{"$ref": "#/definitions/port"}]}, "integer"),
        ({"$ref": "#/definitions/nowhere"}, "any"),
        ({"$ref": "https://example.com/schema"}, "any"),
        ({"x-kubernetes-int-or-string": True}, "integer or string"),
        ({"enum": ["a", 1]}, "string or integer"),
        ({"default": 1.5}, "number"),
        ({"items": STRING}, "array"),
        ({"type": "weird"}, "any"),
    ],
)
def test_types_come_from_alternatives_references_and_what_else_is_said(schema: Json, kind: str) -> None:
    whole = obj(a=schema) | {"definitions": {"port": INTEGER}}
    assert rows(whole)[0].type == kind


def test_keys_of_all_alternatives_are_shown_once() -> None:
    schema = obj(a={"oneOf": [obj(x=STRING, y=STRING), obj(x=INTEGER, z=STRING)]})
    assert shown(schema) == [
        ("a.x", "<nil>", "string or integer"),
        ("a.y", "<nil>", "string"),
        ("a.z", "<nil>", "string"),
    ]


def test_circles_end_where_they_close() -> None:
    node = obj(name=STRING, child={"$ref": "#/definitions/node"}, others={"type": "array", "items": {"$ref": "#"}})
    schema = obj(root={"$ref": "#/definitions/node"}) | {"definitions": {"node": node}}
    assert [row.key for row in rows(schema)] == ["root.name", "root.child", "root.others", "root.others[]"]
    assert [row.key for row in rows({"$ref": "#"})] == []
    assert [row.key for row in rows(obj(a={"allOf": [{"$ref": "#/properties/a"}]}))] == ["a"]


def test_a_schema_that_grows_without_end_is_cut_or_refused() -> None:
    doubled = {f"d{n}": {"type": "array", "items": obj(a=ref(n + 1), b=ref(n + 1))} for n in range(30)}
    schema = obj(a={"$ref": "#/definitions/d0"}) | {"definitions": doubled | {"d30": STRING}}
    assert len(rows(schema)) == ROWS_MOST
    doubled = {f"d{n}": obj(a=ref(n + 1), b=ref(n + 1)) for n in range(30)}
    schema = obj(a={"$ref": "#/definitions/d0"}) | {"definitions": doubled | {"d30": STRING}}
    with pytest.raises(ValuesSchemaInvalid):
        rows(schema)
    nested: Json = STRING
    for _ in range(2000):
        nested = obj(a=nested)
    with pytest.raises(ValuesSchemaInvalid):
        rows(nested)


def ref(number: int) -> Json:
    return {"$ref": f"#/definitions/d{number}"}


# ---- paths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a.b", ("a", "b")),
        ("a[0].b[12]", ("a", 0, "b", 12)),
        (r"a\.b.c", ("a.b", "c")),
        (r"a\=b", ("a=b",)),
        ('a["b.c"].d', ("a", "b.c", "d")),
        ("a['b.c'][0]", ("a", "b.c", 0)),
        ('["a]b"]', ("a]b",)),
        ("a[].b", ("a", EACH, "b")),
        ("labels.<key>", ("labels", "<key>")),
        ("app.kubernetes/name x", ("app", "kubernetes/name x")),
    ],
)
def test_paths_are_read_as_people_write_them(text: str, path: tuple[str | int, ...]) -> None:
    assert parse(text) == path
    assert parse(written(path)) == path


@pytest.mark.parametrize("text", ["", ".a", "a..b", "a.", "[0]", "a[x]", "a[", "a]", "a=b", "\\", '["\\u"]', "a.[0]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValuesInvalid, match="is no path to a value"):
        parse(text)


@given(st.text(min_size=1), st.lists(st.text() | st.integers(-1, 99)))
def test_every_path_can_be_written_and_read(first: str, rest: list[str | int]) -> None:
    assert parse(written((first, *rest))) == (first, *rest)


# ---- explained ------------------------------------------------------------------------------------------------------


def test_a_key_is_explained_with_all_that_the_schema_says() -> None:
    schema = obj(
        type=STRING
        | {"enum": ["NodePort", "LoadBalancer"], "default": "NodePort", "description": "How it is reached."},
        port=INTEGER | {"minimum": 1, "maximum": 9, "nullable": True, "example": 5},
        hosts={"type": "array", "items": obj(name=STRING)},
        labels={"type": "object", "additionalProperties": STRING},
    )
    told = explained(schema, "type")
    assert told is not None
    assert (told.type, told.default, told.choices) == ("string", ("NodePort",), ["NodePort", "LoadBalancer"])
    assert (told.example, told.set) == ({"type": "LoadBalancer"}, "--set type=LoadBalancer")
    told = explained(schema, "port")
    assert told is not None
    assert (told.is_nullable, told.default, told.limits) == (True, None, ["at least 1", "at most 9"])
    assert told.example == {"port": 5}
    told = explained(schema, "hosts")
    assert told is not None
    assert [row.key for row in told.below] == ["hosts[].name"]
    assert told.example == {"hosts": [{"name": ""}]}
    told = explained(schema, "labels.any")
    assert told is not None
    assert (told.type, told.example) == ("string", {"labels": {"any": ""}})


def test_a_key_that_holds_others_is_explained_by_them_and_one_that_is_not_there_by_nothing() -> None:
    told = explained(CONTOUR, "envoy.service")
    assert told is not None
    assert told.example is None
    assert [row.key for row in told.below] == ["envoy.service.nodePorts.http"]
    assert explained(CONTOUR, "envoy.servce") is None
    assert keys(CONTOUR)[:3] == ["contour", "contour.configFileContents", "envoy"]


# ---- a file to begin with -------------------------------------------------------------------------------------------


def read(text: str) -> Json:
    return values.merge(values.parse([ValuesDocument("the file", text)]))


def test_the_file_says_what_the_schema_says() -> None:
    schema = obj(
        replicas=INTEGER | {"default": 2, "description": "How many."},
        service=obj(type=STRING | {"enum": ["NodePort", "LoadBalancer"]}, config=STRING | {"default": "a: 1\nb: 2\n"}),
        tls=obj(secret=STRING),
    )
    assert default_values(schema) == (
        "# Keys without a default are commented out: remove the # in front of those that you set.\n"
        "\n"
        "# How many.\n"
        "# (integer)\n"
        "replicas: 2\n"
        "\n"
        "service:\n"
        "  # (string, one of NodePort, LoadBalancer)\n"
        "  #type: NodePort\n"
        "  # (string)\n"
        "  config: |\n"
        "    a: 1\n"
        "    b: 2\n"
        "\n"
        "#tls:\n"
        "  # (string)\n"
        '  #secret: ""\n'
    )


@pytest.mark.parametrize(
    ("schema", "given_values"),
    [
        ({}, {}),
        (obj(a=STRING), {}),
        (obj(a=INTEGER | {"minimum": 3}, b=STRING) | {"required": ["a"]}, {"a": 3}),
        (obj(a=INTEGER | {"exclusiveMinimum": 3}) | {"required": ["a"]}, {"a": 4}),
        (obj(a={"enum": ["x", "y"]}) | {"required": ["a"]}, {"a": "x"}),
        (obj(a=obj(b=STRING) | {"required": ["b"]}) | {"required": ["a"]}, {"a": {"b": ""}}),
        (obj(a=obj(b=STRING)) | {"required": ["a"]}, {"a": {}}),
        (obj(a=obj(b=STRING) | {"required": ["b"]}), {}),
        (obj(a=STRING | {"default": None}) | {"required": ["a"]}, {}),
        (obj(a=obj(b=STRING | {"default": "x"}) | {"nullable": True}), {}),
        (obj(a=obj(b=STRING | {"default": "x"}) | {"nullable": True}) | {"required": ["a"]}, {"a": {"b": "x"}}),
        (obj(a=obj(b=STRING) | {"default": {"b": "x", "more": 1}}), {"a": {"b": "x", "more": 1}}),
        (obj(**{"@a": INTEGER | {"default": 1}, "b.c": INTEGER | {"default": 1}, "k" * 200: STRING | {"default": ""}}),
         {"@a": 1, "b.c": 1, "k" * 200: ""}),
        (obj(a=STRING | {"description": "# line\n---\nb: 2\n\u2028c: 3"}), {}),
    ],
)  # fmt: skip
def test_the_file_gives_the_defaults_and_what_is_required(schema: Json, given_values: Json) -> None:
    text = default_values(schema)
    assert read(text) == given_values
    assert values.check(read(text), schema)[0] == []


def uncommented(text: str) -> str:
    return re.sub(r"^( *)#(?=[^ \n])", r"\1", text, flags=re.MULTILINE).replace("\n{}\n", "\n")


def leaves(depth: int) -> st.SearchStrategy[Json]:
    values_of: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(),
        "integer": st.integers(-(2**60), 2**60),
        "number": st.floats(allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
        "array": st.lists(st.text() | st.integers(0, 9), max_size=3),
    }

    def leaf(kind: str) -> st.SearchStrategy[Json]:
        said = {"description": st.text(max_size=200), "nullable": st.booleans(), "default": values_of[kind]}
        return st.fixed_dictionaries({"type": st.just(kind)}, optional=said)

    schema = st.sampled_from(sorted(values_of)).flatmap(leaf)
    if depth:
        schema |= schemas(depth - 1)
    return schema


def schemas(depth: int = 2) -> st.SearchStrategy[Json]:
    named = st.dictionaries(st.text(min_size=1, max_size=20), leaves(depth), max_size=4)
    return named.flatmap(
        lambda properties: st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.just(properties)},
            optional={"required": st.lists(st.sampled_from(sorted(properties) or ["x"]), max_size=2, unique=True)}
            if properties
            else {},
        )
    )


@settings(max_examples=60, deadline=None)
@given(schemas())
def test_the_file_passes_its_own_schema_and_so_do_all_its_keys(schema: Json) -> None:
    text = default_values(schema)
    assert values.check(read(text), schema) == ([], [])
    assert values.check(read(uncommented(text)), schema)[1] == []


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "properties", "items", "allOf", "oneOf", "enum", "required", "default", "$ref"]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_what_is_no_schema_breaks_nothing(junk: Any) -> None:
    for schema in ({"properties": {"a": junk}}, {"properties": junk}, {"type": "object", "allOf": junk}):
        rows(schema)
        default_values(schema)
        explained(schema, "a.b[0]")


# ---- real packages --------------------------------------------------------------------------------------------------

REAL = [
    pytest.param(found.document["spec"]["valuesSchema"]["openAPIv3"], id=found.name)
    for found in real_packages.packages()
    if found.document["spec"].get("valuesSchema")
]


@pytest.mark.parametrize("schema", REAL)
def test_of_real_packages_all_keys_are_explained_and_the_file_passes(schema: Json) -> None:
    assert all(explained(schema, key) for key in keys(schema))
    text = default_values(schema)
    assert values.check(read(text), schema) == ([], [])
    assert values.check(read(uncommented(text)), schema) == ([], [])
