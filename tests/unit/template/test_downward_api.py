"""Values from the install itself and from the cluster, and `valuesFrom` as a whole: the same for every engine.

Real: the pipeline with jinja2, ytt and helm. Nothing is faked.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from packhouse.api.errors import TemplateFailed, ValuesInvalid
from packhouse.domain.step_references import references, uses_metadata
from packhouse.ports import Json, Outside, ValuesDocument
from packhouse.settings import Settings
from packhouse.template.downward_api import KAPP_CONTROLLER_VERSION, values_texts
from packhouse.template.limits import Limits
from packhouse.template.pipeline import TEMPLATERS, render
from render_jobs import config_map, job

METADATA = {
    "name": "web",
    "namespace": "demo",
    "uid": "u",
    "labels": {"team": "shop", "example.com/tier": "front"},
    "annotations": {},
}
CLUSTER = {"version": "v1.37.2+k3s1", "apiGroups": ["apps/v1", "v1"]}


def values(**item: Any) -> Any:
    [text] = values_texts([{"name": "a.b", **item}], METADATA, CLUSTER)
    return json.loads(text)["a"]["b"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "web"),
        (".metadata.namespace", "demo"),
        ("{metadata.uid}", "u"),
        ("{.metadata.labels}", METADATA["labels"]),
        ("metadata.labels.team", "shop"),
        ("metadata.labels['example.com/tier']", "front"),
        ('metadata.labels["example.com/tier"]', "front"),
        (r"metadata.labels.example\.com/tier", "front"),
        ("metadata.annotations", {}),
    ],
)
def test_a_path_names_a_field_of_the_metadata(path: str, expected: Any) -> None:
    assert values(fieldPath=path) == expected


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"kubernetesVersion": {}}, "1.37.2"),
        ({"kubernetesVersion": {"version": "1.20.0"}}, "1.20.0"),
        ({"kubernetesAPIs": {}}, ["apps/v1", "v1"]),
        ({"kubernetesAPIs": {"groupVersions": ["v2"]}}, ["v2"]),
        ({"kubernetesAPIs": {"groupVersions": []}}, []),
        ({"kappControllerVersion": {}}, KAPP_CONTROLLER_VERSION),
        ({"kappControllerVersion": {"version": "0.1.0"}}, "0.1.0"),
    ],
)
def test_what_is_known_of_the_cluster(item: Any, expected: Any) -> None:
    assert values(**item) == expected


def test_a_dot_behind_a_backslash_belongs_to_the_key() -> None:
    [text] = values_texts([{"name": r"a\.b.c", "fieldPath": "metadata.name"}], METADATA, CLUSTER)
    assert json.loads(text) == {"a.b": {"c": "web"}}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"fieldPath": "metadata.labels.none"}, "names nothing of the install's metadata"),
        ({"fieldPath": "metadata.name.more"}, "names nothing of the install's metadata"),
        ({"fieldPath": "spec.values"}, "names nothing of the install's metadata"),
        ({"fieldPath": "metadata"}, "names the whole metadata"),
        ({"fieldPath": "metadata.labels[0]"}, "cannot be read"),
        ({"fieldPath": "{a}{b}"}, "cannot be read"),
        ({"name": ".a", "fieldPath": "metadata.name"}, "begins or ends with a dot"),
        ({"name": "a..b", "fieldPath": "metadata.name"}, "begins or ends with a dot"),
    ],
)
def test_what_cannot_be_followed_is_refused(item: Any, message: str) -> None:
    with pytest.raises(TemplateFailed, match=message):
        values(**item)


# ---- every engine ----------------------------------------------------------------------------------------

#: What each engine needs to show the values a to f: its files, and the options beside valuesFrom.
ENGINES: dict[str, tuple[dict[str, str], Json]] = {
    "jinja2": (
        {"config/a.yml": config_map(**{key: f"'{{{{ values.{key} | default('') }}}}'" for key in "abcdef"})},
        {"paths": ["config"]},
    ),
    "ytt": (
        {
            "config/values.yml": "#@data/values\n---\n" + "".join(f"{key}: ''\n" for key in "abcdef"),
            "config/a.yml": '#@ load("@ytt:data", "data")\n---\n'
            + config_map(**{key: f"#@ data.values.{key}" for key in "abcdef"}),
        },
        {"paths": ["config"]},
    ),
    "helmTemplate": (
        {
            "config/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
            "config/templates/a.yaml": config_map(**{key: f'"{{{{ .Values.{key} }}}}"' for key in "abcdef"}),
        },
        {"path": "config"},
    ),
}
SOURCES: list[Json] = [
    {"path": "values"},
    {"secretRef": {"name": "s"}},
    {"configMapRef": {"name": "c"}},
    {
        "downwardAPI": {
            "items": [
                {"name": "d", "fieldPath": "metadata.namespace"},
                {"name": "e", "kubernetesVersion": {"version": "1.20.0"}},
                {"name": "f", "fieldPath": "metadata.labels.team"},
            ]
        }
    },
]
OUTSIDE = Outside(
    references={
        ("Secret", "s"): {"1.yml": b"b: secret\nc: secret\n"},
        ("ConfigMap", "c"): {"1.yml": b"c: config\nd: config\n"},
    },
    metadata=METADATA,
)
FILES = {"values/1.yml": "a: file\nb: file\n", "values/2.yaml": "b: second file\n", "values/3.txt": "a: [\n"}


@pytest.fixture
def limits(helm: Path) -> Limits:
    return Limits.from_settings(Settings(helm_program=str(helm)))


@pytest.mark.parametrize("engine", ENGINES)
def test_values_from_are_the_same_for_every_engine_and_those_of_the_install_win(limits: Limits, engine: str) -> None:
    files, options = ENGINES[engine]
    asked = job(files | FILES, steps=[{engine: {**options, "valuesFrom": SOURCES}}])
    told = replace(asked, outside=OUTSIDE, values=[ValuesDocument("Secret demo/v", "f: install\n", "v.yml")])
    [found] = render(told, limits).objects
    assert found["data"] == {
        "a": "file",
        "b": "secret",
        "c": "config",
        "d": "demo",
        "e": "1.20.0",
        "f": "install",
    }


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param({"path": "nothing.yml"}, "path 'nothing.yml' names no file", id="no file"),
        pytest.param({"path": "../x"}, "leads out", id="a path out"),
        pytest.param({"path": "-"}, "there is none before", id="no step before"),
        pytest.param({"secretRef": {"name": "s"}}, "Secret s key x: the content is no UTF-8 text", id="no text"),
        pytest.param(
            {"downwardAPI": {"items": [{"name": "a..b", "fieldPath": "metadata.name"}]}},
            "valuesFrom.downwardAPI: the name 'a..b'",
            id="a name",
        ),
        pytest.param(
            {"downwardAPI": {"items": [{"name": "a", "fieldPath": "spec.x"}]}},
            "valuesFrom.downwardAPI: fieldPath 'spec.x' names nothing",
            id="a field",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused_by_step_and_place(
    limits: Limits, engine: str, source: Json, message: str
) -> None:
    files, options = ENGINES[engine]
    asked = job(files, steps=[{engine: {**options, "valuesFrom": [source]}}])
    outside = Outside(references={("Secret", "s"): {"x": b"\xff"}}, metadata=METADATA)
    with pytest.raises(TemplateFailed) as refused:
        render(replace(asked, outside=outside), limits)
    assert refused.value.message.startswith(f"template step {engine}: ")
    assert message in refused.value.message


def test_values_of_a_jinja2_step_stand_over_the_defaults_of_the_schema_and_are_its_own(limits: Limits) -> None:
    files, options = ENGINES["jinja2"]
    schema = {"type": "object", "properties": {key: {"type": "string", "default": "schema"} for key in "ab"}}
    steps = [{"jinja2": {**options, "valuesFrom": [{"path": "values/1.yml"}]}}, {"jinja2": {"paths": ["other"]}}]
    other = {"other/b.yml": config_map("b", a="{{ values.a }}")}
    asked = job(files | {"values/1.yml": "a: step\n"} | other, steps=steps[:1], schema=schema)
    [found] = render(asked, limits).objects
    assert (found["data"]["a"], found["data"]["b"]) == ("step", "schema")
    [found] = render(replace(asked, steps=steps), limits).objects
    assert found["data"] == {"a": "schema"}


@pytest.mark.parametrize("text", ["a: [", "- hunter22", "a: 1\na: 2\n"])
def test_values_that_are_no_map_are_refused_with_their_source_and_without_their_content(
    limits: Limits, text: str
) -> None:
    files, options = ENGINES["jinja2"]
    asked = job(files, steps=[{"jinja2": {**options, "valuesFrom": [{"secretRef": {"name": "s"}}]}}])
    outside = Outside(references={("Secret", "s"): {"x": text.encode()}})
    with pytest.raises(ValuesInvalid, match=r"^Secret s key x:\d") as refused:
        render(replace(asked, outside=outside), limits)
    assert "hunter22" not in refused.value.message


def test_every_engine_that_takes_values_has_values_from() -> None:
    taking = {name for name, engine in TEMPLATERS.items() if engine.takes_values or engine.merges_values}
    assert taking == {name for name, engine in TEMPLATERS.items() if "valuesFrom" in engine.options} == set(ENGINES)


# ---- what is read before ---------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_what_values_from_names_is_read_before_the_step(engine: str) -> None:
    steps = [{engine: {"valuesFrom": SOURCES}}, {"kbld": {}}, {engine: None}]
    assert references(steps) == [("ConfigMap", "c"), ("Secret", "s")]
    assert uses_metadata(steps)
    assert not uses_metadata([{engine: {"valuesFrom": SOURCES[:3]}}])


def test_the_keys_of_a_sops_step_are_read_before_it() -> None:
    steps = [{"sops": {"age": {"privateKeysSecretRef": {"name": "keys"}}, "paths": ["a"]}}, {"sops": {}}]
    assert references(steps) == [("Secret", "keys")]
