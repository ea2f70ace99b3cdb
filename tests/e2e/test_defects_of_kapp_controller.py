"""Defects of kapp-controller around sources and values that were reported by its users, each absent here.

Real: everything, as in all of tests/e2e. A test's docstring says what the original does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import git_server
from cluster.registry import LocalRegistry
from git_server import Repository
from lab import (
    Json,
    Lab,
    config_map_template,
    find_condition,
    inline,
    install,
    package,
    repository,
    secret,
    wait_until,
)
from lab_web import Web, open_web

JINJA2_FILES = {"web.yaml": config_map_template("{{ install.name }}", "  greeting: {{ values.greeting }}\n")}
YTT_FILES = {
    "schema.yaml": "#@data/values-schema\n---\ngreeting: hello\n",
    "web.yaml": '#@ load("@ytt:data", "data")\n' + config_map_template("web", "  greeting: #@ data.values.greeting\n"),
}
CHART_FILES = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "values.yaml": "greeting: hello\n",
    "templates/web.yaml": config_map_template("web", "  greeting: {{ .Values.greeting }}\n"),
}
CAPABILITIES = """\
  version: {{ .Capabilities.KubeVersion.Version | quote }}
  widgets: {{ .Capabilities.APIVersions.Has "widgets.example.com/v1" | quote }}
  apps: {{ .Capabilities.APIVersions.Has "apps/v1" | quote }}
"""


@pytest.fixture
def private_web(tmp_path: Path) -> Iterator[Web]:
    """A web server whose certificate is of an authority that nobody knows."""
    with open_web(tmp_path, tls=True) as opened:
        yield opened


def data_of(lab: Lab, namespace: str, name: str = "web") -> Mapping[str, str] | None:
    found = lab.get("configmap", name, namespace)
    return found["data"] if found is not None else None


def installed(lab: Lab, namespace: str, word: str, values: str = "", **app: Any) -> Json:
    """The install `web` of a package, in place."""
    name = f"{word}.example.com"
    lab.apply(package(name, "1.0.0", **app))
    if values:
        lab.apply(secret(namespace, "values", values_yml=values))
    lab.apply(install("web", namespace, name, version="1.0.0", values=["values"] if values else ()))
    return lab.settled("ipkg", "web", namespace)


def test_only_the_key_that_values_name_is_read(lab: Lab, installer: str, unique: str) -> None:
    """The original reads all keys of the Secret, whatever `values[].secretRef.key` says."""
    name = f"{unique}.example.com"
    lab.apply(
        package(name, "1.0.0", fetch=inline(JINJA2_FILES)),
        secret(installer, "values", chosen_yml="greeting: chosen\n", zz_yml="greeting: other\n", notes="no YAML: ["),
    )
    made = install("web", installer, name, version="1.0.0")
    made["spec"]["values"] = [{"secretRef": {"name": "values", "key": "chosen.yml"}}]
    lab.apply(made)

    lab.settled("ipkg", "web", installer)

    assert data_of(lab, installer) == {"greeting": "chosen"}


def test_a_download_trusts_the_authority_that_its_repository_names(
    lab: Lab, installer: str, unique: str, private_web: Web
) -> None:
    """The original's http fetch knows no setting for TLS: own authorities make it fail."""
    (private_web.folder / "web.yaml").write_text(JINJA2_FILES["web.yaml"])
    document = package(f"{unique}.example.com", "1.0.0", fetch=[{"http": {"url": f"{private_web.url}/web.yaml"}}])
    (private_web.folder / "catalogue.yaml").write_text(json.dumps(document))
    made = repository(unique, "")
    made["spec"]["fetch"] = {"http": {"url": f"{private_web.url}/catalogue.yaml"}}
    lab.apply(made)
    failed = lab.settled("pkgr", unique, condition="ReconcileFailed", reason="TlsFailed")
    assert private_web.url.removeprefix("https://") in failed["status"]["usefulErrorMessage"]
    assert "certSecretRef" in failed["status"]["usefulErrorMessage"]

    lab.apply(secret("packhouse-system", unique, **{"ca.crt": private_web.ca_pem}))
    lab.patch("pkgr", unique, {"spec": {"certSecretRef": {"name": unique}}})

    lab.settled("pkgr", unique)
    lab.apply(secret(installer, "values", values_yml="greeting: trusted"))
    lab.apply(install("web", installer, f"{unique}.example.com", version="1.0.0", values=["values"]))
    lab.settled("ipkg", "web", installer)
    assert data_of(lab, installer) == {"greeting": "trusted"}
    lab.delete("pkgr", unique, wait=False)
    lab.delete("secret", unique, "packhouse-system")


@pytest.mark.parametrize("source", ["answers", "is gone"])
def test_a_paused_repository_can_be_deleted(lab: Lab, unique: str, source: str) -> None:
    """In the original the finalizer of a paused object stays for ever."""
    document = package(f"{unique}.example.com", "1.0.0", fetch=inline(JINJA2_FILES))
    lab.apply(repository(unique, lab.publish(f"{unique}/repo", [document])))
    lab.settled("pkgr", unique)
    changes: Json = {"paused": True}
    if source == "is gone":
        changes["fetch"] = {"imgpkgBundle": {"image": "127.0.0.1:9/gone/repo:1"}}
    lab.patch("pkgr", unique, {"spec": changes})
    wait_until(
        "it is paused",
        lambda: (found := find_condition(lab.get("pkgr", unique) or {}, "Reconciling")) and found["reason"] == "Paused",
    )

    lab.delete("pkgr", unique, wait=False)

    lab.gone("pkgr", unique)
    assert lab.get("packages.package.carvel.dev", document["metadata"]["name"]) is None


def test_reconciles_do_not_each_ask_the_registry(
    lab: Lab, registry: LocalRegistry, installer: str, unique: str
) -> None:
    """The original asks at each reconcile: 1,000 requests in ten minutes were reported."""
    lab.push(f"{unique}/bundle", JINJA2_FILES, tag="1.0.0")
    image = f"{lab.registry_host}/{unique}/bundle:1.0.0"
    installed(lab, installer, unique, "greeting: g0", fetch=[{"imgpkgBundle": {"image": image}}])
    before = registry.log.read_text().count(f"/v2/{unique}/")

    for number in range(1, 11):
        lab.apply(secret(installer, "values", values_yml=f"greeting: g{number}"))
        wait_until("the values are there", lambda: data_of(lab, installer) == {"greeting": f"g{number}"})  # noqa: B023
        lab.delete("configmap", "web", installer)
        lab.patch("ipkg", "web", {"metadata": {"labels": {"look": str(number)}}}, installer)
        wait_until("it is back", lambda: data_of(lab, installer))

    assert registry.log.read_text().count(f"/v2/{unique}/") - before == 0


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param({"kubernetesVersion": {"version": "1.21.3"}}, {"version": "v1.21.3"}, id="a version"),
        pytest.param(
            {"kubernetesAPIs": {"groupVersions": ["widgets.example.com/v1"]}},
            {"widgets": "true"},
            id="groups that are served",
        ),
    ],
)
def test_helm_is_told_the_kubernetes_version_and_the_groups_that_a_step_names(
    lab: Lab, installer: str, unique: str, step: Json, expected: Mapping[str, str]
) -> None:
    """In the original a version that is written in the step is ignored, the cluster's is taken."""
    files = {**CHART_FILES, "templates/web.yaml": config_map_template("web", CAPABILITIES)}
    installed(lab, installer, unique, fetch=inline(files), template=[{"helmTemplate": step}])

    found = data_of(lab, installer)

    assert found is not None
    assert expected.items() <= found.items()


def test_helm_is_told_the_clusters_version_and_groups_where_a_step_names_none(
    lab: Lab, installer: str, unique: str
) -> None:
    files = {**CHART_FILES, "templates/web.yaml": config_map_template("web", CAPABILITIES)}
    step = {"kubernetesVersion": {}, "kubernetesAPIs": {}}
    installed(lab, installer, unique, fetch=inline(files), template=[{"helmTemplate": step}])

    found = data_of(lab, installer)

    assert found is not None
    version = lab.cluster.kubectl("version", "-o", "json").stdout
    assert found["version"] in version
    assert (found["widgets"], found["apps"]) == ("false", "true")


@pytest.mark.parametrize(
    ("files", "steps"),
    [
        pytest.param(JINJA2_FILES, [{"jinja2": {}}], id="jinja2"),
        pytest.param(YTT_FILES, [{"ytt": {}}], id="ytt"),
        pytest.param(CHART_FILES, [{"helmTemplate": {}}], id="helmTemplate"),
        pytest.param(JINJA2_FILES, [{"jinja2": {}}, {"kbld": {"paths": ["-"]}}], id="jinja2 before kbld"),
        pytest.param(CHART_FILES, [{"helmTemplate": {}}, {"ytt": {"paths": ["-"]}}], id="helmTemplate before ytt"),
    ],
)
def test_values_reach_the_first_step_that_takes_values(
    lab: Lab, installer: str, unique: str, files: Mapping[str, str], steps: list[Json]
) -> None:
    """The original gives an install's values to a step of one kind only (ytt), the others do without."""
    installed(lab, installer, unique, "greeting: good morning", fetch=inline(files), template=steps)

    assert data_of(lab, installer) == {"greeting": "good morning"}


@pytest.mark.parametrize(
    ("step", "reason", "says"),
    [
        pytest.param(
            {"imgpkgBundle": {"image": "$host/$word/bundle:9.9.9"}},
            "SourceNotFound",
            ["$host/$word/bundle:9.9.9", "no credentials"],
            id="a tag that is not there",
        ),
        pytest.param(
            {"image": {"url": "$host/$word/nowhere:1.0.0"}},
            "SourceNotFound",
            ["$host/$word/nowhere:1.0.0", "no credentials"],
            id="a repository that is not there",
        ),
        pytest.param(
            {"imgpkgBundle": {"image": "$host/$word/bundle", "tagSelection": {"semver": {"constraints": ">=5"}}}},
            "NoMatchingVersion",
            ["$host/$word/bundle", ">=5", "1.0.0"],
            id="no tag in the range",
        ),
        pytest.param({"http": {"url": "$web/nothing.tgz"}}, "SourceNotFound", ["$web/nothing.tgz", "404"], id="a file"),
        pytest.param(
            {"helmChart": {"name": "nothing", "repository": {"url": "$web/charts"}}},
            "SourceNotFound",
            ["nothing", "$web/charts"],
            id="a chart",
        ),
        pytest.param(
            {"git": {"url": "$git", "ref": "nowhere"}},
            "SourceNotFound",
            ["$git", "nowhere"],
            id="a branch",
        ),
    ],
)
def test_what_is_not_found_is_named(
    lab: Lab, installer: str, unique: str, step: Json, reason: str, says: list[str], private_web: Web, tmp_path: Path
) -> None:
    """The original passes on its tools' words, such as `exit status 1` and `404`, or `not found` alone."""
    charts = private_web.folder / "charts"
    charts.mkdir()
    (charts / "index.yaml").write_text("apiVersion: v1\nentries: {}\n")
    made = Repository.make(tmp_path / "git" / unique)
    made.commit(JINJA2_FILES)
    with open_web(private_web.folder) as web, git_server.open_web(tmp_path / "git") as git:
        words = {"$host": lab.registry_host, "$word": unique, "$web": web.url, "$git": git.url(made)}
        lab.push(f"{unique}/bundle", JINJA2_FILES, tag="1.0.0")
        name = f"{unique}.example.com"
        lab.apply(package(name, "1.0.0", fetch=[filled(step, words)]))
        lab.apply(install("web", installer, name, version="1.0.0"))

        failed = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason=reason)

    message = failed["status"]["usefulErrorMessage"]
    assert [part for part in filled(says, words) if part not in message] == [], message


def test_a_repository_with_a_tag_that_nobody_can_resolve_is_synced(lab: Lab, installer: str, unique: str) -> None:
    """The original resolves every image of a repository that is not locked: one that fails, fails the whole sync."""
    ghost = {"imgpkgBundle": {"image": f"registry.invalid/{unique}/ghost:1.0.0"}}
    files = {"web.yaml": DEPLOYMENT}
    documents = [
        package(f"{unique}.example.org", "1.0.0", fetch=[ghost]),
        package(f"{unique}.example.com", "1.0.0", fetch=inline(files), template=[{"jinja2": {}}, {"kbld": {}}]),
    ]
    lab.apply(repository(unique, lab.publish(f"{unique}/repo", documents)))

    settled = lab.settled("pkgr", unique)

    assert settled["status"]["packages"]["total"] == 2
    lab.apply(install("web", installer, f"{unique}.example.com", version="1.0.0", deploy={"wait": False}))
    lab.settled("ipkg", "web", installer)
    running = lab.get("deployment", "web", installer)
    assert running is not None
    assert running["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.invalid/ghost:2"
    lab.delete("ipkg", "web", installer)
    lab.delete("pkgr", unique, wait=False)


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "registry.invalid/ghost:2"}
"""


def filled(wish: Any, words: Mapping[str, str]) -> Any:
    """`wish` with words in the place of `$names`."""
    if isinstance(wish, dict):
        return {key: filled(value, words) for key, value in wish.items()}
    if isinstance(wish, list):
        return [filled(value, words) for value in wish]
    for name, word in words.items():
        wish = wish.replace(name, word)
    return wish
