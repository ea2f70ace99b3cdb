"""The step ytt in a real cluster: package overlays, values that are files, and what a package reads beside itself."""

from __future__ import annotations

from typing import Any

from lab import Json, Lab, account, inline, install, package, secret, wait_until
from packhouse.api.names import YTT_PATHS, YTT_VALUES_OVERLAYS

WEB = """\
#@ load("@ytt:data", "data")
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  text: #@ data.values.text
"""
VALUES = '#@data/values\n---\ntext: "from the package"\n'
OVERLAY = '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.all\n---\ndata:\n  text: {}\n'


def offer(lab: Lab, word: str, **options: Any) -> str:
    """A package of ytt; its publicName."""
    files = {"config/web.yml": WEB, "config/values.yml": VALUES}
    steps = [{"ytt": {"paths": ["config"], **options}}]
    lab.apply(package(f"{word}.example.com", "1.0.0", fetch=inline(files), template=steps))
    return f"{word}.example.com"


def annotated(obj: Json, **annotations: str) -> Json:
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def becomes(lab: Lab, namespace: str, text: str) -> None:
    def is_so() -> bool:
        found = lab.get("configmap", "web", namespace)
        return found is not None and found["data"]["text"] == text

    wait_until(f"the text is {text!r}", is_so, seconds=10)


def test_a_package_overlay_changes_what_is_rendered_for_as_long_as_it_is_named(
    lab: Lab, installer: str, unique: str
) -> None:
    name = offer(lab, unique)
    wanted = install("web", installer, name, version="1.0.0")
    lab.apply(secret(installer, "overlay", a_yml=OVERLAY.format("first")))
    lab.apply(annotated(wanted, **{f"{YTT_PATHS}.0": "overlay"}))
    lab.settled("ipkg", "web", installer)
    becomes(lab, installer, "first")

    lab.apply(secret(installer, "overlay", a_yml=OVERLAY.format("second")))
    becomes(lab, installer, "second")

    lab.apply(secret(installer, "later", b_yml=OVERLAY.format("third")))
    lab.apply(annotated(wanted, **{f"{YTT_PATHS}.0": "overlay", f"{YTT_PATHS}.1": "later"}))
    becomes(lab, installer, "third")

    lab.patch("ipkg", "web", {"metadata": {"annotations": {f"{YTT_PATHS}.{n}": None for n in (0, 1)}}}, installer)
    becomes(lab, installer, "from the package")


def test_an_overlay_that_is_missing_is_waited_for(lab: Lab, installer: str, unique: str) -> None:
    wanted = install("web", installer, offer(lab, unique), version="1.0.0")
    lab.apply(annotated(wanted, **{YTT_PATHS: "overlay"}))
    told = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="ValuesMissing")
    assert f"Secret {installer}/overlay does not exist" in told["status"]["usefulErrorMessage"]

    lab.apply(secret(installer, "overlay", a_yml=OVERLAY.format("here")))

    becomes(lab, installer, "here")


def test_values_are_files_where_the_install_says_so(lab: Lab, installer: str, unique: str) -> None:
    code = 'def text():\n  return "from code"\nend\n'
    values = '#@ load("code.star", "text")\n#@data/values\n---\ntext: #@ text()\n'
    lab.apply(secret(installer, "values", code_star=code, values_yml=values))
    wanted = install("web", installer, offer(lab, unique), version="1.0.0", values=["values"])
    lab.apply(annotated(wanted, **{YTT_VALUES_OVERLAYS: ""}))
    lab.settled("ipkg", "web", installer)
    becomes(lab, installer, "from code")


def test_what_a_package_reads_is_read_with_the_rights_of_the_account_and_followed(
    lab: Lab, namespace: str, unique: str
) -> None:
    config_maps = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}
    sources = [{"configMapRef": {"name": "more"}}, {"secretRef": {"name": "more"}}]
    name = offer(lab, unique, valuesFrom=sources)
    lab.apply(
        *account(namespace, rules=[config_maps]),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "more", "namespace": namespace},
            "data": {"v.yml": "text: map"},
        },
        secret(namespace, "more", v_yml="text: secret"),
        install("web", namespace, name, version="1.0.0"),
    )
    told = lab.settled("ipkg", "web", namespace, condition="ReconcileFailed", reason="Forbidden")
    assert "secrets" in told["status"]["usefulErrorMessage"]
    assert lab.get("configmap", "web", namespace) is None

    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    lab.apply(*account(namespace, rules=[config_maps, secrets]))
    lab.settled("ipkg", "web", namespace)
    becomes(lab, namespace, "secret")

    lab.apply(secret(namespace, "more", v_yml="text: another secret"))
    becomes(lab, namespace, "another secret")
