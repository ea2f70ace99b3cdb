"""The order in which a cluster is found, decided from plain values. Real: folders and files. Fake: the programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.controlplane import ALL
from cluster.find import CORE, ClusterNotFound, Kind, choose, kubectl_program


def folder_of(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return folder


def which_in(folder: Path) -> Callable[[str], str | None]:
    return lambda name: str(folder / name) if (folder / name).is_file() else None


def nothing(name: str) -> str | None:
    return None


def test_a_given_kubeconfig_comes_before_all_else(tmp_path: Path) -> None:
    everything = folder_of(tmp_path / "bin", *ALL)
    config = tmp_path / "config"
    config.touch()
    environ = {"KUBECONFIG": str(config), "KUBEBUILDER_ASSETS": str(everything)}
    source = choose(environ, which_in(everything))
    assert (source.kind, source.kubeconfigs, source.missing()) == (Kind.GIVEN, (config,), ())


def test_a_list_of_kubeconfigs_keeps_those_that_exist_in_their_order(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.touch()
    second.touch()
    source = choose({"KUBECONFIG": f"{second}:{tmp_path / 'absent'}::{first}"}, nothing)
    assert source.kubeconfigs == (second, first)


def test_a_kubeconfig_that_is_not_there_is_refused_and_nothing_else_is_taken(tmp_path: Path) -> None:
    everything = folder_of(tmp_path / "bin", *ALL)
    with pytest.raises(ClusterNotFound, match=r"KUBECONFIG=.*absent is no file"):
        choose({"KUBECONFIG": str(tmp_path / "absent"), "KUBEBUILDER_ASSETS": str(everything)}, which_in(everything))


def test_envtest_assets_come_before_programs_on_path(tmp_path: Path) -> None:
    assets = folder_of(tmp_path / "assets", "etcd", "kube-apiserver", "kubectl")
    path = folder_of(tmp_path / "path", *ALL)
    source = choose({"KUBEBUILDER_ASSETS": str(assets)}, which_in(path))
    assert source.kind is Kind.ASSETS
    assert source.locate("etcd") == assets / "etcd"


def test_what_envtest_assets_lack_is_built(tmp_path: Path) -> None:
    assets = folder_of(tmp_path / "assets", "etcd", "kube-apiserver", "kubectl")
    source = choose({"KUBEBUILDER_ASSETS": str(assets)}, nothing)
    assert source.missing() == ("kube-controller-manager", "kube-scheduler", "kwok")


@pytest.mark.parametrize("names", [(), ("etcd",), ("kube-apiserver", "kwok")])
def test_assets_without_a_store_or_server_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    assets = folder_of(tmp_path / "assets", *names)
    with pytest.raises(ClusterNotFound, match=r"KUBEBUILDER_ASSETS=.*assets lacks etcd or kube-apiserver"):
        choose({"KUBEBUILDER_ASSETS": str(assets)}, nothing)


def test_programs_on_path_are_taken_when_the_core_is_complete(tmp_path: Path) -> None:
    path = folder_of(tmp_path / "path", *CORE)
    source = choose({}, which_in(path))
    assert (source.kind, source.missing()) == (Kind.PATH, ("kube-scheduler", "kwok"))


@pytest.mark.parametrize("absent", CORE)
def test_an_incomplete_core_on_path_is_left_alone(tmp_path: Path, absent: str) -> None:
    path = folder_of(tmp_path / "path", *(name for name in ALL if name != absent))
    source = choose({}, which_in(path))
    assert (source.kind, source.missing()) == (Kind.BUILT, ALL)


def test_empty_variables_count_as_not_set() -> None:
    assert choose({"KUBECONFIG": "", "KUBEBUILDER_ASSETS": ""}, nothing).kind is Kind.BUILT


@pytest.mark.parametrize("kind", list(Kind))
def test_each_source_is_told_in_words(kind: Kind, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.touch()
    folder = folder_of(tmp_path / "bin", *ALL)
    environ = {Kind.GIVEN: {"KUBECONFIG": str(config)}, Kind.ASSETS: {"KUBEBUILDER_ASSETS": str(folder)}}.get(kind, {})
    place = {Kind.GIVEN: f" ({config})", Kind.BUILT: ""}.get(kind, f" ({folder})")
    source = choose(environ, which_in(folder) if kind is Kind.PATH else nothing)
    assert str(source) == f"{kind.value}{place}"


def test_kubectl_is_found_beside_this_python_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = folder_of(tmp_path / "venv", "python", "kubectl")
    assets = folder_of(tmp_path / "assets", "kubectl")
    monkeypatch.setattr("sys.executable", str(own / "python"))
    environ = {"KUBEBUILDER_ASSETS": str(assets)}
    assert kubectl_program(environ, nothing) == str(own / "kubectl")
    (own / "kubectl").unlink()
    assert kubectl_program(environ, nothing) == str(assets / "kubectl")
    assert kubectl_program({}, which_in(assets)) == str(assets / "kubectl")
    with pytest.raises(ClusterNotFound, match="there is no kubectl"):
        kubectl_program({}, nothing)
