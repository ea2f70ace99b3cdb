"""Rights as they are shown to whoever is asked to give them."""

from __future__ import annotations

from packhouse.cli.rights import shown, table
from packhouse.client.account import Grant
from packhouse.domain.rights import Right, Rule, singled

ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web-installer", "namespace": "demo"}}


def rights(namespace: str, verbs: str, resources: str, *names: str, group: str = "") -> list[Right]:
    whole = Rule(tuple(verbs.split()), (group,), tuple(resources.split()), names)
    return [Right(namespace, single) for single in singled(whole)]


def test_what_the_objects_need_and_what_roles_of_the_package_hold_stand_apart() -> None:
    own = [*rights("demo", "get create", "configmaps services", "web"), *rights("", "get", "namespaces", "new")]
    held = rights("", "list", "pods nodes", group="metrics.k8s.io")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}
    assert shown(Grant(ACCOUNT, [namespace, ACCOUNT], [*own, *held], held)).splitlines() == [
        "To be made: service account demo/web-installer, and the namespace new, which the package brings, so that its "
        "rights end there.",
        "It needs for the objects of the package:",
        "  WHERE     VERBS         RESOURCES              NAMES",
        "  demo      create, get   configmaps, services   web",
        "  cluster   get           namespaces             new",
        "",
        "And these, since roles of the package hold them, and nobody gives away what he does not hold:",
        "  WHERE     VERBS   RESOURCES                      NAMES",
        "  cluster   list    nodes, pods (metrics.k8s.io)   (any)",
    ]


def test_long_rules_take_several_lines_and_very_many_names_are_counted() -> None:
    names = [f"some-object-with-a-long-name-{number:02}" for number in range(20)]
    lines = table(rights("demo", "get", "configmaps", *names)).splitlines()
    assert lines[1].split() == ["demo", "get", "configmaps", "some-object-with-a-long-name-00,"]
    assert lines[2].split() == ["some-object-with-a-long-name-01,"]
    assert lines[-1].split() == ["some-object-with-a-long-name-11", "and", "8", "more"]
    assert max(map(len, lines)) < 120
    [everything] = table(rights("", "*", "*", group="*")).splitlines()[1:]
    assert everything.split() == ["cluster", "*", "*", "(any", "group)", "(any)"]


def test_urls_have_no_names() -> None:
    lines = table([Right("", Rule(("get",), urls=("/metrics",)))]).splitlines()
    assert lines[1].split() == ["cluster", "get", "/metrics", "(URLs)"]
