"""The API server takes what deploy/ and docs/examples/ hold, and the operator's pod is admitted.

Real: the API server with its admission, the controllers, kubectl and helm. The operator's image is not pulled: where
kwok plays the node, a pod that was admitted counts as running. The kustomization is installed through an overlay with
names of its own, so that other tests and a Packhouse that lives in the cluster are left alone.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.find import Cluster, run_kubectl
from packhouse.ports import RenderJob, ValuesDocument
from packhouse.settings import Settings
from packhouse.template.limits import Limits
from packhouse.template.pipeline import render

ROOT = Path(__file__).parents[2]
KUSTOMIZE = ROOT / "deploy" / "kustomize"
CHART = ROOT / "deploy" / "helm" / "packhouse"
EXAMPLES = ROOT / "docs" / "examples"
KINDS = [
    "installedpackages.install.package.carvel.dev",
    "packagemetadatas.package.carvel.dev",
    "packagerepositories.install.package.carvel.dev",
    "packages.package.carvel.dev",
]
RESTRICTED = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn", "audit")]
REFERENCE = "registry.example.com/examples/{}@sha256:" + "0" * 64
SECONDS = "60s"

Json = dict[str, Any]
Helm = Callable[..., subprocess.CompletedProcess[str]]


def listed(cluster: Cluster, *args: str) -> list[Json]:
    found: list[Json] = json.loads(cluster.kubectl("get", *args, "-o", "json").stdout)["items"]
    return found


def refused_pods(cluster: Cluster, namespace: str) -> list[str]:
    """What the controllers say of Pods that they could not create."""
    events = listed(cluster, "events", "-n", namespace)
    return [event["message"] for event in events if event["reason"] == "FailedCreate"]


def admitted_pod(cluster: Cluster, namespace: str, deployment: str) -> Json:
    """The one Pod of the Deployment, once there is one."""
    condition = "--for=condition=Progressing"
    cluster.kubectl("wait", f"deployment/{deployment}", condition, "-n", namespace, f"--timeout={SECONDS}")
    cluster.kubectl(
        "wait", "--for=create", "pod", "-l=app.kubernetes.io/name=packhouse", "-n", namespace, f"--timeout={SECONDS}"
    )
    (pod,) = listed(cluster, "pods", "-l=app.kubernetes.io/name=packhouse", "-n", namespace)
    return pod


def token_holders(pod: Json) -> list[str]:
    """The containers that mount a volume with a token, whoever put it there."""
    spec = pod["spec"]
    volumes = {volume["name"] for volume in spec["volumes"] if "serviceAccountToken" in json.dumps(volume)}
    return [one["name"] for one in spec["containers"] if volumes & {mount["name"] for mount in one["volumeMounts"]}]


@pytest.fixture
def own_cluster(cluster: Cluster) -> None:
    """Skips where the kinds in the cluster may be somebody's: the test takes them over or deletes one."""
    if not cluster.owned:
        pytest.skip("changes CustomResourceDefinitions: only in a cluster of our own")


@pytest.fixture
def restricted(cluster: Cluster, namespace: str) -> str:
    """A namespace that admits what the level `restricted` allows, and nothing else."""
    cluster.kubectl("label", "namespace", namespace, *RESTRICTED)
    return namespace


@pytest.fixture
def overlay(restricted: str, tmp_path: Path) -> Path:
    """An overlay of deploy/kustomize/base in a namespace and with names of its own."""
    base = os.path.relpath(KUSTOMIZE / "base", tmp_path.resolve())
    content = {"resources": [base], "namespace": restricted, "nameSuffix": f"-{restricted}"}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


@pytest.fixture
def helm_in(cluster: Cluster, helm: Path, restricted: str, tmp_path: Path) -> Helm:
    """`helm_in(*args)`: helm against the cluster, in the restricted namespace."""
    own = {"HELM_CACHE_HOME": "cache", "HELM_CONFIG_HOME": "config", "HELM_DATA_HOME": "data"}
    environ = {**os.environ, **{name: str(tmp_path / folder) for name, folder in own.items()}}

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        command = [str(helm), *args, f"--kubeconfig={cluster.kubeconfig}", f"--namespace={restricted}"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"helm {' '.join(args)}: {done.stderr}"
        return done

    return run


@pytest.fixture
def release(helm_in: Helm, restricted: str) -> Iterator[str]:
    """The name of a release that is gone after the test; the CRDs that it takes over stay."""
    name = f"packhouse-{restricted}"
    yield name
    helm_in("uninstall", name, "--ignore-not-found", "--wait")


def install(helm_in: Helm, release: str, *args: str) -> subprocess.CompletedProcess[str]:
    # Other tests applied the same CRDs with kubectl: the release takes them over.
    take_over = ("--take-ownership", "--force-conflicts")
    return helm_in("upgrade", "--install", release, str(CHART), *take_over, *args)


# ---- kustomize -------------------------------------------------------------------------------------------


def test_the_crds_can_be_applied_by_kustomize(cluster: Cluster) -> None:
    folder = str(KUSTOMIZE / "crds")
    cluster.kubectl("apply", "-k", folder, "--server-side", "--force-conflicts")
    cluster.kubectl("wait", "--for=condition=Established", "crd", *KINDS, f"--timeout={SECONDS}")
    assert all(cluster.kubectl("explain", kind).stdout for kind in KINDS)


def test_the_base_is_taken_as_it_stands_without_a_warning(cluster: Cluster) -> None:
    # A dry run creates no namespace for the objects behind it, so they are sent to one that exists.
    rendered = cluster.kubectl("kustomize", str(KUSTOMIZE / "base")).stdout
    there = rendered.replace("namespace: packhouse-system", "namespace: default")
    done = cluster.kubectl("apply", "--dry-run=server", "--server-side", "--validate=strict", "-f", "-", input=there)
    assert done.stdout.count("(server dry run)") == rendered.count("\nkind: ")
    assert done.stderr == ""


def test_the_operators_pod_is_admitted_at_the_level_restricted(
    cluster: Cluster, restricted: str, overlay: Path
) -> None:
    cluster.wait_for_service_account(restricted)
    applied = cluster.kubectl("apply", "-k", str(overlay))
    try:
        pod = admitted_pod(cluster, restricted, f"packhouse-{restricted}")
        assert "would violate PodSecurity" not in applied.stderr
        assert refused_pods(cluster, restricted) == []
        assert token_holders(pod) == ["operator"]
    finally:
        cluster.kubectl("delete", "-k", str(overlay), "--wait=false", "--ignore-not-found")


def test_the_role_allows_what_the_operator_does_and_refuses_the_rest(
    cluster: Cluster, crds: None, restricted: str, overlay: Path
) -> None:
    account = f"system:serviceaccount:{restricted}:packhouse-{restricted}"

    def may(verb: str, resource: str) -> bool:
        name, _, subresource = resource.partition("/")
        question = ("auth", "can-i", verb, name, f"--subresource={subresource}", "-n", "default", f"--as={account}")
        answer: str = cluster.kubectl(*question, check=False).stdout.strip()
        return answer == "yes"

    allowed = [
        ("patch", "installedpackages.install.package.carvel.dev/status"),
        ("deletecollection", "packages.package.carvel.dev"),
        ("create", "serviceaccounts/token"),
        ("get", "secrets"),
        ("create", "events.events.k8s.io"),
    ]
    refused = [
        ("create", "secrets"),
        ("create", "pods"),
        ("patch", "deployments.apps"),
        ("patch", "customresourcedefinitions.apiextensions.k8s.io"),
        ("delete", "installedpackages.install.package.carvel.dev"),
        ("impersonate", "users"),
        ("bind", "clusterroles.rbac.authorization.k8s.io"),
    ]
    cluster.kubectl("apply", "-k", str(overlay))
    try:
        assert [question for question in allowed if not may(*question)] == []
        assert [question for question in refused if may(*question)] == []
    finally:
        cluster.kubectl("delete", "-k", str(overlay), "--wait=false", "--ignore-not-found")


# ---- helm ------------------------------------------------------------------------------------------------


def test_the_chart_has_nothing_that_lint_minds(helm: Path) -> None:
    done = subprocess.run([str(helm), "lint", "--strict", str(CHART)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, "0 chart(s) failed" in done.stdout) == (0, True), done.stdout


def test_the_chart_installs_at_the_level_restricted(
    cluster: Cluster, helm_in: Helm, release: str, restricted: str
) -> None:
    cluster.wait_for_service_account(restricted)
    done = install(helm_in, release, "--set=crds.install=false")
    pod = admitted_pod(cluster, restricted, release)
    assert "would violate PodSecurity" not in done.stderr
    assert refused_pods(cluster, restricted) == []
    assert token_holders(pod) == ["operator"]
    assert "kubectl get packagerepositories" in done.stdout


def test_an_upgrade_of_the_release_changes_the_settings_and_mends_the_crds(
    own_cluster: None, cluster: Cluster, helm_in: Helm, release: str, restricted: str
) -> None:
    install(helm_in, release)
    removed = [{"op": "remove", "path": "/spec/names/shortNames"}]
    cluster.kubectl("patch", "crd", KINDS[-1], "--type=json", "-p", json.dumps(removed))
    install(helm_in, release, "--set=settings.render_workers=3")

    crd = json.loads(cluster.kubectl("get", "crd", KINDS[-1], "-o", "json").stdout)
    deployment = json.loads(cluster.kubectl("get", "deployment", release, "-n", restricted, "-o", "json").stdout)
    containers = deployment["spec"]["template"]["spec"]["containers"]
    changed = {"name": "PACKHOUSE_RENDER_WORKERS", "value": "3"}
    assert crd["spec"]["names"]["shortNames"] == ["pkg"]
    assert [one["name"] for one in containers if changed in one["env"]] == ["operator", "renderer"]


def test_uninstalling_the_release_keeps_the_crds_and_takes_the_rest(
    own_cluster: None, cluster: Cluster, helm_in: Helm, release: str, restricted: str
) -> None:
    install(helm_in, release)
    helm_in("uninstall", release, "--wait")
    kept = [crd["metadata"]["name"] for crd in listed(cluster, "crd") if crd["metadata"]["name"] in KINDS]
    left = cluster.kubectl(
        "get", "deployment,serviceaccount,role,rolebinding", "-n", restricted, "-l=app.kubernetes.io/name=packhouse"
    )
    cluster_wide = cluster.kubectl("get", "clusterrole,clusterrolebinding", f"-l=app.kubernetes.io/instance={release}")
    assert sorted(kept) == KINDS
    assert (left.stdout, cluster_wide.stdout) == ("", "")


# ---- examples --------------------------------------------------------------------------------------------


def pushed(text: str) -> str:
    """The text as publishing leaves it."""
    for name in ("web", "crontab"):
        text = text.replace(f"REGISTRY/{name}@DIGEST", REFERENCE.format(name))
    return text.replace("REGISTRY/repository:stable", "registry.example.com/examples/repository:stable")


def documents(pattern: str) -> list[Path]:
    found = sorted(EXAMPLES.glob(pattern))
    assert found, f"docs/examples has no {pattern}"
    return found


@pytest.mark.parametrize(
    "file",
    [*documents("packages/*/*/package.yaml"), *documents("repository/packages/*/*.yaml"), *documents("*.yaml")],
    ids=lambda file: str(file.relative_to(EXAMPLES)),
)
def test_an_example_is_accepted_as_it_stands(cluster: Cluster, crds: None, namespace: str, file: Path) -> None:
    # The namespace `demo` is made by one of the files; a dry run needs one that exists.
    text = pushed(file.read_text()).replace("namespace: demo", f"namespace: {namespace}")
    done = cluster.kubectl("apply", "--dry-run=server", "--server-side", "--validate=strict", "-f", "-", input=text)
    assert "DIGEST" not in text
    assert done.stdout.count("(server dry run)") == len(list(yaml.safe_load_all(text)))
    assert done.stderr == ""


def rendered(package: str, namespace: str, values: str = "") -> list[Json]:
    """The objects of an example, for an install named `web` in the namespace."""
    file = EXAMPLES / "packages" / package / "package.yaml"
    spec, bundle = yaml.safe_load(file.read_text())["spec"], file.parent / "bundle"
    job = RenderJob(
        files={str(path.relative_to(bundle)): path.read_bytes() for path in bundle.rglob("*") if path.is_file()},
        steps=spec["template"]["spec"]["template"],
        values=[ValuesDocument("values of the test", values)] if values else [],
        values_schema=spec["valuesSchema"]["openAPIv3"],
        enforce_schema=True,
        context={"package": {"version": spec["version"]}, "install": {"name": "web", "namespace": namespace}},
    )
    return list(render(job, Limits.from_settings(Settings())).objects)


def stream(objects: list[Json]) -> str:
    return "---\n".join(json.dumps(obj) + "\n" for obj in objects)


@pytest.fixture
def as_web_installer(cluster: Cluster, namespace: str, tmp_path: Path) -> Path:
    """A kubeconfig of the service account of install-rbac.yaml, in a namespace of the test."""
    cluster.kubectl("apply", "-f", "-", input=(EXAMPLES / "install-rbac.yaml").read_text().replace("demo", namespace))
    token = cluster.kubectl("create", "token", "web-installer", "-n", namespace).stdout.strip()
    config = json.loads(cluster.kubectl("config", "view", "--raw", "-o", "json").stdout)
    config["users"][0]["user"] = {"token": token}
    own = tmp_path / "kubeconfig"
    own.write_text(json.dumps(config))
    own.chmod(0o600)
    return own


def test_the_least_rights_of_the_example_take_every_web_version_in_turn(
    cluster: Cluster, namespace: str, as_web_installer: Path
) -> None:
    cluster.wait_for_service_account(namespace)
    scope = ("-n", namespace, "-f", "-")
    for version in ("1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1"):
        objects = stream(rendered(f"web/{version}", namespace, "autoscaling: {enabled: true}"))
        done = run_kubectl(as_web_installer, "apply", "--server-side", *scope, input=objects)
        assert done.stderr == ""
        # a wait would ask for list and watch, which the operator does without: the admin waits
        cluster.kubectl("rollout", "status", "deployment/web", "-n", namespace, f"--timeout={SECONDS}")
    run_kubectl(as_web_installer, "delete", "--wait=false", *scope, input=objects)
    assert refused_pods(cluster, namespace) == []
    assert cluster.kubectl("get", "service,configmap", "-l=app.kubernetes.io/name=web", "-n", namespace).stdout == ""


def test_the_least_rights_of_the_example_take_nothing_else(namespace: str, as_web_installer: Path) -> None:
    secret = json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "stolen"}})
    for scope in (namespace, "default"):
        done = run_kubectl(
            as_web_installer, "apply", "--server-side", "-n", scope, "-f", "-", input=secret, check=False
        )
        assert (done.returncode, "forbidden" in done.stderr) == (1, True)


def test_the_crontab_package_brings_a_kind_that_takes_its_first_object(
    own_cluster: None, cluster: Cluster, namespace: str
) -> None:
    objects = rendered("crontab/1.0.0", namespace, "firstCronTab: {enabled: true}")
    (crd,) = (obj for obj in objects if obj["kind"] == "CustomResourceDefinition")
    rest = stream([obj for obj in objects if obj is not crd])
    cluster.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(crd))
    try:
        cluster.kubectl("wait", "--for=condition=Established", "crd", crd["metadata"]["name"], f"--timeout={SECONDS}")
        dry_run = ("apply", "--dry-run=server", "--server-side", "--validate=strict", "-n", namespace, "-f", "-")
        assert cluster.kubectl(*dry_run, input=rest).stdout.count("(server dry run)") == 3
        bad = rest.replace("0 3 * * *", "nightly")
        assert "five fields" in cluster.kubectl(*dry_run, input=bad, check=False).stderr
    finally:
        cluster.kubectl("delete", "crd", crd["metadata"]["name"], f"--timeout={SECONDS}")
