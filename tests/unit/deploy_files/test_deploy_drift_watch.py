"""The optional right to watch: off by default, the same in kustomize and in the chart, and no more than it says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.find import kubectl_program
from packhouse.adapters.owned_watch import VERBS, VERBS_OF
from packhouse.domain.order import WAVES

Json = dict[str, Any]
Objects = dict[str, Json]
Template = Callable[..., Objects]

AGGREGATE = {"packhouse.dev/aggregate-to-drift-watch": "true"}
WATCH = "ClusterRole/packhouse-drift-watch"
COMMON = "ClusterRole/packhouse-drift-watch-common"
SECRETS = "ClusterRole/packhouse-drift-watch-secrets"
BINDING = "ClusterRoleBinding/packhouse-drift-watch"


@pytest.fixture
def overlay(root: Path, tmp_path: Path) -> Callable[..., Objects]:
    """`overlay("drift-watch", namespace="")`: the base with these components, by kind and name."""

    def run(*components: str, namespace: str = "packhouse-system") -> Objects:
        kustomize = root / "deploy" / "kustomize"
        # kustomize takes relative paths alone.
        up = "/".join([".."] * (len(tmp_path.resolve().parts) - 1))
        wanted = {
            "namespace": namespace,
            "resources": [f"{up}{kustomize / 'base'}"],
            "components": [f"{up}{kustomize / 'components' / name}" for name in components],
        }
        (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(wanted))
        command = [kubectl_program(), "kustomize", str(tmp_path)]
        text = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        return {f"{obj['kind']}/{obj['metadata']['name']}": obj for obj in yaml.safe_load_all(text)}

    return run


def rights(role: Json) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_by_default_nothing_may_be_watched(base: Objects, template: Template) -> None:
    for objects in (base, template(), template({"driftWatch": {"secrets": True}})):
        assert [name for name in objects if "drift-watch" in name] == []


@pytest.mark.parametrize(
    ("components", "values", "names"),
    [
        (["drift-watch"], {"enabled": True}, [WATCH, COMMON, BINDING]),
        (["drift-watch", "drift-watch-secrets"], {"enabled": True, "secrets": True}, [WATCH, COMMON, BINDING, SECRETS]),
    ],
)
def test_both_give_the_same_right(
    overlay: Callable[..., Objects], template: Template, components: Sequence[str], values: Json, names: Sequence[str]
) -> None:
    ours, charts = overlay(*components), template({"driftWatch": values})
    assert sorted(names) == sorted(name for name in ours if "drift-watch" in name)
    assert sorted(names) == sorted(name for name in charts if "drift-watch" in name)
    for name in names:
        for part in ("rules", "aggregationRule", "roleRef", "subjects"):
            assert ours[name].get(part) == charts[name].get(part), f"{part} of {name}"


def test_the_sum_of_the_labelled_roles_is_bound_to_the_operator(overlay: Callable[..., Objects]) -> None:
    objects = overlay("drift-watch", "drift-watch-secrets", namespace="elsewhere")
    assert objects[WATCH]["aggregationRule"] == {"clusterRoleSelectors": [{"matchLabels": AGGREGATE}]}
    assert "rules" not in objects[WATCH], "they are Kubernetes' to write"
    for member in (COMMON, SECRETS):
        assert AGGREGATE.items() <= objects[member]["metadata"]["labels"].items()
    binding = objects[BINDING]
    assert binding["roleRef"]["name"] == "packhouse-drift-watch"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "packhouse", "namespace": "elsewhere"}]


def test_the_common_right_is_to_list_and_to_watch_and_says_nothing_of_secrets(overlay: Callable[..., Objects]) -> None:
    found = rights(overlay("drift-watch")[COMMON])
    assert {verb for _, _, verb in found} == set(VERBS)
    assert "secrets" not in {resource for _, resource, _ in found}
    assert not any("*" in right for right in found)


def plural(kind: str) -> str:
    word = kind.lower()
    if word == "endpoints":
        return word
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith("s") else f"{word}s"


def test_every_kind_that_has_its_place_in_the_order_may_be_watched(overlay: Callable[..., Objects]) -> None:
    found = {(group, resource) for group, resource, _ in rights(overlay("drift-watch")[COMMON])}
    kinds = {tuple(word.partition(".")[::2]) for _, words in WAVES for word in words}
    assert {(group, plural(kind)) for kind, group in kinds} - {("", "secrets")} <= found


def test_the_right_on_secrets_has_the_verb_that_the_operator_asks_for(overlay: Callable[..., Objects]) -> None:
    found = rights(overlay("drift-watch", "drift-watch-secrets")[SECRETS])
    assert found == {("", "secrets", verb) for verb in VERBS_OF["", "Secret"]}


def test_the_page_shows_both_ways_to_grant_it(root: Path) -> None:
    page = (root / "docs" / "howto" / "drift.md").read_text()
    for words in (
        "components/drift-watch",
        "driftWatch",
        "packhouse.dev/aggregate-to-drift-watch",
        "drift-watch-secrets",
    ):
        assert words in page
