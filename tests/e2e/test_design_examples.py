"""The original design's own examples work as they stand: its Package, its install, its values, its table of packages.

Only the image reference is another one (the design shortens it), and the repository of the table is ours.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import Lab, account, config_map_template, package, repository, wait_until

NAMESPACE = "my-ns"
NAME = "knative.tce.vmware.com.0.21.0-vmware0"

PACKAGE = """
apiVersion: package.carvel.dev/v1alpha1
kind: Package
metadata:
  name: knative.tce.vmware.com.0.21.0-vmware0
spec:
  publicName: knative.tce.vmware.com
  version: 0.21.0-vmware0
  template:
    spec:
      fetch:
      - imgpkgBundle:
          image: {image}
      template:
{template}
      deploy:
      - kapp: {{}}
"""
YTT_AND_KBLD = """
      - ytt:
          paths:
          - config/
      - kbld:
          paths:
          - "-"
          - .imgpkg/images.yml
"""
JINJA2 = """
      - jinja2:
          paths:
          - config/
"""
INSTALL = """
apiVersion: install.package.carvel.dev/v1alpha1
kind: InstalledPackage
metadata:
  name: knative-serving-0-21
  namespace: my-ns
spec:
  serviceAccountName: knative-sa
  packageRef:
    publicName: knative.tce.vmware.com
    version: 0.21.0-vmware0
    versionSelection:
      constraint: ">0.20"
      prereleases: {}
  values:
  - secretRef:
      name: knative-serving-config
"""
VALUES = """
apiVersion: v1
kind: Secret
metadata:
  name: knative-serving-config
  namespace: my-ns
stringData:
  values.yml: |
    #@data/values
    ---
    hello_msg: "hi"
"""
IMAGE = "registry.example/app:1"
LOCKED = f"registry.example/app@sha256:{'a' * 64}"
LOCK = f"""
apiVersion: imgpkg.carvel.dev/v1alpha1
kind: ImagesLock
images:
- image: {LOCKED}
  annotations:
    kbld.carvel.dev/id: {IMAGE}
"""
YTT_VALUES = """
#@data/values
---
hello_msg: ""
"""
YTT_CONFIG = f"""
#@ load("@ytt:data", "data")
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: hello
data:
  message: #@ data.values.hello_msg
  app: {IMAGE}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
spec:
  selector:
    matchLabels: {{app: app}}
  template:
    metadata:
      labels: {{app: app}}
    spec:
      containers:
      - name: app
        image: {IMAGE}
"""
CONFIG = config_map_template("hello", "  message: {{ values.hello_msg }}\n")


@pytest.fixture
def my_namespace(lab: Lab) -> Iterator[str]:
    """The namespace, the account and the Secret that the example presumes; all of it is gone afterwards."""
    lab.cluster.kubectl("create", "namespace", NAMESPACE)
    lab.apply(*account(NAMESPACE, "knative-sa"), VALUES)
    yield NAMESPACE
    lab.delete("ipkg", "knative-serving-0-21", NAMESPACE)
    lab.delete("packages.package.carvel.dev", NAME)
    lab.cluster.kubectl("delete", "namespace", NAMESPACE)


def pushed(lab: Lab, unique: str) -> str:
    files = {"config/hello.yaml": CONFIG, ".imgpkg/images.yml": LOCK}
    return lab.push(f"{unique}/tkg-knative", files)


def pushed_for_ytt(lab: Lab, unique: str) -> str:
    files = {"config/values.yml": YTT_VALUES, "config/hello.yml": YTT_CONFIG, ".imgpkg/images.yml": LOCK}
    return lab.push(f"{unique}/tkg-knative", files)


def test_the_example_converges_with_its_values_and_the_images_of_its_lock(
    lab: Lab, my_namespace: str, unique: str
) -> None:
    lab.apply(PACKAGE.format(image=pushed_for_ytt(lab, unique), template=YTT_AND_KBLD.strip("\n")), INSTALL)

    done = lab.settled("ipkg", "knative-serving-0-21", my_namespace)

    hello = lab.get("configmap", "hello", my_namespace)
    app = lab.get("deployment", "app", my_namespace)
    assert hello is not None
    assert app is not None
    assert hello["data"] == {"message": "hi", "app": IMAGE}
    assert app["spec"]["template"]["spec"]["containers"][0]["image"] == LOCKED
    assert done["status"]["packageRef"] == {"name": NAME}
    assert done["status"]["version"] == "0.21.0-vmware0"
    types = {condition["type"] for condition in done["status"]["conditions"]}
    assert {"ValuesSchemaCheckFailed", "ReconcileSucceeded", "ReconcileFailed", "Reconciling"} <= types


def test_a_change_of_the_examples_values_is_rendered_anew(lab: Lab, my_namespace: str, unique: str) -> None:
    lab.apply(PACKAGE.format(image=pushed_for_ytt(lab, unique), template=YTT_AND_KBLD.strip("\n")), INSTALL)
    lab.settled("ipkg", "knative-serving-0-21", my_namespace)

    lab.apply(VALUES.replace('"hi"', '"ho"'))

    def message() -> str:
        found = lab.get("configmap", "hello", my_namespace)
        return str(found["data"]["message"]) if found is not None else ""

    wait_until("the new message is there", lambda: message() == "ho", seconds=5)


def test_values_that_the_example_does_not_know_are_refused_with_their_place(
    lab: Lab, my_namespace: str, unique: str
) -> None:
    lab.apply(VALUES.replace("hello_msg:", "helo_msg:"))
    lab.apply(PACKAGE.format(image=pushed_for_ytt(lab, unique), template=YTT_AND_KBLD.strip("\n")), INSTALL)

    told = lab.settled(
        "ipkg", "knative-serving-0-21", my_namespace, condition="ReconcileFailed", reason="TemplateFailed"
    )

    assert "helo_msg" in told["status"]["usefulErrorMessage"]
    assert "values.yml:3" in told["status"]["usefulErrorMessage"]
    assert lab.get("configmap", "hello", my_namespace) is None


def test_the_same_package_with_templates_that_we_have_converges(lab: Lab, my_namespace: str, unique: str) -> None:
    lab.apply(PACKAGE.format(image=pushed(lab, unique), template=JINJA2.strip("\n")), INSTALL)

    done = lab.settled("ipkg", "knative-serving-0-21", my_namespace)

    applied = lab.get("configmap", "hello", my_namespace)
    assert applied is not None
    assert applied["data"] == {"message": "hi"}
    assert done["status"]["packageRef"] == {"name": NAME}
    assert done["status"]["version"] == "0.21.0-vmware0"
    types = {condition["type"] for condition in done["status"]["conditions"]}
    assert {"ValuesSchemaCheckFailed", "ReconcileSucceeded", "ReconcileFailed", "Reconciling"} <= types
    rows = lab.cluster.kubectl("get", "installedpackages", "-n", my_namespace).stdout.splitlines()
    assert rows[0].split() == ["NAME", "PACKAGE-NAME", "PACKAGE-VERSION", "DESCRIPTION", "AGE"]
    assert rows[1].split()[:5] == [
        "knative-serving-0-21",
        "knative.tce.vmware.com",
        "0.21.0-vmware0",
        "Reconcile",
        "succeeded",
    ]


def test_a_repository_makes_its_packages_available_and_takes_them_along(lab: Lab, unique: str) -> None:
    versions = ("1.0.0", "2.0.0", "3.0.0-rc.1")
    bundle = lab.push(f"{unique}/pkg", {"config/hello.yaml": CONFIG})
    lab.apply(
        repository(
            "pkg.test.carvel.dev",
            lab.publish(f"{unique}/repo", [package("pkg.test.carvel.dev", version, bundle) for version in versions]),
        )
    )
    lab.settled("pkgr", "pkg.test.carvel.dev")

    table = lab.cluster.kubectl("get", "packages").stdout.splitlines()

    assert table[0].split() == ["NAME", "PUBLIC-NAME", "VERSION", "AGE"]
    rows = [row.split() for row in table if "pkg.test.carvel.dev" in row]
    assert [row[:3] for row in rows] == [
        [f"pkg.test.carvel.dev.{version}", "pkg.test.carvel.dev", version] for version in versions
    ]
    assert all(len(row) == 4 and row[3].endswith("s") for row in rows)

    lab.delete("pkgr", "pkg.test.carvel.dev")

    assert "pkg.test.carvel.dev" not in lab.cluster.kubectl("get", "packages").stdout
