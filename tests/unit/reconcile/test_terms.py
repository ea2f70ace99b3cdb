"""What a repository demands of its packages' sources, with which credentials they are reached, and who wakes for it.

Real: reconcilers, stores, the reading of policies and keyrings, the fetch steps. Faked: the cluster, the registry, and
who signed what (fakes_sources.FakeSignatures). Asserted: what the registry was given, what status says.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from fakes_registry import _digest
from fakes_sources import FakeSignatures
from house import House, bundle, config_map, install, package, reason, repository, secret, states
from packhouse.api.errors import Forbidden
from packhouse.api.names import PACKAGE_REPOSITORY, REPOSITORY_LABEL
from packhouse.ports import Json, Kind, Proxy, Ref

IMAGE = "registry.test/web:1"
PEM = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"
OPERATOR = "packhouse-system"
VERIFY = {"keys": [{"secretRef": {"name": "cosign"}}]}


def hidden(name: str, namespace: str = OPERATOR, **data: str) -> Json:
    encoded = {key.replace("_", "."): base64.b64encode(text.encode()).decode() for key, text in data.items()}
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": encoded}


def login(name: str, user: str, namespace: str = "demo", host: str = "registry.test") -> Json:
    config = {"auths": {host: {"username": user, "password": f"{user}-password"}}}
    return hidden(name, namespace, _dockerconfigjson=json.dumps(config))


def account(*pull_secrets: str) -> Json:
    meta = {"name": "installer", "namespace": "demo"}
    entries = [{"name": name} for name in pull_secrets]
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, "imagePullSecrets": entries}


def pulled(**stanza: Any) -> Json:
    made = package(labels={REPOSITORY_LABEL: "main"})
    made["spec"]["template"]["spec"]["fetch"] = [{"image": {"url": IMAGE, **stanza}}]
    return made


def signatures(house: House) -> FakeSignatures:
    found = house.world.origins.signatures
    assert isinstance(found, FakeSignatures)
    return found


async def sign(house: House) -> None:
    """The image is signed from now on."""
    by_digest = f"registry.test/web@{_digest(house.registry.images[IMAGE])}"
    signatures(house).signed = {by_digest: "Secret packhouse-system/cosign key cosign.pub"}


@pytest.fixture
async def town(house: House) -> House:
    """An image, and a Package of the repository main that names it."""
    house.registry.images[IMAGE] = {"web.yaml": config_map("web", "1").encode()}
    await house.apply(pulled(), hidden("cosign", cosign_pub=PEM))
    return house


# ---- signatures --------------------------------------------------------------------------------------------


async def test_what_a_repository_demands_counts_for_the_sources_of_its_packages(town: House) -> None:
    await town.apply(repository(verify=VERIFY, paused=True), install())
    status = await town.settle()
    assert reason(status) == "SignatureInvalid"
    assert "PackageRepository main" in status["usefulErrorMessage"]
    assert states(status)["SourceAvailable"] == "True"
    assert await town.data("web") is None

    await sign(town)
    await town.reconcile()

    status = await town.status()
    assert states(status)["Ready"] == "True"
    assert status["fetch"]["sources"][0]["verifiedBy"] == "Secret packhouse-system/cosign key cosign.pub"


async def test_a_package_made_by_hand_is_asked_for_nothing(town: House) -> None:
    made = pulled()
    made["metadata"]["labels"] = {REPOSITORY_LABEL: None}
    await town.apply(repository(verify=VERIFY, paused=True), {**made, "metadata": {"name": made["metadata"]["name"]}})
    await town.apply(install())
    assert states(await town.settle())["Ready"] == "True"
    assert signatures(town).asked == []


async def test_a_repository_that_the_watch_has_not_told_of_is_asked_for(town: House) -> None:
    """At a start installs may be looked at before repositories are known: their terms are not left to chance."""
    await town.apply(repository(verify=VERIFY, paused=True), install())
    town.hear()
    town.stores.repositories.drop(("", "main"))
    await town.settle()
    assert reason(await town.status()) == "SignatureInvalid"


@pytest.mark.parametrize("followed", ["", "gone"])
async def test_a_status_that_names_another_repository_frees_nobody_of_signatures(town: House, followed: str) -> None:
    await town.apply(repository(paused=True), install())
    await town.settle()
    ref = Ref(Kind("install.package.carvel.dev", "v1alpha1", "InstalledPackage"), "demo", "web")
    await town.cluster.patch(ref, [{"op": "replace", "path": "/status/packageRef/repository", "value": followed}])
    await town.apply(repository(paused=True, verify=VERIFY))
    await town.reconcile()
    assert reason(await town.status()) == "SignatureInvalid"


async def test_a_policy_that_comes_later_is_held_against_what_is_installed(town: House) -> None:
    await town.apply(repository(paused=True), install())
    assert states(await town.settle())["Ready"] == "True"
    town.woken.since()

    await town.apply(repository(paused=True, verify=VERIFY))
    town.hear()
    assert "web" in town.woken.since()
    await town.reconcile()

    assert reason(await town.status()) == "SignatureInvalid"
    assert await town.data("web") == {"text": "1"}, "what runs keeps running"


async def test_a_changed_key_wakes_the_repository_and_its_installs_and_is_read_anew(town: House) -> None:
    await sign(town)
    await town.apply(repository(verify=VERIFY, paused=True), install(), install("other"))
    await town.settle()
    town.woken.since()

    await town.apply(hidden("cosign", cosign_pub=PEM.replace("MFkw", "AAAA")))
    town.hear()

    assert town.woken.since() == {"main", "web"}
    reads = town.cluster.reads
    jobs = len(town.renderer.jobs)
    await town.reconcile()
    assert len(town.renderer.jobs) == jobs + 1, "what was verified by the old key is verified anew"
    await town.reconcile()
    await town.reconcile()
    assert town.cluster.reads < reads + 25


@pytest.mark.parametrize(
    ("spec", "objects", "why", "named"),
    [
        pytest.param({"verify": {"keys": [{"secretRef": {"name": "no"}}]}}, [], "SecretMissing", "no", id="no key"),
        pytest.param({"certSecretRef": {"name": "no"}}, [], "SecretMissing", "no", id="no authorities"),
        pytest.param(
            {"certSecretRef": {"name": "ca"}}, [hidden("ca", tls_crt="x")], "InvalidSpec", "ca.crt", id="another key"
        ),
        pytest.param(
            {"proxySecretRef": {"name": "p"}},
            [hidden("p", address="http://user:secret@proxy:1")],
            "InvalidSpec",
            "key address",
            id="a proxy with a password in its address",
        ),
        pytest.param(
            {"proxySecretRef": {"name": "p"}}, [hidden("p", address="socks5://p")], "InvalidSpec", "http://", id="socks"
        ),
    ],
)
async def test_terms_that_cannot_be_read_are_told_on_both(
    town: House, spec: Json, objects: list[Json], why: str, named: str
) -> None:
    await town.define()
    await town.apply(repository(**spec), install(), *objects)
    for name, kind in (("web", "InstalledPackage"), ("main", PACKAGE_REPOSITORY)):
        status = await town.settle(name, kind)
        assert reason(status) == why, status
        assert named in status["usefulErrorMessage"]
        assert "secret@" not in status["usefulErrorMessage"]


async def test_authorities_and_proxy_of_a_repository_reach_its_registry_and_those_of_its_packages(town: House) -> None:
    await town.define()
    town.registry.images["registry.test/main:latest"] = bundle(package("3.0.0"))
    await town.apply(
        hidden("ca", ca_crt="PEM of ours"),
        hidden("proxy", address="http://proxy.test:3128", username="u", password="p"),
        repository(certSecretRef={"name": "ca"}, proxySecretRef={"name": "proxy"}),
        install(constraint="1.x"),
    )
    assert states(await town.settle())["Ready"] == "True"
    assert states(await town.settle("main", PACKAGE_REPOSITORY))["Ready"] == "True"
    given = {(access.ca_pem, access.proxy) for access in town.registry.accesses}
    assert given == {("PEM of ours", Proxy("http://proxy.test:3128", "u", "p"))}


async def test_an_install_at_rest_reads_no_terms_anew(town: House) -> None:
    await sign(town)
    await town.apply(repository(verify=VERIFY, paused=True), install())
    await town.settle()
    asked: list[str] = []
    town.cluster.refuse = lambda verb, ref: asked.append(ref.name)  # type: ignore[func-returns-value]
    await town.reconcile()
    assert "cosign" not in asked


async def test_in_an_outage_a_new_policy_still_counts(town: House) -> None:
    await town.apply(repository(paused=True), install())
    await town.settle()
    await town.apply(repository(paused=True, verify=VERIFY))
    town.registry.images = {}  # no tag is found any more
    await town.reconcile()
    assert reason(await town.status()) == "SignatureInvalid"


# ---- credentials -------------------------------------------------------------------------------------------


async def test_the_pull_secrets_of_the_service_account_are_tried_after_the_steps_own(town: House) -> None:
    town.registry.passwords = {"second": "second-password"}
    await town.apply(
        pulled(secretRef={"name": "own"}),
        account("absent", "one", "two"),
        login("own", "first"),
        login("one", "second"),
        login("two", "third", host="other.test"),
        install(),
    )
    assert states(await town.settle())["Ready"] == "True"
    access = town.registry.accesses[-1]
    assert [one.source for one in access.credentials] == ["Secret demo/own", "Secret demo/one"]
    assert "Secret demo/absent (which does not exist)" in access.hint
    assert "Secret demo/two holds credentials for other.test only" in access.hint


async def test_a_refusal_names_the_secrets_and_wakes_when_one_of_them_is_mended(town: House) -> None:
    town.registry.passwords = {"right": "right-password"}
    await town.apply(account("regcred"), login("regcred", "wrong"), install())
    status = await town.settle()
    assert reason(status) == "AuthenticationFailed"
    assert "Secret demo/regcred" in status["usefulErrorMessage"]
    assert "wrong-password" not in json.dumps(status)
    town.woken.since()

    await town.apply(login("regcred", "right"))
    town.hear()
    assert town.woken.since() == {"web"}
    await town.reconcile()
    assert states(await town.status())["Ready"] == "True"


@pytest.mark.parametrize("kind", ["ServiceAccount", "Secret"])
async def test_what_an_account_may_not_read_is_not_used(town: House, kind: str) -> None:
    await town.apply(account("regcred"), login("regcred", "right"), install())
    town.cluster.refuse = lambda verb, ref: Forbidden("no") if verb == "get" and ref.kind.kind == kind else None
    assert states(await town.settle())["Ready"] == "True"
    assert town.registry.accesses[-1].credentials == ()


async def test_a_user_and_a_password_alone_are_no_pull_secret(town: House) -> None:
    """They would be shown to every registry that a package names."""
    await town.apply(account("user"), hidden("user", "demo", username="u", password="p"), install())
    assert states(await town.settle())["Ready"] == "True"
    assert town.registry.accesses[-1].credentials == ()


async def test_repositories_use_the_pull_secrets_of_the_settings(tmp_path: Path) -> None:
    house = House(tmp_path, registry_secrets=("shared",))
    await house.define()
    house.registry.images["registry.test/main:latest"] = bundle(package())
    house.registry.passwords = {"all": "all-password"}
    await house.apply(login("shared", "nobody", OPERATOR), repository(), install())
    assert reason(await house.settle("main", PACKAGE_REPOSITORY)) == "AuthenticationFailed"
    house.woken.since()

    await house.apply(login("shared", "all", OPERATOR))
    house.hear()

    assert house.woken.since() == {"main"}
    await house.reconcile("main", PACKAGE_REPOSITORY)
    assert states(await house.status("main", PACKAGE_REPOSITORY))["Ready"] == "True"


async def test_a_secret_of_the_fetch_wakes_its_repository(town: House) -> None:
    await town.define()
    fetch = {"imgpkgBundle": {"image": "registry.test/main:latest", "secretRef": {"name": "own"}}}
    await town.apply(repository(fetch=fetch))
    assert reason(await town.settle("main", PACKAGE_REPOSITORY)) == "SecretMissing"
    town.woken.since()
    await town.apply(login("own", "x", OPERATOR))
    town.hear()
    assert town.woken.since() == {"main"}


async def test_a_secret_of_another_namespace_wakes_nobody(town: House) -> None:
    await town.apply(repository(verify=VERIFY, paused=True), install())
    await town.settle()
    town.woken.since()
    await town.apply(hidden("cosign", "demo", x="y"), secret("unknown", "a: b"))
    town.hear()
    assert town.woken.since() == set()
