"""A kbld step with `resolve`, and the terms that a package inherits from its repository, on a real cluster.

Real: the registries, the operator's process, its renderer. In front of one registry stands a door that the test shuts
(lab_door.py). Asserted: what runs in the cluster, what status records, what the registry was asked.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from cluster.registry import LocalRegistry
from lab import Json, Lab, config_map_template, find_condition, inline, install, package, repository, secret, wait_until
from lab_door import door_to


def images_of(lab: Lab, namespace: str) -> list[str]:
    found = lab.get("deployment", "web", namespace)
    return [] if found is None else [one["image"] for one in found["spec"]["template"]["spec"]["containers"]]


def deployment(*images: str) -> str:
    obj = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": f"c{index}", "image": one} for index, one in enumerate(images)]},
            },
        },
    }
    return json.dumps(obj)


def resolving(lab: Lab, name: str, *images: str, resolve: bool = True) -> Json:
    step: Any = {"kbld": {"resolve": True}} if resolve else {"kbld": {}}
    return package(name, "1.0.0", fetch=inline({"web.yaml": deployment(*images)}), template=[{"jinja2": {}}, step])


def test_tags_become_digests_and_follow_their_tag_and_an_outage_leaves_them(
    lab: Lab, registry: LocalRegistry, installer: str, unique: str
) -> None:
    with door_to(registry.host) as door:
        behind = Lab(lab.cluster, door.host)
        first = behind.push(f"{unique}/app", {"a": "1"}, tag="1")
        name = f"{unique}.example.com"
        behind.apply(resolving(lab, name, f"{door.host}/{unique}/app:1"))
        behind.apply(install("web", installer, name, version="1.0.0", syncPeriod="1s"))
        status = behind.settled("ipkg", "web", installer)["status"]
        assert images_of(lab, installer) == [first]
        assert [entry["url"] for entry in status["template"]["images"]] == [first]

        second = behind.push(f"{unique}/app", {"a": "2"}, tag="1")
        assert first != second
        wait_until("the new digest is rolled out", lambda: images_of(lab, installer) == [second])

        door.shut()

        def is_away() -> bool:
            found = find_condition(behind.get("ipkg", "web", installer) or {}, "SourceAvailable")
            return found is not None and found["status"] == "False"

        wait_until("the outage shows", is_away)
        behind.delete("deployment", "web", installer)
        wait_until("it is back, by the digest that was known", lambda: images_of(lab, installer) == [second])
        ready = find_condition(behind.settled("ipkg", "web", installer), "Ready")
        assert ready is not None
        assert ready["status"] == "True"


def test_without_resolve_a_tag_that_nobody_can_resolve_stops_nothing(
    lab: Lab, registry: LocalRegistry, installer: str, unique: str
) -> None:
    missing = f"{registry.host}/{unique}/none:1"
    name = f"{unique}.example.com"
    lab.apply(resolving(lab, name, missing, "unknown.invalid/x:1", resolve=False))
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    assert images_of(lab, installer) == [missing, "unknown.invalid/x:1"]
    assert re.findall(rf"/v2/{unique}/none/", registry.log.read_text()) == []


def test_the_pull_secrets_of_the_service_account_open_a_private_registry(
    lab: Lab, auth_registry: LocalRegistry, installer: str, unique: str
) -> None:
    login = {"username": str(auth_registry.username), "password": str(auth_registry.password)}
    private = Lab(lab.cluster, auth_registry.host)
    files = {"web.yaml": config_map_template("web", "  a: b\n")}
    bundle = private.push(f"{unique}/bundle", files, **login)
    name = f"{unique}.example.com"
    lab.apply(package(name, "1.0.0", bundle), install("web", installer, name, version="1.0.0"))
    refused = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="AuthenticationFailed")
    assert auth_registry.host in refused["status"]["usefulErrorMessage"]

    config = json.dumps({"auths": {auth_registry.host: login}})
    lab.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": "regcred", "namespace": installer},
            "data": {".dockerconfigjson": base64.b64encode(config.encode()).decode()},
        }
    )
    lab.patch("serviceaccount", "installer", {"imagePullSecrets": [{"name": "regcred"}]}, installer)
    lab.settled("ipkg", "web", installer, seconds=40)
    assert lab.get("configmap", "web", installer) is not None


def test_a_key_of_a_repository_that_is_no_key_is_told_on_its_installs_too(
    lab: Lab, installer: str, unique: str
) -> None:
    name = f"{unique}.example.com"
    lab.apply(secret("packhouse-system", f"{unique}-key", cosign_pub="no key"))
    bundle = lab.push(f"{unique}/bundle", {"web.yaml": config_map_template("web", "  a: b\n")})
    source = lab.publish(f"{unique}/repo", [package(name, "1.0.0", bundle)])
    lab.apply(repository(unique, source))
    lab.settled("pkgr", unique)
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)

    verify = {"keys": [{"secretRef": {"name": f"{unique}-key", "key": "cosign.pub"}}]}
    lab.apply(repository(unique, source, verify=verify))

    for kind, where, namespace in (("ipkg", "web", installer), ("pkgr", unique, "")):
        failed = lab.settled(kind, where, namespace, condition="ReconcileFailed", reason="InvalidSpec")
        assert f"{unique}-key" in failed["status"]["usefulErrorMessage"]
    assert lab.get("configmap", "web", installer) is not None
    lab.delete("pkgr", unique, wait=False)
