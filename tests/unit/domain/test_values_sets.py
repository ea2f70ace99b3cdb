"""`--set a.b=c`: paths and types. The schema decides; where it says nothing, YAML does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.api.errors import ValuesInvalid
from packhouse.domain.values_sets import layer
from packhouse.ports import Json

SECRET = "hunter2"
STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def obj(**properties: Any) -> Json:
    return {"type": "object", "properties": properties}


SCHEMA = obj(
    replicas=INTEGER,
    ratio={"type": "number"},
    on={"type": "boolean"},
    name=STRING,
    maybe=STRING | {"nullable": True},
    none=STRING | {"default": None},
    port={"oneOf": [INTEGER, STRING]},
    args={"type": "array", "items": STRING, "default": ["-v"]},
    hosts={"type": "array", "items": obj(name=STRING, port=INTEGER)},
    labels={"type": "object", "additionalProperties": STRING},
    free={},
    service=obj(type=STRING, nodePorts=obj(http=INTEGER)),
)


def put(*sets: str, given: Json | None = None, schema: Json = SCHEMA) -> Json:
    return layer(schema, given or {}, sets)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("replicas=3", {"replicas": 3}),
        ("replicas=-3", {"replicas": -3}),
        ("ratio=3", {"ratio": 3}),
        ("ratio=1e-2", {"ratio": 0.01}),
        ("on=true", {"on": True}),
        ("name=true", {"name": "true"}),
        ("name=3", {"name": "3"}),
        ("name=null", {"name": "null"}),
        ("name=", {"name": ""}),
        ("name=a=b,c: d #e", {"name": "a=b,c: d #e"}),
        ('name="x"', {"name": "x"}),
        ('name="a\\nb"', {"name": "a\nb"}),
        ("name=line\nline", {"name": "line\nline"}),
        ("maybe=null", {"maybe": None}),
        ('maybe="null"', {"maybe": "null"}),
        ("none=null", {"none": None}),
        ("port=80", {"port": 80}),
        ("port=http", {"port": "http"}),
        ("port=080", {"port": "080"}),
        ("args=[a, 1]", {"args": ["a", 1]}),
        ("args=[]", {"args": []}),
        ('hosts=[{"name": "a"}]', {"hosts": [{"name": "a"}]}),
        ("labels={a: b}", {"labels": {"a": "b"}}),
        (r"labels.app\.kubernetes\.io/name=3", {"labels": {"app.kubernetes.io/name": "3"}}),
        ('labels["a.b"]=3', {"labels": {"a.b": "3"}}),
        ("free=3", {"free": 3}),
        ("free=2026-01-01", {"free": "2026-01-01"}),
        ("free=[a, {b: 1}]", {"free": ["a", {"b": 1}]}),
        ("free=a: b: c", {"free": "a: b: c"}),
        ("free=", {"free": ""}),
        ("free.a.b[0].c=1", {"free": {"a": {"b": [{"c": 1}]}}}),
        ("service.nodePorts.http=30080", {"service": {"nodePorts": {"http": 30080}}}),
    ],
)
def test_a_value_has_the_type_of_its_place(words: str, values: Json) -> None:
    assert put(words) == values


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (f"replicas={SECRET}", "--set replicas: expected integer, found string; write --set replicas=1"),
        ("replicas=1.5", "--set replicas: expected integer, found number; write --set replicas=1"),
        ("replicas=null", "--set replicas: expected integer, found null; write --set replicas=1"),
        ("ratio=1e999", "--set ratio: expected number, found string; write --set ratio=0.5"),
        ("on=yes", "--set on: expected boolean, found string; write --set on=true"),
        ("args=a,b", "--set args: expected array, found string; write --set args='[x, y]'"),
        ("labels=a", "--set labels: expected object, found string; write --set labels='{key: value}'"),
        (
            "replcas=1",
            "--set replcas is not known (did you mean replicas?); keys there are replicas, ratio, on, name, maybe, "
            "none, port, args, hosts, labels",
        ),
        (
            "service.nodePort.http=1",
            "--set service.nodePort is not known (did you mean service.nodePorts?); keys there are type, nodePorts",
        ),
        ("hosts[0].nam=x", "--set hosts[0].nam is not known (did you mean hosts[0].name?); keys there are name, port"),
        ("name.first=x", "--set name.first: name is no map, expected string; write --set name=TEXT"),
        ("name[0]=x", "--set name[0]: name is no list, expected string; write --set name=TEXT"),
        ("hosts.name=x", "--set hosts.name: hosts is no map, expected array; write --set hosts='[x, y]'"),
        ("hosts[].name=x", "--set hosts[].name names every item and none; name one, as in a[0] or a.key"),
        ("labels.<key>=x", "--set labels.<key> names every item and none; name one, as in a[0] or a.key"),
        ("args[2]=x", "--set args[2]: args has 1 item; the next one is args[1]"),
        ("hosts[1].name=x", "--set hosts[1].name: hosts has 0 items; the next one is hosts[0]"),
        ("replicas", "--set replicas has no value; write --set replicas=VALUE"),
        ("=1", "'' is no path to a value"),
    ],
)
def test_a_mistake_is_told_with_path_type_and_the_nearest_key_and_never_the_value(words: str, message: str) -> None:
    with pytest.raises(ValuesInvalid) as refused:
        put(words)
    assert refused.value.message.startswith(message)
    assert SECRET not in refused.value.message


def test_where_the_schema_closes_a_map_or_opens_it_keys_are_refused_or_taken() -> None:
    closed = obj(a=STRING) | {"additionalProperties": False}
    with pytest.raises(ValuesInvalid):
        put("b=1", schema=closed)
    for opened in (
        obj(a=STRING) | {"additionalProperties": True},
        obj(a=STRING) | {"x-kubernetes-preserve-unknown-fields": True},
        obj(a=STRING) | {"allOf": [{"$ref": "#/definitions/gone"}]},
        {},
    ):
        assert put("b=1", schema=opened) == {"b": 1}


def test_an_item_is_set_in_a_copy_of_the_list_that_is_there() -> None:
    below = {"hosts": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]}
    assert put("hosts[1].port=3", given=below) == {"hosts": [{"name": "a", "port": 1}, {"name": "b", "port": 3}]}
    assert below["hosts"][1]["port"] == 2
    assert put("args[1]=-q") == {"args": ["-v", "-q"]}
    assert put("args[0]=-q", given={"args": []}) == {"args": ["-q"]}


def test_later_words_go_over_earlier_ones() -> None:
    assert put("name=a", "name=b", "service.type=x", "service.nodePorts.http=1") == {
        "name": "b",
        "service": {"type": "x", "nodePorts": {"http": 1}},
    }
    assert put("args=[a]", "args[1]=b", "hosts[0].name=x", "hosts[0].port=1") == {
        "args": ["a", "b"],
        "hosts": [{"name": "x", "port": 1}],
    }


@given(st.text(), st.sampled_from(["replicas", "ratio", "on", "name", "maybe", "port", "args", "labels", "free"]))
def test_whatever_is_written_gives_a_value_or_is_refused_in_words(text: str, key: str) -> None:
    try:
        assert list(put(f"{key}={text}")) == [key]
    except ValuesInvalid as refused:
        assert refused.message.startswith(f"--set {key}: expected ")


@given(st.text())
def test_every_text_can_be_a_string(text: str) -> None:
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    assert quoted or put(f"name={text}") == {"name": text}
