"""The step helmTemplate through the pipeline. Real: helm, charts as files. Faked: nothing; no worker is around it (the
limits are tested beside adapters/worker_pool.py). Asserted: objects, warnings and the words of refusals.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.api.errors import (
    RenderedInvalid,
    RendererUnavailable,
    RenderLimitExceeded,
    TemplateFailed,
    ValuesInvalid,
)
from packhouse.ports import AddedFile, Json, Outside, Rendered, ValuesDocument
from packhouse.settings import Settings
from packhouse.template.helm.ignore import Rules
from packhouse.template.helm.output import message
from packhouse.template.limits import Limits
from packhouse.template.pipeline import render
from render_jobs import job

CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
HELM: Json = {"helmTemplate": {}}
KUBERNETES = {"version": "v1.37.2+k3s1", "apiGroups": ["apps/v1", "example.com/v1", "v1"]}
CONTEXT = {"install": {"name": "shop", "namespace": "demo"}, "cluster": KUBERNETES}

Render = Callable[..., Rendered]


def config_map(name: str = "web", **data: str) -> str:
    lines = "".join(f"  {key}: {value}\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n" + (f"data:\n{lines}" if lines else "")


def chart(folder: str = "", /, **templates: str) -> dict[str, str]:
    """A chart's files; `x=...` is templates/x.yaml."""
    return {f"{folder}Chart.yaml": CHART} | {f"{folder}templates/{name}.yaml": text for name, text in templates.items()}


@pytest.fixture
def rendered(helm: Path) -> Render:
    """`rendered(files, *steps, values=..., outside=...)`: what the pipeline gives."""
    limits = Limits.from_settings(Settings(helm_program=str(helm)))

    def run(
        files: Mapping[str, str | bytes],
        *steps: Json,
        values: Sequence[str] = (),
        outside: Outside | None = None,
        context: Json = CONTEXT,
        **told: Any,
    ) -> Rendered:
        asked = job(files, steps=steps or [HELM], context=context, **told)
        texts = [ValuesDocument(f"Secret demo/values key {n}", text, f"{n}.yml") for n, text in enumerate(values)]
        return render(replace(asked, values=texts, outside=outside or Outside()), limits)

    return run


def data(found: Rendered) -> Any:
    [obj] = found.objects
    return obj["data"]


# ---- the chart -------------------------------------------------------------------------------------------


def packed(files: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"web/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


@pytest.mark.parametrize(
    ("files", "path"),
    [
        pytest.param(chart(x=config_map()), None, id="at the top"),
        pytest.param(chart("0/", x=config_map()), "0", id="in a folder"),
        pytest.param(chart("a/b/", x=config_map()), "a/b/", id="in a folder of a folder"),
        pytest.param({"web-1.0.0.tgz": packed(chart(x=config_map()))}, "web-1.0.0.tgz", id="packed"),
    ],
)
def test_a_chart_is_found_where_path_says(rendered: Render, files: Any, path: str | None) -> None:
    step = {"helmTemplate": {} if path is None else {"path": path}}
    assert [obj["metadata"]["name"] for obj in rendered(files, step).objects] == ["web"]


@pytest.mark.parametrize(
    ("files", "path", "message"),
    [
        (chart("web/", x=""), "", "the fetched folder holds no Chart.yaml; set path to one of: web"),
        (
            chart("web/", x="") | {"other/a.txt": ""},
            "other",
            "path 'other' holds no Chart.yaml; set path to one of: web",
        ),
        (chart("web/", x="") | chart("web/charts/sub/", x=""), "", "set path to one of: web"),
        ({"a.txt": ""}, "", "and no folder of the package does; fetch a chart"),
        (chart(x=""), "wed", "path 'wed' names no file of the package"),
        (chart(x=""), "../x", "leads out of the package's folder"),
        (chart(**{"a\\b": ""}), "", "helm reads no file name that holds a backslash"),
    ],
)
def test_where_no_chart_is_the_message_says_where_charts_are(
    rendered: Render, files: Any, path: str, message: str
) -> None:
    with pytest.raises(TemplateFailed, match=r"^template step helmTemplate: ") as refused:
        rendered(files, {"helmTemplate": {"path": path}})
    assert refused.value.message.endswith(message)


def test_crds_come_along_notes_do_not_and_subcharts_are_rendered(rendered: Render) -> None:
    crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.example.com}\n"
    files = chart(x=config_map("top", v="{{ .Values.sub.a }}")) | {
        "crds/x.yaml": crd,
        "templates/NOTES.txt": "Hello {{ .Release.Name }}",
        "values.yaml": "sub: {a: one}\n",
        "charts/sub/Chart.yaml": CHART.replace("web", "sub"),
        "charts/sub/templates/y.yaml": config_map("below", v="{{ .Values.a }}"),
    }
    found = {obj["metadata"]["name"]: obj.get("data") for obj in rendered(files).objects}
    assert found == {"x.example.com": None, "top": {"v": "one"}, "below": {"v": "one"}}


def test_a_chart_whose_dependencies_are_not_there_is_refused_and_nothing_is_downloaded(rendered: Render) -> None:
    files = chart(x=config_map())
    files["Chart.yaml"] += "dependencies: [{name: sub, version: '1', repository: 'http://127.0.0.1:1/'}]\n"
    with pytest.raises(TemplateFailed, match=r"missing in charts/ directory: sub"):
        rendered(files)


RULES = """# comment
*.md
!keep*
/top.txt
docs/
a/b?.txt
[x-z]*.cfg
\\#odd
ci/*.yaml
"""
PATHS = (
    *("README.md", "keep.md", "top.txt", "sub/top.txt", "docs/a.txt", "sub/docs/b.txt", "docs.txt", "a/b1.txt"),
    *("a/b12.txt", "xa.cfg", "aa.cfg", "sub/ya.cfg", "#odd", "ci/a.yaml", "ci/sub/b.yaml", "keepme"),
    *("templates/.hidden.yaml", "templates/sub/.hidden"),
)


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(RULES.replace("!keep*\n", ""), id="a bit of everything"),
        pytest.param(RULES, id="with a negated rule"),
        pytest.param("!docs/\n", id="a negated folder"),
        pytest.param("!*a*\n", id="a negated pattern that keeps the chart"),
        pytest.param("[^a-kCtvx]*\n", id="a negated class"),
        pytest.param("[]-a]x\n", id="an odd class"),
        pytest.param("\ufeff*.txt\n", id="with a mark of its encoding"),
        pytest.param("", id="no rule"),
    ],
)
def test_helmignore_leaves_out_what_helm_leaves_out(rendered: Render, helm: Path, tmp_path: Path, rules: str) -> None:
    listing = "{{ range $path, $_ := .Files }}{{ $path }};{{ end }}"
    files = chart(x=config_map(files=f'"{listing}"')) | dict.fromkeys(PATHS, "# x") | {".helmignore": rules}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    direct = subprocess.run([helm, "template", "x", tmp_path], capture_output=True, text=True, timeout=60, check=False)
    try:
        ours: Any = [(obj["kind"], obj["data"]) for obj in rendered(files).objects]
    except TemplateFailed as error:
        ours = error.message.removeprefix("template step helmTemplate: helm: ")
    if "no Chart.yaml" in ours or "unable to load" in ours:
        assert "Chart.yaml file is missing" in direct.stderr
    elif direct.returncode:
        assert message(direct.stderr) == ours or ours.startswith(".helmignore:1: the pattern")
    else:
        assert [(obj["kind"], obj["data"]) for obj in yaml.safe_load_all(direct.stdout) if obj] == ours


@pytest.mark.parametrize("line", ["a/**/b", "[a", "[]", "a\\"])
def test_a_rule_that_helm_would_refuse_is_refused_by_file_and_line(line: str) -> None:
    with pytest.raises(TemplateFailed, match=r"^0/\.helmignore:2: "):
        Rules(f"# one\n{line}\n", "0/.helmignore")


def test_the_chart_of_this_repository_renders_as_with_helm_itself(rendered: Render, helm: Path) -> None:
    folder = Path(__file__).parents[3] / "deploy/helm/packhouse"
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    command = [helm, "template", "shop", folder, "--namespace=demo", "--include-crds", "--kube-version=1.37.2"]
    direct = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert list(filter(None, yaml.safe_load_all(direct.stdout))) == list(rendered(files).objects)


# ---- what helm is told -----------------------------------------------------------------------------------


TOLD = config_map(
    release='"{{ .Release.Name }}/{{ .Release.Namespace }}"',
    version='"{{ .Capabilities.KubeVersion }}"',
    apis='"{{ .Capabilities.APIVersions.Has "example.com/v1" }} {{ .Capabilities.APIVersions.Has "given.io/v2" }}"',
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, ["shop/demo", "v1.37.2", "true false"], id="from the install and the cluster"),
        pytest.param({"name": "a", "namespace": "b"}, ["a/b", "v1.37.2", "true false"], id="name and namespace"),
        pytest.param(
            {"kubernetesVersion": {}, "kubernetesAPIs": {}}, ["shop/demo", "v1.37.2", "true false"], id="empty"
        ),
        pytest.param(
            {"kubernetesVersion": {"version": "1.20.1"}}, ["shop/demo", "v1.20.1", "true false"], id="version"
        ),
        pytest.param(
            {"kubernetesAPIs": {"groupVersions": ["given.io/v2"]}}, ["shop/demo", "v1.37.2", "false true"], id="APIs"
        ),
        pytest.param({"kubernetesAPIs": {"groupVersions": []}}, ["shop/demo", "v1.37.2", "false false"], id="no APIs"),
    ],
)
def test_a_chart_is_told_what_the_step_says_else_what_the_cluster_is(
    rendered: Render, options: Json, expected: list[str]
) -> None:
    assert list(data(rendered(chart(x=TOLD), {"helmTemplate": options})).values()) == expected


def test_a_chart_for_another_kubernetes_is_refused_by_the_version_that_is_given(rendered: Render) -> None:
    files = chart(x=config_map())
    files["Chart.yaml"] += "kubeVersion: '>=1.30.0'\n"
    assert rendered(files).objects
    with pytest.raises(TemplateFailed, match=r"1\.20\.0"):
        rendered(files, {"helmTemplate": {"kubernetesVersion": {"version": "1.20.0"}}})


@pytest.mark.parametrize(
    "options",
    [
        {"name": "a b"},
        {"name": "a\0"},
        {"namespace": "a,b"},
        {"kubernetesVersion": {"version": "1.2 --debug"}},
        {"kubernetesAPIs": {"groupVersions": ["a,b"]}},
        {"kubernetesAPIs": {"groupVersions": ['"a']}},
    ],
)
def test_words_that_would_be_more_than_one_are_refused(rendered: Render, options: Json) -> None:
    with pytest.raises(TemplateFailed, match="holds characters that no such word has"):
        rendered(chart(x=config_map()), {"helmTemplate": options})


@pytest.mark.parametrize("name", ["--help", "-h", "--post-renderer=x", "--output-dir=/tmp/x"])
def test_a_name_is_never_taken_for_a_flag(rendered: Render, name: str) -> None:
    with pytest.raises(TemplateFailed, match=r"helm: .*name|holds characters"):
        rendered(chart(x=config_map()), {"helmTemplate": {"name": name}})


def test_without_the_program_the_message_says_what_to_do(rendered: Render) -> None:
    limits = Limits.from_settings(Settings(helm_program="no-such-helm"))
    with pytest.raises(RendererUnavailable, match=r"the renderer has no helm; .* PACKHOUSE_HELM_PROGRAM"):
        render(job(chart(x=config_map()), steps=[HELM]), limits)
    with pytest.raises(RendererUnavailable, match=r"/etc/passwd cannot be started: Permission denied"):
        render(job(chart(x=config_map()), steps=[HELM]), replace(limits, helm_program="/etc/passwd"))


# ---- values ----------------------------------------------------------------------------------------------


VALUES = config_map(**{key: f'"{{{{ .Values.{key} }}}}"' for key in "abcdefg"})


def test_values_come_from_the_chart_then_the_step_in_its_order_then_the_install(rendered: Render) -> None:
    files = chart("web/", x=VALUES) | {
        "web/values.yaml": "".join(f"{key}: chart\n" for key in "abcdefg"),
        "values/1.yml": "b: file\nc: file\nd: file\ne: file\nf: file\ng: file\n",
        "first.yml": "apiVersion: v1\nkind: A\nmetadata: {name: x}\nf: stream\ng: stream\n",
    }
    sources = [
        {"path": "values/"},
        {"secretRef": {"name": "s"}},
        {"configMapRef": {"name": "c"}},
        {"downwardAPI": {"items": [{"name": "e", "fieldPath": "metadata.labels['a/b']"}]}},
        {"path": "-"},
    ]
    outside = Outside(
        references={
            ("Secret", "s"): {"1.yml": b"c: secret 1\nd: secret\n", "2.yml": b"c: secret 2\n"},
            ("ConfigMap", "c"): {"x": b"d: config\ne: config\n"},
        },
        metadata={"labels": {"a/b": "label"}},
    )
    steps = [{"jinja2": {"paths": ["first.yml"]}}, {"helmTemplate": {"path": "web", "valuesFrom": sources}}]
    found = data(
        rendered(files, *steps, values=["g: install 0\n", "g: install 1\n---\ng: install 2\n"], outside=outside)
    )
    assert found == {
        "a": "chart",
        "b": "file",
        "c": "secret 2",
        "d": "config",
        "e": "label",
        "f": "stream",
        "g": "install 2",
    }


def test_of_values_in_several_documents_none_is_lost(rendered: Render) -> None:
    files = chart(x=VALUES.replace(".Values.a", ".Values.deep.a")) | {
        "v.yml": "# first\nb: 1\n---\nc: 2\n...\n---\nd: 3\n"
    }
    step = {"helmTemplate": {"valuesFrom": [{"path": "v.yml"}]}}
    found = data(rendered(files, step, values=["---\ndeep: {a: 4}\n---\n# nothing\n---\ne: 5"]))
    assert [found[key] for key in "abcde"] == ["4", "1", "2", "3", "5"]


JINJA: Json = {"jinja2": {"paths": ["jinja/"]}}
YTT: Json = {"ytt": {"paths": ["ytt/"]}}
CHARTED: Json = {"helmTemplate": {"path": "web"}}
EVERY = chart("web/", helm=config_map("helm", v="{{ .Values.v | default 0 | quote }}")) | {
    "jinja/a.yml": config_map("jinja2", v="'{{ values.v }}'"),
    "ytt/values.yml": "#@data/values\n---\nv: 0\n",
    "ytt/a.yml": '#@ load("@ytt:data", "data")\n---\n' + config_map("ytt", v="#@ str(data.values.v)"),
}


@pytest.mark.parametrize(
    ("steps", "seen"),
    [
        pytest.param([JINJA], {"jinja2": "5"}, id="jinja2"),
        pytest.param([YTT], {"ytt": "5"}, id="ytt"),
        pytest.param([CHARTED], {"helm": "5"}, id="helmTemplate"),
        pytest.param([CHARTED, {"ytt": {"paths": ["-", "ytt/"]}}], {"helm": "5", "ytt": "0"}, id="helmTemplate, ytt"),
        pytest.param(
            [CHARTED, {"jinja2": {"paths": ["-", "jinja/"]}}], {"helm": "5", "jinja2": "5"}, id="helmTemplate, jinja2"
        ),
        pytest.param([JINJA, {"ytt": {"paths": ["-", "ytt/"]}}], {"jinja2": "5", "ytt": "5"}, id="jinja2, ytt"),
        pytest.param([{"kbld": {"paths": ["jinja/"]}}, CHARTED], {"helm": "5"}, id="kbld, which takes none, first"),
    ],
)
def test_the_install_s_values_reach_the_first_step_that_takes_them_whatever_engine_it_is(
    rendered: Render, steps: list[Json], seen: dict[str, str]
) -> None:
    found = rendered(EVERY, *steps, values=["v: 5\n"])
    assert {obj["metadata"]["name"]: obj["data"]["v"] for obj in found.objects} == seen


def test_package_overlays_wait_for_the_first_ytt_step(rendered: Render) -> None:
    text = '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.all\n---\ndata:\n  v: overlaid\n'
    outside = Outside(overlays=(AddedFile("o.yml", "", text.encode()),), values_as_files=True)
    found = rendered(EVERY, CHARTED, {"ytt": {}}, values=["v: 5\n"], outside=outside)
    assert data(found)["v"] == "overlaid"


def test_values_of_a_chart_are_checked_against_the_package_s_schema(rendered: Render) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    with pytest.raises(ValuesInvalid, match=r"values.a: expected integer"):
        rendered(chart(x=VALUES), values=["a: text\n"], schema=schema)


def test_values_that_look_like_code_of_ytt_are_values_of_a_chart(rendered: Render) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    found = rendered(chart(x=VALUES), values=["#@ x = 1\na: 3\n"], schema=schema)
    assert data(found)["a"] == "3"


def test_output_of_the_step_before_that_nobody_uses_is_told(rendered: Render) -> None:
    files = chart("web/", x=config_map("web")) | {"a.yml": config_map("a")}
    found = rendered(files, {"jinja2": {"paths": ["a.yml"]}}, {"helmTemplate": {"path": "web"}})
    assert [obj["metadata"]["name"] for obj in found.objects] == ["web"]
    assert "does not use the output of the step before" in found.warnings[0]


# ---- hooks -----------------------------------------------------------------------------------------------


def hook(name: str, events: str) -> str:
    return (
        f"apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n"
        f"  annotations: {{helm.sh/hook: '{events}', helm.sh/hook-weight: '1'}}\n"
    )


@pytest.mark.parametrize(
    ("events", "is_applied"),
    [
        ("pre-install", True),
        ("post-install", True),
        ("pre-upgrade", True),
        ("post-upgrade", True),
        ("pre-install,pre-upgrade, post-delete", True),
        ("pre-delete", False),
        ("post-delete", False),
        ("pre-rollback, post-rollback", False),
        ("test", False),
        ("test-success", False),
    ],
)
def test_hooks_are_reported_and_only_those_of_an_installation_are_applied(
    rendered: Render, events: str, is_applied: bool
) -> None:
    found = rendered(chart(a=config_map(), b=hook("job", events)))
    assert [obj["kind"] for obj in found.objects] == ["ConfigMap"] + ["Job"] * is_applied
    [warning] = found.warnings
    assert ("applied as ordinary objects" in warning, "are left out" in warning) == (is_applied, not is_applied)
    assert "Job job (" in warning


def test_many_hooks_are_one_warning_of_each_sort(rendered: Render) -> None:
    files = chart(**{f"a{n}": hook(f"a{n}", "pre-install") for n in range(12)}, b=hook("b", "test"))
    applied, left_out = rendered(files).warnings
    assert applied.endswith(" and 2 more")
    assert left_out.endswith(": Job b (test)")


# ---- what went wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "error", "message"),
    [
        ("{{ .Values.x.y }}", TemplateFailed, "helm: web/templates/x.yaml:1:10\n"),
        ('{{ fail "say why" }}', TemplateFailed, "helm: execution error at (web/templates/x.yaml:1:3): say why"),
        (
            '{{ required "set a" .Values.a }}',
            TemplateFailed,
            "helm: execution error at (web/templates/x.yaml:1:3): set a",
        ),
        ("a: [\n", TemplateFailed, "helm: YAML parse error on web/templates/x.yaml: "),
        ("{{ end }}", TemplateFailed, "helm: parse error at (web/templates/x.yaml:1): unexpected {{end}}"),
        ("a: 1\n\n\nb: 2\n", RenderedInvalid, "output of web/templates/x.yaml:1: apiVersion is missing"),
        (
            config_map() + "---\n\nkind: X\n",
            RenderedInvalid,
            "output of web/templates/x.yaml:1: X: apiVersion is missing",
        ),
        ("kind: A\napiVersion: v1\nmetadata: {name: a, labels: {a: 1}}", RenderedInvalid, "output of web/templates/x"),
    ],
)
def test_a_refusal_names_the_template_and_the_line(
    rendered: Render, template: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as refused:
        rendered(chart(x=template))
    assert str(refused.value).removeprefix("template step helmTemplate: ").startswith(message)
    assert "--debug" not in str(refused.value)


@pytest.mark.parametrize(
    "template",
    [
        '{{ fail (printf "password is %s" .Values.password) }}',
        "{{ .Values.password | int64 | fail }}{{ .Values.password.x }}",
        "{{ fail (toYaml .Values) }}",
        "{{ tpl .Values.code . }}",
        "a: {{ .Values.password }}: {{ .Values.password }}\n",
    ],
)
def test_no_message_shows_a_value_that_came_from_a_secret(rendered: Render, template: str) -> None:
    values = "password: hunter22hunter\ncode: '{{ .hunter22hunter.x }}'\n"
    with pytest.raises((TemplateFailed, RenderedInvalid)) as refused:
        rendered(chart(x=template), values=[values])
    assert "hunter22hunter" not in str(refused.value)
    outside = Outside(references={("Secret", "s"): {"v.yml": values.encode()}})
    with pytest.raises((TemplateFailed, RenderedInvalid)) as refused:
        rendered(chart(x=template), {"helmTemplate": {"valuesFrom": [{"secretRef": {"name": "s"}}]}}, outside=outside)
    assert "hunter22hunter" not in str(refused.value)


def test_the_schema_of_a_chart_says_where_and_not_what(rendered: Render) -> None:
    schema = '{"properties": {"mode": {"enum": ["open", "shut"]}, "n": {"type": "integer"}}}'
    files = chart(x=config_map()) | {"values.schema.json": schema}
    with pytest.raises(TemplateFailed, match=r"at '/mode': value must be one of 'open', 'shut'") as refused:
        rendered(files, values=["mode: hunter22\nn: hunter33\n"])
    assert "hunter" not in str(refused.value)


def test_what_helm_remarks_is_a_warning(rendered: Render) -> None:
    files = chart(x=config_map())
    files["Chart.yaml"] += "deprecated: true\n"
    assert rendered(files).warnings == ["helm: this chart is deprecated"]


def test_a_chart_looks_nothing_up(rendered: Render) -> None:
    text = config_map(
        secrets='"{{ lookup "v1" "Secret" "kube-system" "" }}"',
        host='"{{ getHostByName "localhost" }}"',
        env='"{{ .Values.HOME }}"',
    )
    assert data(rendered(chart(x=text))) == {"secrets": "map[]", "host": "", "env": ""}


def test_the_output_is_counted_over_all_steps(helm: Path) -> None:
    limits = replace(Limits.from_settings(Settings(helm_program=str(helm))), output_most_bytes=2000)
    told = job(chart("web/", x=f"# {'x' * 1500}\n{config_map()}"), steps=[CHARTED, CHARTED])
    with pytest.raises(RenderLimitExceeded, match="PACKHOUSE_RENDER_OUTPUT_MOST_BYTES"):
        render(told, limits)
