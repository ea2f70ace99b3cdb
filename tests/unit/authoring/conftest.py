"""Packages made in a folder on disk, as their authors make them.

Real: the files, the renderer in its own process (one for all tests here), the verbs as the command line calls them.
Faked: nothing; there is neither a cluster nor a registry. Asserted: what is printed and written, findings, objects.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import pytest

from packhouse.authoring.skeleton import write
from packhouse.cli.application import loaded
from packhouse.cli.tree import PACKAGE


@pytest.fixture(scope="session")
def renderer_socket() -> Iterator[str]:
    """A renderer, started once: it takes a second."""
    folder = tempfile.mkdtemp(prefix="packhouse-authoring-")
    path = f"{folder}/socket"
    command = [sys.executable, "-P", "-m", "packhouse.cli.renderer", "--socket", path, "--parent-watch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield path
        process.terminate()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def in_a_folder(renderer_socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PACKHOUSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PACKHOUSE_RENDERER_SOCKET", renderer_socket)
    monkeypatch.chdir(tmp_path)


Changes = Mapping[str, str | tuple[str, str] | None]


class Made(Protocol):
    def __call__(self, changes: Changes = ..., *, engine: str = ...) -> Path: ...


@pytest.fixture
def package(tmp_path: Path) -> Made:
    """`package({file: change})`: the package `web` as `init` writes it, before its golden files.

    A change is the file's whole text, a part of it and what stands there instead, or None to take the file or the
    folder away.
    """

    def make(changes: Changes = MappingProxyType({}), *, engine: str = "jinja2") -> Path:
        folder = tmp_path / "web"
        write(folder, "web", "", engine)
        for name, change in changes.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if change is None:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            elif isinstance(change, str):
                path.write_text(change)
            else:
                old, new = change
                assert old in path.read_text()
                path.write_text(path.read_text().replace(old, new))
        return folder

    return make


@pytest.fixture
def verb() -> Callable[..., int]:
    """`verb("lint", "web")`: its exit code."""

    def call(name: str, *words: str) -> int:
        try:
            loaded(name, PACKAGE.words[name]).main(list(words), prog_name=name)
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    return call
