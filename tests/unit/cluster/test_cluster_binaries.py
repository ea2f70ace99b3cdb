"""Building once into the cache folder. Real: files, locks, processes. Fake: `go`, a script that notes its runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cluster import binaries
from cluster.binaries.modules import MODULES, TESTS, Module

# writes its own arguments and the variables that matter, then what `go build -o FILE` would write
GO = """#!/bin/sh
echo "$GOOS $GOARCH $CGO_ENABLED $GOFLAGS $*" >> "{log}"
while [ "$1" != -o ]; do shift; done
{body}
"""
SUCCEEDS = 'echo program > "$2.part"; sleep 0.3; mv "$2.part" "$2"'


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a fake `go`, first on PATH, and an empty cache folder; returns the script's place."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    script = tmp_path / "bin" / "go"
    write_go(script, SUCCEEDS)
    return script


def write_go(script: Path, body: str) -> None:
    script.write_text(GO.format(log=script.with_name("log"), body=body))
    script.chmod(0o755)


def runs(script: Path) -> list[str]:
    return script.with_name("log").read_text().splitlines() if script.with_name("log").exists() else []


def test_a_program_is_built_once(go: Path) -> None:
    first = binaries.path("etcd")
    assert first.read_text() == "program\n"
    assert (binaries.path("etcd"), len(runs(go))) == (first, 1)
    assert first == binaries.cache_folder() / "etcd"


def test_only_the_program_that_is_asked_for_is_built(go: Path) -> None:
    binaries.path("helm")
    assert [line.split()[-1] for line in runs(go)] == ["helm.sh/helm/v4/cmd/helm"]


def test_two_runs_at_once_build_once(go: Path) -> None:
    command = [sys.executable, "-c", "from cluster import binaries; print(binaries.path('kwok').read_text())"]
    processes = [subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=30)[0] for process in processes] == ["program\n\n"] * 3
    assert len(runs(go)) == 1


def test_the_users_go_settings_do_not_reach_the_build(go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GOFLAGS": "-mod=vendor", "GOARCH": "wasm", "GOOS": "js", "CGO_ENABLED": "1"}.items():
        monkeypatch.setenv(name, value)
    binaries.path("etcd")
    (line,) = runs(go)
    platform, architecture = binaries.cache_folder().name.split("-")[1:]
    assert line.startswith(f"{platform} {architecture} 0 -mod=readonly build -trimpath")
    assert "-X k8s.io/component-base/version.gitVersion=v1." in line


def test_a_failed_build_tells_go_s_words_and_leaves_no_program(go: Path) -> None:
    write_go(go, 'echo half > "$2"; echo "undefined: x" >&2; exit 1')
    with pytest.raises(binaries.BuildFailed, match="`go build` of etcd ended with 1:\nundefined: x"):
        binaries.path("etcd")
    write_go(go, SUCCEEDS)
    assert binaries.path("etcd").read_text() == "program\n"
    assert sorted(file.name for file in binaries.cache_folder().iterdir()) == [".etcd.lock", "etcd"]


def test_without_go_the_message_names_both_levers(go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(go.parent / "empty"))
    with pytest.raises(binaries.BuildFailed, match="install Go, or set KUBECONFIG"):
        binaries.path("etcd")


def test_what_is_built_already_needs_no_go(go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = binaries.path("etcd")
    monkeypatch.setenv("PATH", str(go.parent / "empty"))
    assert binaries.path("etcd") == built


def test_an_unknown_name_is_refused(go: Path) -> None:
    with pytest.raises(binaries.BuildFailed, match="kubelet is not one of etcd, kube-apiserver"):
        binaries.path("kubelet")
    assert runs(go) == []


def test_a_build_says_so_once(go: Path, capsys: pytest.CaptureFixture[str]) -> None:
    binaries.path("etcd")
    binaries.path("etcd")
    assert capsys.readouterr().err == "building etcd: 0 s (first time only, takes some minutes)\n"


@pytest.fixture
def module(tmp_path: Path) -> Module:
    """A module of its own with a program of its own, as a copy of the control plane's files."""
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_bytes((MODULES[0].folder / name).read_bytes())
    return Module(tmp_path, MODULES[0].programs)


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go"])
def test_a_change_of_a_modules_files_gives_another_cache_folder(module: Module, file: str) -> None:
    before = binaries.cache_folder(module)
    assert binaries.cache_folder() == before
    with (module.folder / file).open("a") as opened:
        opened.write("// more\n")
    assert binaries.cache_folder(module) != before


def test_each_module_has_a_cache_folder_of_its_own() -> None:
    assert len({binaries.cache_folder(module) for module in MODULES}) == len(MODULES)


def test_a_program_is_built_in_its_own_module(go: Path) -> None:
    assert binaries.path("sops") == binaries.cache_folder(binaries.PROGRAMS["sops"]) / "sops"
    (line,) = runs(go)
    assert (line.split()[-1], "k8s.io" in line) == ("github.com/getsops/sops/v3/cmd/sops", False)


@pytest.mark.parametrize("module", [pytest.param(module, id=module.folder.name) for module in MODULES])
def test_every_program_is_a_tool_of_its_module(module: Module) -> None:
    """A program of our own has the package `.`, the others are named by their modules' tool lines."""
    foreign = [package for package in module.programs.values() if package != "."]
    assert sorted(foreign) == sorted(tools_of((module.folder / "go.mod").read_text()))


def tools_of(go_mod: str) -> list[str]:
    block = go_mod.partition("tool (")[2].partition(")")[0].split()
    return block + [line.split()[1] for line in go_mod.splitlines() if line.startswith("tool ") and "(" not in line]
