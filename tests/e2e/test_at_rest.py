"""What is right already is left alone: requests are counted by user and verb in the API server's own audit log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from cluster.audit import AuditLog, Call, writes
from cluster.registry import LocalRegistry
from lab import (
    OPERATOR_USER,
    Json,
    Lab,
    OperatorProcess,
    config_map_template,
    install,
    package,
    repository,
    secret,
    wait_until,
)

INSTALLS = 5
PERIODS = 4
BODY = "  greeting: {{ values.greeting }}\n  version: {{ package.version }}\n"
SCHEMA = {"type": "object", "properties": {"greeting": {"type": "string", "default": "hello"}}}


def documents(lab: Lab, word: str, *versions: str) -> list[Json]:
    files = {f"config/{name}.yaml": config_map_template(f"{{{{ install.name }}}}-{name}", BODY) for name in "abc"}
    bundle = lab.push(f"{word}/bundle", files)
    return [package(f"{word}.example.com", version, bundle, valuesSchema=SCHEMA) for version in versions]


def installed(lab: Lab, namespace: str, word: str) -> list[str]:
    """Installs that look after their objects every second, all in place."""
    lab.apply(repository(word, lab.publish(f"{word}/repo", documents(lab, word, "1.0.0", "1.1.0"))))
    lab.settled("pkgr", word)
    lab.apply(secret(namespace, "values", values_yml="greeting: hi"))
    names = [f"web{number}" for number in range(INSTALLS)]
    lab.apply(
        *(
            install(name, namespace, f"{word}.example.com", constraint=">=1.0.0", values=["values"], syncPeriod="1s")
            for name in names
        )
    )
    for name in names:
        lab.settled("ipkg", name, namespace)
    return names


def about(calls: Sequence[Call], namespace: str, word: str) -> list[Call]:
    """The calls of the operator, and of service accounts of the namespace, that concern this test's objects."""
    users = (OPERATOR_USER, f"system:serviceaccount:{namespace}:")
    return [
        call for call in calls if call.user.startswith(users) and (call.namespace == namespace or word in call.name)
    ]


def table(calls: Sequence[Call]) -> str:
    counted = Counter((call.user.rpartition(":")[2], call.verb, call.resource) for call in calls)
    lines = [f"{user:12} {verb:8} {resource:44} {count:5}" for (user, verb, resource), count in sorted(counted.items())]
    return "\n".join([f"{'user':12} {'verb':8} {'resource':44} count", *lines])


def looks(calls: Sequence[Call]) -> int:
    """How often an install looked at one of its ConfigMaps."""
    return sum(call.verb == "get" and call.resource == "configmaps" for call in calls)


def wait_for_looks(audit: AuditLog, position: int, count: int, mine: Callable[[Sequence[Call]], list[Call]]) -> None:
    wait_until(f"{count} looks at objects", lambda: looks(mine(audit.since(position))) >= count)


def test_installs_at_rest_are_looked_after_without_a_write(
    lab: Lab, installer: str, unique: str, audit: AuditLog
) -> None:
    names = installed(lab, installer, unique)
    versions = {name: lab.get("ipkg", name, installer)["metadata"]["resourceVersion"] for name in names}  # type: ignore[index]
    position = audit.position()

    time.sleep(PERIODS * 1.1)

    calls = about(audit.since(position), installer, unique)
    print(f"{PERIODS} sync periods of {INSTALLS} installs with 3 objects each:\n{table(calls)}")  # noqa: T201
    assert writes(calls) == []
    assert looks(calls) >= (PERIODS - 1) * INSTALLS * 3
    after = {obj["metadata"]["name"]: obj["metadata"]["resourceVersion"] for obj in lab.list("ipkg", installer)}
    assert after == versions


def test_the_count_of_writes_sees_a_repair(lab: Lab, installer: str, unique: str, audit: AuditLog) -> None:
    """The control of the test above: what is counted there is not always zero."""
    installed(lab, installer, unique)
    position = audit.position()

    lab.delete("configmap", "web0-a", installer)
    wait_until("it is back", lambda: lab.get("configmap", "web0-a", installer))
    lab.settled("ipkg", "web0", installer)

    written = writes(about(audit.since(position), installer, unique))
    applied = [call for call in written if call.resource == "configmaps"]
    assert [(call.verb, call.name) for call in applied] == [("patch", "web0-a")]
    assert {call.resource for call in written} == {"configmaps", "installedpackages/status", "events"}


def test_a_start_of_the_operator_writes_nothing(
    lab: Lab, operator: OperatorProcess, installer: str, unique: str, audit: AuditLog
) -> None:
    installed(lab, installer, unique)
    operator.stop()
    position = audit.position()

    operator.start()

    wait_for_looks(audit, position, 2 * INSTALLS * 3, lambda calls: about(calls, installer, unique))
    calls = about(audit.since(position), installer, unique)
    print(f"a start with {INSTALLS} installs:\n{table(calls)}")  # noqa: T201
    assert writes(calls) == []


def test_a_repository_whose_digest_did_not_change_is_looked_up_and_not_written(
    lab: Lab, unique: str, audit: AuditLog, registry: LocalRegistry
) -> None:
    docs = documents(lab, unique, "1.0.0", "1.1.0")
    lab.apply(repository(unique, lab.publish(f"{unique}/repo", docs)))
    before = lab.settled("pkgr", unique)
    lab.publish(f"{unique}/repo", docs)  # the same content gives the same digest
    position, asked = audit.position(), lookups(registry, unique)

    lab.poke("pkgr", unique)

    wait_until("the registry was asked", lambda: lookups(registry, unique) > asked)
    time.sleep(0.5)
    calls = [call for call in about(audit.since(position), "", unique) if call.user == OPERATOR_USER]
    assert writes(calls) == []
    after = lab.get("pkgr", unique)
    assert after is not None
    assert after["status"] == before["status"]


def test_a_new_bundle_under_the_same_tag_writes_only_what_changed(lab: Lab, unique: str, audit: AuditLog) -> None:
    docs = documents(lab, unique, *(f"1.{minor}.0" for minor in range(6)))
    lab.apply(repository(unique, lab.publish(f"{unique}/repo", docs)))
    before = lab.settled("pkgr", unique)
    docs[2]["spec"]["shortDescription"] = "said better"
    lab.publish(f"{unique}/repo", [*docs[:5], *documents(lab, unique, "2.0.0")])
    position = audit.position()

    lab.poke("pkgr", unique)
    after = lab.settled(
        "pkgr", unique, when=lambda obj: obj["status"]["fetch"]["digest"] != before["status"]["fetch"]["digest"]
    )

    name = f"{unique}.example.com"
    written = [call for call in writes(audit.since(position)) if call.resource == "packages" and unique in call.name]
    assert sorted((call.verb, call.name) for call in written) == [
        ("delete", f"{name}.1.5.0"),
        ("patch", f"{name}.1.2.0"),
        ("patch", f"{name}.2.0.0"),
    ]
    counts = after["status"]["packages"]
    assert {key: counts[key] for key in ("total", "added", "changed", "removed")} == {
        "total": 6,
        "added": 1,
        "changed": 1,
        "removed": 1,
    }


def lookups(registry: LocalRegistry, word: str) -> int:
    """How often the tag of the test's repository was resolved."""
    return registry.log.read_text().count(f"/v2/{word}/repo/manifests/latest")
