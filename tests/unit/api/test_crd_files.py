"""The files of crds/ as data: what can be seen of them without an API server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.api import names
from packhouse.api.conditions import ConditionType, Reason

ROOT = Path(__file__).resolve().parents[3]
FILES = ("package.yaml", "packagemetadata.yaml", "packagerepository.yaml", "installedpackage.yaml")

#: kubectl apply keeps the whole object in an annotation, and annotations end here.
ANNOTATION_MOST_BYTES = 256 * 1024

Schema = dict[str, Any]


def load(file: str) -> Schema:
    crd: Schema = yaml.safe_load((ROOT / "crds" / file).read_text())
    return crd


@pytest.mark.parametrize("file", FILES)
def test_no_key_stands_twice_in_a_map(file: str) -> None:
    """kustomize refuses that; most readers take the last one in silence."""
    twice: list[str] = []

    def walk(node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            twice.extend(f"{key} at line {node.start_mark.line + 1}" for key in keys if keys.count(key) > 1)
            for _, value in node.value:
                walk(value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                walk(value)

    root = yaml.compose((ROOT / "crds" / file).read_text())
    assert root is not None
    walk(root)
    assert twice == []


def schema_of(file: str) -> Schema:
    schema: Schema = load(file)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema below `schema`, itself first, with its path: a list item ends in [], a map value in {}."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if isinstance(items := schema.get("items"), dict):
        yield from nodes(items, f"{path}[]")
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield from nodes(values, f"{path}{{}}")


def rules(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for path, node in nodes(schema):
        for rule in node.get("x-kubernetes-validations", ()):
            yield path, rule


def test_the_folder_holds_one_file_per_kind_and_nothing_that_kubectl_apply_would_trip_over() -> None:
    assert sorted(FILES) == sorted(file.name for file in (ROOT / "crds").iterdir())


@pytest.mark.parametrize(
    ("file", "group", "kind", "plural", "short", "scope"),
    [
        ("package.yaml", names.PACKAGE_GROUP, names.PACKAGE, "packages", "pkg", "Cluster"),
        ("packagemetadata.yaml", names.PACKAGE_GROUP, names.PACKAGE_METADATA, "packagemetadatas", "pkgm", "Cluster"),
        (
            "packagerepository.yaml",
            names.INSTALL_GROUP,
            names.PACKAGE_REPOSITORY,
            "packagerepositories",
            "pkgr",
            "Cluster",
        ),
        (
            "installedpackage.yaml",
            names.INSTALL_GROUP,
            names.INSTALLED_PACKAGE,
            "installedpackages",
            "ipkg",
            "Namespaced",
        ),
    ],
)
def test_each_kind_is_served_under_the_words_of_the_wire(
    file: str, group: str, kind: str, plural: str, short: str, scope: str
) -> None:
    crd = load(file)
    spec = crd["spec"]
    assert crd["metadata"] == {"name": f"{plural}.{group}"}
    assert (group, scope) == (spec["group"], spec["scope"])
    assert spec["names"] == {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
        "shortNames": [short],
        "categories": ["carvel"],
    }
    (version,) = spec["versions"]
    assert (version["name"], version["served"], version["storage"]) == (names.VERSION, True, True)
    assert version["subresources"] == {"status": {}}


@pytest.mark.parametrize("file", FILES)
def test_every_field_is_described_by_a_sentence(file: str) -> None:
    # metadata itself is described by Kubernetes: a CRD may restrict its name and say nothing else of it.
    described_elsewhere = {".metadata"}
    bare = [
        path
        for path, node in nodes(schema_of(file))
        if not path.endswith(("[]", "{}"))
        and path not in described_elsewhere
        and not re.fullmatch(r"[A-Z].{8,}\.", node.get("description", ""))
    ]
    assert bare == []


@pytest.mark.parametrize("file", FILES)
def test_every_column_is_described_and_age_comes_last(file: str) -> None:
    columns = load(file)["spec"]["versions"][0]["additionalPrinterColumns"]
    assert all(column["description"].endswith(".") for column in columns)
    assert columns[-1]["name"] == "Age"
    hidden = {column["name"] for column in columns if column.get("priority")}
    assert hidden == ({"Display-Name", "Short-Description"} if file == "package.yaml" else set())


@pytest.mark.parametrize("file", FILES)
def test_every_rule_has_a_message_of_one_line_that_says_what_helps(file: str) -> None:
    for path, rule in rules(schema_of(file)):
        message = rule["message"]
        assert "\n" not in message and 30 <= len(message) <= 220, path
        # what is wrong, then the lever behind a colon; or the lever alone, as an order
        assert ": " in message or re.search(r"\bmust (begin|be of the form)\b", message), (path, message)


@pytest.mark.parametrize("file", FILES)
def test_rules_use_only_functions_that_kubernetes_1_29_has(file: str) -> None:
    known = {"has", "matches", "size", "filter", "startsWith", "contains", "lowerAscii", "replace", "duration"}
    for path, rule in rules(schema_of(file)):
        code = re.sub(r"'(?:[^'\\]|\\.)*'", "''", rule["rule"] + " " + rule.get("messageExpression", ""))
        assert set(re.findall(r"([A-Za-z]+)\(", code)) <= known, path


def test_a_package_has_no_defaults_in_its_spec() -> None:
    spec = schema_of("package.yaml")["properties"]["spec"]
    assert [path for path, node in nodes(spec) if "default" in node] == []


def test_the_values_schema_is_the_only_part_that_is_free_in_form() -> None:
    free = [
        file + path
        for file in FILES
        for path, node in nodes(schema_of(file))
        if node.get("x-kubernetes-preserve-unknown-fields")
    ]
    assert free == ["package.yaml.spec.valuesSchema.openAPIv3"]


@pytest.mark.parametrize("file", FILES)
def test_conditions_are_a_map_by_type_so_that_other_managers_keep_theirs(file: str) -> None:
    conditions = schema_of(file)["properties"]["status"]["properties"]["conditions"]
    assert (conditions["x-kubernetes-list-type"], conditions["x-kubernetes-list-map-keys"]) == ("map", ["type"])
    assert conditions["items"]["properties"]["status"]["enum"] == ["True", "False", "Unknown"]


@pytest.mark.parametrize("file", FILES)
def test_every_list_says_how_it_is_merged(file: str) -> None:
    assert [
        p for p, n in nodes(schema_of(file)) if n.get("type") == "array" and "x-kubernetes-list-type" not in n
    ] == []


@pytest.mark.parametrize("file", FILES)
def test_a_definition_fits_into_the_annotation_of_kubectl_apply(file: str) -> None:
    assert len(json.dumps(load(file))) < ANNOTATION_MOST_BYTES / 2


@pytest.mark.parametrize("file", FILES)
def test_the_page_of_a_kind_speaks_of_every_field(file: str) -> None:
    page = (ROOT / "docs" / "spec" / f"{Path(file).stem}.md").read_text()
    words = set(re.findall(r"[A-Za-z0-9]+", page))
    unknown = {
        path
        for part in ("spec", "status")
        for path, _ in nodes(schema_of(file)["properties"][part], part)
        if not path.endswith(("[]", "{}")) and path.rsplit(".", 1)[-1] not in words
    }
    assert unknown == set()


def first_words(page: str, heading: str) -> set[str]:
    """The words in the first column of the table under a heading row."""
    text = (ROOT / "docs" / "spec" / page).read_text()
    table = text.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_the_pages_explain_every_condition_and_reason_and_no_other() -> None:
    repository, install = "packagerepository.md", "installedpackage.md"
    conditions = {word.value for word in ConditionType}
    assert first_words(install, "type") == conditions
    assert first_words(repository, "type") == conditions - {ConditionType.VALUES_SCHEMA_CHECK_FAILED}
    assert first_words(install, "reason") | first_words(repository, "reason") == {word.value for word in Reason}
