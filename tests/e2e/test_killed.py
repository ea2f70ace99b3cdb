"""Kill -9 at random moments: whatever the operator was doing, its next start brings everything to where it belongs.

Every change of every object is recorded by watches and replayed in the order of etcd's revisions, so what is claimed
"at any moment" is checked after each single write, not by samples. PACKHOUSE_TEST_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab import (
    Json,
    Lab,
    OperatorProcess,
    Stream,
    config_map_template,
    find_condition,
    inline,
    install,
    package,
    repository,
    secret,
    wait_until,
)
from packhouse.api.names import OWNER_ANNOTATION, OWNER_LABEL

INSTALLS = 20
KINDS = ("configmaps", "secrets", "serviceaccounts")
BODY = "  greeting: {{ values.greeting }}\n  version: {{ package.version }}\n"


def files(*config_maps: str) -> dict[str, str]:
    texts = {f"{name}.yaml": config_map_template(f"{{{{ install.name }}}}-{name}", BODY) for name in config_maps}
    texts["account.yaml"] = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {{ install.name }}-runner\n"
    texts["secret.yaml"] = (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ install.name }}-key\n"
        "stringData:\n  version: {{ package.version }}\n"
    )
    return texts


#: Version 1.1.0 lost an object and brings another one.
CONTENT = {"1.0.0": ("one", "two", "three"), "1.1.0": ("two", "three", "four")}


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("PACKHOUSE_TEST_SEED") or secrets.randbelow(1_000_000))
    print(f"PACKHOUSE_TEST_SEED={seed}")  # noqa: T201 - pytest shows it when the test fails
    return random.Random(seed)


@pytest.fixture
def published(lab: Lab, installer: str, unique: str) -> Iterator[str]:
    """The public name of a package with both versions; values for its installs are there."""
    name = f"{unique}.example.com"
    documents = [package(name, version, fetch=inline(files(*names))) for version, names in CONTENT.items()]
    lab.apply(repository(unique, lab.publish(f"{unique}/repo", documents)))
    lab.apply(secret(installer, "values", values_yml="greeting: hello"))
    lab.settled("pkgr", unique)
    yield name
    lab.delete("pkgr", unique, wait=False)


def wish(name: str, namespace: str, public_name: str, version: str = "1.0.0") -> Json:
    return install(name, namespace, public_name, version=version, values=["values"])


def interrupted(operator: OperatorProcess, chance: random.Random, times: int, most_seconds: float) -> None:
    """Start the operator and kill it a moment later, again and again; it is dead at the end."""
    for _ in range(times):
        operator.start()
        time.sleep(chance.uniform(0, most_seconds))
        operator.kill()


class Recorder:
    """All changes of installs and of the kinds that they apply, in one namespace."""

    def __init__(self, stack: ExitStack, lab: Lab, namespace: str) -> None:
        self.installs = stack.enter_context(lab.watching("installedpackages", namespace))
        self.kinds = [stack.enter_context(lab.watching(kind, namespace)) for kind in KINDS]

    def until(self, what: str, check: Callable[[dict[str, Json]], bool], seconds: float = 60) -> dict[str, Json]:
        """The installs, once `check` holds of them."""
        wait_until(what, lambda: check(self.installs.now()), seconds)
        return self.installs.now()

    def applied(self) -> dict[tuple[str, str], Json]:
        """What installs own, by kind and name."""
        return {
            (stream.kind, name): obj for stream in self.kinds for name, obj in stream.now().items() if owner_of(obj)
        }

    def replay(self) -> Iterator[tuple[str, str, str, Json]]:
        """(kind, ADDED ..., name, object) of every change, in the order in which etcd took them."""
        events = [
            (int(obj["metadata"]["resourceVersion"]), stream.kind, event, obj)
            for stream in (self.installs, *self.kinds)
            for event, obj in stream.events
        ]
        for _, kind, event, obj in sorted(events, key=lambda entry: entry[0]):
            yield kind, event, obj["metadata"]["name"], obj


def owner_of(obj: Json) -> str | None:
    owner: str | None = (obj["metadata"].get("annotations") or {}).get(OWNER_ANNOTATION)
    return owner.partition("/")[2] if owner else None


def is_settled(obj: Json) -> bool:
    found = find_condition(obj, "Ready")
    return (
        found is not None and found["status"] == "True" and found["observedGeneration"] == obj["metadata"]["generation"]
    )


def all_settled(names: set[str]) -> Callable[[dict[str, Json]], bool]:
    return lambda installs: set(installs) == names and all(is_settled(obj) for obj in installs.values())


def unrecorded(recorder: Recorder) -> list[str]:
    """Each moment at which an object lived that the status of its install did not list."""
    listed: dict[str, set[tuple[str, str]]] = {}
    alive: dict[tuple[str, str], str] = {}
    found = []
    kinds = {"ConfigMap": "configmaps", "Secret": "secrets", "ServiceAccount": "serviceaccounts"}
    for kind, event, name, obj in recorder.replay():
        if kind == "installedpackages":
            refs = [entry["ref"].split("/") for entry in (obj.get("status") or {}).get("inventory") or []]
            listed[name] = set() if event == "DELETED" else {(kinds[ref[1]], ref[3]) for ref in refs}
        elif event == "DELETED":
            alive.pop((kind, name), None)
        elif owner := owner_of(obj):
            alive[kind, name] = owner
        found += [
            f"after {event} of {kind} {name}: {key} of {owner} is in no inventory"
            for key, owner in alive.items()
            if key not in listed.get(owner, set())
        ]
    return found


def contents(stream: Stream) -> dict[str, list[Json]]:
    """What each applied object held, one entry for each write that touched it."""
    found: dict[str, list[Json]] = {}
    for event, obj in stream.events:
        if owner_of(obj) and event != "DELETED":
            found.setdefault(obj["metadata"]["name"], []).append(obj.get("data") or {})
    return found


def expected_names(name: str, version: str) -> set[tuple[str, str]]:
    config_maps = {("configmaps", f"{name}-{part}") for part in CONTENT[version]}
    return {*config_maps, ("secrets", f"{name}-key"), ("serviceaccounts", f"{name}-runner")}


def assert_nothing_is_left(lab: Lab, namespace: str) -> None:
    for kind in KINDS:
        assert lab.list(kind, namespace, selector=OWNER_LABEL) == []


def test_twenty_installs_survive_an_operator_that_is_killed_again_and_again(
    lab: Lab, operator: OperatorProcess, installer: str, published: str, chance: random.Random
) -> None:
    names = {f"i{number:02}" for number in range(INSTALLS)}
    operator.kill()
    lab.apply(*(wish(name, installer, published) for name in sorted(names)))
    with ExitStack() as stack:
        recorder = Recorder(stack, lab, installer)
        interrupted(operator, chance, times=4, most_seconds=1.0)
        operator.start()

        recorder.until("all installs are in place", all_settled(names))

        expected = {key for name in names for key in expected_names(name, "1.0.0")}
        wait_until("all objects are there", lambda: set(recorder.applied()) == expected)
        for stream in recorder.kinds:
            rewritten = {name: history for name, history in contents(stream).items() if len(history) > 1}
            assert rewritten == {}, "an object was written more than once"

        operator.kill()
        lab.cluster.kubectl("delete", "ipkg", "--all", "-n", installer, "--wait=false")
        interrupted(operator, chance, times=3, most_seconds=0.6)
        operator.start()
        recorder.until("all installs are gone", lambda installs: not installs)
        wait_until("all objects are gone", lambda: not recorder.applied())
        assert unrecorded(recorder) == []
    assert_nothing_is_left(lab, installer)


def test_what_was_changed_or_deleted_while_the_operator_was_down_is_done_when_it_is_back(
    lab: Lab, operator: OperatorProcess, installer: str, published: str, chance: random.Random
) -> None:
    """Of twelve half-done installs, four are upgraded, four are deleted, and all get other values."""
    names = [f"c{number:02}" for number in range(12)]
    upgraded, deleted = set(names[:4]), set(names[4:8])
    operator.kill()
    lab.apply(*(wish(name, installer, published) for name in names))
    with ExitStack() as stack:
        recorder = Recorder(stack, lab, installer)
        interrupted(operator, chance, times=2, most_seconds=0.8)
        lab.apply(*(wish(name, installer, published, "1.1.0") for name in sorted(upgraded)))
        lab.apply(secret(installer, "values", values_yml="greeting: bye"))
        lab.cluster.kubectl("delete", "ipkg", *sorted(deleted), "-n", installer, "--wait=false")
        interrupted(operator, chance, times=2, most_seconds=0.8)
        operator.start()

        recorder.until("the others are in place", all_settled(set(names) - deleted))

        versions = {name: "1.1.0" if name in upgraded else "1.0.0" for name in set(names) - deleted}
        expected = {key for name, version in versions.items() for key in expected_names(name, version)}
        wait_until("exactly what is wanted is there", lambda: set(recorder.applied()) == expected)
        wanted = {
            (kind, name): {"greeting": "bye", "version": versions[name.partition("-")[0]]}
            for kind, name in expected
            if kind == "configmaps"
        }
        held = {key: obj["data"] for key, obj in recorder.applied().items() if key[0] == "configmaps"}
        assert held == wanted
        back_and_forth = [history for history in contents(recorder.kinds[0]).values() if len(history) > 2]
        assert back_and_forth == [], "an object was written more often than what is wanted of it changed"

        lab.cluster.kubectl("delete", "ipkg", "--all", "-n", installer)
        wait_until("all objects are gone", lambda: not recorder.applied())
        recorder.until("all installs are gone", lambda installs: not installs)
        assert unrecorded(recorder) == []
    assert_nothing_is_left(lab, installer)


def test_a_killed_operator_leaves_no_renderer_behind(lab: Lab, operator: OperatorProcess) -> None:
    def children() -> set[str]:
        listed = {}
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                listed[entry.name] = parent_of(entry.name)
        family = {str(pid)}
        while grown := {child for child, parent in listed.items() if parent in family} - family:
            family |= grown
        return family - {str(pid)}

    pid = operator.pid
    before = children()
    assert before, "the renderer is a child process"
    operator.kill()
    try:
        wait_until("the children ended", lambda: not any(parent_of(child) for child in before), seconds=10)
    finally:
        operator.start()


def parent_of(pid: str) -> str | None:
    """The parent of a process that runs; None where it has ended."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else parent
