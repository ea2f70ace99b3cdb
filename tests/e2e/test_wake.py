"""Who is woken by what, how soon, and what is seen on the way: statuses, conditions, Events, `kubectl wait`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from cluster.audit import AuditLog
from lab import (
    Json,
    Lab,
    config_map_template,
    find_condition,
    inline,
    install,
    package,
    repository,
    secret,
    wait_until,
)

SOON_SECONDS = 2.0
SCHEMA = {"type": "object", "properties": {"greeting": {"type": "string", "default": "hello"}}}
DOWNGRADABLE = "packaging.carvel.dev/downgradable"


def doc(word: str, version: str = "1.0.0", mark: str = "m") -> Json:
    body = f"  greeting: {{{{ values.greeting }}}}\n  version: {{{{ package.version }}}}\n  mark: {mark}\n"
    files = {"web.yaml": config_map_template("{{ install.name }}-web", body)}
    return package(f"{word}.example.com", version, fetch=inline(files), valuesSchema=SCHEMA)


@pytest.fixture
def catalogue(lab: Lab, unique: str) -> Iterator[str]:
    """A repository that offers 1.0.0; gone afterwards. Its name is also the word in the names of packages."""
    lab.apply(repository(unique, lab.publish(f"{unique}/repo", [doc(unique)])))
    lab.settled("pkgr", unique)
    yield unique
    lab.delete("pkgr", unique, wait=False)


def publish(lab: Lab, word: str, *docs: Json) -> None:
    lab.publish(f"{word}/repo", docs)
    lab.poke("pkgr", word)


def data(lab: Lab, namespace: str, name: str = "web") -> Json:
    found = lab.get("configmap", f"{name}-web", namespace)
    return found["data"] if found is not None else {}


def soon(lab: Lab, namespace: str, name: str, **wanted: str) -> None:
    """What the install applied has these texts within two seconds."""
    wait_until(f"{name} has {wanted}", lambda: wanted.items() <= data(lab, namespace, name).items(), SOON_SECONDS)


def touched(audit: AuditLog, position: int, namespace: str) -> set[str]:
    """The installs whose objects their service account asked for since then: those that were reconciled."""
    return {
        call.name.removesuffix("-web")
        for call in audit.since(position)
        if call.resource == "configmaps" and call.namespace == namespace and call.user.startswith("system:service")
    }


def ready(obj: Json) -> tuple[str, str]:
    found = find_condition(obj, "Ready")
    return (found["status"], found["reason"]) if found is not None else ("", "")


# ---- who is woken ----------------------------------------------------------------------------------------


@pytest.fixture
def three(lab: Lab, installer: str, catalogue: str) -> str:
    """Installs `follows` (>=1.0.0, Secret a), `pinned` (1.0.0, Secret b) and `foreign` (of another package)."""
    publish(lab, catalogue, doc(catalogue), doc(f"{catalogue}x"))
    lab.apply(*(secret(installer, name, values_yml="greeting: first") for name in "ab"))
    lab.apply(
        install("follows", installer, f"{catalogue}.example.com", constraint=">=1.0.0", values=["a"]),
        install("pinned", installer, f"{catalogue}.example.com", version="1.0.0", values=["b"]),
        install("foreign", installer, f"{catalogue}x.example.com", version="1.0.0"),
    )
    for name in ("follows", "pinned", "foreign"):
        lab.settled("ipkg", name, installer)
    return installer


def test_a_changed_secret_wakes_those_who_name_it_and_nobody_else(lab: Lab, three: str, audit: AuditLog) -> None:
    position = audit.position()

    lab.apply(secret(three, "a", values_yml="greeting: second"))

    soon(lab, three, "follows", greeting="second")
    time.sleep(0.5)
    assert touched(audit, position, three) == {"follows"}


def test_a_new_package_wakes_those_whom_it_suits_and_nobody_else(
    lab: Lab, three: str, catalogue: str, audit: AuditLog
) -> None:
    position = audit.position()

    publish(lab, catalogue, doc(catalogue), doc(f"{catalogue}x"), doc(catalogue, "1.1.0"))

    soon(lab, three, "follows", version="1.1.0")
    time.sleep(0.5)
    assert touched(audit, position, three) == {"follows"}


def test_a_changed_package_wakes_those_who_have_it_and_nobody_else(
    lab: Lab, three: str, catalogue: str, audit: AuditLog
) -> None:
    position = audit.position()

    publish(lab, catalogue, doc(catalogue, mark="new"), doc(f"{catalogue}x"))

    soon(lab, three, "follows", mark="new")
    soon(lab, three, "pinned", mark="new")
    time.sleep(0.5)
    assert touched(audit, position, three) == {"follows", "pinned"}


def test_a_changed_spec_wakes_its_install_and_nobody_else(lab: Lab, three: str, audit: AuditLog) -> None:
    position = audit.position()

    lab.patch("ipkg", "pinned", {"spec": {"values": [{"secretRef": {"name": "c"}}]}}, three)
    told = lab.settled(
        "ipkg", "pinned", three, condition="ReconcileFailed", reason="ValuesMissing", seconds=SOON_SECONDS
    )
    assert f"{three}/c" in told["status"]["usefulErrorMessage"]
    lab.apply(secret(three, "c", values_yml="greeting: third"))

    soon(lab, three, "pinned", greeting="third")
    time.sleep(0.5)
    assert touched(audit, position, three) == {"pinned"}


def test_an_install_that_waits_for_its_package_gets_it_when_it_comes(lab: Lab, installer: str, catalogue: str) -> None:
    lab.apply(install("web", installer, f"{catalogue}.example.com", constraint=">=2.0.0"))
    lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="NoMatchingVersion")

    publish(lab, catalogue, doc(catalogue), doc(catalogue, "2.1.0"))

    soon(lab, installer, "web", version="2.1.0")


# ---- paused, canceled ------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["paused", "canceled"])
def test_a_held_install_stands_still_goes_on_when_released_and_can_be_deleted(
    lab: Lab, installer: str, catalogue: str, word: str
) -> None:
    lab.apply(secret(installer, "values", values_yml="greeting: first"))
    lab.apply(
        install("web", installer, f"{catalogue}.example.com", version="1.0.0", values=["values"], syncPeriod="1s")
    )
    lab.settled("ipkg", "web", installer)

    lab.patch("ipkg", "web", {"spec": {word: True}}, installer)
    held = wait_until(
        "it says that it is held",
        lambda: (
            (obj := lab.get("ipkg", "web", installer)) and obj["status"]["friendlyDescription"].lower() == word and obj
        ),
    )
    assert held["status"]["observedGeneration"] == held["metadata"]["generation"]
    assert ready(held) == ("True", "ReconcileSucceeded"), "what was true of its objects still is"
    lab.apply(secret(installer, "values", values_yml="greeting: second"))
    time.sleep(1.5)
    assert data(lab, installer)["greeting"] == "first"

    lab.patch("ipkg", "web", {"spec": {word: None}}, installer)
    soon(lab, installer, "web", greeting="second")
    released = lab.settled("ipkg", "web", installer)
    assert released["status"]["friendlyDescription"] == "Reconcile succeeded"

    lab.patch("ipkg", "web", {"spec": {word: True}}, installer)
    lab.delete("ipkg", "web", installer)
    assert data(lab, installer) == {}


def test_an_install_that_was_made_paused_begins_when_it_is_released(lab: Lab, installer: str, catalogue: str) -> None:
    lab.apply(install("web", installer, f"{catalogue}.example.com", version="1.0.0", paused=True))
    time.sleep(1)
    assert data(lab, installer) == {}

    lab.patch("ipkg", "web", {"spec": {"paused": False}}, installer)

    soon(lab, installer, "web", version="1.0.0")


# ---- what is seen on the way -----------------------------------------------------------------------------


def test_a_good_upgrade_shows_neither_a_stale_failure_nor_a_stale_success(
    lab: Lab, installer: str, catalogue: str
) -> None:
    lab.apply(install("web", installer, f"{catalogue}.example.com", constraint=">=1.0.0"))
    lab.settled("ipkg", "web", installer)

    with lab.watching("installedpackages", installer) as stream:
        publish(lab, catalogue, doc(catalogue), doc(catalogue, "1.1.0"))
        wait_until("the watch saw the end", lambda: ready_with(stream.now()["web"], "1.1.0"))
        seen = [obj for kind, obj in stream.events if kind == "MODIFIED"]

    story = [(obj["status"]["lastAttemptedVersion"], *ready(obj)) for obj in seen]
    assert story == [("1.1.0", "Unknown", "Progressing"), ("1.1.0", "True", "ReconcileSucceeded")]
    for obj in seen:
        states = {kind: find_condition(obj, kind)["status"] for kind in ("ReconcileSucceeded", "ReconcileFailed")}  # type: ignore[index]
        assert states["ReconcileFailed"] == "False"
        assert (states["ReconcileSucceeded"] == "True") == (obj["status"]["version"] == "1.1.0")
    entry = [obj["status"]["inventory"][0] for obj in seen]
    assert entry[0]["ref"] == entry[1]["ref"]


def ready_with(obj: Json, version: str) -> bool:
    return ready(obj)[0] == "True" and obj["status"]["version"] == version


def test_a_mended_install_sheds_its_failure_before_it_applies(lab: Lab, installer: str, catalogue: str) -> None:
    lab.apply(secret(installer, "values", values_yml="greeting: 7"))
    lab.apply(install("web", installer, f"{catalogue}.example.com", version="1.0.0", values=["values"]))
    told = lab.settled("ipkg", "web", installer, condition="ValuesSchemaCheckFailed", reason="ValuesInvalid")
    assert ready(told) == ("False", "ValuesInvalid")

    with lab.watching("installedpackages", installer) as stream:
        lab.apply(secret(installer, "values", values_yml="greeting: seven"))
        wait_until("the watch saw the end", lambda: ready(stream.now()["web"])[0] == "True")
        seen = [obj for kind, obj in stream.events if kind == "MODIFIED"]

    for obj in seen:
        for kind in ("ReconcileFailed", "ValuesSchemaCheckFailed"):
            assert find_condition(obj, kind)["status"] == "False", f"{kind} is stale"  # type: ignore[index]
    assert not seen[-1]["status"].get("usefulErrorMessage")


def test_each_changed_outcome_is_an_event_and_no_outcome_is_told_twice(
    lab: Lab, installer: str, catalogue: str
) -> None:
    lab.apply(install("web", installer, f"{catalogue}.example.com", version="9.9.9", syncPeriod="1s"))
    lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="PackageNotFound")
    time.sleep(1.5)
    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "1.0.0"}}}, installer)
    lab.settled("ipkg", "web", installer)
    time.sleep(1.5)

    def events() -> list[Json]:
        about_it = [event for event in lab.list("events", installer) if event["involvedObject"]["name"] == "web"]
        return sorted(about_it, key=lambda event: str(event["eventTime"]))

    found = wait_until("both are told", lambda: found if len(found := events()) >= 2 else None)
    assert [(event["type"], event["reason"]) for event in found] == [
        ("Warning", "PackageNotFound"),
        ("Normal", "ReconcileSucceeded"),
    ]
    assert "9.9.9" in found[0]["message"]
    shown = lab.cluster.kubectl("events", "-n", installer, "--for", "installedpackage.install.package.carvel.dev/web")
    assert "PackageNotFound" in shown.stdout


def test_kubectl_wait_ends_with_the_new_state_and_not_with_the_old(lab: Lab, installer: str, catalogue: str) -> None:
    publish(lab, catalogue, doc(catalogue), doc(catalogue, "2.0.0"))
    lab.apply(install("web", installer, f"{catalogue}.example.com", version="1.0.0"))
    wait = ("wait", "--for=condition=Ready", "ipkg/web", "-n", installer, "--timeout=20s")
    lab.cluster.kubectl(*wait)
    assert data(lab, installer)["version"] == "1.0.0"

    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "2.0.0"}}}, installer)
    lab.cluster.kubectl(*wait)

    assert data(lab, installer)["version"] == "2.0.0"
    lab.cluster.kubectl("wait", "--for=condition=Ready", f"pkgr/{catalogue}", "--timeout=20s")


def test_a_lower_version_needs_the_annotation(lab: Lab, installer: str, catalogue: str) -> None:
    publish(lab, catalogue, doc(catalogue), doc(catalogue, "2.0.0"))
    lab.apply(install("web", installer, f"{catalogue}.example.com", version="2.0.0"))
    lab.settled("ipkg", "web", installer)

    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "1.0.0"}}}, installer)
    told = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="DowngradeRefused")
    assert DOWNGRADABLE in told["status"]["usefulErrorMessage"]
    assert data(lab, installer)["version"] == "2.0.0"

    lab.patch("ipkg", "web", {"metadata": {"annotations": {DOWNGRADABLE: ""}}}, installer)

    soon(lab, installer, "web", version="1.0.0")
    lab.settled("ipkg", "web", installer)
