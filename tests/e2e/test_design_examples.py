"""The original design's own examples work as they stand: its Package, its install, its values, its table of packages.

Only the image reference is another one (the design shortens it), and the repository of the table is ours.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import Lab, account, config_map_template, find_condition, package, repository

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
    return lab.push(f"{unique}/tkg-knative", {"config/hello.yaml": CONFIG, ".imgpkg/images.yml": "images: []\n"})


def test_the_package_with_ytt_is_accepted_and_its_install_says_that_the_engine_is_missing(
    lab: Lab, my_namespace: str, unique: str
) -> None:
    lab.apply(PACKAGE.format(image=pushed(lab, unique), template=YTT_AND_KBLD.strip("\n")), INSTALL)

    told = lab.settled("ipkg", "knative-serving-0-21", my_namespace, condition="ReconcileFailed")

    failed = find_condition(told, "ReconcileFailed")
    assert failed is not None
    assert failed["reason"] == "UnsupportedStep"
    assert "ytt" in failed["message"]
    assert told["status"]["packageRef"] == {"name": NAME}
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
