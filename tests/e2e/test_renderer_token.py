"""An escaped template looks for the operator's token, and finds none.

Real: the manifests that are shipped, and a renderer with its workers as a container would hold it (namespaces of its
own for processes and mounts). Faked: the escape itself, by an engine that runs Python, which stands for a hole in the
sandbox that nobody knows of yet. The same code outside those walls does find the token, so the test can fail.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from packhouse.adapters.renderer_client import RendererClient
from packhouse.settings import Settings
from render_jobs import job

BASE = Path(__file__).parents[2] / "deploy" / "kustomize" / "base"
TOKEN = "marker-of-the-operators-token"
WALLS = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]

#: Loaded into every Python process that has this folder on PYTHONPATH: gives the renderer an engine that runs code.
ESCAPE = """
import packhouse.template.pipeline as pipeline
from packhouse.template.documents import Document, Templater

def run(step, options):
    found = {}
    exec(step.files["escape.py"].decode(), found)
    data = {"found": "\\n".join(found["search"]())}
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "loot"}, "data": data}
    return [Document("escape.py", 1, value)]

pipeline.TEMPLATERS = {**pipeline.TEMPLATERS, "escape": Templater(run, frozenset(), False)}
"""

#: Looks where tokens are: environments of all processes, their open files, the usual mounts, and a folder told to it.
SEARCH = """
import glob, os
MARKER = b"marker-of-the-" + b"operators-token"

def read(path):
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError:
        return b""

def places():
    for pattern in ("/proc/[0-9]*/environ", "/proc/[0-9]*/fd/*", "/run/secrets/**", "/var/run/secrets/**", "FOLDER/**"):
        yield from glob.glob(pattern, recursive=True)
    for process in glob.glob("/proc/[0-9]*/environ"):
        for entry in read(process).split(b"\\0"):
            name, _, value = entry.partition(b"=")
            if name == b"KUBECONFIG":
                yield value.decode()

def search():
    # a pipe or a socket would keep the reader waiting
    return sorted({place for place in places() if os.path.isfile(place) and MARKER in read(place)})
"""


@pytest.fixture
def operator_files(tmp_path: Path) -> Path:
    """What the operator's container holds and the renderer's does not."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    return folder


@pytest.fixture
def escape(tmp_path: Path) -> Path:
    folder = tmp_path / "escape"
    folder.mkdir()
    (folder / "usercustomize.py").write_text("")
    (folder / "sitecustomize.py").write_text(ESCAPE)
    return folder


@contextmanager
def renderer(folder: Path, escape: Path, hidden: Path | None) -> Iterator[Path]:
    """The renderer on a socket; with `hidden`, inside walls where that folder is not mounted."""
    socket = folder / "s"
    serve = [sys.executable, "-m", "packhouse.cli.main", "renderer", "--socket", str(socket)]
    if hidden is not None:
        script = 'mount -t tmpfs none "$1" && shift && exec "$@"'
        serve = [*WALLS, "sh", "-c", script, "sh", str(hidden), *serve]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(escape), "PACKHOUSE_RENDER_WORKERS": "1"}
    log = folder / "renderer.log"
    with log.open("w") as lines:
        process = subprocess.Popen(serve, env=environment, stderr=lines)
    try:
        deadline = time.monotonic() + 20
        while not socket.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the renderer does not serve"
            time.sleep(0.05)
        yield socket
    finally:
        process.kill()
        process.wait(timeout=10)


def loot(socket: Path, folder: Path) -> list[str]:
    async def ask() -> str:
        async with RendererClient(Settings(renderer_socket=str(socket))) as client:
            rendered = await client.render(
                job({"escape.py": SEARCH.replace("FOLDER", str(folder))}, steps=[{"escape": {}}])
            )
            return str(rendered.objects[0]["data"]["found"])

    return [line for line in asyncio.run(ask()).splitlines() if line]


def walls_stand() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    return subprocess.run([*WALLS, "true"], capture_output=True, timeout=20).returncode == 0


@pytest.mark.skipif(not walls_stand(), reason="no namespaces for an unprivileged container here")
def test_an_escaped_template_finds_no_token_in_its_container(
    operator_files: Path, escape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(operator_files / "token"))
    with renderer(tmp_path, escape, hidden=operator_files) as socket:
        assert loot(socket, operator_files) == []


def test_the_same_search_finds_a_token_that_lies_open(operator_files: Path, escape: Path, tmp_path: Path) -> None:
    with renderer(tmp_path, escape, hidden=None) as socket:
        assert str(operator_files / "token") in loot(socket, operator_files)


def test_the_shipped_renderer_container_mounts_no_token_and_shares_no_processes() -> None:
    deployment = next(
        document
        for document in yaml.safe_load_all((BASE / "deployment.yaml").read_text())
        if document["kind"] == "Deployment"
    )
    pod = deployment["spec"]["template"]["spec"]
    tokens = {volume["name"] for volume in pod["volumes"] if "serviceAccountToken" in json.dumps(volume)}
    mounts = {
        container["name"]: {mount["name"] for mount in container["volumeMounts"]} for container in pod["containers"]
    }
    assert (pod["automountServiceAccountToken"], pod["shareProcessNamespace"]) == (False, False)
    assert mounts["operator"] & tokens == tokens != set()
    assert mounts["renderer"] & tokens == set()
