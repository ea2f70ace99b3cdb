"""In whose name: what a package holds is read and written by its install's service account, never by the operator.

The operator's own process is used where the outcome counts, and its adapters in this process where one request does.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cluster.audit import AuditLog, writes
from cluster.registry import LocalRegistry
from lab import OPERATOR_USER, Json, Lab, account, config_map_template, inline, install, package
from packhouse.adapters import connection
from packhouse.connected import connected
from packhouse.ports import Cluster
from packhouse.settings import Settings

CONFIG = config_map_template("web", "  says: hello\n")
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


def rule(resources: str, *verbs: str, group: str = "") -> Json:
    return {"apiGroups": [group], "resources": [resources], "verbs": list(verbs)}


CONFIG_MAPS = rule("configmaps", "*")


@pytest.fixture
def packages(lab: Lab, unique: str) -> Iterator[str]:
    """The public name under which a test makes Packages by hand; all of them are gone afterwards."""
    name = f"{unique}.example.com"
    yield name
    for obj in lab.list("packages.package.carvel.dev"):
        if obj["spec"]["publicName"] == name:
            lab.delete("packages.package.carvel.dev", obj["metadata"]["name"])


async def user_of(cluster: Cluster) -> Json:
    answer = await cluster.create(REVIEW)
    assert answer is not None
    user: Json = answer["status"]["userInfo"]
    return user


# ---- the adapters ----------------------------------------------------------------------------------------


async def test_the_api_server_sees_the_service_account_and_the_operator_apart(
    operator_config: Path, installer: str
) -> None:
    async with connected(Settings(), kubeconfig=str(operator_config)) as link:
        install_user = await user_of(link.identities.of(installer, "installer"))
        operator_user = await user_of(link.cluster)

    assert install_user["username"] == f"system:serviceaccount:{installer}:installer"
    assert operator_user["username"] == OPERATOR_USER


async def test_two_service_accounts_on_the_same_connections_stay_two(
    operator_config: Path, lab: Lab, installer: str
) -> None:
    lab.apply(*account(installer, "other"))
    async with connected(Settings(), kubeconfig=str(operator_config)) as link:
        actors = [link.identities.of(installer, name) for name in ("installer", "other")] * 10
        users = await asyncio.gather(*(user_of(actor) for actor in actors))

    assert [user["username"].rpartition(":")[2] for user in users] == ["installer", "other"] * 10


async def test_a_service_account_that_was_made_anew_is_used_without_a_failure(
    operator_config: Path, lab: Lab, installer: str
) -> None:
    """The API server remembers a good token for some seconds; then the old one gets 401, and a new one is asked for."""
    async with connected(Settings(), kubeconfig=str(operator_config)) as link:
        actor = link.identities.of(installer, "installer")
        before = (await user_of(actor))["uid"]
        lab.delete("serviceaccount", "installer", installer)
        lab.apply(*account(installer))
        made = lab.get("serviceaccount", "installer", installer)
        assert made is not None

        async with asyncio.timeout(40):
            while (seen := (await user_of(actor))["uid"]) == before:
                await asyncio.sleep(0.5)

    assert seen == made["metadata"]["uid"]


#: What the server below says, by path.
ANSWERS = {
    "/api/v1": {"resources": [{"name": "serviceaccounts", "kind": "ServiceAccount", "namespaced": True}]},
    "/apis/authentication.k8s.io/v1": {
        "resources": [{"name": "selfsubjectreviews", "kind": "SelfSubjectReview", "namespaced": False}]
    },
    "/api/v1/namespaces/demo/serviceaccounts/installer/token": {"status": {"token": "the-token-of-the-account"}},
    "/apis/authentication.k8s.io/v1/selfsubjectreviews": {"status": {"userInfo": {}}},
}


@dataclass
class Impostor:
    """An API server that asks its callers for certificates, and notes who presented one beside which header."""

    certificate: Path
    key: Path
    calls: list[tuple[str, bool, str]] = field(default_factory=list)  # path, certificate presented, Authorization
    port: int = 0

    def kubeconfig(self, folder: Path) -> Path:
        def data(path: Path) -> str:
            return base64.b64encode(path.read_bytes()).decode()

        server = {"server": f"https://127.0.0.1:{self.port}", "certificate-authority-data": data(self.certificate)}
        user = {"client-certificate-data": data(self.certificate), "client-key-data": data(self.key)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "it", "cluster": server}],
            "users": [{"name": "admin", "user": user}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "admin"}}],
            "current-context": "it",
        }
        path = folder / "kubeconfig"
        path.write_text(json.dumps(config))
        return path


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[Impostor]:
    certificate, key = tmp_path / "both.crt", tmp_path / "both.key"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=admin"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made.split(), *names], check=True, capture_output=True, timeout=30)
    server = Impostor(certificate, key)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            presented = bool(self.connection.getpeercert())  # type: ignore[attr-defined]
            server.calls.append((self.path, presented, self.headers.get("Authorization") or ""))
            body = json.dumps(ANSWERS.get(self.path, {})).encode()
            self.send_response(200 if self.path in ANSWERS else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_OPTIONAL
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    server.port = listener.server_address[1]
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    yield server
    listener.shutdown()
    listener.server_close()
    thread.join(timeout=10)


async def test_an_operator_with_a_certificate_shows_it_for_itself_and_never_for_an_install(
    impostor: Impostor, tmp_path: Path
) -> None:
    async with connected(Settings(), kubeconfig=str(impostor.kubeconfig(tmp_path))) as link:
        await link.identities.of("demo", "installer").create(REVIEW)
        await link.cluster.create(REVIEW)

    reviews = [call[1:] for call in impostor.calls if call[0].endswith("/selfsubjectreviews")]
    assert reviews == [(False, "Bearer the-token-of-the-account"), (True, "")]
    assert {call[1] for call in impostor.calls if call[0].endswith("/token")} == {True}


async def test_nothing_that_identifies_anybody_is_left_without_credentials(impostor: Impostor, tmp_path: Path) -> None:
    configuration = await connection.load(str(impostor.kubeconfig(tmp_path)))
    configuration.api_key = {"BearerToken": "secret-token"}
    configuration.username, configuration.password = "admin", "secret-password"

    bare = connection.without_credentials(configuration)

    assert (bare.cert_file, bare.key_file, bare.username, bare.password) == (None, None, None, None)
    assert (bare.api_key, bare.refresh_api_key_hook) == ({}, None)
    assert await connection.authorization(bare) is None
    assert (bare.host, bare.ssl_ca_cert) == (configuration.host, configuration.ssl_ca_cert)
    assert configuration.cert_file is not None, "the operator's own stays as it was"


# ---- the operator ----------------------------------------------------------------------------------------


def test_what_an_install_applies_and_deletes_is_written_by_its_service_account_alone(
    lab: Lab, installer: str, packages: str, audit: AuditLog
) -> None:
    position = audit.position()
    lab.apply(package(packages, "1.0.0", fetch=inline({"web.yaml": CONFIG})))
    lab.apply(install("web", installer, packages, version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    lab.delete("ipkg", "web", installer)

    done = [call for call in writes(audit.since(position)) if (call.namespace, call.name) == (installer, "web")]
    applied = [(call.user, call.verb) for call in done if call.resource == "configmaps"]
    account_user = f"system:serviceaccount:{installer}:installer"
    assert applied == [(account_user, "patch"), (account_user, "delete")]
    own = {call.resource for call in done if call.user == OPERATOR_USER}
    assert own == {"installedpackages", "installedpackages/status"}


def test_rights_that_only_the_operator_has_help_no_install(
    lab: Lab, namespace: str, packages: str, audit: AuditLog
) -> None:
    """The operator itself may create every PackageMetadata; the account may not."""
    contraband = {
        "apiVersion": "package.carvel.dev/v1alpha1",
        "kind": "PackageMetadata",
        "metadata": {"name": packages},
        "spec": {"displayName": "smuggled"},
    }
    lab.apply(*account(namespace, rules=[CONFIG_MAPS]))
    lab.apply(package(packages, "1.0.0", fetch=inline({"web.yaml": CONFIG, "meta.yaml": json.dumps(contraband)})))
    lab.apply(install("web", namespace, packages, version="1.0.0"))

    told = lab.settled("ipkg", "web", namespace, condition="ReconcileFailed", reason="Forbidden")

    assert "packagemetadatas" in told["status"]["usefulErrorMessage"]
    assert lab.get("packagemetadatas.package.carvel.dev", packages) is None
    assert lab.get("configmap", "web", namespace) is None, "nothing is applied by half"


def test_an_account_reaches_no_other_namespace(lab: Lab, installer: str, packages: str) -> None:
    there = CONFIG.replace("  name: web\n", "  name: web\n  namespace: default\n")
    lab.apply(package(packages, "1.0.0", fetch=inline({"web.yaml": there})))
    lab.apply(install("web", installer, packages, version="1.0.0"))

    lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="Forbidden")

    assert lab.get("configmap", "web", "default") is None


def test_an_install_without_rights_is_helped_by_granting_them(lab: Lab, namespace: str, packages: str) -> None:
    lab.apply(*account(namespace, rules=[rule("configmaps", "get")]))
    lab.apply(package(packages, "1.0.0", fetch=inline({"web.yaml": CONFIG})))
    lab.apply(install("web", namespace, packages, version="1.0.0"))
    told = lab.settled("ipkg", "web", namespace, condition="ReconcileFailed", reason="Forbidden")
    assert "resources: [configmaps]" in told["status"]["usefulErrorMessage"], "the lever is named"

    lab.apply(*account(namespace, rules=[CONFIG_MAPS]))

    lab.settled("ipkg", "web", namespace)


def test_a_missing_account_is_named_and_its_arrival_is_enough(lab: Lab, namespace: str, packages: str) -> None:
    lab.apply(package(packages, "1.0.0", fetch=inline({"web.yaml": CONFIG})))
    lab.apply(install("web", namespace, packages, version="1.0.0"))
    told = lab.settled("ipkg", "web", namespace, condition="ReconcileFailed", reason="ServiceAccountMissing")
    assert f"{namespace}/installer" in told["status"]["usefulErrorMessage"]

    lab.apply(*account(namespace))

    lab.settled("ipkg", "web", namespace)


def test_the_secret_of_a_fetch_is_read_by_the_service_account(
    lab: Lab, namespace: str, packages: str, auth_registry: LocalRegistry, audit: AuditLog
) -> None:
    login = {"username": auth_registry.username or "", "password": auth_registry.password or ""}
    private = Lab(lab.cluster, auth_registry.host).push(f"{packages}/private", {"web.yaml": CONFIG}, **login)
    step = {"imgpkgBundle": {"image": private, "secretRef": {"name": "regcred"}}}
    lab.apply(package(packages, "1.0.0", fetch=[step]))
    regcred = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "regcred", "namespace": namespace}}
    lab.apply({**regcred, "stringData": login})
    position = audit.position()

    lab.apply(*account(namespace, rules=[CONFIG_MAPS]))
    lab.apply(install("web", namespace, packages, version="1.0.0"))
    told = lab.settled("ipkg", "web", namespace, condition="ReconcileFailed", reason="Forbidden")
    assert 'resources ["secrets"]' in told["status"]["usefulErrorMessage"]

    lab.apply(*account(namespace, rules=[CONFIG_MAPS, rule("secrets", "get")]))
    lab.settled("ipkg", "web", namespace)

    readers = {
        call.user
        for call in audit.since(position)
        if (call.namespace, call.name, call.verb) == (namespace, "regcred", "get") and call.user != "admin"
    }
    assert readers == {f"system:serviceaccount:{namespace}:installer"}
