"""Status is written where it differs and nowhere else; times and counters move along, and Events tell news only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.conditions import Reason
from packhouse.api.errors import DeployFailed, FetchFailed, Forbidden, NotHealthy, PackhouseError
from packhouse.api.names import INSTALL_API, INSTALLED_PACKAGE, PACKAGE_REPOSITORY
from packhouse.api.views import InstalledPackage, PackageRepository
from packhouse.ports import Json, Kind, Ref
from packhouse.reconcile.outcome import Outcome, deleting, held, not_deleted, not_reconciled, progressing, succeeded
from packhouse.reconcile.report import Reporter, Subject

REF = Ref(Kind("install.package.carvel.dev", "v1alpha1", INSTALLED_PACKAGE), "demo", "web")


class Desk:
    """One install and its reporter, a minute passing before each report."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.kept: list[Json] = []
        self.reporter = Reporter(self.cluster, keep=lambda kind, obj: self.kept.append(obj), clock=lambda: self.now)

    async def wire(self) -> Json:
        found = await self.cluster.get(REF)
        assert found is not None
        return found

    async def report(self, outcome: Outcome, **fields: Any) -> Json:
        self.now += timedelta(minutes=1)
        view = InstalledPackage.from_wire(await self.wire())
        subject = Subject(INSTALLED_PACKAGE, view.meta, view.status)
        answer = await self.reporter.report(subject, outcome, fields, started=self.now - timedelta(seconds=20))
        written: Json = (await self.wire())["status"]
        assert _unordered(written) == _unordered(answer)
        return written

    @property
    def writes(self) -> list[str]:
        return [write for write in self.cluster.writes if "Installed" in write and write.startswith("apply")][1:]

    @property
    def events(self) -> list[str]:
        return [
            f"{event.object['type']} {event.object['reason']}"
            for _, event in self.cluster.history
            if event.object["kind"] == "Event"
        ]


def _unordered(status: Json) -> Json:
    others = {"conditions": None}
    return {**status, **others, "by type": {one["type"]: one for one in status["conditions"] if one["type"] != "Mine"}}


@pytest.fixture
async def desk() -> Desk:
    made = Desk()
    meta = {"name": "web", "namespace": "demo"}
    await made.cluster.apply(
        {"apiVersion": INSTALL_API, "kind": INSTALLED_PACKAGE, "metadata": meta, "spec": {}}, manager="user"
    )
    return made


@pytest.mark.parametrize(
    "outcome",
    [succeeded("ok"), not_reconciled(FetchFailed("no")), progressing("x"), deleting("x"), held(Reason.PAUSED)],
)
async def test_the_same_again_is_not_written(desk: Desk, outcome: Outcome) -> None:
    first = await desk.report(outcome, fetch={"digest": "a"}, version="1")
    again = await desk.report(outcome, fetch={"digest": "a"}, version="1")
    assert again == first
    assert len(desk.writes) == 1


async def test_the_first_report_says_everything(desk: Desk) -> None:
    status = await desk.report(succeeded("ok"), version="1")
    assert status["observedGeneration"] == 1
    assert (status["friendlyDescription"], status["version"]) == ("Reconcile succeeded", "1")
    assert "usefulErrorMessage" not in status
    assert [kept["status"] for kept in desk.kept] == [status]


async def test_counters_move_only_together_with_another_change(desk: Desk) -> None:
    counts = []
    for outcome, version in [
        (succeeded("ok"), "1"),
        (succeeded("ok"), "1"),
        (succeeded("ok"), "2"),
        (not_reconciled(FetchFailed("no")), "2"),
        (not_reconciled(FetchFailed("no")), "2"),
        (not_reconciled(FetchFailed("other")), "2"),
        (progressing("again"), "2"),
        (succeeded("ok"), "2"),
    ]:
        status = await desk.report(outcome, version=version)
        counts.append((status["consecutiveReconcileSuccesses"], status["consecutiveReconcileFailures"]))
    assert counts == [(1, 0), (1, 0), (2, 0), (0, 1), (0, 1), (0, 2), (0, 2), (1, 0)]


@pytest.mark.parametrize("outcome", [held(Reason.PAUSED), deleting("x"), not_reconciled(NotHealthy("x"))])
async def test_what_is_no_success_is_not_counted_as_one(desk: Desk, outcome: Outcome) -> None:
    await desk.report(succeeded("ok"))
    status = await desk.report(outcome)
    assert (status["consecutiveReconcileSuccesses"], status["consecutiveReconcileFailures"]) == (1, 0)


async def test_a_note_that_an_event_cannot_take_shows_that_it_goes_on(desk: Desk) -> None:
    await desk.report(not_reconciled(FetchFailed("long " * 500)))
    [note] = [event.object["note"] for _, event in desk.cluster.history if event.object["kind"] == "Event"]
    assert len(note) == 1024
    assert note.endswith("...")


async def test_an_error_message_goes_with_the_error(desk: Desk) -> None:
    failed = await desk.report(not_reconciled(FetchFailed("no image")))
    assert failed["usefulErrorMessage"] == "no image"
    assert "usefulErrorMessage" not in await desk.report(succeeded("ok"))


async def test_a_stanza_has_the_times_of_its_own_last_change(desk: Desk) -> None:
    first = await desk.report(succeeded("ok"), fetch={"digest": "a"}, template={"digest": "t"})
    second = await desk.report(succeeded("ok"), fetch={"digest": "b"}, template={"digest": "t"})

    assert first["fetch"] == {"digest": "a", "startedAt": "2026-01-01T00:00:40Z", "updatedAt": "2026-01-01T00:01:00Z"}
    assert second["fetch"] == {"digest": "b", "startedAt": "2026-01-01T00:01:40Z", "updatedAt": "2026-01-01T00:02:00Z"}
    assert second["template"] == first["template"]


async def test_fields_that_are_not_named_stay_and_none_takes_one_away(desk: Desk) -> None:
    await desk.report(succeeded("ok"), version="1", badDocuments=[{"file": "a"}])
    status = await desk.report(succeeded("ok"), badDocuments=None)
    assert status["version"] == "1"
    assert "badDocuments" not in status


async def test_the_conditions_of_others_are_left_alone(desk: Desk) -> None:
    mine = {"type": "Mine", "status": "True", "reason": "Because", "message": "", "lastTransitionTime": "x"}
    body = {"apiVersion": INSTALL_API, "kind": INSTALLED_PACKAGE, "metadata": {"name": "web", "namespace": "demo"}}
    await desk.cluster.apply({**body, "status": {"conditions": [mine]}}, manager="other", subresource="status")

    await desk.report(succeeded("ok"))
    writes = len(desk.writes)
    status = await desk.report(succeeded("ok"))

    assert mine in status["conditions"]
    assert len(desk.writes) == writes


async def test_events_tell_news_and_nothing_twice(desk: Desk) -> None:
    for outcome in (
        progressing("applying 1"),
        succeeded("1 is in place"),
        progressing("applying 2"),
        not_reconciled(NotHealthy("not yet")),
        succeeded("2 is in place"),
        not_reconciled(FetchFailed("no")),
        not_reconciled(FetchFailed("no")),
        not_reconciled(DeployFailed("other")),
    ):
        await desk.report(outcome)
    assert desk.events == [
        "Normal ReconcileSucceeded",
        "Normal ReconcileSucceeded",
        "Warning FetchFailed",
        "Warning DeployFailed",
    ]


async def test_a_change_of_a_field_alone_is_no_event(desk: Desk) -> None:
    await desk.report(succeeded("ok"), version="1")
    await desk.report(succeeded("ok"), version="2")
    assert desk.events == ["Normal ReconcileSucceeded"]


async def test_a_deletion_that_fails_is_a_warning(desk: Desk) -> None:
    await desk.report(not_deleted(Forbidden("no")))
    assert desk.events == ["Warning Forbidden"]


async def test_an_event_that_is_refused_spoils_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.cluster.refuse = lambda verb, ref: Forbidden("no events") if ref.kind.kind == "Event" else None
    status = await desk.report(succeeded("ok"))
    assert status["friendlyDescription"] == "Reconcile succeeded"
    assert "no events" in caplog.text


async def test_events_of_a_repository_live_in_the_default_namespace() -> None:
    desk = Desk()
    await desk.cluster.apply(
        {"apiVersion": INSTALL_API, "kind": PACKAGE_REPOSITORY, "metadata": {"name": "main"}, "spec": {}},
        manager="user",
    )
    found = await desk.cluster.get(Ref(Kind("install.package.carvel.dev", "v1alpha1", PACKAGE_REPOSITORY), "", "main"))
    assert found is not None
    view = PackageRepository.from_wire(found)
    await desk.reporter.report(
        Subject(PACKAGE_REPOSITORY, view.meta, view.status), succeeded("ok"), {}, started=desk.now
    )
    [event] = [event.object for _, event in desk.cluster.history if event.object["kind"] == "Event"]
    assert event["metadata"]["namespace"] == "default"
    assert (event["regarding"]["name"], event["note"]) == ("main", "ok")


async def test_a_status_for_an_object_made_anew_is_refused(desk: Desk) -> None:
    view = InstalledPackage.from_wire(await desk.wire())
    await desk.cluster.delete(REF)
    with pytest.raises(PackhouseError):
        await desk.reporter.report(
            Subject(INSTALLED_PACKAGE, view.meta, view.status), succeeded("ok"), {}, started=desk.now
        )
    assert await desk.cluster.get(REF) is None
