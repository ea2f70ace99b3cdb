"""Charts and encrypted files in a real cluster: from a Package to objects, and what wakes the install afterwards."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pyrage

from lab import Json, Lab, inline, install, package, secret, wait_until

CHART = {
    "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: '>=1.20.0'\n",
    "web/values.yaml": "greeting: hello\n",
    "web/templates/web.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
data:
  greeting: {{ .Values.greeting | quote }}
  version: {{ .Capabilities.KubeVersion.Version | quote }}
  apps: {{ .Capabilities.APIVersions.Has "package.carvel.dev/v1alpha1" | quote }}
""",
    "web/templates/test.yaml": """\
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations: {helm.sh/hook: test}
spec:
  containers: [{name: test, image: busybox}]
""",
}


def data(lab: Lab, namespace: str, name: str = "web") -> Json:
    found = lab.get("configmap", name, namespace)
    return found["data"] if found is not None else {}


def test_a_chart_is_installed_with_the_values_of_the_install_and_its_hooks_are_told(
    lab: Lab, installer: str, unique: str
) -> None:
    name = f"{unique}.example.com"
    steps: list[Any] = [{"helmTemplate": {"path": "web"}}]
    lab.apply(package(name, "1.0.0", fetch=inline(CHART), template=steps))
    lab.apply(secret(installer, "values", values_yml="greeting: welcome\n"))
    lab.apply(install("web", installer, name, version="1.0.0", values=["values"]))

    told = lab.settled("ipkg", "web", installer)

    told_by = json.loads(lab.cluster.kubectl("version", "-o", "json").stdout)["serverVersion"]["gitVersion"]
    version = re.split("[-+]", told_by)[0]
    assert data(lab, installer) == {"greeting": "welcome", "version": version, "apps": "true"}
    [warning] = told["status"]["template"]["warnings"]
    assert warning.endswith("are left out: Pod web-test (test)")
    assert lab.get("pod", "web-test", installer) is None

    lab.apply(secret(installer, "values", values_yml="greeting: changed\n"))
    wait_until("the chart has the new value", lambda: data(lab, installer)["greeting"] == "changed", seconds=20)


def test_the_version_that_a_step_gives_is_the_one_that_the_chart_is_told(lab: Lab, installer: str, unique: str) -> None:
    name = f"{unique}.example.com"
    given = {"path": "web", "kubernetesVersion": {"version": "1.21.3"}, "kubernetesAPIs": {"groupVersions": ["v1"]}}
    lab.apply(package(name, "1.0.0", fetch=inline(CHART), template=[{"helmTemplate": given}]))
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    assert data(lab, installer) == {"greeting": "hello", "version": "v1.21.3", "apps": "false"}


def test_a_chart_that_is_refused_changes_nothing_and_heals(lab: Lab, installer: str, unique: str) -> None:
    name = f"{unique}.example.com"
    chart = CHART | {"web/templates/ask.yaml": '{{ required "set greeting to one word" .Values.word }}'}
    lab.apply(package(name, "1.0.0", fetch=inline(chart), template=[{"helmTemplate": {"path": "web"}}]))
    lab.apply(secret(installer, "values", values_yml="greeting: a\n"))
    lab.apply(install("web", installer, name, version="1.0.0", values=["values"]))
    told = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="TemplateFailed")
    assert "set greeting to one word" in told["status"]["usefulErrorMessage"]
    assert lab.get("configmap", "web", installer) is None

    lab.apply(secret(installer, "values", values_yml="word: '# a'\n"))
    lab.settled("ipkg", "web", installer)
    assert data(lab, installer)["greeting"] == "hello"


def test_encrypted_files_are_opened_with_the_key_of_the_install_s_namespace(
    lab: Lab, installer: str, unique: str, sops: Path, tmp_path: Path
) -> None:
    own, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    (tmp_path / "values.yml").write_text("password: hunter22hunter\n")
    encrypted = subprocess.run(
        [sops, "encrypt", "--age", str(own.to_public()), "values.yml"],
        cwd=tmp_path,
        env={"HOME": "/"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    name = f"{unique}.example.com"
    files = CHART | {"values.sops.yml": encrypted}
    files["web/templates/web.yaml"] = files["web/templates/web.yaml"].replace(".Values.greeting", ".Values.password")
    steps: list[Any] = [
        {"sops": {"age": {"privateKeysSecretRef": {"name": "age"}}}},
        {"helmTemplate": {"path": "web", "valuesFrom": [{"path": "values.yml"}]}},
    ]
    lab.apply(package(name, "1.0.0", fetch=inline(files), template=steps))
    lab.apply(secret(installer, "age", keys_txt=str(other)))
    lab.apply(install("web", installer, name, version="1.0.0"))
    told = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="TemplateFailed")
    assert str(own.to_public()) in told["status"]["usefulErrorMessage"]
    assert lab.get("configmap", "web", installer) is None

    lab.apply(secret(installer, "age", keys_txt=str(other), more_agekey=str(own)))
    lab.settled("ipkg", "web", installer)
    assert data(lab, installer)["greeting"] == "hunter22hunter"
    assert "hunter22hunter" not in lab.cluster.kubectl("get", "ipkg", "web", "-n", installer, "-o", "yaml").stdout
