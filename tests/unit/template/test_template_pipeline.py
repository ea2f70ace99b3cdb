from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from packhouse.api.errors import RenderedInvalid, RenderLimitExceeded, TemplateFailed, UnsupportedStep, ValuesInvalid
from packhouse.settings import Settings
from packhouse.template.limits import Limits
from packhouse.template.pipeline import TEMPLATERS, render
from render_jobs import JINJA2, config_map, job

SUPPORTED = ", ".join(TEMPLATERS)
LIMITS = Limits.from_settings(Settings())
SCHEMA = {
    "type": "object",
    "properties": {"replicas": {"type": "integer", "default": 2}, "name": {"type": "string", "default": "web"}},
}


def test_without_template_steps_all_manifests_are_taken_as_they_are(objects: Callable[..., Any]) -> None:
    files = {
        "b.yml": config_map("b", x="'{{ no template }}'") + "---\n" + config_map("b2"),
        "a.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}',
        "README.md": "no manifest",
        ".imgpkg/images.yml": "kind: ImagesLock",
    }
    found = objects(files, steps=[])
    assert [obj["metadata"]["name"] for obj in found] == ["a", "b", "b2"]
    assert found[1]["data"] == {"x": "{{ no template }}"}


def test_a_plain_manifest_that_is_no_yaml_is_refused_by_file_and_line(objects: Callable[..., Any]) -> None:
    with pytest.raises(RenderedInvalid, match=r"^a.yml:2: no valid YAML"):
        objects({"a.yml": "a: b\n  c: d\n"}, steps=[])


def test_the_output_of_a_step_is_the_input_of_the_next(objects: Callable[..., Any]) -> None:
    files = {
        "one/a.yml": config_map("{{ values.name }}", x="'{% raw %}{{ values.name }}{% endraw %}'"),
        "two/b.yml": config_map("b"),
    }
    steps = [{"jinja2": {"paths": ["one"]}}, {"jinja2": {"paths": ["-", "two"]}}]
    found = objects(files, steps=steps, values="name: a")
    assert [(obj["metadata"]["name"], obj.get("data")) for obj in found] == [("a", {"x": "a"}), ("b", None)]


def test_a_later_step_without_paths_takes_the_output_alone(objects: Callable[..., Any]) -> None:
    files = {"one/a.yml": config_map("a"), "two/b.yml": config_map("b")}
    found = objects(files, steps=[{"jinja2": {"paths": ["one"]}}, {"jinja2": None}])
    assert [obj["metadata"]["name"] for obj in found] == ["a"]


def test_steps_keep_values_as_they_are(objects: Callable[..., Any]) -> None:
    data = {"a": '"1"', "b": '"true"', "c": '"1e3"', "d": "|\n    two\n    lines", "e": '"x: y # z"', "f": '"0x1F"'}
    [found] = objects({"a.yml": config_map("a", **data)}, steps=[JINJA2, JINJA2, JINJA2])
    assert found["data"] == {"a": "1", "b": "true", "c": "1e3", "d": "two\nlines\n", "e": "x: y # z", "f": "0x1F"}


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"cue": {}}, "template step cue is not supported by this version of packhouse: supported are " + SUPPORTED),
        ({}, "a template step names exactly one engine, this one names none: supported are " + SUPPORTED),
        (
            {"jinja2": {}, "kbld": {}},
            f"a template step names exactly one engine, this one names jinja2, kbld: supported are {SUPPORTED}",
        ),
        (
            {"jinja2": {"inline": {}}},
            "template step jinja2: option inline is not supported by this version of packhouse: "
            "supported are paths, valuesFrom",
        ),
    ],
)
def test_a_step_that_is_not_in_the_table_is_refused(step: Any, message: str) -> None:
    told = job({"a.yml": "{{ never }}"}, steps=[JINJA2, step], values="not: [a, map")
    with pytest.raises(UnsupportedStep) as refused:
        render(told, LIMITS)
    assert message == refused.value.message


def test_values_are_the_defaults_of_the_schema_then_the_documents_in_order(objects: Callable[..., Any]) -> None:
    text = config_map("{{ values.name }}", n="'{{ values.replicas }}'")
    [found] = objects({"a.yml": text}, schema=SCHEMA, values=["replicas: 3\n", "replicas: 4\n---\nreplicas: 5\n"])
    assert (found["metadata"]["name"], found["data"]["n"]) == ("web", "5")


def test_values_that_break_the_schema_are_refused_before_anything_is_rendered() -> None:
    with pytest.raises(ValuesInvalid, match=r"values.replicas: expected integer, found string") as refused:
        render(job({"a.yml": "{% broken"}, schema=SCHEMA, values="replicas: secret"), LIMITS)
    assert "secret" not in refused.value.message


def test_values_that_break_the_schema_are_a_warning_where_that_is_set() -> None:
    told = job({"a.yml": config_map()}, schema=SCHEMA, values="replicas: x", enforce=False)
    [warning] = render(told, LIMITS).warnings
    assert "values.replicas: expected integer, found string" in warning


def test_an_unknown_key_is_a_warning_with_the_nearest_one() -> None:
    [warning] = render(job({"a.yml": config_map()}, schema=SCHEMA, values="replica: 1"), LIMITS).warnings
    assert "replica" in warning
    assert "did you mean replicas?" in warning


def test_values_that_are_no_map_are_refused_with_their_source() -> None:
    with pytest.raises(ValuesInvalid, match=r"^Secret demo/values key 0.yml:1: values must be a map"):
        render(job({}, values="- 1"), LIMITS)


def test_two_files_that_give_the_same_object_are_both_named(objects: Callable[..., Any]) -> None:
    with pytest.raises(RenderedInvalid, match=r"output of b.yml:1: ConfigMap web .* first by output of a.yml:1"):
        objects({"a.yml": config_map(), "b.yml": config_map(other="1")})


def test_two_files_that_give_the_same_object_alike_give_it_once(objects: Callable[..., Any]) -> None:
    assert len(objects({"a.yml": config_map(), "b.yml": config_map()})) == 1


def test_yaml_faults_of_an_output_name_the_template_and_the_line(objects: Callable[..., Any]) -> None:
    with pytest.raises(RenderedInvalid, match=r"^output of web.yml.j2:3: "):
        objects({"web.yml.j2": "{# one #}\na: 1\n\n{{ 'a: b: c' }}\n"})


def test_output_is_counted_over_all_files() -> None:
    few = Limits(seconds=1, cpu_seconds=1, memory_bytes=1 << 29, output_most_bytes=1000)
    told = job({f"{number}.yml": f"# {'x' * 300}\n" + config_map(f"a{number}") for number in range(4)})
    with pytest.raises(
        RenderLimitExceeded, match=r"more than 1,000 bytes of output.*PACKHOUSE_RENDER_OUTPUT_MOST_BYTES"
    ):
        render(told, few)


def test_an_alias_bomb_in_the_output_is_refused(objects: Callable[..., Any]) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    with pytest.raises(RenderedInvalid, match="aliases add more than"):
        objects({"a.yml": bomb})


def test_no_file_is_rendered_where_a_path_names_none(objects: Callable[..., Any]) -> None:
    with pytest.raises(TemplateFailed, match="names no file"):
        objects({"a.yml": config_map()}, steps=[{"jinja2": {"paths": ["b/"]}}])
