"""Every kind of source, end to end: a Package whose files come from there, installed by the real operator.

Real: the registry, oras, crane and helm that fill it, a web server with TLS of its own authority, a git server, OCI
layouts on disk. Each row gives the same ConfigMap, so what is asserted is the state of the cluster, and what the status
says of the source.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
import pytest
from typer.testing import CliRunner

import git_server
from bundle_app import app as bundle_app
from cluster import binaries
from git_server import Repository, WebServer, open_ssh
from lab import Json, Lab, OperatorProcess, config_map_template, install, package, repository, secret
from lab_web import Web, open_web

TEMPLATE = config_map_template("{{ install.name }}", "  greeting: {{ values.greeting }}\n")
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: {version}\n",
    "values.yaml": "greeting: hello\n",
    "templates/web.yaml": config_map_template("{{ .Release.Name }}", "  greeting: {{ .Values.greeting }}\n"),
}
JINJA2: list[Json] = [{"jinja2": {"paths": ["web.yaml"]}}]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a row may use to put its files somewhere."""

    lab: Lab
    word: str  # for names in the registry
    folder: Path  # empty
    web: Web
    layouts: Path
    git: WebServer
    namespace: str
    stack: ExitStack  # of what lives as long as the test

    @property
    def repository(self) -> str:
        return f"{self.lab.registry_host}/{self.word}"

    def write(self, files: Mapping[str, str], below: str = "files") -> Path:
        """The folder with these files."""
        folder = self.folder / below
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    def run(self, program: str, *words: str, folder: Path | None = None) -> str:
        """A tool of the registries; what it prints."""
        done = subprocess.run(
            [binaries.path(program), *words],
            cwd=folder or self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True, slots=True)
class Source:
    """What a row made: the steps of the package, and what its status then says."""

    fetch: list[Json]
    template: list[Json] = field(default_factory=lambda: JINJA2)
    version: str | None = None
    words: str = ""  # that the name of the source holds


# ---- registries ------------------------------------------------------------------------------------------


def bundle_by_tag(ground: Ground) -> Source:
    ground.lab.push(f"{ground.word}/bundle", {"web.yaml": TEMPLATE}, tag="1.0.0")
    image = f"{ground.repository}/bundle:1.0.0"
    return Source([{"imgpkgBundle": {"image": image}}], version="1.0.0", words=f"{ground.word}/bundle")


def bundle_by_selection(ground: Ground) -> Source:
    for tag, text in {"1.0.0": "{{", "1.9.0": TEMPLATE, "2.0.0": "{{", "1.10.0-rc.1": "{{", "latest": "{{"}.items():
        ground.lab.push(f"{ground.word}/bundle", {"web.yaml": text, "tag": tag}, tag=tag)
    choice = {"semver": {"constraints": ">=1.0.0 <2.0.0"}}
    return Source([{"imgpkgBundle": {"image": f"{ground.repository}/bundle", "tagSelection": choice}}], version="1.9.0")


def bundle_with_sub_path(ground: Ground) -> Source:
    image = ground.lab.push(f"{ground.word}/bundle", {"deep/er/web.yaml": TEMPLATE, "web.yaml": "{{"})
    return Source([{"imgpkgBundle": {"image": image, "subPath": "deep/er"}}])


def image_of_layers(ground: Ground) -> Source:
    """An image as crane makes it: two layers, the second one over the first."""
    image = f"{ground.repository}/image:1"
    for number, files in enumerate(({"config/web.yaml": "{{"}, {"config/web.yaml": TEMPLATE})):
        layer = ground.folder / f"{number}.tar"
        layer.write_bytes(packed(files, "w"))
        base = ["--base", image] if number else ["--oci-empty-base"]
        ground.run("crane", "append", "--insecure", *base, "-f", str(layer), "-t", image)
    return Source([{"image": {"url": image, "subPath": "config"}}], words=f"{ground.word}/image")


def artifact_of_files(ground: Ground) -> Source:
    """An artifact as oras makes it of a file."""
    image = f"{ground.repository}/artifact:1"
    ground.run("oras", "push", "--plain-http", image, "web.yaml", folder=ground.write({"web.yaml": TEMPLATE}))
    return Source([{"image": {"url": image}}])


def artifact_of_a_folder(ground: Ground) -> Source:
    image = f"{ground.repository}/artifact:1"
    ground.run("oras", "push", "--plain-http", image, "config", folder=ground.write({"config/web.yaml": TEMPLATE}))
    return Source([{"image": {"url": image, "subPath": "config"}}])


def artifact_of_flux(ground: Ground) -> Source:
    """The layout that Flux pushes: a config and one layer of its media types."""
    files = ground.write({"config.json": "{}"})
    (files / "layer.tgz").write_bytes(packed({"web.yaml": TEMPLATE}, "w:gz"))
    image = f"{ground.repository}/flux:1"
    config = "config.json:application/vnd.cncf.flux.config.v1+json"
    layer = "layer.tgz:application/vnd.cncf.flux.content.v1.tar+gzip"
    ground.run("oras", "push", "--plain-http", "--config", config, image, layer, folder=files)
    return Source([{"image": {"url": image}}])


def layout_of_a_bundle(ground: Ground) -> Source:
    """A folder that crane wrote, mounted where the operator may read layouts."""
    bundle = ground.lab.push(f"{ground.word}/bundle", {"web.yaml": TEMPLATE})
    ground.run("crane", "pull", "--insecure", "--format=oci", bundle, str(ground.layouts / ground.word))
    return Source([{"imgpkgBundle": {"image": f"oci-layout:///{ground.layouts / ground.word}".replace("////", "///")}}])


def layout_of_an_image(ground: Ground) -> Source:
    """A plain image in a tar, as `packhouse bundle copy --to-tar` makes it: no registry is asked."""
    image = f"{ground.repository}/artifact:1"
    ground.run("oras", "push", "--plain-http", image, "config", folder=ground.write({"config/web.yaml": TEMPLATE}))
    tar = ground.layouts / f"{ground.word}.tar"
    copied = CliRunner().invoke(bundle_app, ["copy", image, "--to-tar", str(tar), "--quiet"])
    assert copied.exit_code == 0, copied.output
    return Source([{"image": {"url": f"oci-layout://{tar}:1", "subPath": "config"}}])


# ---- the web ---------------------------------------------------------------------------------------------


def file_by_http(ground: Ground) -> Source:
    data = TEMPLATE.encode()
    return Source([{"http": by_http(ground, "web.yaml", data)}], words=f"{ground.word}/web.yaml")


def tgz_by_http(ground: Ground) -> Source:
    data = packed({"web-1.0/web.yaml": TEMPLATE}, "w:gz")
    return Source([{"http": {**by_http(ground, "web.tgz", data), "subPath": "web-1.0"}}])


def zip_by_http(ground: Ground) -> Source:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("web.yaml", TEMPLATE)
    return Source([{"http": by_http(ground, "web.zip", buffer.getvalue())}])


def by_http(ground: Ground, name: str, data: bytes) -> Json:
    path = f"{ground.word}/{name}"
    (ground.web.folder / ground.word).mkdir()
    (ground.web.folder / path).write_bytes(data)
    return {"url": f"{ground.web.url}/{path}", "sha256": hashlib.sha256(data).hexdigest()}


# ---- git -------------------------------------------------------------------------------------------------


def commits(ground: Ground) -> Repository:
    """A branch `main` and tags; the newest commit of `main` is the good one, and has the tag 1.2.0."""
    made = Repository.make(ground.git.root / ground.word)
    for tag, text in {"1.0.0": "{{", "2.0.0": "{{", "1.2.0": TEMPLATE}.items():
        made.commit({"deep/web.yaml": text})
        made.git("tag", tag)
    return made


def branch_of_git(ground: Ground) -> Source:
    url = ground.git.url(commits(ground))
    return Source([{"git": {"url": url, "ref": "origin/main", "subPath": "deep"}}], words=ground.word)


def commit_of_git(ground: Ground) -> Source:
    made = commits(ground)
    ref = made.git("rev-parse", "HEAD")
    return Source([{"git": {"url": ground.git.url(made), "ref": ref, "subPath": "deep"}}], words=ref)


def range_of_git(ground: Ground) -> Source:
    choice = {"semver": {"constraints": "1.x"}}
    step = {"url": ground.git.url(commits(ground)), "refSelection": choice, "subPath": "deep"}
    return Source([{"git": step}], version="1.2.0")


def git_by_ssh(ground: Ground) -> Source:
    key, host_key = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    server = ground.stack.enter_context(open_ssh(ground.git.root, host_key))
    server.keys.append(key)
    text = io.StringIO()
    key.write_private_key(text)
    keys = {"ssh-privatekey": text.getvalue(), "ssh-knownhosts": server.known_hosts}
    ground.lab.apply(secret(ground.namespace, "git", **keys))
    step = {"url": server.url(commits(ground)), "ref": "main", "subPath": "deep", "secretRef": {"name": "git"}}
    return Source([{"git": step}])


# ---- charts ----------------------------------------------------------------------------------------------


def chart_by_http(ground: Ground) -> Source:
    """The repository of charts has three versions; the newest one of the range is taken."""
    home = ground.web.folder / ground.word
    home.mkdir()
    for version in ("1.0.0", "1.2.0", "2.0.0"):
        ground.run("helm", "package", str(chart(ground, version)), "-d", str(home))
    ground.run("helm", "repo", "index", str(home))
    step = {"name": "web", "version": "~1", "repository": {"url": f"{ground.web.url}/{ground.word}"}}
    return Source([{"helmChart": step}], [{"helmTemplate": {}}], version="1.2.0")


def chart_by_oci(ground: Ground) -> Source:
    for version in ("1.0.0", "1.2.0", "2.0.0"):
        ground.run("helm", "package", str(chart(ground, version)), "-d", str(ground.folder))
        home = f"oci://{ground.repository}/charts"
        ground.run("helm", "push", "--plain-http", str(ground.folder / f"web-{version}.tgz"), home)
    step = {"name": "web", "version": "1.2.0", "repository": {"url": f"oci://{ground.repository}/charts"}}
    return Source([{"helmChart": step}], [{"helmTemplate": {}}], version="1.2.0")


def chart(ground: Ground, version: str) -> Path:
    return ground.write({name: text.replace("{version}", version) for name, text in CHART.items()}, "web")


# ---- what needs no server --------------------------------------------------------------------------------


def inline_paths(ground: Ground) -> Source:
    return Source([{"inline": {"paths": {"web.yaml": TEMPLATE}}}])


def inline_from_objects(ground: Ground) -> Source:
    ground.lab.apply(
        secret(ground.namespace, "parts", web_yaml=TEMPLATE),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "parts", "namespace": ground.namespace},
            "data": {"notes.txt": "nothing"},
        },
    )
    parts = [{"secretRef": {"name": "parts", "directoryPath": "deep"}}, {"configMapRef": {"name": "parts"}}]
    return Source([{"inline": {"pathsFrom": parts}}], [{"jinja2": {"paths": ["deep/web.yaml"]}}])


def several_in_their_folders(ground: Ground) -> Source:
    image = ground.lab.push(f"{ground.word}/bundle", {"web.yaml": TEMPLATE})
    notes = {"inline": {"paths": {"web.yaml": "{{"}}}
    return Source([notes, {"imgpkgBundle": {"image": image}}], [{"jinja2": {"paths": ["1/web.yaml"]}}])


def several_in_named_folders(ground: Ground) -> Source:
    image = ground.lab.push(f"{ground.word}/bundle", {"web.yaml": TEMPLATE})
    notes = {"inline": {"paths": {"web.yaml": "{{"}}, "path": "notes"}
    steps = [notes, {"imgpkgBundle": {"image": image}, "path": "the/bundle"}]
    return Source(steps, [{"jinja2": {"paths": ["the/bundle/web.yaml"]}}])


ROWS: Mapping[str, Callable[[Ground], Source]] = {
    "a bundle by its tag": bundle_by_tag,
    "a bundle by the highest tag of a range": bundle_by_selection,
    "a folder of a bundle": bundle_with_sub_path,
    "an image of several layers": image_of_layers,
    "an artifact of a file": artifact_of_files,
    "an artifact of a folder": artifact_of_a_folder,
    "an artifact as Flux pushes it": artifact_of_flux,
    "a layout on disk": layout_of_a_bundle,
    "a plain image in a tar on disk": layout_of_an_image,
    "a file by http": file_by_http,
    "a tgz by http": tgz_by_http,
    "a zip by http": zip_by_http,
    "a branch of a git server": branch_of_git,
    "a commit of a git server": commit_of_git,
    "the highest tag of a range of a git server": range_of_git,
    "a git server by ssh": git_by_ssh,
    "a chart of a repository by http": chart_by_http,
    "a chart of a registry": chart_by_oci,
    "paths in the package": inline_paths,
    "paths from a Secret and a ConfigMap": inline_from_objects,
    "several sources in numbered folders": several_in_their_folders,
    "several sources in named folders": several_in_named_folders,
}


def packed(files: Mapping[str, str], mode: Any) -> bytes:
    """A tar, or a tgz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with open_web(tmp_path_factory.mktemp("web")) as opened:
        yield opened


@pytest.fixture
def ground(
    lab: Lab, operator: OperatorProcess, installer: str, unique: str, web: Web, tmp_path: Path
) -> Iterator[Ground]:
    (tmp_path / "git").mkdir()
    with ExitStack() as stack:
        git = stack.enter_context(git_server.open_web(tmp_path / "git"))
        yield Ground(lab, unique, tmp_path, web, operator.folder / "layouts", git, installer, stack)


@pytest.mark.parametrize("make", ROWS.values(), ids=ROWS)
def test_a_package_is_installed_from(make: Callable[[Ground], Source], ground: Ground) -> None:
    source = make(ground)
    name = f"{ground.word}.example.com"
    ground.lab.apply(
        package(name, "1.0.0", fetch=source.fetch, template=source.template),
        secret(ground.namespace, "values", values_yml="greeting: good morning"),
        install("web", ground.namespace, name, version="1.0.0", values=["values"]),
    )

    settled = ground.lab.settled("ipkg", "web", ground.namespace)

    found = ground.lab.get("configmap", "web", ground.namespace)
    assert found is not None
    assert found["data"] == {"greeting": "good morning"}
    said = settled["status"]["fetch"]["sources"]
    assert [entry["kind"] for entry in said] == [next(key for key in step if key != "path") for step in source.fetch]
    last = said[-1]
    assert last["digest"]
    assert last.get("version") == source.version or source.version is None
    assert source.words in json.dumps(last)


def catalogue_of_git(ground: Ground, files: dict[str, str]) -> Json:
    made = Repository.make(ground.git.root / ground.word)
    made.commit(files)
    return {"git": {"url": ground.git.url(made), "ref": "main"}}


CATALOGUES: Mapping[str, Callable[[Ground, dict[str, str]], Json]] = {
    "git": catalogue_of_git,
    "inline": lambda ground, files: {"inline": {"paths": files}},
    "image": lambda ground, files: {"image": {"url": ground.lab.push(f"{ground.word}/image", files)}},
    "http": lambda ground, files: {"http": by_http(ground, "repo.tgz", packed(files, "w:gz"))},
}


@pytest.mark.parametrize("make", CATALOGUES.values(), ids=CATALOGUES)
def test_a_repository_brings_its_packages_from(make: Callable[[Ground, dict[str, str]], Json], ground: Ground) -> None:
    document = package(f"{ground.word}.example.com", "1.0.0", fetch=[{"inline": {"paths": {"web.yaml": TEMPLATE}}}])
    made = repository(ground.word, "")
    made["spec"]["fetch"] = make(ground, {"packages/one.yaml": json.dumps(document)})
    ground.lab.apply(made)

    settled = ground.lab.settled("pkgr", ground.word)

    assert settled["status"]["packages"]["total"] == 1
    assert ground.lab.get("packages.package.carvel.dev", document["metadata"]["name"]) is not None
    ground.lab.delete("pkgr", ground.word, wait=False)
