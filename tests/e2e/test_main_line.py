"""The main line: a bundle becomes Packages; an install resolves, renders, applies, follows, and leaves no trace."""

from __future__ import annotations

import json

from lab import (
    RBAC,
    Lab,
    cluster_rights,
    config_map_template,
    find_condition,
    inline,
    install,
    package,
    repository,
    secret,
    wait_until,
)

CONFIG = config_map_template("web", "  greeting: {{ values.greeting }}\n  version: {{ package.version }}\n")
SCHEMA = {"type": "object", "properties": {"greeting": {"type": "string", "default": "hello"}}}


def publish(lab: Lab, word: str, *versions: str) -> str:
    bundle = lab.push(f"{word}/bundle", {"config/web.yaml": CONFIG})
    return lab.publish(
        f"{word}/repo", [package(f"{word}.example.com", version, bundle, valuesSchema=SCHEMA) for version in versions]
    )


def test_a_bundle_becomes_packages_and_an_install_of_one_is_applied(lab: Lab, installer: str, unique: str) -> None:
    lab.apply(repository(unique, publish(lab, unique, "1.0.0", "1.1.0", "2.0.0-rc.1")))
    lab.settled("pkgr", unique)
    lab.apply(install("web", installer, f"{unique}.example.com", constraint=">=1.0.0"))

    done = lab.settled("ipkg", "web", installer)

    applied = lab.get("configmap", "web", installer)
    assert applied is not None
    assert applied["data"] == {"greeting": "hello", "version": "1.1.0"}
    assert done["status"]["version"] == "1.1.0"
    reference = done["status"]["packageRef"]
    assert (reference["name"], reference["repository"]) == (f"{unique}.example.com.1.1.0", unique)
    assert [entry["ref"] for entry in done["status"]["inventory"]] == [f"v1/ConfigMap/{installer}/web"]
    ready = find_condition(done, "Ready")
    assert ready is not None
    assert ready["status"] == "True"


def test_a_newer_package_is_installed_without_anybody_asking(lab: Lab, installer: str, unique: str) -> None:
    lab.apply(repository(unique, publish(lab, unique, "1.0.0")))
    lab.apply(install("web", installer, f"{unique}.example.com", constraint=">=1.0.0"))
    lab.settled("ipkg", "web", installer)

    publish(lab, unique, "1.0.0", "1.2.0")
    lab.patch("pkgr", unique, {"metadata": {"annotations": {"look": "again"}}})

    lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "1.2.0")


def test_changed_values_are_applied_within_two_seconds(lab: Lab, installer: str, unique: str) -> None:
    lab.apply(repository(unique, publish(lab, unique, "1.0.0")))
    lab.apply(secret(installer, "values", values_yml="greeting: first"))
    lab.apply(install("web", installer, f"{unique}.example.com", version="1.0.0", values=["values"]))
    lab.settled("ipkg", "web", installer)

    lab.apply(secret(installer, "values", values_yml="greeting: second"))

    def greeting() -> bool:
        found = lab.get("configmap", "web", installer)
        return found is not None and found["data"]["greeting"] == "second"

    wait_until("the new greeting is applied", greeting, seconds=2)


def test_a_deleted_install_leaves_nothing_behind(lab: Lab, installer: str, unique: str) -> None:
    lab.apply(repository(unique, publish(lab, unique, "1.0.0")))
    lab.apply(install("web", installer, f"{unique}.example.com", version="1.0.0"))
    lab.settled("ipkg", "web", installer)

    lab.delete("ipkg", "web", installer)

    assert lab.get("configmap", "web", installer) is None


def test_a_deleted_repository_takes_its_packages_along(lab: Lab, unique: str) -> None:
    lab.apply(repository(unique, publish(lab, unique, "1.0.0", "1.1.0")))
    lab.settled("pkgr", unique)

    lab.delete("pkgr", unique)

    mine = f"install.package.carvel.dev/repository={unique}"
    assert lab.list("packages.package.carvel.dev", selector=mine) == []


def test_a_deleted_namespace_takes_its_installs_along(lab: Lab, installer: str, unique: str) -> None:
    lab.apply(repository(unique, publish(lab, unique, "1.0.0")))
    lab.apply(install("web", installer, f"{unique}.example.com", version="1.0.0"))
    lab.settled("ipkg", "web", installer)

    lab.delete("namespace", installer, wait=False)

    lab.gone("namespace", installer, seconds=60)


def test_a_deleted_namespace_is_held_while_objects_outside_of_it_cannot_be_removed(
    lab: Lab, installer: str, unique: str
) -> None:
    role = f"kind: ClusterRole\napiVersion: rbac.authorization.k8s.io/v1\nmetadata:\n  name: {unique}\nrules: []\n"
    rules = [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["*"]}]
    lab.apply(
        package(f"{unique}.example.com", "1.0.0", fetch=inline({"role.yaml": role})),
        *cluster_rights(unique, installer, rules),
        install("web", installer, f"{unique}.example.com", version="1.0.0"),
    )
    lab.settled("ipkg", "web", installer)

    lab.cluster.kubectl("delete", "clusterrolebinding", unique)
    lab.delete("namespace", installer, wait=False)

    held = lab.settled("ipkg", "web", installer, condition="DeleteFailed", reason="NamespaceTerminating", seconds=60)
    assert f"ClusterRole {unique}" in held["status"]["usefulErrorMessage"]
    assert lab.get("clusterrole", unique) is not None
    lab.delete("clusterrole", unique)
    lab.patch("ipkg", "web", {"spec": {"noopDelete": True}}, installer)
    lab.gone("namespace", installer, seconds=60)


def test_what_rests_on_another_object_of_the_package_is_not_refused_before_that_one_is_there(
    lab: Lab, installer: str, unique: str
) -> None:
    meta = "metadata:\n  name: app\n"
    subject = f"subjects:\n- kind: ServiceAccount\n  name: app\n  namespace: {installer}\n"
    files = {
        "account.yaml": f"apiVersion: v1\nkind: ServiceAccount\n{meta}",
        "role.yaml": f"apiVersion: {RBAC}/v1\nkind: Role\n{meta}rules: []\n",
        "binding.yaml": f"apiVersion: {RBAC}/v1\nkind: RoleBinding\n{meta}{subject}"
        f"roleRef:\n  apiGroup: {RBAC}\n  kind: Role\n  name: app\n",
        "pod.yaml": f"apiVersion: v1\nkind: Pod\n{meta}spec:\n  serviceAccountName: app\n"
        "  containers:\n  - name: app\n    image: registry.example.com/app:1\n",
    }
    lab.apply(
        package(f"{unique}.example.com", "1.0.0", fetch=inline(files)),
        install("web", installer, f"{unique}.example.com", version="1.0.0"),
    )

    done = lab.settled("ipkg", "web", installer)

    kinds = [entry["ref"].split("/")[-3] for entry in done["status"]["inventory"]]
    assert sorted(kinds) == ["Pod", "Role", "RoleBinding", "ServiceAccount"]


def test_an_upgrade_may_widen_a_definition_and_use_what_it_allows(lab: Lab, installer: str, unique: str) -> None:
    def files(*sizes: str) -> dict[str, str]:
        group = f"{unique}.example.com"
        schema = {"type": "object", "properties": {"size": {"type": "string", "enum": list(sizes)}}}
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"boxes.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"plural": "boxes", "kind": "Box"},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
            },
        }
        box = {"apiVersion": f"{group}/v1", "kind": "Box", "metadata": {"name": "box"}, "size": sizes[-1]}
        return {"crd.yaml": json.dumps(definition), "box.yaml": json.dumps(box)}

    rules = [{"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["*"]}]
    lab.apply(
        *cluster_rights(unique, installer, rules),
        package(f"{unique}.example.com", "1.0.0", fetch=inline(files("small"))),
        install("web", installer, f"{unique}.example.com", constraint="*"),
    )
    lab.settled("ipkg", "web", installer)

    lab.apply(package(f"{unique}.example.com", "1.1.0", fetch=inline(files("small", "large"))))

    lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "1.1.0")
    box = lab.get(f"boxes.{unique}.example.com", "box", installer)
    assert box is not None
    assert box["size"] == "large"
    lab.delete("ipkg", "web", installer)
