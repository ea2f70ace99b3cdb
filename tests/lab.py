"""A laboratory around the real operator: its process, bundles in a real registry, objects through real kubectl.

Used by tests/e2e and by the demo. The operator runs as a process that holds exactly the role which deploy/ ships, so
a rule that is missing there fails a test.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cluster.find import Cluster, kubectl_program
from packhouse.adapters.oras_push import push_bundle
from packhouse.ports import Credentials
from packhouse.settings import Settings

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
BASE = ROOT / "deploy" / "kustomize" / "base"
OPERATOR_NAMESPACE = "packhouse-system"
OPERATOR_ACCOUNT = "packhouse"
OPERATOR_USER = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR_ACCOUNT}"
INSTALL_API = "install.package.carvel.dev/v1alpha1"
RBAC = "rbac.authorization.k8s.io"
PACKAGE_API = "package.carvel.dev/v1alpha1"
#: Everything of the shipped base but the Deployment, which needs an image.
IDENTITY_KINDS = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def wait_until(what: str, check: Callable[[], Any], seconds: float = 30.0, poll_seconds: float = 0.1) -> Any:
    """The first true answer of `check`; fails with `what` and the last answer after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; last seen: {answer!r}")
        time.sleep(poll_seconds)


def operator_kubeconfig(cluster: Cluster, folder: Path) -> Path:
    """Install the operator's identity as deploy/ ships it, and write a kubeconfig that holds its token alone."""
    rendered = cluster.kubectl("kustomize", str(BASE)).stdout
    documents = [doc for doc in yaml.safe_load_all(rendered) if doc["kind"] in IDENTITY_KINDS]
    documents.sort(key=lambda doc: IDENTITY_KINDS.index(doc["kind"]))
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(documents))
    token = cluster.kubectl(
        "create", "token", OPERATOR_ACCOUNT, "-n", OPERATOR_NAMESPACE, "--duration=6h"
    ).stdout.strip()
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"] = [{"name": "operator", "user": {"token": token}}]
    for context in config["contexts"]:
        context["context"]["user"] = "operator"
    path = folder / "operator.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    return path


class OperatorProcess:
    """`packhouse operator` as a process of its own, which can be killed and started again."""

    def __init__(self, kubeconfig: Path, folder: Path, **variables: str) -> None:
        """`variables` are settings, by the field's name: `reconcile_workers="4"`."""
        self.folder = folder
        self.log = folder / "operator.log"
        self._kubeconfig = kubeconfig
        self._variables = {
            "PACKHOUSE_CACHE_DIR": str(folder / "cache"),
            "PACKHOUSE_BACKOFF_MOST_SECONDS": "5",
            **{f"PACKHOUSE_{name.upper()}": value for name, value in variables.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the operator was not started"
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it knows the catalogue."""
        known = self.log.read_text().count("the catalogue is known") if self.log.exists() else 0
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self._kubeconfig),
            **self._variables,
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "packhouse.cli.main", "operator"], env=environment, stdout=log, stderr=log
            )
        wait_until(
            "the operator knows the catalogue",
            lambda: (
                self._process is not None
                and self._process.poll() is None
                and self.log.read_text().count("the catalogue is known") > known
            ),
            seconds=60,
        )

    def kill(self) -> None:
        """SIGKILL: no chance to clean up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=20)
        self._process = None


class Lab:
    """What a test does as a user: publish bundles, apply objects, look at them."""

    def __init__(self, cluster: Cluster, registry_host: str) -> None:
        self.cluster = cluster
        self.registry_host = registry_host

    # ---- bundles -----------------------------------------------------------------------------------------

    def push(self, repository: str, files: Mapping[str, str], tag: str = "latest", **login: str) -> str:
        """Push `files` as a bundle to `repository` of the test registry; the reference with its digest."""
        image = f"{self.registry_host}/{repository}"
        credentials = Credentials(login["username"], login["password"]) if login else None
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            digest = asyncio.run(push_bundle(Path(folder), f"{image}:{tag}", credentials, Settings()))
        return f"{image}@{digest}"

    def publish(self, repository: str, documents: Sequence[Json | str], tag: str = "latest") -> str:
        """Push a repository bundle of these catalogue documents (texts are taken as they are); its tagged image."""
        files = {
            f"packages/{number:03}.yaml": doc if isinstance(doc, str) else yaml.safe_dump(doc, sort_keys=False)
            for number, doc in enumerate(documents)
        }
        self.push(repository, files, tag)
        return f"{self.registry_host}/{repository}:{tag}"

    # ---- objects -----------------------------------------------------------------------------------------

    def apply(self, *objects: Json | str) -> None:
        """kubectl apply, as the admin."""
        text = "\n---\n".join(obj if isinstance(obj, str) else yaml.safe_dump(obj) for obj in objects)
        self.cluster.kubectl("apply", "-f", "-", input=text)

    def get(self, kind: str, name: str, namespace: str = "") -> Json | None:
        where = ["-n", namespace] if namespace else []
        done = self.cluster.kubectl("get", kind, name, *where, "-o", "json", "--ignore-not-found")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def list(self, kind: str, namespace: str = "", selector: str = "") -> list[Json]:
        where = ["-n", namespace] if namespace else []
        chosen = ["-l", selector] if selector else []
        items: list[Json] = json.loads(self.cluster.kubectl("get", kind, *where, *chosen, "-o", "json").stdout)["items"]
        return items

    def delete(self, kind: str, name: str, namespace: str = "", *, wait: bool = True) -> None:
        where = ["-n", namespace] if namespace else []
        self.cluster.kubectl("delete", kind, name, *where, f"--wait={str(wait).lower()}", "--ignore-not-found")

    def patch(self, kind: str, name: str, patch: Json, namespace: str = "") -> None:
        where = ["-n", namespace] if namespace else []
        self.cluster.kubectl("patch", kind, name, *where, "--type=merge", "-p", json.dumps(patch))

    def settled(
        self,
        kind: str,
        name: str,
        namespace: str = "",
        *,
        condition: str = "ReconcileSucceeded",
        reason: str | None = None,
        seconds: float = 30.0,
        when: Callable[[Json], bool] = lambda obj: True,
    ) -> Json:
        """The object, once `condition` is True for its newest generation (and has `reason`, and `when` holds)."""
        seen: Json | None = None

        def look() -> Json | None:
            nonlocal seen
            seen = self.get(kind, name, namespace)
            if seen is None:
                return None
            found = find_condition(seen, condition)
            if found is None or found["status"] != "True":
                return None
            if found["observedGeneration"] != seen["metadata"]["generation"]:
                return None
            return seen if (reason is None or found["reason"] == reason) and when(seen) else None

        try:
            result: Json = wait_until(f"{kind} {name} has {condition}=True {reason or ''}", look, seconds)
        except AssertionError as error:
            status = json.dumps((seen or {}).get("status"), indent=1)
            raise AssertionError(f"{error}\nstatus: {status}") from None
        return result

    def gone(self, kind: str, name: str, namespace: str = "", seconds: float = 30.0) -> None:
        wait_until(f"{kind} {name} is gone", lambda: self.get(kind, name, namespace) is None, seconds)

    def poke(self, kind: str, name: str, namespace: str = "") -> None:
        """Make the operator look again now: an annotation of no meaning is changed."""
        self.patch(kind, name, {"metadata": {"annotations": {"look": str(time.monotonic_ns())}}}, namespace)

    @contextmanager
    def watching(self, kind: str, namespace: str) -> Iterator[Stream]:
        """Every change of the kind in the namespace from now on, and first what is there (which must be something)."""
        command = [kubectl_program(), f"--kubeconfig={self.cluster.kubeconfig}", "get", kind, "-n", namespace]
        command += ["--watch", "--output-watch-events", "-o", "json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        stream = Stream(kind)
        reader = threading.Thread(target=stream.read, args=(process.stdout,))
        reader.start()
        try:
            wait_until(f"the watch of {kind} has begun", lambda: stream.events)
            yield stream
        finally:
            process.kill()
            process.wait()
            reader.join(timeout=10)


@dataclass(slots=True)
class Stream:
    """The changes of one kind as the API server tells them, none left out. Filled by a thread of `Lab.watching`."""

    kind: str
    events: list[tuple[str, Json]] = field(default_factory=list)  # ADDED, MODIFIED or DELETED, and the object

    def read(self, output: Any) -> None:
        """Read the events of kubectl, one a line, until its output ends."""
        with output:
            for line in output:
                event = json.loads(line)
                self.events.append((event["type"], event["object"]))

    def now(self) -> dict[str, Json]:
        """What there is after all events so far, by name."""
        found: dict[str, Json] = {}
        for kind, obj in list(self.events):
            name = obj["metadata"]["name"]
            if kind == "DELETED":
                found.pop(name, None)
            else:
                found[name] = obj
        return found


def find_condition(obj: Json, kind: str) -> Json | None:
    """The condition of that type in an object's status."""
    found = (obj.get("status") or {}).get("conditions") or []
    return next((condition for condition in found if condition["type"] == kind), None)


def package(public_name: str, version: str, image: str | None = None, **app: Any) -> Json:
    """A Package document; `app` replaces parts of template.spec, `valuesSchema=` and `annotations=` their own."""
    values_schema, annotations = app.pop("valuesSchema", None), app.pop("annotations", None)
    metadata: Json = {"name": f"{public_name}.{version.lower().replace('+', '--')}"}
    if annotations:
        metadata["annotations"] = annotations
    steps: Json = {
        "fetch": [{"imgpkgBundle": {"image": image}}],
        "template": [{"jinja2": {}}],
        "deploy": [{"kapp": {}}],
        **app,
    }
    spec: Json = {"publicName": public_name, "version": version, "template": {"spec": steps}}
    if values_schema is not None:
        spec["valuesSchema"] = {"openAPIv3": values_schema}
    return {"apiVersion": PACKAGE_API, "kind": "Package", "metadata": metadata, "spec": spec}


def inline(files: Mapping[str, str]) -> list[Json]:
    """A fetch stage that needs no registry."""
    return [{"inline": {"paths": dict(files)}}]


def repository(name: str, image: str, **spec: Any) -> Json:
    """A PackageRepository that follows `image`."""
    return {
        "apiVersion": INSTALL_API,
        "kind": "PackageRepository",
        "metadata": {"name": name},
        "spec": {"fetch": {"imgpkgBundle": {"image": image}}, "syncPeriod": "30s", **spec},
    }


def install(
    name: str,
    namespace: str,
    public_name: str,
    *,
    version: str | None = None,
    constraint: str | None = None,
    account: str = "installer",
    values: Sequence[str] = (),
    **spec: Any,
) -> Json:
    """An InstalledPackage; `spec` adds or replaces fields of its spec."""
    reference: Json = {"publicName": public_name}
    if version is not None:
        reference["version"] = version
    if constraint is not None:
        reference["versionSelection"] = {"constraint": constraint}
    reference |= spec.pop("packageRef", {})
    whole: Json = {"serviceAccountName": account, "packageRef": reference, **spec}
    if values:
        whole["values"] = [{"secretRef": {"name": secret}} for secret in values]
    return {
        "apiVersion": INSTALL_API,
        "kind": "InstalledPackage",
        "metadata": {"name": name, "namespace": namespace},
        "spec": whole,
    }


def account(namespace: str, name: str = "installer", rules: Sequence[Json] | None = None) -> list[Json]:
    """A service account with a Role in its namespace: by default everything there."""
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    meta = {"name": name, "namespace": namespace}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "Role",
            "metadata": meta,
            "rules": everything if rules is None else list(rules),
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    ]


def cluster_rights(name: str, namespace: str, rules: Sequence[Json], account_name: str = "installer") -> list[Json]:
    """A ClusterRole with `rules`, bound to the service account."""
    return [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": f"{name}-rights"},
            "rules": list(rules),
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": f"{name}-rights"},
            "subjects": [{"kind": "ServiceAccount", "name": account_name, "namespace": namespace}],
        },
    ]


def secret(namespace: str, name: str, **texts: str) -> Json:
    """A Secret; each keyword is a key (`values_yml` becomes `values.yml`)."""
    data = {key.replace("_", "."): text for key, text in texts.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "stringData": data,
    }


def config_map_template(name: str, body: str) -> str:
    """A jinja2 template of a ConfigMap; `body` is its data, indented by two."""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{body}"
