"""The step ytt through the pipeline: what it reads in which order, what it makes of values, and what it hands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from packhouse.api.errors import PackhouseError, RenderedInvalid, RenderLimitExceeded, TemplateFailed, ValuesInvalid
from packhouse.ports import AddedFile, Outside, ValuesDocument
from packhouse.settings import Settings
from packhouse.template.limits import Limits
from packhouse.template.pipeline import render
from render_jobs import job

YTT: dict[str, Any] = {"ytt": {"paths": ["config/"]}}
DATA = '#@ load("@ytt:data", "data")\n'
VALUES = "#@data/values\n---\na: 1\nb: two\n"
LIMITS = Limits.from_settings(Settings())


def config_map(name: str = "web", **data: str) -> str:
    lines = "".join(f"  {key}: {value}\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n" + (f"data:\n{lines}" if lines else "")


def objects(
    files: Mapping[str, str],
    *steps: dict[str, Any],
    values: Sequence[str | tuple[str, str]] = (),
    outside: Outside | None = None,
    **told: Any,
) -> list[Any]:
    asked = job(files, steps=steps or [YTT], **told)
    named = [("values.yml", text) if isinstance(text, str) else text for text in values]
    documents = [ValuesDocument(f"Secret demo/v{i} key {name}", text, name) for i, (name, text) in enumerate(named)]
    return list(render(replace(asked, values=documents, outside=outside or Outside()), LIMITS).objects)


def data(files: Mapping[str, str], *steps: dict[str, Any], **told: Any) -> Any:
    [found] = objects(files, *steps, **told)
    return found["data"]


# ---- files -----------------------------------------------------------------------------------------------


def test_files_are_called_by_their_path_below_the_folder_that_is_named() -> None:
    files = {
        "config/lib/names.star": 'def name():\n  return "from lib"\nend\n',
        "config/a.yml": '#@ load("/lib/names.star", "name")\n---\n' + config_map(x="#@ name()"),
        "other/b.yml": config_map("b"),
    }
    assert data(files) == {"x": "from lib"}


def test_paths_are_read_in_their_order_and_may_be_files() -> None:
    files = {"b/one.yml": config_map("one"), "a/two.yml": config_map("two"), "a/three.txt": "#@ no yaml"}
    found = objects(files, {"ytt": {"paths": ["b", "a/two.yml"]}})
    assert [obj["metadata"]["name"] for obj in found] == ["one", "two"]


def test_without_paths_all_files_are_read_those_behind_dots_too() -> None:
    lock = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: b\n"
    lock += "  annotations: {kbld.carvel.dev/id: a}\n"
    files = {"config/a.yml": config_map(image="a"), ".imgpkg/images.yml": lock}
    assert data(files, {"ytt": {}}, {"kbld": {}}) == {"image": "b"}


def test_the_step_before_is_the_input_where_nothing_else_is_said() -> None:
    overlay = '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.all\n---\ndata:\n  x: changed\n'
    files = {"first/a.yml": config_map(x="{{ values.a }}"), "config/overlay.yml": overlay}
    first = {"jinja2": {"paths": ["first"]}}
    assert data(files, first, {"ytt": None}, values=["a: text"]) == {"x": "text"}
    assert data(files, first, {"ytt": {"paths": ["-", "config"]}}, values=["a: text"]) == {"x": "changed"}


def test_inline_files_stand_behind_the_others_and_may_come_from_outside() -> None:
    overlay = '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.all\n---\ndata:\n  {}: "{}"\n'
    inline = {
        "paths": {"1.yml": overlay.format("x", "one")},
        "pathsFrom": [{"secretRef": {"name": "s", "directoryPath": "2"}}, {"configMapRef": {"name": "c"}}],
    }
    outside = Outside(
        references={
            ("Secret", "s"): {"a.yml": overlay.format("x", "two").encode()},
            ("ConfigMap", "c"): {"3.yml": overlay.format("x", "three").encode()},
        }
    )
    step = {"ytt": {"paths": ["config"], "inline": inline}}
    assert data({"config/a.yml": config_map(x="zero")}, step, outside=outside) == {"x": "three"}


def test_package_overlays_come_last_in_their_order_and_only_in_the_first_step() -> None:
    text = '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.all\n---\ndata:\n  x: {}\n'
    given = [AddedFile("z.yml", "", text.format("a").encode()), AddedFile("a.yml", "", text.format("b").encode())]
    files = {"config/a.yml": config_map(x="zero"), "second/b.yml": text.format("c")}
    outside = Outside(overlays=tuple(given))
    assert data(files, outside=outside) == {"x": "b"}
    assert data(files, YTT, {"ytt": {"paths": ["-", "second"]}}, outside=outside) == {"x": "c"}


def test_file_marks_and_unknown_comments_are_options() -> None:
    files = {"config/a.yml": f"# a comment\n#@ y = 1\n---\n{config_map(x='text')}", "config/b.yml": "not: an object"}
    step = {"ytt": {"paths": ["config"], "ignoreUnknownComments": True, "fileMarks": ["b.yml:exclude=true"]}}
    assert data(files, step) == {"x": "text"}
    with pytest.raises(TemplateFailed, match="comment"):
        objects({"config/a.yml": files["config/a.yml"]})


# ---- values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], {"a": 1, "b": "two"}, id="none"),
        pytest.param(["a: 2\n"], {"a": 2, "b": "two"}, id="plain"),
        pytest.param(["#@data/values\n---\na: 2\n"], {"a": 2, "b": "two"}, id="an overlay"),
        pytest.param(
            [("values", "#@data/values\n---\na: 2\n")], {"a": 2, "b": "two"}, id="an overlay without a suffix"
        ),
        pytest.param(["a: 2\n", "a: 3\nb: three\n"], {"a": 3, "b": "three"}, id="two plain"),
        pytest.param(["#@data/values\n---\na: 2\n"] * 2 + ["b: x\n"], {"a": 2, "b": "x"}, id="overlays and plain"),
        pytest.param(["#@data/values\n---\n#@ y = 5\na: #@ y\n"], {"a": 5, "b": "two"}, id="with code"),
    ],
)
def test_values_are_plain_or_overlays(values: list[Any], expected: Any) -> None:
    text = config_map(a="#@ str(data.values.a)", b="#@ data.values.b")
    files = {"config/values.yml": VALUES, "config/a.yml": f"{DATA}---\n{text}"}
    assert data(files, values=values) == {"a": str(expected["a"]), "b": expected["b"]}


def test_values_that_are_files_may_be_any_file() -> None:
    files = {"config/values.yml": VALUES, "config/a.yml": f"{DATA}---\n{config_map(b='#@ data.values.b')}"}
    values = [
        ("fn.star", 'def text():\n  return "from a function"\nend\n'),
        ("v.yml", '#@ load("fn.star", "text")\n#@data/values\n---\nb: #@ text()\n'),
    ]
    assert data(files, values=values, outside=Outside(values_as_files=True)) == {"b": "from a function"}


def test_values_from_come_before_those_of_the_install() -> None:
    files = {
        "config/values.yml": "#@data/values\n---\na: ''\nb: ''\nc: ''\nd: ''\ne: ''\n",
        "config/a.yml": f"{DATA}---\n{config_map(**{key: f'#@ data.values.{key}' for key in 'abcde'})}",
        "more/x.yml": "a: file\nb: file\n",
        "more/y.txt": "a: [\n",
    }
    sources = [
        {"path": "more"},
        {"configMapRef": {"name": "c"}},
        {"secretRef": {"name": "s"}},
        {"downwardAPI": {"items": [{"name": "d", "fieldPath": "metadata.name"}]}},
    ]
    outside = Outside(
        references={("ConfigMap", "c"): {"v": b"b: map\nc: map\n"}, ("Secret", "s"): {"v": b"c: secret\n"}},
        metadata={"name": "web"},
    )
    step = {"ytt": {"paths": ["config"], "valuesFrom": sources}}
    found = data(files, step, values=["e: install\n"], outside=outside)
    assert found == {"a": "file", "b": "map", "c": "secret", "d": "web", "e": "install"}


def test_values_are_held_against_the_valuesschema_unless_they_hold_code() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    files = {"config/values.yml": VALUES, "config/a.yml": f"{DATA}---\n{config_map(a='#@ str(data.values.a)')}"}
    for text in ("a: x\n", "#@data/values\n---\na: x\n"):
        with pytest.raises(ValuesInvalid, match=r"values.a: expected integer"):
            objects(files, values=[text], schema=schema)
    coded = "#@data/values\n---\n#@overlay/replace\na: x\n"
    assert data(files, values=[coded], schema=schema) == {"a": "x"}
    assert data(files, values=["#@data/values\n---\na: #@ 1 + 1\n"], schema=schema) == {"a": "2"}


def test_a_jinja2_step_still_gets_all_values_as_one_map() -> None:
    files = {"config/a.yml": config_map("a"), "second/b.yml": config_map("b", x="{{ values.b }}")}
    steps = [YTT, {"jinja2": {"paths": ["second"]}}]
    files["config/values.yml"] = VALUES
    assert data(files, *steps, values=["#@data/values\n---\n#@overlay/match missing_ok=True\nb: x\n"]) == {"x": "x"}


# ---- what comes out --------------------------------------------------------------------------------------


def test_keys_become_texts_as_kubernetes_reads_them() -> None:
    assert data({"config/a.yml": config_map(**{"1": "a", "true": "b", "1.5": "c", "'2'": "d"})}) == {
        "1": "a",
        "true": "b",
        "1.5": "c",
        "2": "d",
    }


def test_a_null_key_is_refused_with_its_place() -> None:
    with pytest.raises(RenderedInvalid, match=r"^a.yml:6: a key must be a text, found null"):
        objects({"config/a.yml": config_map(**{"~": "a"})})


def test_what_is_no_object_is_refused_with_the_place_in_the_template() -> None:
    with pytest.raises(RenderedInvalid, match=r"^a.yml:5: Nothing: apiVersion is missing"):
        objects({"config/a.yml": f"{config_map()}---\nkind: Nothing\n"})


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        pytest.param(
            "x: #@ nothing\n",
            TemplateFailed,
            "\n- undefined: nothing\n    a.yml:1 | x: #@ nothing",
            id="an unknown name",
        ),
        pytest.param('#@ load("@ytt:none", "x")\n', TemplateFailed, "none", id="an unknown module"),
        pytest.param("a: b: c\n", TemplateFailed, "yaml: line 1", id="no yaml"),
        pytest.param("#@ def f(): f()\n#@ f()\n", (TemplateFailed, RenderLimitExceeded), "", id="recursion"),
        pytest.param("#@ x = [0] * 1000 * 1000 * 1000\n", (TemplateFailed, RenderLimitExceeded), "", id="too large"),
        pytest.param(
            "#@ for x in range(1000000000):\n#@ end\n", RenderLimitExceeded, "rendering was ended", id="endless"
        ),
    ],
)
def test_what_goes_wrong_is_said_in_the_words_of_the_original(
    text: str, error: type[PackhouseError], message: str
) -> None:
    with pytest.raises(error) as refused:
        objects({"config/a.yml": text})
    assert message in str(refused.value)


def test_a_value_that_holds_itself_many_times_is_refused_before_it_fills_the_memory() -> None:
    code = '#@ x = {"a": 1}\n#@ for i in range(40):\n#@ x = {"a": x, "b": x}\n#@ end\n'
    with pytest.raises(RenderLimitExceeded, match="rendering was ended"):
        objects({"config/a.yml": f"{code}---\n{config_map()}more: #@ x\n"})


def test_lines_of_secrets_stay_out_of_messages() -> None:
    files = {"config/schema.yml": "#@data/values-schema\n---\npassword: ''\n", "config/a.yml": config_map()}
    with pytest.raises(TemplateFailed) as refused:
        objects(files, values=["password: [hunter2]\n"])
    assert "hunter2" not in refused.value.message
    assert "(a line of a Secret)" in refused.value.message
    assert "Secret demo/v0 key values.yml" in refused.value.message
