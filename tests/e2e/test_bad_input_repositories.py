"""Bad bundles and bad PackageRepositories, each as a row: refused by file and line, and the catalogue stays as it is.

Each row is given to a repository that has brought versions 0.9.0 and 1.0.0 before, so that whatever is removed or
changed by mistake is seen. In texts, WORD stands for the word that a test makes up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from cluster.registry import LocalRegistry
from lab import (
    OPERATOR_NAMESPACE,
    Json,
    Lab,
    OperatorProcess,
    inline,
    package,
    repository,
    secret,
    wait_until,
)
from refusals import PIN, SECRET, Refusal, no_secret_is_shown, offered, refused

DOCUMENT = """\
apiVersion: package.carvel.dev/v1alpha1
kind: Package
metadata:
  name: WORD.example.com.2.0.0
spec:
  publicName: WORD.example.com
  version: 2.0.0
  template:
    spec:
      fetch:
        - inline:
            paths:
              web.yaml: "{}"
      template:
        - jinja2: {}
      deploy:
        - kapp: {}
"""
GOOD = DOCUMENT.replace("2.0.0", "3.0.0")
LATER_SHAPE = DOCUMENT.replace("package.carvel.dev", "data.packaging.carvel.dev").replace("publicName", "refName")
METADATA = """\
apiVersion: package.carvel.dev/v1alpha1
kind: PackageMetadata
metadata:
  name: WORD.example.com
spec:
  displayName: Web
"""


def changed(old: str, new: str) -> dict[str, str]:
    """One file with the good document, in which `new` stands in the place of `old`."""
    assert old in DOCUMENT
    return {"packages/bad.yaml": DOCUMENT.replace(old, new)}


def bombed_aliases() -> str:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the repository's bundle holds from now on; `arrives`: the good Packages among it, by version."""

    sentence: str
    says: Sequence[str]
    files: Mapping[str, str]
    arrives: Sequence[str] = ()


BUNDLES = (
    Bundle("there is no file", ["holds no Package", "packages/", "spec.fetch"], {"README.md": "nothing\n"}),
    Bundle("the only file is empty", ["holds no Package", "packages/"], {"packages/empty.yaml": ""}),
    Bundle("there is metadata and no package", ["holds no Package"], {"packages/metadata.yaml": METADATA}),
    Bundle("the YAML is broken", ["packages/bad.yaml:18", "no valid YAML"], changed("kapp: {}\n", "kapp: {\n")),
    Bundle(
        "a key stands twice",
        ["packages/bad.yaml:8", "duplicate key 'version'"],
        changed("  template:\n    spec", "  version: 2.0.1\n  template:\n    spec"),
    ),
    Bundle("the aliases are a bomb", ["packages/bad.yaml:7", "aliases"], {"packages/bad.yaml": bombed_aliases()}),
    Bundle("a document is a list", ["packages/bad.yaml:1", "a map"], {"packages/bad.yaml": "- one\n- two\n"}),
    Bundle(
        "the kind is unknown",
        ["packages/bad.yaml:2", "'Deployment'", "accepted are"],
        changed("kind: Package", "kind: Deployment"),
    ),
    Bundle(
        "the API is unknown",
        ["packages/bad.yaml:1", "'v1'", "accepted are"],
        changed("apiVersion: package.carvel.dev/v1alpha1", "apiVersion: v1"),
    ),
    Bundle(
        "metadata is missing",
        ["packages/bad.yaml:", "metadata is missing"],
        changed("metadata:\n  name: WORD.example.com.2.0.0\n", ""),
    ),
    Bundle(
        "the name is wrong",
        ["packages/bad.yaml:4", "must be publicName.version", "$word.example.com.2.0.0"],
        changed("name: WORD.example.com.2.0.0", "name: web"),
    ),
    Bundle(
        "the public name has no dot",
        ["packages/bad.yaml:6", "a dot"],
        changed("publicName: WORD.example.com", "publicName: web"),
    ),
    Bundle(
        "the version is none",
        ["packages/bad.yaml:7", "'two'", "no semantic version", "like 1.2.3"],
        changed("version: 2.0.0", "version: two"),
    ),
    Bundle(
        "the version is a number",
        ["packages/bad.yaml:7", "spec.version", "quote it"],
        changed("version: 2.0.0", "version: 2.0"),
    ),
    Bundle(
        "the later shape has a bad version",
        ["packages/bad.yaml:7", "'two'", "no semantic version"],
        {"packages/bad.yaml": LATER_SHAPE.replace("2.0.0", "two")},
    ),
    Bundle(
        "a field has the wrong type",
        ["packages/bad.yaml:8", "spec.licenses", "a list"],
        changed("  template:\n    spec", "  licenses: MIT\n  template:\n    spec"),
    ),
    Bundle(
        "there are two deploy steps",
        ["packages/bad.yaml:", "exactly one step"],
        changed("- kapp: {}", "- kapp: {}\n        - kapp: {}"),
    ),
    Bundle(
        "there is no deploy step",
        ["packages/bad.yaml:", "deploy"],
        changed("      deploy:\n        - kapp: {}\n", "      deploy: []\n"),
    ),
    Bundle(
        "nothing is fetched",
        ["packages/bad.yaml:", "fetch needs at least one source"],
        changed('        - inline:\n            paths:\n              web.yaml: "{}"\n', "        []\n"),
    ),
    Bundle(
        "a name stands for two contents",
        ["packages/a.yaml:1", "is also in packages/b.yaml:1", "with other content"],
        {"packages/a.yaml": DOCUMENT, "packages/b.yaml": DOCUMENT.replace('"{}"', '"[]"')},
    ),
    Bundle(
        "a bad document stands beside good ones",
        ["1 documents", "packages/bad.yaml:7", "nothing is removed"],
        {**changed("version: 2.0.0", "version: two"), "packages/good.yaml": GOOD},
        ["3.0.0"],
    ),
    Bundle(
        "a broken document stands before a good one",
        ["packages/both.yaml:2", "nothing is removed"],
        {"packages/both.yaml": f"a: [\n---\n{GOOD}"},
        ["3.0.0"],
    ),
    Bundle(
        "the API server alone finds the fault",
        ["$word.example.com.2.0.0", "git.ref", "the 1 good ones have arrived", "nothing is removed"],
        {
            **changed(
                'inline:\n            paths:\n              web.yaml: "{}"',
                "git:\n            url: https://git.example.com/a/b\n            ref: -x",
            ),
            "packages/good.yaml": GOOD,
        },
        ["3.0.0"],
    ),
)


def versions(word: str, *wanted: str) -> list[Json]:
    return [package(f"{word}.example.com", version, fetch=inline({"web.yaml": "{}"})) for version in wanted]


@pytest.fixture
def brought(lab: Lab, unique: str) -> Iterator[str]:
    """The word of a repository that has brought 0.9.0 and 1.0.0 and goes with all that it brought."""
    lab.apply(repository(unique, lab.publish(f"{unique}/repo", versions(unique, "0.9.0", "1.0.0"))))
    lab.settled("pkgr", unique)
    yield unique
    lab.cluster.kubectl("delete", "pkgr", "-l", f"row={unique}", "--wait=false")
    lab.delete("pkgr", unique, wait=False)
    lab.delete("secret", unique, OPERATOR_NAMESPACE)


def look_again(lab: Lab, word: str, how: str = "again") -> None:
    lab.patch("pkgr", word, {"metadata": {"annotations": {"look": how}}})


def packages(lab: Lab, word: str) -> dict[str, tuple[str, str]]:
    """Version -> uid and resourceVersion of the Packages that the repository owns."""
    return {name.removeprefix(f"{word}.example.com."): mark for (_, _, name), mark in offered(lab, word).items()}


@pytest.mark.parametrize("row", BUNDLES, ids=lambda row: row.sentence)
def test_a_bundle_is_refused_and_nothing_is_removed_when(
    row: Bundle, lab: Lab, operator: OperatorProcess, brought: str
) -> None:
    before = packages(lab, brought)

    lab.push(f"{brought}/repo", {path: text.replace("WORD", brought) for path, text in row.files.items()})
    look_again(lab, brought)
    after = refused(lab, Refusal("BundleInvalid", row.says), "pkgr", brought, word=brought)

    found = packages(lab, brought)
    assert {version: found.pop(version, None) for version in before} == before
    assert sorted(found) == list(row.arrives)
    assert after["status"]["packages"]["total"] == (len(row.arrives) or 2)
    assert after["status"]["packages"]["removed"] == 0
    no_secret_is_shown(lab, operator, after, namespace="default")


@pytest.mark.parametrize(
    "files", [{"README.md": "nothing\n"}, changed("version: 2.0.0", "version: two")], ids=["empty", "bad"]
)
def test_a_refused_bundle_is_still_refused_at_the_next_look(
    files: Mapping[str, str], lab: Lab, registry: LocalRegistry, brought: str
) -> None:
    good = lab.settled("pkgr", brought)
    lab.push(f"{brought}/repo", {path: text.replace("WORD", brought) for path, text in files.items()})
    look_again(lab, brought)
    first = refused(lab, Refusal("BundleInvalid", ["nothing was changed"]), "pkgr", brought)

    asked = registry.log.read_text().count(f"{brought}/repo")
    look_again(lab, brought, "once more")
    wait_until("the registry is asked", lambda: registry.log.read_text().count(f"{brought}/repo") > asked)
    lab.patch("pkgr", brought, {"spec": {"syncPeriod": "31s"}})  # its generation shows that the look before is over
    refused(lab, Refusal("BundleInvalid", ["nothing was changed"]), "pkgr", brought)

    told = [event for event in lab.list("events", "default") if event["involvedObject"]["name"] == brought]
    assert sorted(event["reason"] for event in told) == ["BundleInvalid", "ReconcileSucceeded"]
    assert first["status"]["fetch"]["digest"] == good["status"]["fetch"]["digest"]


@dataclass(frozen=True, slots=True)
class Spec:
    """What the repository's spec says from now on; `holds`: what the Secret WORD of the operator's namespace holds."""

    sentence: str
    refusal: Refusal
    spec: Mapping[str, Any]
    holds: Mapping[str, str] = field(default_factory=dict)


SPECS = (
    Spec(
        "the reference cannot be read",
        Refusal("InvalidSpec", ["registry.example.com/UPPER:1", "lower-case"]),
        {"fetch": {"imgpkgBundle": {"image": "registry.example.com/UPPER:1"}}},
    ),
    Spec(
        "the reference holds a user and a password",
        Refusal("InvalidSpec", ["@", "sha256:"]),
        {"fetch": {"imgpkgBundle": {"image": f"ada:{SECRET}@registry.example.com/a/b:1"}}},
    ),
    Spec(
        "there is no such tag",
        Refusal("SourceNotFound", ["$word/repo:absent", "404", "no credentials"]),
        {"fetch": {"imgpkgBundle": {"image": "HOST/WORD/repo:absent"}}},
    ),
    Spec(
        "there is no such digest",
        Refusal("SourceNotFound", ["$word/repo@sha256:000", "404"]),
        {"fetch": {"imgpkgBundle": {"image": f"HOST/WORD/repo@sha256:{'0' * 64}"}}},
    ),
    Spec(
        "the Secret does not exist",
        Refusal("SecretMissing", [f"Secret {OPERATOR_NAMESPACE}/$word", "create it", "secretRef"]),
        {"fetch": {"imgpkgBundle": {"secretRef": {"name": "WORD"}}}},
    ),
    Spec(
        "the Secret holds no credentials",
        Refusal("AuthenticationFailed", [f"Secret {OPERATOR_NAMESPACE}/$word", ".dockerconfigjson"]),
        {"fetch": {"imgpkgBundle": {"secretRef": {"name": "WORD"}}}},
        holds={"user": SECRET, "pin": PIN},
    ),
    Spec(
        "the Secret's docker config is broken",
        Refusal("AuthenticationFailed", [f"Secret {OPERATOR_NAMESPACE}/$word"]),
        {"fetch": {"imgpkgBundle": {"secretRef": {"name": "WORD"}}}},
        holds={"_dockerconfigjson": f'{{"auths": "{SECRET}'},
    ),
    Spec(
        "it may provide nothing of what the bundle holds",
        Refusal("BundleInvalid", ["spec.packages", "nothing was changed"]),
        {"packages": ["other.example.com"]},
    ),
)


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """`value` with names in the place of the capital words."""
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    for word, name in names.items():
        value = value.replace(word, name) if isinstance(value, str) else value
    return value


@pytest.mark.parametrize("row", SPECS, ids=lambda row: row.sentence)
def test_a_repository_is_refused_and_keeps_its_packages_when(
    row: Spec, lab: Lab, operator: OperatorProcess, brought: str
) -> None:
    before = packages(lab, brought)
    if row.holds:
        lab.apply(secret(OPERATOR_NAMESPACE, brought, **row.holds))

    lab.patch("pkgr", brought, {"spec": filled(dict(row.spec), {"WORD": brought, "HOST": lab.registry_host})})
    after = refused(lab, row.refusal, "pkgr", brought, word=brought)

    assert packages(lab, brought) == before
    assert sorted(before) == ["0.9.0", "1.0.0"]
    assert after["status"]["packages"]["total"] == 2
    no_secret_is_shown(lab, operator, after, namespace="default")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A Package that is there already, and the repository that offers another content under its name."""

    sentence: str
    by_hand: bool
    says: Sequence[str]


CONFLICTS = (
    Conflict("another repository offers it", False, ["Package $word.example.com.1.0.0", "of $word", "the first stays"]),
    Conflict("somebody made it by hand", True, ["Package $word.example.com.1.0.0", "by hand", "spec.packages"]),
)


@pytest.mark.parametrize("row", CONFLICTS, ids=lambda row: row.sentence)
def test_a_package_with_other_content_is_refused_and_the_first_stays_when(
    row: Conflict, lab: Lab, operator: OperatorProcess, brought: str
) -> None:
    if row.by_hand:
        lab.delete("pkgr", brought)
        lab.apply(*versions(brought, "1.0.0"))
    name = f"{brought}.example.com.1.0.0"
    before = lab.get("packages.package.carvel.dev", name)
    other = package(f"{brought}.example.com", "1.0.0", fetch=inline({"web.yaml": "[]"}))
    second = repository(f"{brought}-second", lab.publish(f"{brought}/second", [other, *versions(brought, "4.0.0")]))
    second["metadata"]["labels"] = {"row": brought}

    lab.apply(second)
    after = refused(lab, Refusal("OwnershipConflict", row.says), "pkgr", f"{brought}-second", word=brought)

    assert lab.get("packages.package.carvel.dev", name) == before
    assert [name for _, _, name in offered(lab, f"{brought}-second")] == [f"{brought}.example.com.4.0.0"]
    assert [conflict["name"] for conflict in after["status"]["conflicts"]] == [name]
    no_secret_is_shown(lab, operator, after, namespace="default")
