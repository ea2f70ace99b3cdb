"""What the API server itself accepts, refuses, shows and explains of the four kinds. No operator runs.

Real: the API server and kubectl. Objects are sent with --dry-run=server wherever nothing needs to be kept.
"""

from __future__ import annotations

import copy
import json
import os
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from packhouse.api import names

ROOT = Path(__file__).resolve().parents[2]
CONFORMANCE = Path(os.environ.get("PACKHOUSE_CONFORMANCE") or ROOT.parent / "shared" / "conformance")
CRDS = ROOT / "crds"
KINDS = ("package", "packagemetadata", "packagerepository", "installedpackage")
MANAGER = names.STATUS_MANAGER

#: As the operator writes. A plain kubectl apply would drop fields that are null before it sends them.
SERVER_SIDE = ("apply", "--server-side", "--dry-run=server", f"--field-manager={MANAGER}")

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("crds")]

Object = dict[str, Any]
ABSENT = object()


def package(**changes: Any) -> Object:
    """A Package that is accepted, with `changes` by their path in spec (a__b__0 means a.b[0])."""
    spec = {
        "publicName": "pkg.example.com",
        "version": "1.0.0",
        "template": {
            "spec": {
                "fetch": [{"imgpkgBundle": {"image": "registry.example.com/pkg@sha256:" + "0" * 64}}],
                "template": [{"ytt": {"paths": ["config/"]}}, {"kbld": {"paths": ["-", ".imgpkg/images.yml"]}}],
                "deploy": [{"kapp": {}}],
            }
        },
    }
    return _object(names.PACKAGE_API, names.PACKAGE, "pkg.example.com.1.0.0", spec, changes)


def step(stage: str, item: Object) -> Object:
    """A Package with `item` as its only step of the stage."""
    return package(**{f"template__spec__{stage}": [item]})


def repository(**changes: Any) -> Object:
    spec = {"fetch": {"imgpkgBundle": {"image": "registry.example.com/repo:1.0.0"}}}
    return _object(names.INSTALL_API, names.PACKAGE_REPOSITORY, "main", spec, changes)


def install(**changes: Any) -> Object:
    spec = {
        "serviceAccountName": "installer",
        "packageRef": {"publicName": "pkg.example.com", "versionSelection": {"constraint": "1.x"}},
    }
    return _object(names.INSTALL_API, names.INSTALLED_PACKAGE, "pkg", spec, changes)


def metadata(name: str = "pkg.example.com", **changes: Any) -> Object:
    return _object(names.PACKAGE_API, names.PACKAGE_METADATA, name, {"displayName": "A package"}, changes)


def named(obj: Object, name: str) -> Object:
    return {**obj, "metadata": {"name": name}}


def _object(api: str, kind: str, name: str, spec: Object, changes: dict[str, Any]) -> Object:
    obj = {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": copy.deepcopy(spec)}
    for path, value in changes.items():
        *way, last = path.split("__")
        target: Any = obj["spec"]
        for part in way:
            target = target[int(part) if part.isdigit() else part]
        if value is ABSENT:
            del target[last]
        else:
            target[last] = value
    return obj


class Refusal(NamedTuple):
    """An object that the API server must refuse: the message holds the place and the lever."""

    because: str
    obj: Object
    place: str
    lever: str


GIT = "https://git.example.com/repo.git"
ONE_ITEM_EACH = "its own list item"

REFUSED = [
    # Package: names
    Refusal(
        "a Package whose name is not publicName.version",
        named(package(), "pkg"),
        "metadata.name",
        "must be pkg.example.com.1.0.0,",
    ),
    Refusal(
        "a Package whose name keeps the capitals of its version apart from the rule",
        named(package(version="1.0.0+Build.7"), "pkg.example.com.1.0.0-build.7"),
        "metadata.name",
        "must be pkg.example.com.1.0.0--build.7,",
    ),
    Refusal("a Package without a publicName", package(publicName=ABSENT), "spec.publicName", "Required"),
    Refusal("a publicName without a dot", package(publicName="pkg"), "spec.publicName", "like contour.example.com"),
    Refusal("a publicName with capitals", package(publicName="Pkg.example.com"), "spec.publicName", "lower case"),
    Refusal("a publicName that ends in a dot", package(publicName="pkg.example."), "spec.publicName", "DNS name"),
    # Package: versions
    Refusal("a Package without a version", package(version=ABSENT), "spec.version", "Required"),
    Refusal("a version of two numbers", package(version="1.0"), "spec.version", "like 1.2.3"),
    Refusal("a version with a leading v", package(version="v1.0.0"), "spec.version", "no leading v"),
    Refusal("a version with a leading zero", package(version="1.02.0"), "spec.version", "semantic version"),
    Refusal("a version with an empty prerelease", package(version="1.0.0-"), "spec.version", "semantic version"),
    Refusal(
        "two spellings of the Kubernetes versions",
        package(kubernetesVersionSelection={"constraint": ">1.20", "constraints": ">1.20"}),
        "spec.kubernetesVersionSelection",
        "keep one of them",
    ),
    Refusal("a release time that is none", package(releasedAt="yesterday"), "spec.releasedAt", "date-time"),
    # Package: stages
    Refusal("a Package without a template", package(template=ABSENT), "spec.template", "Required"),
    Refusal(
        "an empty fetch", package(template__spec__fetch=[]), "spec.template.spec.fetch", "name at least one source"
    ),
    Refusal("an absent fetch", package(template__spec__fetch=ABSENT), "spec.template.spec.fetch", "Required"),
    Refusal("no deploy step", package(template__spec__deploy=[]), "spec.template.spec.deploy", "write one list item"),
    Refusal(
        "two deploy steps",
        package(template__spec__deploy=[{"kapp": {}}, {"kapp": {}}]),
        "spec.template.spec.deploy",
        "exactly one step",
    ),
    Refusal("a deploy step of no engine", step("deploy", {}), "spec.template.spec.deploy[0]", "write kapp: {}"),
    Refusal(
        "two sources in one fetch step",
        step("fetch", {"inline": {"paths": {"a.yml": ""}}, "http": {"url": "https://example.com/a.tgz"}}),
        "spec.template.spec.fetch[0]",
        ONE_ITEM_EACH,
    ),
    Refusal("a fetch step of no source", step("fetch", {"path": "a"}), "spec.template.spec.fetch[0]", "name one"),
    Refusal(
        "two engines in one template step",
        step("template", {"ytt": {}, "jinja2": {}}),
        "spec.template.spec.template[0]",
        ONE_ITEM_EACH,
    ),
    Refusal("a template step of no engine", step("template", {}), "spec.template.spec.template[0]", "jinja2, ytt"),
    Refusal("an unknown engine", step("template", {"jsonnet": {}}), "spec.template.spec.template[0]", "jsonnet"),
    # Package: sources
    Refusal("a bundle without an image", step("fetch", {"imgpkgBundle": {}}), "imgpkgBundle.image", "Required"),
    Refusal(
        "an image with a scheme",
        step("fetch", {"imgpkgBundle": {"image": "https://registry.example.com/pkg"}}),
        "imgpkgBundle",
        "drop the scheme",
    ),
    Refusal(
        "a digest beside a tag selection",
        step(
            "fetch", {"image": {"url": "r.example.com/a@sha256:00", "tagSelection": {"semver": {"constraints": "1"}}}}
        ),
        "fetch[0].image",
        "keep one of the two",
    ),
    Refusal("an inline source of nothing", step("fetch", {"inline": {}}), "fetch[0].inline", "write files under paths"),
    Refusal(
        "a pathsFrom item that names two objects",
        step("fetch", {"inline": {"pathsFrom": [{"secretRef": {"name": "a"}, "configMapRef": {"name": "b"}}]}}),
        "inline.pathsFrom[0]",
        ONE_ITEM_EACH,
    ),
    Refusal(
        "a file address", step("fetch", {"http": {"url": "file:///etc/passwd"}}), "http.url", "begin with https://"
    ),
    Refusal(
        "a checksum with a prefix",
        step("fetch", {"http": {"url": "https://example.com/a", "sha256": "sha256:00"}}),
        "http.sha256",
        "take them from sha256sum",
    ),
    Refusal(
        "a Git transport that runs programs",
        step("fetch", {"git": {"url": "ext::sh -c id", "ref": "main"}}),
        "git.url",
        "begin with https://",
    ),
    Refusal(
        "a Git ref that is an option",
        step("fetch", {"git": {"url": GIT, "ref": "--upload-pack=id"}}),
        "git.ref",
        "may not begin with -",
    ),
    Refusal("a Git source without a ref", step("fetch", {"git": {"url": GIT}}), "fetch[0].git", "in ref"),
    Refusal(
        "a sub-path that leaves the source",
        step("fetch", {"git": {"url": GIT, "ref": "main", "subPath": "a/../../b"}}),
        "git.subPath",
        "drop the leading / and every ..",
    ),
    Refusal(
        "an absolute folder for a source",
        step("fetch", {"inline": {"paths": {"a": ""}}, "path": "/etc"}),
        "fetch[0].path",
        "drop the leading /",
    ),
    Refusal(
        "a values source of two kinds",
        step("template", {"ytt": {"valuesFrom": [{"secretRef": {"name": "a"}, "path": "values.yml"}]}}),
        "ytt.valuesFrom[0]",
        ONE_ITEM_EACH,
    ),
    Refusal(
        "a downward value of no source",
        step("template", {"ytt": {"valuesFrom": [{"downwardAPI": {"items": [{"name": "a"}]}}]}}),
        "downwardAPI.items[0]",
        "fieldPath",
    ),
    Refusal(
        "a namespace mapping without =", step("deploy", {"kapp": {"mapNs": ["a"]}}), "kapp.mapNs[0]", "form from=to"
    ),
    # PackageMetadata
    Refusal("a PackageMetadata of a name without a dot", metadata("pkg"), "metadata.name", "like contour.example.com"),
    # PackageRepository
    Refusal("a repository without a fetch", repository(fetch=ABSENT), "spec.fetch", "Required"),
    Refusal("a repository of an empty fetch", repository(fetch={}), "spec.fetch", "name one"),
    Refusal(
        "a repository of two sources",
        repository(fetch__git={"url": GIT, "ref": "main"}),
        "spec.fetch",
        "a PackageRepository of its own",
    ),
    Refusal("a repository that looks every second", repository(syncPeriod="1s"), "spec.syncPeriod", "set 30s or more"),
    Refusal("a repository just under 30s", repository(syncPeriod="29s"), "spec.syncPeriod", "set 30s or more"),
    Refusal("a period without a unit", repository(syncPeriod="300"), "spec.syncPeriod", "like 5m, 1h30m or 90s"),
    Refusal("a period in days", repository(syncPeriod="1d"), "spec.syncPeriod", "hours, minutes and seconds"),
    Refusal("a period of fractions", repository(syncPeriod="29999ms"), "spec.syncPeriod", "set 30s or more"),
    Refusal("a period too long to read", repository(syncPeriod="9" * 16 + "h"), "spec.syncPeriod", "16"),
    Refusal("a glob with a slash", repository(packages=["a/*"]), "spec.packages[0]", "glob over publicNames"),
    Refusal(
        "a repository name that is no label", named(repository(), "a" * 64), "metadata.name", "choose a shorter name"
    ),
    # InstalledPackage
    Refusal("an install without an account", install(serviceAccountName=ABSENT), "serviceAccountName", "Required"),
    Refusal("an account with an empty name", install(serviceAccountName=""), "serviceAccountName", "a ServiceAccount"),
    Refusal("an install of nothing", install(packageRef=ABSENT), "spec.packageRef", "Required"),
    Refusal(
        "neither version nor versionSelection",
        install(packageRef__versionSelection=ABSENT),
        "spec.packageRef",
        "set version (such as 1.2.3) for one version, or versionSelection.constraint",
    ),
    Refusal("an install of a publicName without a dot", install(packageRef__publicName="pkg"), "publicName", "one dot"),
    Refusal(
        "an exact version that is a range",
        install(packageRef__version=">1.0"),
        "packageRef.version",
        "semantic version",
    ),
    Refusal("a selection without a constraint", install(packageRef__versionSelection={}), "constraint", "Required"),
    Refusal(
        "an empty constraint", install(packageRef__versionSelection={"constraint": " "}), "constraint", "or * for any"
    ),
    Refusal("values of no Secret", install(values=[{}]), "spec.values[0].secretRef", "Required"),
    Refusal("a Secret without a name", install(values=[{"secretRef": {}}]), "secretRef.name", "Required"),
    Refusal("an install that never rests", install(syncPeriod="0s"), "spec.syncPeriod", "or paused: true"),
    Refusal("a period with a sign", install(syncPeriod="-5m"), "spec.syncPeriod", "like 5m, 1h30m or 90s"),
    Refusal("a field that does not exist", install(cancelled=True), "spec.cancelled", "unknown field"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.because)
def test_the_api_server_refuses(cluster: Any, case: Refusal) -> None:
    answer = dry_run(cluster, case.obj, check=False)
    assert answer.returncode != 0, answer.stdout
    assert case.place in answer.stderr
    assert case.lever in answer.stderr


ACCEPTED = {
    "versions with capitals and build metadata, under the computed name": named(
        package(version="1.0.0-RC.1+vmware.1-tkg.1"), "pkg.example.com.1.0.0-rc.1--vmware.1-tkg.1"
    ),
    "both spellings of the Kubernetes versions (constraint)": package(
        kubernetesVersionSelection={"constraint": ">1.2"}
    ),
    "both spellings of the Kubernetes versions (constraints)": package(
        kubernetesVersionSelection={"constraints": ">1.2"}
    ),
    "several sources and engines": package(
        template__spec__fetch=[
            {
                "image": {
                    "url": "r.example.com/a",
                    "tagSelection": {"semver": {"constraints": "1.x", "prereleases": {}}},
                }
            },
            {"git": {"url": "git@git.example.com:team/repo.git", "ref": "origin/main"}, "path": "repo"},
            {"helmChart": {"name": "redis", "repository": {"url": "https://charts.example.com"}}},
            {"inline": {"paths": {"a/b.yml": "a: 1"}, "pathsFrom": [{"secretRef": {"name": "s"}}]}},
        ],
        template__spec__template=[
            {"sops": {"paths": ["-"], "pgp": {"privateKeysSecretRef": {"name": "keys"}}}},
            {"helmTemplate": {"path": "2/redis", "kubernetesVersion": {}, "valuesFrom": [{"path": "-"}]}},
            {"cue": {"paths": ["cue/"], "outputExpression": "out"}},
            {
                "ytt": {
                    "inline": {"paths": {"overlay.yml": ""}},
                    "valuesFrom": [
                        {"downwardAPI": {"items": [{"name": "ns", "fieldPath": "metadata.namespace"}]}},
                        {"downwardAPI": {"items": [{"name": "k8s", "kubernetesVersion": {}}]}},
                    ],
                }
            },
            {"jinja2": {"paths": ["-"]}},
        ],
        template__spec__deploy=[{"kapp": {"intoNs": "a", "mapNs": ["a=b"], "rawOptions": ["--wait-timeout=5m"]}}],
    ),
    "a repository that looks every 30 seconds": repository(syncPeriod="30s", packages=["*.example.com", "a.b[0-9]?"]),
    "a period of two units": install(syncPeriod="1h30m"),
    "a period as Go writes it": install(syncPeriod="999999h0.5m500ms"),
    "an exact version alone": install(packageRef__versionSelection=ABSENT, packageRef__version="1.0.0-rc.1+build.7"),
    "values by Secret and key": install(
        values=[{"secretRef": {"name": "a"}}, {"secretRef": {"name": "b", "key": "c"}}]
    ),
}


@pytest.mark.parametrize("obj", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_the_api_server_accepts(cluster: Any, obj: Object) -> None:
    assert obj["spec"].items() <= json.loads(dry_run(cluster, obj, "-o", "json").stdout)["spec"].items()


DESIGN_EXAMPLE = """
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
          image: registry.tkg.vmware.run/tkg-knative@sha256:...
      template:
      - ytt:
          paths:
          - config/
      - kbld:
          paths:
          - "-"
          - .imgpkg/images.yml
      deploy:
      - kapp: {}
---
apiVersion: install.package.carvel.dev/v1alpha1
kind: InstalledPackage
metadata:
  name: knative-serving-0-21
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


def test_the_example_of_the_original_design_is_accepted_as_it_stands(cluster: Any, namespace: str) -> None:
    done = cluster.kubectl("apply", "--dry-run=server", "-n", namespace, "-f", "-", input=DESIGN_EXAMPLE)
    assert done.stdout.count("created (server dry run)") == 2


@pytest.mark.skipif(not CONFORMANCE.is_dir(), reason=f"no conformance data at {CONFORMANCE}; set PACKHOUSE_CONFORMANCE")
def test_every_existing_package_is_accepted_and_kept_to_the_last_null(cluster: Any) -> None:
    sent = list(existing_packages())
    assert len(sent) > 60
    everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": sent})
    answer = cluster.kubectl(*SERVER_SIDE, "-o", "json", "-f", "-", input=everything)
    stored = json.loads(answer.stdout)["items"]
    assert [obj["spec"] for obj in sent] == [obj["spec"] for obj in stored]


def test_a_package_is_stored_as_it_was_written(cluster: Any) -> None:
    written = package(valuesSchema={"openAPIv3": {"properties": {"a": {"default": None, "nullable": True}}}})
    assert written["spec"] == json.loads(dry_run(cluster, written, "-o", "json").stdout)["spec"]


@pytest.mark.parametrize(
    ("obj", "defaults"),
    [
        (repository(), {"syncPeriod": "5m", "paused": False}),
        (install(), {"syncPeriod": "10m", "paused": False, "canceled": False, "noopDelete": False}),
    ],
    ids=["repository", "install"],
)
def test_what_is_left_out_gets_its_default(cluster: Any, obj: Object, defaults: Object) -> None:
    assert {**obj["spec"], **defaults} == json.loads(dry_run(cluster, obj, "-o", "json").stdout)["spec"]


def test_the_definitions_can_be_applied_again_and_nothing_changes(cluster: Any) -> None:
    cluster.kubectl("apply", "-f", str(CRDS))
    again = cluster.kubectl("apply", "-f", str(CRDS))
    assert again.stdout.count(" unchanged") == 4
    assert again.stderr == ""


@pytest.fixture
def one_of_each(cluster: Any, namespace: str) -> Iterator[dict[str, tuple[str, ...]]]:
    """One object of each kind, kept for the test: kind -> what kubectl is told to find it."""
    tag = f"t{uuid.uuid4().hex[:8]}"
    public_name = f"{tag}.example.com"
    objects = {
        "package": named(package(publicName=public_name), f"{public_name}.1.0.0"),
        "packagemetadata": metadata(public_name),
        # paused: an operator that happens to run in a cluster that was given must leave it alone
        "packagerepository": named(repository(paused=True), tag),
        "installedpackage": {**install(paused=True), "metadata": {"name": tag, "namespace": namespace}},
    }
    cluster.kubectl(
        "create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": [*objects.values()]})
    )
    places = {kind: (f"{kind}/{obj['metadata']['name']}", "-n", namespace) for kind, obj in objects.items()}
    yield places
    for place in places.values():
        cluster.kubectl("delete", *place, "--wait=false", check=False)


@pytest.mark.parametrize(
    ("kind", "short", "header", "more"),
    [
        ("package", "pkg", "NAME PUBLIC-NAME VERSION AGE", "DISPLAY-NAME SHORT-DESCRIPTION"),
        ("packagemetadata", "pkgm", "NAME DISPLAY-NAME SHORT-DESCRIPTION AGE", ""),
        ("packagerepository", "pkgr", "NAME VERSION PACKAGES DESCRIPTION AGE", ""),
        ("installedpackage", "ipkg", "NAME PACKAGE-NAME PACKAGE-VERSION DESCRIPTION AGE", ""),
    ],
)
def test_kubectl_get_shows_the_columns_of_the_design(
    cluster: Any, one_of_each: dict[str, tuple[str, ...]], kind: str, short: str, header: str, more: str
) -> None:
    place, *where = one_of_each[kind]

    def columns(*wide: str) -> list[str]:
        shown: str = cluster.kubectl("get", short, place.split("/")[1], *where, *wide).stdout
        return shown.splitlines()[0].split()

    assert columns() == header.split()
    assert columns("-o", "wide") == [*header.split()[:-1], *more.split(), "AGE"]


def test_kubectl_get_carvel_shows_all_kinds(
    cluster: Any, one_of_each: dict[str, tuple[str, ...]], namespace: str
) -> None:
    shown = cluster.kubectl("get", "carvel", "-n", namespace, "-o", "name").stdout
    for place in one_of_each.values():
        assert place[0].split("/")[1] in shown


@pytest.mark.parametrize("kind", KINDS)
def test_a_status_with_every_declared_field_is_stored_and_other_managers_keep_their_conditions(
    cluster: Any, one_of_each: dict[str, tuple[str, ...]], kind: str
) -> None:
    place, *where = one_of_each[kind]
    found = at_rest(cluster, place, *where)
    head = {key: found[key] for key in ("apiVersion", "kind")} | {"metadata": {"name": found["metadata"]["name"]}}
    schema = yaml.safe_load((CRDS / f"{kind}.yaml").read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    status = sample(schema["properties"]["status"])
    foreign = {**status["conditions"][0], "type": "SeenByAnother"}

    apply_status(cluster, where, {**head, "status": {"conditions": [foreign]}}, "another")
    apply_status(cluster, where, {**head, "status": status}, MANAGER)
    first = json.loads(cluster.kubectl("get", place, *where, "-o", "json").stdout)
    apply_status(cluster, where, {**head, "status": status}, MANAGER)
    second = json.loads(cluster.kubectl("get", place, *where, "-o", "json").stdout)

    assert {**status, "conditions": [foreign, *status["conditions"]]} == first["status"]
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("packages.spec.version", "semantic version"),
        ("packages.spec.template.spec.fetch.imgpkgBundle.tagSelection.semver", "constraints"),
        ("packages.spec.template.spec.template.jinja2", "Jinja2 templates"),
        ("packagemetadatas.spec.maintainers", "looks after"),
        ("packagerepositories.spec.syncPeriod", "30s at least"),
        ("packagerepositories.status.packages.conflicting", "left alone"),
        ("installedpackages.spec.packageRef.versionSelection.constraint", "range of versions"),
        ("installedpackages.status.conditions.reason", "why the condition stands"),
    ],
)
def test_kubectl_explain_is_a_manual(cluster: Any, path: str, says: str) -> None:
    group = names.PACKAGE_API if path.startswith(("packages", "packagemetadatas")) else names.INSTALL_API
    text = cluster.kubectl("explain", path, f"--api-version={group}").stdout
    assert says in " ".join(text.split())
    assert "<no description>" not in text.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_the_manifest_that_opens_a_page_of_the_docs_is_accepted(cluster: Any, namespace: str, kind: str) -> None:
    page = (ROOT / "docs" / "spec" / f"{kind}.md").read_text()
    block = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert block is not None
    assert any(obj["kind"].lower() == kind for obj in yaml.safe_load_all(block[1]))
    cluster.kubectl("apply", "--dry-run=server", "-n", namespace, "-f", "-", input=block[1])


def dry_run(cluster: Any, obj: Object, *args: str, check: bool = True) -> Any:
    return cluster.kubectl("create", "--dry-run=server", *args, "-f", "-", input=json.dumps(obj), check=check)


def at_rest(cluster: Any, place: str, *where: str) -> Any:
    """The object, once nobody has written it for a second: an operator may be running, and says that it is paused."""
    seen: Any = None
    for _ in range(20):
        found = json.loads(cluster.kubectl("get", place, *where, "-o", "json").stdout)
        if seen is not None and seen["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]:
            return found
        seen = found
        time.sleep(1)
    raise AssertionError(f"{place} is written all the time")


def apply_status(cluster: Any, where: list[str], obj: Object, manager: str) -> None:
    cluster.kubectl(
        *("apply", "--server-side", "--subresource=status", f"--field-manager={manager}", *where, "-f", "-"),
        input=json.dumps(obj),
    )


def sample(schema: Object) -> Any:
    """A value of the schema with every field that it declares."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {name: sample(child) for name, child in schema["properties"].items()}
        case "array":
            return [sample(schema["items"])]
        case "integer":
            return 7
        case "boolean":
            return True
        case _:
            return "2026-01-02T03:04:05Z" if schema.get("format") == "date-time" else "text"


class _Plain(yaml.SafeLoader):
    """YAML as kubectl reads it: a date is a string."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def existing_packages() -> Iterator[Object]:
    """The packages of the conformance data as import converts them: publicName for refName, the name by the rule."""
    for file in sorted((CONFORMANCE / "packages").glob("*/*/package.yaml")):
        obj = yaml.load(file.read_text(), Loader=_Plain)
        spec = {"publicName" if key == "refName" else key: value for key, value in obj["spec"].items()}
        name = f"{spec['publicName']}.{spec['version']}".lower().replace("+", "--")
        yield {**named(package(), name), "spec": spec}
