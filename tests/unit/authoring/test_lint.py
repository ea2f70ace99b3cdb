"""Each rule: a package that breaks it, and where that is said. A package as `init` makes it breaks none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from packhouse.authoring.golden import run
from packhouse.authoring.lint.findings import RULES, Finding
from packhouse.authoring.lint.judge import judge
from packhouse.authoring.project import read
from packhouse.authoring.rendering import ClusterFacts, started
from packhouse.client.errors import NotFound
from packhouse.domain.images_lock import LOCK_FILE

DIGEST = f"sha256:{'0' * 64}"
EXAMPLES = sorted((Path(__file__).parents[3] / "docs/examples/packages").glob("*/*"))
Change = Mapping[str, str | tuple[str, str] | None]

PACKAGE, METADATA, DEPLOYMENT, SERVICE = "package.yaml", "metadata.yaml", "config/deployment.yml", "config/service.yml"
SCHEMA_OF_REPLICAS = "          default: 1\n          minimum: 1\n"


def lock(image: str, digest: str = DIGEST) -> str:
    return (
        "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n"
        f"- image: registry.example.com/web@{digest}\n  annotations:\n    kbld.carvel.dev/id: {image}\n"
    )


def with_image(image: str) -> tuple[str, str]:
    return "{{ values.image | quote }}", image + "{{ values.image | trunc(0) }}"


#: Rule -> what is changed, the file and line of the finding, words of the message.
BROKEN: Mapping[str, tuple[Change, str, str]] = {
    "package-form": ({PACKAGE: ("kind: Package", "kind: Pakcage")}, "package.yaml:4", "found 'Pakcage'"),
    "package-name": ({PACKAGE: ("web.packages.example.com", "web")}, "package.yaml:6", "a DNS name with a dot"),
    "package-version": ({PACKAGE: ("version: 0.1.0", "version: v1.0")}, "package.yaml:7", "no semantic version"),
    "metadata-name": ({METADATA: ("name: web.", "name: wbe.")}, "metadata.yaml:5", "name it web.packages.example.com"),
    "unknown-field": ({PACKAGE: ("releaseNotes", "releaseNote")}, "package.yaml:10", "did you mean releaseNotes?"),
    "version-range": ({PACKAGE: (">=1.25", ">= new")}, "package.yaml:14", "cannot be read"),
    "deploy-step": ({PACKAGE: ("kapp: {}", "kapp: {rawOptions: [--wat]}")}, "package.yaml:53", "did you mean --wait?"),
    "fetch-ignored": (
        {PACKAGE: ("      deploy:", "      fetch: [{http: {url: https://x.example}}]\n      deploy:")},
        "package.yaml:53",
        "fetch names http",
    ),
    "description-missing": (
        {PACKAGE: ("  shortDescription:", "  longDescription:"), METADATA: None},
        "package.yaml:5",
        "say what the package is",
    ),
    "licence-missing": ({PACKAGE: ("  licenses:\n    - Apache-2.0\n", "")}, "package.yaml:5", "licenses is missing"),
    "schema-missing": ({PACKAGE: ("openAPIv3:", "other:")}, "config/deployment.yml:11", "no schema says which"),
    "schema-invalid": ({PACKAGE: ("type: integer", "type: int")}, "package.yaml:17", "properties.replicas.type"),
    "schema-default": ({PACKAGE: ("default: 1\n", 'default: "1"\n')}, "package.yaml:29", "the default of replicas"),
    "schema-description": (
        {PACKAGE: ("          description: How many pods serve it.\n", "")},
        "package.yaml:26",
        "1 key has no description: replicas",
    ),
    "value-unknown": (
        {DEPLOYMENT: ("values.replicas", "values.replica | default(values.replicas)")},
        "config/deployment.yml:11",
        "did you mean replicas?",
    ),
    "value-unused": ({DEPLOYMENT: ("{{ values.replicas }}", "1")}, "package.yaml:26", "uses values.replicas"),
    "render-failed": (
        {DEPLOYMENT: ("values.message", "values.mesage")},
        "config/deployment.yml:34",
        "cases defaults, large: 'mesage' is undefined",
    ),
    "render-warning": (
        {PACKAGE: ("      additionalProperties: false\n", ""), "tests/large/values.yml": "replica: 3\n"},
        "tests/large/values.yml",
        "case large: values.replica is not known (did you mean replicas?)",
    ),
    "defaults-fail": (
        {"tests": None, PACKAGE: (SCHEMA_OF_REPLICAS, "          minimum: 1\n")},
        "config/deployment.yml:11",
        "the defaults alone do not render",
    ),
    "tests-missing": ({"tests": None}, "tests", "there is no case"),
    "image-unlocked": (
        {DEPLOYMENT: with_image("nginx:1.2")},
        "config/deployment.yml:31",
        "nginx:1.2 (Deployment web) is named by tag",
    ),
    "lock-unread": ({LOCK_FILE: lock("web:1").replace(f"@{DIGEST}", ":1")}, LOCK_FILE, "see images[0].image"),
    "lock-unapplied": (
        {LOCK_FILE: lock("nginx:1.2"), PACKAGE: ("              - .imgpkg/images.yml\n", "")},
        "package.yaml:44",
        "no kbld step reads",
    ),
    "lock-unused": ({LOCK_FILE: lock("nginx:1.2")}, f"{LOCK_FILE}:4", "no case renders nginx:1.2"),
    "api-removed": (
        {DEPLOYMENT: ("apiVersion: apps/v1", "apiVersion: apps/v1beta2")},
        "config/deployment.yml:1",
        "is not served from Kubernetes 1.16 on; use apps/v1",
    ),
    "api-deprecated": (
        {
            PACKAGE: (">=1.25", "1.22.x"),
            "config/budget.yml": "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n",
        },
        "config/budget.yml:1",
        "is deprecated, and not served from Kubernetes 1.25 on; use policy/v1",
    ),
    "namespace-fixed": (
        {SERVICE: ("metadata:\n", "metadata:\n  namespace: prod\n")},
        "config/service.yml:4",
        "namespace prod is written into a template",
    ),
    "selector-missing": (
        {DEPLOYMENT: ("    matchLabels:\n", "    matchLabels:\n      tier: front\n")},
        "config/deployment.yml:2",
        "Deployment web selects tier=front",
    ),
    "service-selector": (
        {SERVICE: ("  selector:\n", "  other:\n")},
        "config/service.yml:2",
        "Service web selects no pods",
    ),
}
#: With the skeleton of ytt.
BROKEN_YTT: Mapping[str, tuple[Change, str, str]] = {
    "schema-differs": (
        {
            PACKAGE: (
                "  template:\n    spec:",
                "  valuesSchema:\n    openAPIv3:\n      type: object\n  template:\n    spec:",
            )
        },
        "package.yaml:16",
        "the ytt schema of the files has a key image",
    ),
    "schema-missing": (
        {
            "config/schema.yml": "#@data/values\n---\nname: web\nmessage: x\nreplicas: 1\nimage: x@"
            + DIGEST
            + "\nresources: {}\n"
        },
        "config/deployment.yml:8",
        "or #@data/values-schema",
    ),
    "render-failed": (
        {DEPLOYMENT: ("data.values.message", "data.values.mesage")},
        "config/deployment.yml:30",
        "cases defaults, large: ytt: struct has no .mesage field or method",
    ),
}


async def judged(folder: Path, version: str | None = None) -> list[Finding]:
    for case in ("defaults", "large"):  # what is expected is not compared here
        if (folder / "tests" / case).is_dir():
            (folder / "tests" / case / "expected.yml").touch()
    async with started() as renderer:
        return await judge(folder, version, renderer)


def named(rule: str, found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.rule == rule]


@pytest.mark.parametrize("engine", ["jinja2", "ytt"])
async def test_a_new_package_breaks_no_rule(package: Any, engine: str) -> None:
    assert await judged(package(engine=engine)) == []


def test_a_package_is_shown_for_each_rule() -> None:
    assert set(RULES) == set(BROKEN) | set(BROKEN_YTT)


@pytest.mark.parametrize("rule", BROKEN)
async def test_a_broken_rule_is_told_with_its_place(package: Any, rule: str) -> None:
    change, place, words = BROKEN[rule]
    _has(await judged(package(change)), rule, place, words)


@pytest.mark.parametrize("rule", BROKEN_YTT)
async def test_a_broken_rule_is_told_for_ytt(package: Any, rule: str) -> None:
    change, place, words = BROKEN_YTT[rule]
    _has(await judged(package(change, engine="ytt")), rule, place, words)


def _has(found: list[Finding], rule: str, place: str, words: str) -> None:
    [first, *_] = named(rule, found) or [None]
    assert first is not None, found
    assert (str(first.place).removeprefix("web/"), words in first.message) == (place, True), first


async def test_the_worst_comes_first(package: Any) -> None:
    found = await judged(package({DEPLOYMENT: ("apps/v1", "apps/v1beta2"), "tests": None}))
    assert [finding.level for finding in found] == ["error", "hint"]


async def test_api_versions_are_held_against_the_version_that_is_aimed_at(package: Any) -> None:
    scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\n"
    folder = package({"config/scaler.yml": scaler})
    assert named("api-removed", await judged(folder)) == []
    [old] = named("api-removed", await judged(folder, "1.22"))
    assert "is there from Kubernetes 1.23 on, and 1.22 is aimed at" in old.message


async def test_a_package_is_aimed_at_the_newest_version_that_it_takes(package: Any) -> None:
    budget = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n"
    assert (
        named("api-removed", await judged(package({"config/budget.yml": budget, PACKAGE: (">=1.25", "<1.25")}))) == []
    )


async def test_what_is_used_is_seen_through_includes_and_calls(package: Any) -> None:
    folder = package(
        {
            DEPLOYMENT: ("{{ values.replicas }}", '{% include "./count.txt" %}'),
            "config/count.txt": '{{ values.get("replicas") }}',
        }
    )
    assert await judged(folder) == []


async def test_nothing_is_said_of_keys_where_a_part_is_named_by_a_value(package: Any) -> None:
    folder = package({DEPLOYMENT: ("{{ values.replicas }}", "{% include values.message %}")})
    assert named("value-unused", await judged(folder)) == []


async def test_a_namespace_that_the_package_makes_or_a_value_gives_is_no_fixed_one(package: Any) -> None:
    own = "apiVersion: v1\nkind: Namespace\nmetadata: {name: own}\n"
    role = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  namespace: kube-system\n"
    folder = package(
        {SERVICE: ("metadata:\n", "metadata:\n  namespace: own\n"), "config/own.yml": own, "config/system.yml": role}
    )
    assert named("namespace-fixed", await judged(folder)) == []


async def test_an_image_that_the_lock_holds_is_locked(package: Any) -> None:
    folder = package({DEPLOYMENT: with_image("nginx:1.2"), LOCK_FILE: lock("nginx:1.2")})
    found = await judged(folder)
    assert named("image-unlocked", found) + named("lock-unused", found) == []


async def test_a_folder_without_a_package_is_no_finding(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await judged(tmp_path)


async def test_the_layout_of_the_community_is_read(package: Any, tmp_path: Path) -> None:
    folder = package()
    (folder / "bundle").mkdir()
    (folder / "config").rename(folder / "bundle" / "config")
    assert await judged(folder) == []
    async with started() as renderer:
        project = read(folder)
        [result, *_] = [
            one async for one in run(renderer, project, project.cases[:1], ClusterFacts.of(37), update=True)
        ]
    assert result.is_good


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: f"{folder.parent.name} {folder.name}")
async def test_the_examples_of_the_documentation_have_no_error(folder: Path) -> None:
    async with started() as renderer:
        found = await judge(folder, None, renderer)
    assert {finding.rule for finding in found} <= {"image-unlocked", "schema-description", "tests-missing"}


def test_lint_fails_for_errors_and_with_strict_for_warnings(
    package: Any, verb: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    package({SERVICE: ("metadata:\n", "metadata:\n  namespace: prod\n"), "tests": None})
    assert (verb("lint", "web"), verb("lint", "web", "--strict")) == (0, 1)
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"web/config/service\.yml:4: warning: namespace prod .* \[namespace-fixed\]", lines[0])
    assert lines[1].startswith("web/tests: hint: ")


def test_lint_tells_programs_in_json(
    package: Any, verb: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    package({PACKAGE: ("version: 0.1.0", "version: 1.0")})
    assert verb("lint", "web", "-o", "json") == 1
    [finding] = json.loads(capsys.readouterr().out)
    assert finding == {
        "rule": "package-version",
        "level": "error",
        "file": "web/package.yaml",
        "line": 7,
        "message": "Package web.packages.example.com.1.0: spec.version must be a text, found a number: quote it",
    }
