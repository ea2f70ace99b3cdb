from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.domain.bundle import read_bundle
from packhouse.ports import BundleContent, Json

ROOT = Path(__file__).parents[3]
CONFORMANCE = Path(os.environ.get("PACKHOUSE_CONFORMANCE", ROOT.parent / "shared" / "conformance"))

PACKAGE = """\
apiVersion: package.carvel.dev/v1alpha1
kind: Package
metadata:
  name: web.example.com.1.2.3
spec:
  publicName: web.example.com
  version: 1.2.3
  template:
    spec:
      fetch:
      - imgpkgBundle:
          image: registry.example.com/web@sha256:0000
      template:
      - ytt:
          paths: [config/]
      deploy:
      - kapp: {}
"""
METADATA = """\
apiVersion: package.carvel.dev/v1alpha1
kind: PackageMetadata
metadata: {name: web.example.com}
spec: {displayName: Web}
"""


@pytest.fixture(scope="module")
def schemas() -> dict[str, Json]:
    found = {}
    for kind in ("Package", "PackageMetadata"):
        crd = yaml.safe_load((ROOT / "crds" / f"{kind.lower()}.yaml").read_text())
        found[kind] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def read(schemas: Mapping[str, Json], **files: str) -> BundleContent:
    return read_bundle({f"packages/{name}.yml": text.encode() for name, text in files.items()}, schemas)


def faults(content: BundleContent) -> list[str]:
    return [str(fault) for fault in content.faults]


def changed(old: str, new: str, text: str = PACKAGE) -> str:
    assert old in text
    return text.replace(old, new)


def test_packages_and_metadata_of_our_own_api_arrive_as_they_are(schemas: dict[str, Json]) -> None:
    content = read(schemas, a=PACKAGE, b=METADATA)
    assert list(content.documents) == [yaml.safe_load(PACKAGE), yaml.safe_load(METADATA)]
    assert faults(content) == []


def test_the_other_shape_is_converted(schemas: dict[str, Json]) -> None:
    text = changed("package.carvel.dev", "data.packaging.carvel.dev").replace("publicName: web", "refName: web")
    text = text.replace("1.2.3", "1.2.3-RC.1+vmware.1").replace(
        "metadata:\n",
        "metadata:\n  namespace: x\n  creationTimestamp: null\n"
        "  annotations: {kbld.k14s.io/images: y}\n  labels: {a: b}\n",
    )
    text += "  valuesSchema: {openAPIv3: {properties: {a: {default: null}}, x-any: 1}}\n"
    text += "  releasedAt: 2022-01-31T00:00:00Z\nstatus: {}\n"
    content = read(schemas, a=text)
    assert faults(content) == []
    [package] = content.documents
    assert package["apiVersion"] == "package.carvel.dev/v1alpha1"
    assert package["metadata"] == {
        "name": "web.example.com.1.2.3-rc.1--vmware.1",
        "annotations": {"kbld.k14s.io/images": "y"},
        "labels": {"a": "b"},
    }
    assert (package["spec"]["publicName"], package["spec"]["version"]) == ("web.example.com", "1.2.3-RC.1+vmware.1")
    assert package["spec"]["valuesSchema"] == {"openAPIv3": {"properties": {"a": {"default": None}}, "x-any": 1}}
    assert package["spec"]["releasedAt"] == "2022-01-31T00:00:00Z"
    assert not {"status", "refName"} & {*package, *package["spec"]}


def test_the_root_is_read_only_where_the_folder_packages_is_missing(schemas: dict[str, Json]) -> None:
    root = {"a.yaml": METADATA.encode(), "deep/b.json": b'{"kind": "x"}', ".imgpkg/images.yml": b"kind: ImagesLock"}
    assert (len(read_bundle(root, schemas).documents), len(read_bundle(root, schemas).faults)) == (1, 1)
    content = read_bundle({**root, "packages/p/1.yml": PACKAGE.encode(), "packages/README.md": b"x"}, schemas)
    assert [document["kind"] for document in content.documents] == ["Package"]
    assert faults(content) == []


def test_unknown_fields_are_pruned_and_nulls_are_absent(schemas: dict[str, Json]) -> None:
    text = changed(
        "      - kapp: {}", "      - kapp: {nope: 1, intoNs: web}\n  nope: {a: 1}\n  licenses: null\nnope: 1"
    )
    content = read(schemas, a=text)
    expected = yaml.safe_load(changed("kapp: {}", "kapp: {intoNs: web}"))
    assert (faults(content), list(content.documents)) == ([], [expected])


def test_marks_of_ours_cannot_be_set_by_a_publisher(schemas: dict[str, Json]) -> None:
    marks = (
        "  labels: {install.package.carvel.dev/repository: mine}\n  annotations: {packaging.carvel.dev/revision: '2'}\n"
    )
    [package] = read(schemas, a=changed("metadata:\n", "metadata:\n" + marks)).documents
    assert package["metadata"] == {
        "name": "web.example.com.1.2.3",
        "annotations": {"packaging.carvel.dev/revision": "2"},
    }


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "kind: Package",
            "kind: ConfigMap",
            2,
            "kind 'ConfigMap' (package.carvel.dev/v1alpha1) has no place in a repository: "
            "accepted are Package and PackageMetadata of",
        ),
        ("v1alpha1", "v2", 1, "Package of 'package.carvel.dev/v2' is not known"),
        (
            "  name: web.example.com.1.2.3",
            "  name: web.1.2.3",
            4,
            "metadata.name must be publicName.version, which is web.example.com.1.2.3",
        ),
        ("  name: web.example.com.1.2.3", "  name: 1", 3, "Package: metadata.name must be a text"),
        ("version: 1.2.3", "version: 1.2", 7, "spec.version must be a text, found a number: quote it"),
        ("version: 1.2.3", "version: '1.2'", 7, "spec.version '1.2' is no semantic version"),
        ("version: 1.2.3", "version: v1.2.3", 7, "spec.version 'v1.2.3' is no semantic version"),
        ("  version: 1.2.3\n", "", 5, "spec.version is missing"),
        ("publicName: web.example.com", "publicName: Web.example.com", 6, "must be a DNS name with a dot in it"),
        (
            "      - kapp: {}",
            "      - kapp: {}\n      - kapp: {}",
            16,
            "spec.template.spec.deploy must hold exactly one step",
        ),
        ("      - kapp: {}", "      - {}", 17, "spec.template.spec.deploy[0] must be kapp"),
        ("      - kapp: {}", "        []", 16, "spec.template.spec.deploy must hold exactly one step"),
        ("image: registry", "url: registry", 11, "spec.template.spec.fetch[0].imgpkgBundle.image is missing"),
        (
            "      - imgpkgBundle:",
            "      - http: {url: x}\n        imgpkgBundle:",
            11,
            "must name one source, found http, imgpkgBundle",
        ),
        ("      - imgpkgBundle:", "      - vendir:", 11, "must name one source, found none that is known"),
        (
            "paths: [config/]",
            "paths: config/",
            15,
            "spec.template.spec.template[0].ytt.paths must be a list, found a text",
        ),
        ("  version:", "  releasedAt: yesterday\n  version:", 7, "spec.releasedAt must be a date-time"),
        ("  version:", "  licenses: ['']\n  version:", 7, "spec.licenses[0] breaks its limit (minLength 1)"),
        (
            "metadata:\n",
            "metadata:\n  annotations: {a: true}\n",
            4,
            "metadata.annotations['a'] must be a text: quote it",
        ),
        (
            "metadata:\n",
            "metadata:\n  labels: {a: 'no label'}\n",
            4,
            "metadata.labels['a'] is not a valid key or label value",
        ),
        ("spec:\n  publicName", "nospec:\n  publicName", 1, "Package: spec is missing"),
    ],
)
def test_a_bad_document_is_told_by_file_line_and_name(
    schemas: dict[str, Json], old: str, new: str, line: int, message: str
) -> None:
    content = read(schemas, bad=changed(old, new), good=METADATA)
    [fault] = content.faults
    assert (fault.file, fault.line) == ("packages/bad.yml", line), str(fault)
    assert message in fault.message
    assert [document["kind"] for document in content.documents] == ["PackageMetadata"]


def test_a_document_that_is_no_yaml_does_not_hide_its_neighbours(schemas: dict[str, Json]) -> None:
    content = read(schemas, a=f"{METADATA}---\na: [\n---\n{PACKAGE}---\n- 1\n")
    assert [document["kind"] for document in content.documents] == ["PackageMetadata", "Package"]
    assert [fault.line for fault in content.faults] == [7, 26]
    assert content.faults[0].message.startswith("no valid YAML")
    assert content.faults[1].message == "a Package or a PackageMetadata (a map) is expected"


def test_files_that_cannot_be_read_at_all_are_faults(schemas: dict[str, Json]) -> None:
    files = {"packages/a.yml": b"\xff", "packages/b.yml": b"a: \x07", "packages/c.yml": b"x: " + b"[" * 100_000}
    content = read_bundle({**files, "packages/d.yml": METADATA.encode()}, schemas)
    assert [fault.file for fault in content.faults] == sorted(files)
    assert len(content.documents) == 1


def test_one_document_given_twice_counts_once(schemas: dict[str, Json]) -> None:
    content = read(schemas, a=PACKAGE, b=f"{METADATA}---\n{PACKAGE}# again\n")
    assert ([document["kind"] for document in content.documents], faults(content)) == (
        ["Package", "PackageMetadata"],
        [],
    )


def test_two_documents_of_one_name_that_differ_are_both_left_out_and_both_named(schemas: dict[str, Json]) -> None:
    content = read(schemas, a=PACKAGE, b=changed("  version", "  displayName: other\n  version"), c=METADATA)
    assert [document["kind"] for document in content.documents] == ["PackageMetadata"]
    assert [fault.file for fault in content.faults] == ["packages/a.yml", "packages/b.yml"]
    assert "is also in packages/b.yml:1, with other content" in content.faults[0].message
    assert "is also in packages/a.yml:1, with other content" in content.faults[1].message


def test_two_versions_that_give_one_name_are_a_conflict(schemas: dict[str, Json]) -> None:
    content = read(schemas, a=changed("1.2.3", "1.2.3-RC"), b=changed("1.2.3", "1.2.3-rc"))
    assert (len(content.documents), len(content.faults)) == (0, 2)


def test_kinds_of_kubernetes_schemas_are_honoured() -> None:
    spec: dict[str, Any] = {
        "type": "object",
        "properties": {
            "port": {"x-kubernetes-int-or-string": True},
            "none": {"type": "string", "nullable": True, "enum": ["a"]},
            "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "map": {
                "type": "object",
                "additionalProperties": {"type": "object", "properties": {"a": {"type": "integer"}}},
            },
        },
    }
    schema = {"type": "object", "properties": {"spec": spec}}

    def fitted(text: str) -> BundleContent:
        document = (
            f"apiVersion: package.carvel.dev/v1alpha1\nkind: PackageMetadata\nmetadata: {{name: a.b}}\nspec: {text}\n"
        )
        return read({"PackageMetadata": schema}, a=document)

    content = fitted("{port: 80, none: null, any: {x: {y: null}}, map: {k: {a: 1, b: 2}}, more: 1}")
    assert content.documents[0]["spec"] == {"port": 80, "any": {"x": {"y": None}}, "map": {"k": {"a": 1}}}
    assert fitted("{port: http}").documents[0]["spec"] == {"port": "http"}
    assert "spec.port must be a whole number or a text, found a list" in faults(fitted("{port: []}"))[0]
    assert "spec.map.k.a must be a whole number, found a text" in faults(fitted("{map: {k: {a: x}}}"))[0]


@pytest.mark.skipif(not CONFORMANCE.exists(), reason="no conformance data here")
def test_all_real_packages_arrive_but_those_that_are_named_after_another_version(schemas: dict[str, Json]) -> None:
    files = _real_packages()
    specs = {path: yaml.safe_load(text) for path, text in files.items() if path.endswith("package.yaml")}
    odd = {
        path
        for path, package in specs.items()
        if package["metadata"]["name"] != f"{package['spec']['refName']}.{package['spec']['version']}"
    }
    content = read_bundle(files, schemas)
    assert {fault.file for fault in content.faults} == odd
    assert len(files) - len(odd) == len(content.documents)


@pytest.mark.timeout(30)
@pytest.mark.skipif(not CONFORMANCE.exists(), reason="no conformance data here")
def test_a_catalogue_of_184_real_packages_is_read_in_well_under_a_second(schemas: dict[str, Json]) -> None:
    real = [text.decode() for path, text in _real_packages().items() if path.endswith("package.yaml")]
    files = {}
    for number in range(184):
        text = real[number % len(real)]
        name = yaml.safe_load(text)["spec"]["refName"]
        files[f"packages/{number}.yml"] = text.replace(name, f"x{number}.{name}").encode()
    content = read_bundle(files, schemas)
    assert len(content.documents) + len(content.faults) == 184


def _real_packages() -> dict[str, bytes]:
    packages = CONFORMANCE / "packages"
    found = [*packages.glob("*/metadata.yaml"), *packages.glob("*/*/package.yaml")]
    return {f"packages/{path.relative_to(packages)}": path.read_bytes() for path in found}


def test_a_name_that_does_not_fit_is_reported_in_the_words_of_its_shape_and_the_rest_arrives(
    schemas: dict[str, Json],
) -> None:
    odd = PACKAGE.replace("package.carvel.dev/v1alpha1", "data.packaging.carvel.dev/v1alpha1")
    odd = odd.replace("publicName", "refName").replace("  name: web.example.com.1.2.3", "  name: web.example.com.1.2.2")
    content = read(schemas, a=odd, b=PACKAGE)
    assert faults(content) == [
        "packages/a.yml:4: Package web.example.com.1.2.2: metadata.name must be refName.version, "
        "which is web.example.com.1.2.3"
    ]
    assert [document["metadata"]["name"] for document in content.documents] == ["web.example.com.1.2.3"]
