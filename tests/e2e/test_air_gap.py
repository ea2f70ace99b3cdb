"""A repository of packages carried over an air gap: by `packhouse bundle copy` into a tar, then installed.

Real: the command, the operator, the API server, the registry that the bundles were made in. That one is gone before
anything is installed, so that whatever still needed it would fail.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bundle_app import app
from cluster.registry import open_registry
from lab import Lab, OperatorProcess, config_map_template, install, package, repository

LOCK = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: {image}\n"
Carry = Callable[[str, str], str]


def bundle(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def push(folder: Path, image: str, files: Mapping[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return bundle("push", image, "-f", folder)


@pytest.fixture
def carry(tmp_path: Path, unique: str, operator: OperatorProcess) -> Carry:
    """Makes a catalogue of one package in a registry of its own, copies it into a tar, and ends the registry."""

    def make(version: str, greeting: str) -> str:
        place = tmp_path / version
        template = config_map_template("{{ install.name }}", f"  greeting: {greeting}\n")
        with open_registry() as near:
            web = push(place / "web", f"{near.host}/web:{version}", {"config/web.yaml": template})
            document = package(f"{unique}.example.com", version, web)
            files = {"packages/web.yaml": json.dumps(document), ".imgpkg/images.yml": LOCK.format(image=web)}
            push(place / "catalogue", f"{near.host}/catalogue:{version}", files)
            bundle("copy", f"{near.host}/catalogue:{version}", "--to-tar", tmp_path / "new.tar", "--quiet")
        target = operator.folder / "layouts" / f"{unique}.tar"
        (tmp_path / "new.tar").rename(target)
        return str(target)

    return make


def test_a_repository_and_its_packages_are_installed_from_a_tar_without_any_registry(
    carry: Carry, lab: Lab, installer: str, unique: str
) -> None:
    tar = carry("1.0.0", "hello")
    name = f"{unique}.example.com"
    lab.apply(repository(unique, f"oci-layout://{tar}"), install("web", installer, name, constraint=">=1.0.0"))
    settled = lab.settled("ipkg", "web", installer)
    assert settled["status"]["version"] == "1.0.0"
    found = lab.get("configmap", "web", installer)
    assert found is not None and found["data"] == {"greeting": "hello"}
    made = lab.get("packages.package.carvel.dev", f"{name}.1.0.0")
    assert made is not None
    image = made["spec"]["template"]["spec"]["fetch"][0]["imgpkgBundle"]["image"]
    assert image.startswith(f"oci-layout://{tar}@sha256:")

    carry("1.1.0", "good morning")
    lab.poke("pkgr", unique)

    settled = lab.settled("ipkg", "web", installer, when=lambda ipkg: ipkg["status"]["version"] == "1.1.0", seconds=60)
    found = lab.get("configmap", "web", installer)
    assert found is not None and found["data"] == {"greeting": "good morning"}
    lab.delete("pkgr", unique, wait=False)


def test_a_tar_that_is_copied_into_a_registry_is_all_that_is_needed(
    carry: Carry, lab: Lab, installer: str, unique: str
) -> None:
    tar = carry("1.0.0", "hello")
    copy = bundle("copy", "--from-tar", tar, f"{lab.registry_host}/{unique}/catalogue", "--quiet")
    name = f"{unique}.example.com"
    image = f"{lab.registry_host}/{unique}/catalogue:1.0.0"
    lab.apply(repository(unique, image), install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    found = lab.get("configmap", "web", installer)
    assert found is not None and found["data"] == {"greeting": "hello"}
    made = lab.get("packages.package.carvel.dev", f"{name}.1.0.0")
    assert made is not None
    where = made["spec"]["template"]["spec"]["fetch"][0]["imgpkgBundle"]["image"]
    assert where.partition("@")[0] == copy.partition("@")[0]
    lab.delete("pkgr", unique, wait=False)
