"""`install`, and `installed update|upgrade|pause|resume|kick|delete`, on a real API server with the operator.

One namespace and one catalogue serve all tests; each takes an install of its own. A user with few rights calls by
impersonation.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.audit import AuditLog, Call, writes
from cluster.find import Cluster, KubectlFailed
from cluster.registry import LocalRegistry
from command_line import Answer, CommandLine
from lab import RBAC, Json, Lab, OperatorProcess, account, inline, package, wait_until
from packhouse.adapters.cluster import KubeCluster
from packhouse.client.errors import ExitCode

VALUES = '#@data/values\n---\nhello_msg: "hi"\n'
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"hello_msg": {"type": "string", "default": "none"}, "port": {"type": "integer", "default": 80}},
}
RIGHTS = "roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io"
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{{{ install.name }}}}{suffix}
data:
  text: "{{{{ values.hello_msg }}}} {{{{ values.port }}}} {version}"
"""


class Scene:
    """A package in three versions, of which the last brings an object more, and one that has a prerelease alone."""

    def __init__(self, lab: Lab, call: CommandLine, folder: Path) -> None:
        word = f"c{secrets.token_hex(4)}"
        self.lab, self.call, self.namespace, self.user = lab, call, f"test-{word}", f"{word}-user"
        self.package, self.unripe = f"{word}.example.com", f"{word}.tce.vmware.com"
        self.values = folder / "values.yaml"
        self.values.write_text(VALUES)
        lab.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            *account(self.namespace),
            *(self._package(self.package, version) for version in ("1.0.0", "1.1.0", "2.0.0")),
            self._package(self.unripe, "0.21.0-vmware0"),
            *self._user(),
        )

    def install(self, name: str, *words: str, code: int = 0) -> Answer:
        return self("install", name, "--package-name", self.package, *words, code=code)

    def __call__(self, *words: str, code: int = 0) -> Answer:
        return self.call(*words, "-n", self.namespace, code=code)

    def live(self, kind: str, name: str) -> Json:
        found = self.lab.get(kind, name, self.namespace)
        assert found is not None, f"{kind} {name}"
        return found

    def text(self, name: str) -> str:
        return str(self.live("configmap", name)["data"]["text"])

    def values_of(self, name: str) -> str:
        [entry] = self.live("ipkg", name)["spec"]["values"]
        return base64.b64decode(self.live("secret", entry["secretRef"]["name"])["data"]["values.yml"]).decode()

    def there(self, name: str) -> list[str]:
        """What there is of an install, and what was made for it."""
        kinds = f"ipkg,secrets,serviceaccounts,configmaps,{RIGHTS}"
        found = self.lab.cluster.kubectl("get", kinds, "-n", self.namespace, "-o", "name").stdout.split()
        return [one for one in found if one.rpartition("/")[2].startswith(name)]

    def clear(self) -> None:
        self.lab.cluster.kubectl("delete", "ipkg", "--all", "-n", self.namespace)
        self.lab.delete("namespace", self.namespace, wait=False)
        self.lab.delete("clusterrole", self.user, wait=False)
        self.lab.delete("clusterrolebinding", self.user, wait=False)

    def _package(self, name: str, version: str) -> Json:
        files = {"config/web.yaml": CONFIG.format(suffix="", version=version)}
        if version == "2.0.0":
            files["config/more.yaml"] = CONFIG.format(suffix="-more", version=version)
        return package(name, version, fetch=inline(files), valuesSchema=SCHEMA)

    def _user(self) -> list[Json]:
        """Who sees packages, and may make and change installs here; and nothing besides."""
        subject = {"apiGroup": RBAC, "kind": "User", "name": self.user}
        verbs = ["get", "list", "watch", "create", "patch", "delete"]
        installs = {"apiGroups": ["install.package.carvel.dev"], "resources": ["installedpackages"], "verbs": verbs}
        packages = {"apiGroups": ["package.carvel.dev"], "resources": ["packages"], "verbs": ["get", "list"]}
        sees = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
        made: list[Json] = []
        for kind, where, rules in (
            ("ClusterRole", {}, [packages]),
            ("Role", {"namespace": self.namespace}, [installs, sees]),
        ):
            meta, role = {"name": self.user, **where}, {"apiGroup": RBAC, "kind": kind, "name": self.user}
            made.append({"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": meta, "rules": rules})
            bound = {"metadata": meta, "roleRef": role, "subjects": [subject]}
            made.append({"apiVersion": f"{RBAC}/v1", "kind": f"{kind}Binding", **bound})
        return made


def written_by_the_client(audit: AuditLog, position: int) -> list[Call]:
    """The tests' own kubectl aside. Who is impersonated is not told."""
    return [
        call
        for call in writes(audit.since(position))
        if call.user == "admin" and call.user_agent.startswith("packhouse/")
    ]


@pytest.fixture(scope="module")
def scene(
    operator: OperatorProcess, cluster: Cluster, registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("caller")
    environment = {"DOCKER_CONFIG": str(folder), "PACKHOUSE_CACHE_DIR": str(folder / "cache")}
    scene = Scene(Lab(cluster, registry.host), CommandLine(cluster.kubeconfig, environment), folder)
    yield scene
    scene.clear()


def test_the_designs_older_form_names_install_and_package_at_once_and_takes_the_newest_prerelease(scene: Scene) -> None:
    done = scene("install", scene.unripe, "--yes")

    assert done.out == f"Installed package in {scene.namespace}/{scene.unripe}:0.21.0-vmware0\n"
    first, second = done.said.splitlines()[:2]
    assert first == f"Looking up package to install: {scene.unripe}:"
    assert "has no release" in second
    assert scene.live("ipkg", scene.unripe)["spec"]["packageRef"] == {
        "publicName": scene.unripe,
        "versionSelection": {"constraint": "0.21.0-vmware0", "prereleases": {}},
    }


def test_an_install_with_values_lives_through_its_versions_and_leaves_nothing(scene: Scene) -> None:
    done = scene.install("whole", "--version", "1.0.0", "--values-file", str(scene.values), "--yes")

    assert done.out == f"Installed package in {scene.namespace}/whole:1.0.0\n"
    made = scene.live("ipkg", "whole")
    assert made["spec"]["packageRef"] == {"publicName": scene.package, "version": "1.0.0"}
    assert made["spec"]["values"] == [{"secretRef": {"name": "whole-values"}}]
    assert scene.values_of("whole") == VALUES
    assert scene.text("whole") == "hi 80 1.0.0"

    done = scene("installed", "update", "whole", "--version", "1.1.0", "--set", "port=81", "--yes")

    assert done.out == f"Updated package in {scene.namespace}/whole:1.1.0\n"
    assert scene.text("whole") == "hi 81 1.1.0"
    assert len([one for one in scene.there("whole") if one.startswith("secret/")]) == 1

    done = scene("installed", "upgrade", "whole", "--yes")

    assert done.out == f"Updated package in {scene.namespace}/whole:2.0.0\n"
    assert f"whole: {scene.package} 1.1.0 -> 2.0.0" in done.said
    assert "whole-more" in done.said  # what its account may do from now on
    assert scene.text("whole-more") == "hi 81 2.0.0"

    lower = scene("installed", "update", "whole", "--version", "1.0.0", "--yes", code=ExitCode.FAILED)
    done = scene("installed", "update", "whole", "--version", "1.0.0", "--allow-downgrade", "--yes")

    assert "--allow-downgrade" in lower.said
    assert done.out == f"Updated package in {scene.namespace}/whole:1.0.0\n"
    assert scene.lab.get("configmap", "whole-more", scene.namespace) is None

    done = scene("installed", "delete", "whole", "--yes")

    assert done.out == f"Deleted package from {scene.namespace}/whole:1.0.0\n"
    assert scene.there("whole") == []


def test_pausing_holds_it_and_a_kick_is_heard(scene: Scene) -> None:
    scene.install("held", "--version", "1.0.0", "--service-account", "installer")

    assert scene("installed", "pause", "held").out == f"paused {scene.namespace}/held\n"
    assert scene("installed", "pause", "held").out == f"{scene.namespace}/held is paused already\n"
    scene.lab.delete("configmap", "held", scene.namespace)
    assert scene("installed", "resume", "held").out == f"resumed {scene.namespace}/held\n"
    wait_until("the object is there again", lambda: scene.lab.get("configmap", "held", scene.namespace))
    scene.lab.cluster.kubectl("delete", "configmap", "held", "-n", scene.namespace)
    assert scene("installed", "kick", "held").out == f"kicked {scene.namespace}/held\n"
    wait_until("the object is there again", lambda: scene.lab.get("configmap", "held", scene.namespace))


def test_what_is_there_already_is_told_with_the_verb_that_changes_it(scene: Scene) -> None:
    scene.install("twice", "--service-account", "installer")

    refused = scene.install("twice", "--service-account", "installer", code=ExitCode.FAILED)

    assert "installed update twice" in refused.said


def test_without_consent_nothing_is_made(scene: Scene) -> None:
    refused = scene.install("asked", "--values-file", str(scene.values), code=ExitCode.DECLINED)

    assert "--yes" in refused.said
    assert scene.there("asked") == []


def test_a_dry_run_shows_all_objects_and_no_secret_and_writes_nothing(scene: Scene, audit: AuditLog) -> None:
    position = audit.position()

    shown = scene.install("dry", "--values-file", str(scene.values), "--set", "port=81", "--dry-run", "-o", "json")

    assert [f"{item['kind']} {item['metadata']['name']}" for item in json.loads(shown.out)["items"]] == [
        "Secret dry-values",
        "ServiceAccount dry-installer",
        "Role dry-installer",
        "RoleBinding dry-installer",
        "InstalledPackage dry",
        "ConfigMap dry-more",
        "ConfigMap dry",
    ]
    assert "hello_msg" not in shown.out
    assert written_by_the_client(audit, position) == []


def test_a_package_may_be_installed_into_a_namespace_that_is_made_for_it(scene: Scene) -> None:
    away = f"{scene.namespace}-away"
    words = ("install", "web", "-p", scene.package, "-n", away, "--yes")

    refused = scene.call(*words, code=ExitCode.NOT_FOUND)
    done = scene.call(*words, "--create-namespace", "--no-wait")

    assert "--create-namespace" in refused.said
    assert done.out == f"Installing package in {away}/web:2.0.0\n"
    scene.call("installed", "delete", "web", "-n", away, "--yes")
    scene.lab.delete("namespace", away, wait=False)


# ---- when it goes wrong ------------------------------------------------------------------------------------


@pytest.fixture
def policy(scene: Scene) -> Iterator[None]:
    """Installs whose name begins with "bad" are refused, but not on trial."""
    name = scene.namespace
    rules = {"apiGroups": ["install.package.carvel.dev"], "apiVersions": ["*"], "resources": ["installedpackages"]}
    condition = "!request.name.startsWith('bad') || (has(request.dryRun) && request.dryRun)"
    scene.lab.apply(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {"resourceRules": [{**rules, "operations": ["CREATE"]}]},
                "validations": [{"expression": condition, "message": "not on a Friday"}],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    )
    probe = {"apiVersion": "install.package.carvel.dev/v1alpha1", "kind": "InstalledPackage"}
    spec = {"serviceAccountName": "x", "packageRef": {"publicName": "x.y", "version": "1.0.0"}, "paused": True}

    def refused() -> bool:
        try:
            scene.lab.apply({**probe, "metadata": {"name": "bad-probe", "namespace": scene.namespace}, "spec": spec})
        except KubectlFailed:
            return True
        scene.lab.delete("ipkg", "bad-probe", scene.namespace)
        return False

    wait_until("the policy is in force", refused)
    yield
    scene.lab.delete("validatingadmissionpolicybinding", name)
    scene.lab.delete("validatingadmissionpolicy", name)


@pytest.mark.usefixtures("policy")
def test_nothing_is_left_when_the_install_is_refused(scene: Scene) -> None:
    refused = scene.install("bad", "--values-file", str(scene.values), "--yes", code=ExitCode.FAILED)

    assert "not on a Friday" in refused.said
    assert "what was made before is taken back: RoleBinding bad-installer" in refused.said
    assert scene.there("bad") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_nothing_is_left_when_it_is_interrupted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    create = KubeCluster.create

    async def interrupted(cluster: KubeCluster, obj: Json, **named: object) -> Json | None:
        if obj["kind"] == "RoleBinding" and not named.get("dry_run"):
            os.kill(os.getpid(), number)
            await asyncio.sleep(0)
        return await create(cluster, obj, **named)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(KubeCluster, "create", interrupted)

    ended = scene.install("cut", "--values-file", str(scene.values), "--yes", code=ExitCode.INTERRUPTED)

    assert "interrupted; what was made before is taken back" in ended.said
    assert scene.there("cut") == []


def test_who_may_make_installs_alone_is_told_what_is_missing_and_the_way_without_it(
    scene: Scene, audit: AuditLog
) -> None:
    position = audit.position()

    refused = scene.install("few", "--yes", "--as", scene.user, code=ExitCode.FORBIDDEN)

    assert 'cannot create resource "roles"' in refused.said
    assert f'in the namespace "{scene.namespace}"' in refused.said
    assert "--service-account NAME" in refused.said
    assert written_by_the_client(audit, position) == []

    mine = ("--as", scene.user)
    scene.install("few", "--version", "1.0.0", "--service-account", "installer", *mine)
    no_secret = scene("installed", "update", "few", "--set", "port=1", "--yes", *mine, code=ExitCode.FORBIDDEN)
    assert "secrets" in no_secret.said
    scene("installed", "upgrade", "--all", "--yes", *mine)
    for verb in ("pause", "kick", "resume"):
        scene("installed", verb, "few", *mine)
    assert scene.text("few") == "none 80 2.0.0"
    scene("installed", "delete", "few", "--yes", *mine)
    assert scene.there("few") == []


def test_who_may_not_even_see_installs_is_told_so_by_every_verb(scene: Scene) -> None:
    nobody = ("--as", "nobody-at-all")
    for words in (
        ("install", "web", "-p", scene.package),
        ("installed", "update", "web", "--version", "2.0.0"),
        ("installed", "upgrade", "web"),
        ("installed", "pause", "web"),
        ("installed", "resume", "web"),
        ("installed", "kick", "web"),
        ("installed", "delete", "web"),
    ):
        refused = scene(*words, *nobody, code=ExitCode.FORBIDDEN)
        assert 'cannot get resource "installedpackages"' in refused.said
        assert f'in the namespace "{scene.namespace}"' in refused.said
