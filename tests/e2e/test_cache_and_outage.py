"""What a registry is asked, and what becomes of installs and repositories while it does not answer.

Real: the registry, the operator's process, its cache on disk. In front of the registry stands a door that the tests
shut, or make slow (lab_door.py). Requests are counted in the registry's own log.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.audit import AuditLog
from cluster.registry import LocalRegistry
from lab import (
    Json,
    Lab,
    OperatorProcess,
    config_map_template,
    find_condition,
    install,
    package,
    repository,
    secret,
    wait_until,
)
from lab_door import Door, door_to

TEMPLATE = config_map_template(
    "{{ install.name }}", "  greeting: {{ values.greeting }}\n  version: {{ package.version }}\n"
)
SCHEMA = {"type": "object", "properties": {"greeting": {"type": "string", "default": "hello"}}}
MANY = 100
PERIODS = 3
PERIOD_SECONDS = 10
MIB = 1024 * 1024


@pytest.fixture
def door(registry: LocalRegistry) -> Iterator[Door]:
    with door_to(registry.host) as opened:
        yield opened


@pytest.fixture
def behind(lab: Lab, door: Door) -> Lab:
    """The laboratory whose bundles lie behind the door."""
    return Lab(lab.cluster, door.host)


def offer(lab: Lab, word: str, *versions: str, by_tag: bool = True) -> str:
    """Packages whose bundle is named by a tag, or by digest; the public name."""
    name = f"{word}.example.com"
    for version in versions:
        bundle = lab.push(f"{word}/bundle", {"config/web.yaml": TEMPLATE, "version": version}, tag=version)
        image = f"{lab.registry_host}/{word}/bundle:{version}" if by_tag else bundle
        lab.apply(package(name, version, image, valuesSchema=SCHEMA))
    return name


def in_place(lab: Lab, namespace: str, public_name: str, **spec: object) -> Json:
    """The install `web`, whose values are in the Secret `values`."""
    spec = {"syncPeriod": "2s", "version": "1.0.0", **spec}
    lab.apply(secret(namespace, "values", values_yml="greeting: hello"))
    lab.apply(install("web", namespace, public_name, values=["values"], **spec))  # type: ignore[arg-type]
    return lab.settled("ipkg", "web", namespace)


def asked(registry: LocalRegistry, word: str) -> list[tuple[str, str]]:
    """The requests for the bundle of the test so far: method, and manifests, blobs ..."""
    log = registry.log.read_text()
    return re.findall(rf'"([A-Z]+) /v2/{word}/bundle/([a-z]+)/', log)


def unavailable(lab: Lab, kind: str, name: str, namespace: str = "") -> Json:
    """The object, once it says that its source does not answer."""
    return standing(lab, kind, name, namespace, "SourceAvailable", "False")


def available(lab: Lab, kind: str, name: str, namespace: str = "") -> Json:
    return standing(lab, kind, name, namespace, "SourceAvailable", "True")


def standing(lab: Lab, kind: str, name: str, namespace: str, condition: str, status: str) -> Json:
    seen: Json | None = None

    def look() -> Json | None:
        nonlocal seen
        seen = lab.get(kind, name, namespace)
        found = find_condition(seen, condition) if seen is not None else None
        return seen if found is not None and found["status"] == status else None

    try:
        result: Json = wait_until(f"{kind} {name} has {condition}={status}", look, seconds=40)
    except AssertionError as error:
        raise AssertionError(f"{error}\nstatus: {(seen or {}).get('status')}") from None
    return result


def states(obj: Json) -> dict[str, str]:
    kinds = ("Ready", "ReconcileSucceeded", "ReconcileFailed", "SourceAvailable")
    return {kind: found["status"] for kind in kinds if (found := find_condition(obj, kind)) is not None}


AT_REST_WITHOUT_SOURCE = {
    "Ready": "True",
    "ReconcileSucceeded": "True",
    "ReconcileFailed": "False",
    "SourceAvailable": "False",
}


def greeting(lab: Lab, namespace: str) -> str | None:
    found = lab.get("configmap", "web", namespace)
    return found["data"]["greeting"] if found is not None else None


# ---- what is asked ---------------------------------------------------------------------------------------


def test_a_hundred_installs_of_one_bundle_ask_for_its_tag_once_in_a_sync_period(
    lab: Lab, registry: LocalRegistry, installer: str, unique: str, audit: AuditLog
) -> None:
    name = offer(lab, unique, "1.0.0")
    lab.apply(secret(installer, "values", values_yml="greeting: hello"))
    names = [f"i{number:03}" for number in range(MANY)]
    period = f"{PERIOD_SECONDS}s"
    lab.apply(*(install(one, installer, name, version="1.0.0", values=["values"], syncPeriod=period) for one in names))
    wait_until(
        "all are ready",
        lambda: all(states(obj).get("Ready") == "True" for obj in lab.list("ipkg", installer)),
        seconds=120,
        poll_seconds=1,
    )
    at_first, position = asked(registry, unique), audit.position()

    time.sleep(PERIODS * PERIOD_SECONDS)

    since = asked(registry, unique)[len(at_first) :]
    looks = sum(
        call.verb == "get" and call.resource == "configmaps" and call.namespace == installer
        for call in audit.since(position)
    )
    print(f"{MANY} installs, first: {len(at_first)} requests; {looks} looks later: {Counter(since)}")  # noqa: T201
    assert looks >= (PERIODS - 1) * MANY
    assert at_first.count(("GET", "blobs")) <= 2  # its config and its layer, once
    assert {what for _, what in since} <= {"manifests"}
    assert len(since) <= PERIODS + 1


def test_a_bundle_that_is_named_by_its_digest_is_asked_for_once_and_never_again(
    lab: Lab, operator: OperatorProcess, registry: LocalRegistry, installer: str, unique: str
) -> None:
    in_place(lab, installer, offer(lab, unique, "1.0.0", by_tag=False), syncPeriod="1s")
    at_first = len(asked(registry, unique))

    time.sleep(3)
    lab.apply(secret(installer, "values", values_yml="greeting: bye"))
    wait_until("the values are there", lambda: greeting(lab, installer) == "bye")
    assert asked(registry, unique)[at_first:] == []

    operator.stop()
    operator.start()
    lab.apply(secret(installer, "values", values_yml="greeting: again"))
    wait_until("the values are there", lambda: greeting(lab, installer) == "again")
    assert asked(registry, unique)[at_first:] == []


def test_labels_and_other_changes_of_no_meaning_ask_the_registry_nothing(
    lab: Lab, registry: LocalRegistry, installer: str, unique: str
) -> None:
    in_place(lab, installer, offer(lab, unique, "1.0.0"), syncPeriod="10m")
    at_first = len(asked(registry, unique))

    for number in range(5):
        lab.patch("ipkg", "web", {"metadata": {"labels": {"look": str(number)}}}, installer)
        time.sleep(0.3)

    assert asked(registry, unique)[at_first:] == []


def test_a_digest_in_the_cache_is_not_given_to_who_may_not_read_it(
    lab: Lab, auth_registry: LocalRegistry, installer: str, unique: str
) -> None:
    """Two tenants: the first one's private bundle is cached; the second one knows its digest, and has no password."""
    login = {"username": str(auth_registry.username), "password": str(auth_registry.password)}
    bundle = Lab(lab.cluster, auth_registry.host).push(f"{unique}/bundle", {"config/web.yaml": TEMPLATE}, **login)
    mine = [{"imgpkgBundle": {"image": bundle, "secretRef": {"name": "registry"}}}]
    lab.apply(
        secret(installer, "registry", **login),
        package(f"{unique}.example.com", "1.0.0", fetch=mine, valuesSchema=SCHEMA),
        package(f"{unique}.example.org", "1.0.0", bundle, valuesSchema=SCHEMA),
        install("web", installer, f"{unique}.example.com", version="1.0.0"),
    )
    lab.settled("ipkg", "web", installer)

    lab.apply(install("thief", installer, f"{unique}.example.org", version="1.0.0"))

    failed = lab.settled("ipkg", "thief", installer, condition="ReconcileFailed", reason="AuthenticationFailed")
    assert auth_registry.host in failed["status"]["usefulErrorMessage"]
    assert lab.get("configmap", "thief", installer) is None


# ---- an outage -------------------------------------------------------------------------------------------


def test_an_outage_leaves_an_install_ready_and_shows_as_a_condition_that_heals(
    behind: Lab, door: Door, installer: str, unique: str
) -> None:
    before = in_place(behind, installer, offer(behind, unique, "1.0.0"))
    assert states(before)["SourceAvailable"] == "True"

    door.shut()
    during = unavailable(behind, "ipkg", "web", installer)
    assert states(during) == AT_REST_WITHOUT_SOURCE
    condition = find_condition(during, "SourceAvailable")
    assert condition is not None
    assert condition["reason"] == "SourceUnreachable"
    assert door.host in condition["message"]
    version = during["metadata"]["resourceVersion"]
    time.sleep(5)  # more than two sync periods
    later = behind.get("ipkg", "web", installer)
    assert later is not None
    assert states(later) == AT_REST_WITHOUT_SOURCE
    assert later["metadata"]["resourceVersion"] == version, "at rest nothing is written, in an outage neither"

    door.open()
    after = available(behind, "ipkg", "web", installer)
    assert states(after) == states(before)


def test_values_that_change_in_an_outage_are_rendered_from_the_cache(
    behind: Lab, door: Door, installer: str, unique: str
) -> None:
    in_place(behind, installer, offer(behind, unique, "1.0.0"))
    door.shut()
    unavailable(behind, "ipkg", "web", installer)

    behind.apply(secret(installer, "values", values_yml="greeting: still here"))

    wait_until("the values are there", lambda: greeting(behind, installer) == "still here")
    assert states(behind.settled("ipkg", "web", installer)) == AT_REST_WITHOUT_SOURCE


def test_what_was_deleted_in_an_outage_is_put_back(behind: Lab, door: Door, installer: str, unique: str) -> None:
    in_place(behind, installer, offer(behind, unique, "1.0.0"))
    door.shut()
    unavailable(behind, "ipkg", "web", installer)

    behind.delete("configmap", "web", installer)

    wait_until("it is back", lambda: greeting(behind, installer) == "hello")


def test_an_operator_that_starts_in_an_outage_goes_on_with_what_it_has(
    behind: Lab, door: Door, operator: OperatorProcess, installer: str, unique: str
) -> None:
    in_place(behind, installer, offer(behind, unique, "1.0.0"))
    operator.kill()
    door.shut()
    behind.apply(secret(installer, "values", values_yml="greeting: good morning"))

    operator.start()

    wait_until("the values are there", lambda: greeting(behind, installer) == "good morning")
    assert states(unavailable(behind, "ipkg", "web", installer)) == AT_REST_WITHOUT_SOURCE


def test_a_version_that_is_not_cached_fails_in_an_outage_and_what_runs_stays(
    behind: Lab, door: Door, installer: str, unique: str
) -> None:
    in_place(behind, installer, offer(behind, unique, "1.0.0", "1.1.0"))
    uid = (behind.get("configmap", "web", installer) or {})["metadata"]["uid"]
    door.shut()

    behind.patch("ipkg", "web", {"spec": {"packageRef": {"version": "1.1.0"}}}, installer)

    failed = behind.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="SourceUnreachable")
    assert states(failed) | {"Ready": ""} == {
        "Ready": "",
        "ReconcileSucceeded": "False",
        "ReconcileFailed": "True",
        "SourceAvailable": "False",
    }
    running = behind.get("configmap", "web", installer)
    assert running is not None
    assert (running["metadata"]["uid"], running["data"]["version"]) == (uid, "1.0.0")

    door.open()
    healed = behind.settled("ipkg", "web", installer, seconds=40)
    assert healed["status"]["version"] == "1.1.0"
    assert states(healed)["SourceAvailable"] == "True"


def test_an_outage_leaves_the_packages_of_a_repository_and_shows_there_too(
    behind: Lab, door: Door, unique: str
) -> None:
    doc = package(f"{unique}.example.com", "1.0.0", "registry.example/web:1")
    behind.apply(repository(unique, behind.publish(f"{unique}/bundle", [doc])))
    behind.settled("pkgr", unique)
    door.shut()
    behind.poke("pkgr", unique)

    during = unavailable(behind, "pkgr", unique)

    assert states(during) | {"Ready": ""} == AT_REST_WITHOUT_SOURCE | {"Ready": ""}
    assert behind.get("packages.package.carvel.dev", doc["metadata"]["name"]) is not None
    door.open()
    available(behind, "pkgr", unique)
    behind.delete("pkgr", unique, wait=False)


# ---- kill -9 ---------------------------------------------------------------------------------------------


def test_a_kill_in_the_middle_of_a_pull_leaves_nothing_half_and_the_next_start_goes_on(
    behind: Lab, door: Door, operator: OperatorProcess, installer: str, unique: str
) -> None:
    noise = hashlib.shake_256(unique.encode()).hexdigest(4 * MIB)
    files = {"config/web.yaml": TEMPLATE, "more/noise.txt": noise}
    behind.push(f"{unique}/bundle", files)
    image = f"{door.host}/{unique}/bundle:latest"
    behind.apply(package(f"{unique}.example.com", "1.0.0", image, valuesSchema=SCHEMA))
    trees = operator.folder / "cache" / "trees"
    before = names_in(trees)
    door.passed, door.bytes_per_second = 0, MIB
    behind.apply(install("web", installer, f"{unique}.example.com", version="1.0.0"))
    wait_until("the pull is under way", lambda: door.passed > MIB)
    operator.kill()
    assert names_in(trees) == before

    door.bytes_per_second = None
    operator.start()

    behind.settled("ipkg", "web", installer)
    leftovers = [path for path in (operator.folder / "cache").rglob("*") if path.stat().st_size > 4 * MIB]
    assert [path.name for path in leftovers] == ["noise.txt"]


def names_in(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()
