"""The end of an install, whatever holds it: a table of what makes others hang, with and without a cleanup account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from house import House, config_map, install, package, reason, states
from packhouse.api.errors import (
    ApiServerError,
    ClusterUnavailable,
    Forbidden,
    NamespaceTerminating,
    PackhouseError,
    ServiceAccountMissing,
)
from packhouse.api.names import INSTALL_GROUP, INSTALLED_PACKAGE, OWNER_ANNOTATION, OWNER_LABEL, VERSION
from packhouse.deploy import remove
from packhouse.domain import term
from packhouse.ports import Cluster, Json, Kind, Ref

INSTALL = Ref(Kind(INSTALL_GROUP, VERSION, INSTALLED_PACKAGE), "demo", "web")
PACKAGE = Ref(Kind("package.carvel.dev", VERSION, "Package"), "", "web.example.com.1.0.0")
EVENT = Kind("events.k8s.io", "v1", "Event")
ROLE = Kind("rbac.authorization.k8s.io", "v1", "ClusterRole")
THING = Kind("example.com", "v1", "Thing")
CLEANER = "packhouse-system/cleaner"
DEADLINE = 600

FILES = {
    "account.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: runner}\n",
    "role.yaml": f"apiVersion: {ROLE.api_version}\nkind: ClusterRole\nmetadata: {{name: reader}}\nrules: []\n",
    "web.yaml": config_map("web", "hello"),
}
CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions: [{name: v1, served: true, storage: true}]
"""
THINGS = {**FILES, "crd.yaml": CRD, "thing.yaml": "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\n"}

Refuse = Callable[[str, Ref], PackhouseError | None]


class As:
    """The cluster as one account sees it."""

    def __init__(self, cluster: FakeCluster, refuse: Refuse) -> None:
        self._cluster = cluster
        self._refuse = refuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None:
        self._check("get", ref)
        return await self._cluster.get(ref, metadata_only=metadata_only)

    async def patch(self, ref: Ref, operations: Sequence[Json], *, manager: str = "") -> Json | None:
        self._check("patch", ref)
        return await self._cluster.patch(ref, operations)

    async def delete(self, ref: Ref, *, uid: str | None = None, propagation: str = "Background") -> bool:
        self._check("delete", ref)
        return await self._cluster.delete(ref, uid=uid, propagation=propagation)

    def _check(self, verb: str, ref: Ref) -> None:
        if ref.kind in self._cluster.kinds and (error := self._refuse(verb, ref)) is not None:
            raise error


def never(verb: str, ref: Ref) -> PackhouseError | None:
    return None


def always(error: PackhouseError) -> Refuse:
    return lambda verb, ref: error


def when(verb: str, error: PackhouseError) -> Refuse:
    return lambda asked, ref: error if asked == verb else None


GONE = always(ServiceAccountMissing("service account demo/installer does not exist; create it"))
FORBIDDEN = Forbidden("installer may not")
NO_RIGHT = always(FORBIDDEN)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look waits long; the clock of the house goes on by a minute from look to look."""
    monkeypatch.setattr(term, "FIRST_SECONDS", 0.02)
    monkeypatch.setattr(term, "LATER_SECONDS", 0.02)
    monkeypatch.setattr(remove, "POLL_SECONDS", 0.005)


def house_of(folder: Path, cleaner: bool = False, cluster: FakeCluster | None = None) -> House:
    return House(
        folder, cluster, deletion_deadline_seconds=DEADLINE, cleanup_service_account=CLEANER if cleaner else ""
    )


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An operator without a cleanup account, whose deletions have ten minutes."""
    return house_of(tmp_path)


@pytest.fixture(params=[False, True], ids=["alone", "with a cleanup account"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    return house_of(tmp_path, request.param)


def accounts(house: House, installer: Refuse = never, cleaner: Refuse = never) -> None:
    """From now on each account is refused what these say."""

    def of(namespace: str, service_account: str) -> Cluster:
        name = f"{namespace}/{service_account}"
        house.identities.asked.append(name)
        return As(house.cluster, cleaner if name == CLEANER else installer)  # type: ignore[return-value]

    house.identities.of = of  # type: ignore[method-assign, assignment]


async def deleted(house: House, files: dict[str, str] | None = None, **spec: Any) -> None:
    """An install is in place, and somebody deletes it."""
    await house.apply(package(files=files or FILES), install(**spec))
    status = await house.settle()
    assert states(status)["Ready"] == "True", status
    await house.cluster.delete(INSTALL)


async def looks(house: House) -> int:
    """How many it takes until the install is gone; none of them comes late."""
    for number in range(1, 30):
        delay = await house.reconcile()
        if await house.cluster.get(INSTALL) is None:
            return number
        assert delay is not None
        assert delay > 0
    raise AssertionError(f"it sticks: {await house.status()}")


async def remaining(house: House) -> list[str]:
    """What there is of the package."""
    refs = [
        Ref(Kind("", "v1", "ConfigMap"), "demo", "web"),
        Ref(Kind("", "v1", "ServiceAccount"), "demo", "runner"),
        Ref(ROLE, "", "reader"),
        Ref(THING, "demo", "thing"),
    ]
    return [ref.name for ref in refs if await house.cluster.get(ref) is not None]


async def told(house: House) -> list[tuple[str, str, str]]:
    """Type, reason and note of the Events in the operator's namespace."""
    pages = [page async for page in house.cluster.pages(EVENT, namespace="packhouse-system")]
    return [(event["type"], event["reason"], event["note"]) for page in pages for event in page.items]


async def hold(house: House, name: str = "web") -> None:
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}}
    await house.apply({**held, "metadata": {**held["metadata"], "finalizers": ["x/y"]}})  # type: ignore[dict-item]


# ---- nothing is in the way -------------------------------------------------------------------------------


async def test_one_look_is_enough_where_nothing_is_in_the_way(either: House) -> None:
    await deleted(either)
    accounts(either, cleaner=NO_RIGHT)
    assert await looks(either) == 1
    assert await remaining(either) == []
    assert await told(either) == []


async def test_a_deletion_needs_no_package(either: House) -> None:
    await deleted(either)
    await either.cluster.delete(PACKAGE)
    assert await looks(either) == 1
    assert await remaining(either) == []


async def test_objects_whose_definition_is_gone_are_gone(either: House) -> None:
    await deleted(either, THINGS, deploy={"wait": False})
    crd = Ref(Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"), "", "things.example.com")
    await either.cluster.delete(crd)
    assert await looks(either) == 1
    assert await remaining(either) == []


# ---- the account cannot be used --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("installer", "why"),
    [
        pytest.param(GONE, "ServiceAccountMissing", id="the account is gone"),
        pytest.param(NO_RIGHT, "Forbidden", id="its role is gone"),
        pytest.param(when("delete", Forbidden("no delete")), "Forbidden", id="it may look and not delete"),
    ],
)
class TestTheAccountCannotBeUsed:
    async def test_the_install_waits_and_then_lets_go_of_what_is_named(
        self, house: House, installer: Refuse, why: str
    ) -> None:
        await deleted(house)
        accounts(house, installer)
        await house.reconcile()
        status = await house.status()
        assert {"Deleting": "True", "DeleteFailed": "True"}.items() <= states(status).items()
        assert reason(status, "DeleteFailed") == why
        assert "at 2026-01-01T00:10:00Z the install lets go" in status["usefulErrorMessage"]
        assert len(status["inventory"]) == 3

        assert await looks(house) > 5
        assert house.now >= datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
        assert await remaining(house) == ["web", "runner", "reader"]
        [(kind, told_reason, note)] = await told(house)
        assert (kind, told_reason) == ("Warning", "ObjectsLeft")
        for word in (
            "InstalledPackage demo/web",
            "leaves 3 objects behind",
            "ConfigMap demo/web",
            "ClusterRole reader",
        ):
            assert word in note

    async def test_the_cleanup_account_deletes_in_its_place(self, tmp_path: Path, installer: Refuse, why: str) -> None:
        house = house_of(tmp_path, cleaner=True)
        await deleted(house)
        accounts(house, installer)
        assert await looks(house) == 1
        assert await remaining(house) == []
        assert await told(house) == []

    async def test_the_cleanup_account_leaves_what_is_not_proven_to_be_the_install_s(
        self, tmp_path: Path, installer: Refuse, why: str
    ) -> None:
        house = house_of(tmp_path, cleaner=True)
        await deleted(house)
        accounts(house, installer)
        label = f"/metadata/labels/{OWNER_LABEL.replace('/', '~1')}"
        await house.cluster.patch(Ref(ROLE, "", "reader"), [{"op": "remove", "path": label}])
        web = await house.find("ConfigMap", "web")
        assert web is not None
        await house.cluster.delete(Ref(Kind("", "v1", "ConfigMap"), "demo", "web"))
        marks = {key: web["metadata"][key] for key in ("labels", "annotations")}
        again = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "demo", **marks}}
        await house.apply(again)  # another uid

        await looks(house)

        assert await remaining(house) == ["web", "reader"]
        [(_, told_reason, note)] = await told(house)
        assert told_reason == "ObjectsLeft"
        assert "leaves 2 objects behind" in note

    async def test_a_cleanup_account_that_may_not_either_changes_nothing(
        self, tmp_path: Path, installer: Refuse, why: str
    ) -> None:
        house = house_of(tmp_path, cleaner=True)
        await deleted(house)
        accounts(house, installer, cleaner=always(Forbidden("cleaner may not")))
        await house.reconcile()
        status = await house.status()
        assert reason(status, "DeleteFailed") == why
        assert "nor can the cleanup account: cleaner may not" in status["usefulErrorMessage"]
        await looks(house)
        assert len(await remaining(house)) == 3


async def test_who_may_delete_and_not_look_deletes_what_is_recorded(house: House) -> None:
    await deleted(house)
    accounts(house, when("get", Forbidden("no get")))
    assert await looks(house) == 1
    assert await remaining(house) == []


async def test_an_account_that_comes_back_goes_on(house: House) -> None:
    await deleted(house)
    accounts(house, GONE)
    await house.reconcile()
    accounts(house)
    assert await looks(house) == 1
    assert await remaining(house) == []


# ---- its namespace is being deleted ----------------------------------------------------------------------


def ending(house: House) -> Refuse:
    """The namespace takes nothing new, and the account gets no token."""
    terminating = NamespaceTerminating("the namespace is being deleted")

    def refuse(verb: str, ref: Ref) -> PackhouseError | None:
        new = ref.kind == EVENT and ref.namespace == "demo" and verb in ("create", "dry run")
        return terminating if new else None

    house.cluster.refuse = refuse
    return always(terminating)


async def test_what_lies_in_an_ending_namespace_goes_with_it(either: House) -> None:
    await deleted(either, {name: FILES[name] for name in ("account.yaml", "web.yaml")})
    accounts(either, ending(either), cleaner=NO_RIGHT)
    assert await looks(either) == 1
    assert await told(either) == []


async def test_what_lies_outside_is_waited_for_and_named(house: House) -> None:
    await deleted(house)
    accounts(house, ending(house))
    await house.reconcile()
    status = await house.status()
    assert reason(status, "DeleteFailed") == "NamespaceTerminating"
    assert "may delete 1 object outside of it: ClusterRole reader" in status["usefulErrorMessage"]
    await looks(house)
    assert "reader" in await remaining(house)
    [(_, told_reason, note)] = await told(house)
    assert (told_reason, "ClusterRole reader" in note, "ConfigMap" in note) == ("ObjectsLeft", True, False)


async def test_what_lies_outside_is_deleted_by_the_cleanup_account(tmp_path: Path) -> None:
    house = house_of(tmp_path, cleaner=True)
    await deleted(house)
    accounts(house, ending(house))
    assert await looks(house) == 1
    assert "reader" not in await remaining(house)
    assert await told(house) == []


# ---- another namespace is gone ---------------------------------------------------------------------------

ELSEWHERE = config_map("web", "hello").replace("name: web", "name: web\n  namespace: elsewhere")


def no_right_elsewhere(verb: str, ref: Ref) -> PackhouseError | None:
    return FORBIDDEN if ref.namespace == "elsewhere" else None


async def test_what_lay_in_a_namespace_that_is_gone_is_gone_though_the_account_may_not_look(
    either: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its Roles went with the namespace, and nobody says "not found" to who has no right."""
    await deleted(either, {**FILES, "elsewhere.yaml": ELSEWHERE})
    await either.cluster.delete(Ref(Kind("", "v1", "ConfigMap"), "elsewhere", "web"))
    accounts(either, no_right_elsewhere, cleaner=NO_RIGHT)
    create = either.cluster.create

    async def where_there_is_a_place(obj: Json, **options: Any) -> Json | None:
        return None if obj["metadata"].get("namespace") == "elsewhere" else await create(obj, **options)

    monkeypatch.setattr(either.cluster, "create", where_there_is_a_place)
    assert await looks(either) == 1
    assert await told(either) == []


async def test_what_lies_in_a_namespace_that_is_there_is_not(house: House) -> None:
    await deleted(house, {**FILES, "elsewhere.yaml": ELSEWHERE})
    accounts(house, no_right_elsewhere)
    await house.reconcile()
    assert reason(await house.status(), "DeleteFailed") == "Forbidden"


# ---- something holds an object ---------------------------------------------------------------------------


async def test_a_finalizer_holds_what_comes_later_for_half_of_the_time_and_the_install_until_its_end(
    either: House,
) -> None:
    await deleted(either)
    await hold(either)
    await either.reconcile()
    status = await either.status()
    assert {"Deleting": "True", "DeleteFailed": "False"}.items() <= states(status).items()
    words = status["friendlyDescription"] + next(
        condition["message"] for condition in status["conditions"] if condition["type"] == "Deleting"
    )
    assert "ConfigMap demo/web (v1) is held by finalizer x/y" in words
    assert await remaining(either) == ["web", "runner", "reader"]

    either.now = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
    await either.reconcile()
    assert await remaining(either) == ["web"]

    await looks(either)
    assert await remaining(either) == ["web"]
    [(kind, told_reason, note)] = await told(either)
    assert (kind, told_reason) == ("Warning", "ObjectsLeft")
    assert "leaves 1 object behind (ConfigMap demo/web (v1) is held by finalizer x/y (set by user))" in note


async def test_what_is_let_go_in_time_is_gone(either: House) -> None:
    await deleted(either)
    await hold(either)
    await either.reconcile()
    place = Ref(Kind("", "v1", "ConfigMap"), "demo", "web")
    await either.cluster.patch(place, [{"op": "remove", "path": "/metadata/finalizers/0"}])
    assert await looks(either) == 1
    assert await remaining(either) == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(ApiServerError('failed calling webhook "v"'), 'failed calling webhook "v"', id="a webhook fails"),
        pytest.param(ClusterUnavailable("it answered 503"), "nobody answers for v1", id="an API service is down"),
    ],
)
async def test_what_is_refused_is_said_and_left_at_the_end(either: House, error: PackhouseError, words: str) -> None:
    await deleted(either)
    down = isinstance(error, ClusterUnavailable)

    def refuse(verb: str, ref: Ref) -> PackhouseError | None:
        return error if ref.kind.kind == "ConfigMap" and (down or verb == "delete") else None

    accounts(either, refuse, cleaner=refuse)
    await either.reconcile()
    status = await either.status()
    assert reason(status, "DeleteFailed") == error.reason
    assert words in status["usefulErrorMessage"]
    await looks(either)
    assert await remaining(either) == ["web"]
    [(_, told_reason, note)] = await told(either)
    assert (told_reason, "ConfigMap demo/web" in note) == ("ObjectsLeft", True)


# ---- what stays on purpose -------------------------------------------------------------------------------


async def test_noop_delete_leaves_everything_and_names_it(either: House) -> None:
    await deleted(either, noopDelete=True)
    accounts(either, GONE)
    assert await looks(either) == 1
    assert await remaining(either) == ["web", "runner", "reader"]
    [(kind, told_reason, note)] = await told(either)
    assert (kind, told_reason) == ("Normal", "ObjectsKept")
    assert "leaves 3 objects on purpose" in note
    assert "ClusterRole reader" in note


async def test_noop_delete_ends_a_deletion_that_is_under_way(house: House) -> None:
    await deleted(house)
    accounts(house, GONE)
    await house.reconcile()
    found = await house.cluster.get(INSTALL)
    assert found is not None
    await house.cluster.patch(INSTALL, [{"op": "add", "path": "/spec/noopDelete", "value": True}])
    assert await looks(house) == 1
    assert [told_reason for _, told_reason, _ in await told(house)] == ["ObjectsKept"]


async def test_what_is_orphaned_stays_without_our_marks_and_is_named(either: House) -> None:
    marked = config_map("web", "hello").replace(
        "  name: web", "  name: web\n  annotations: {kapp.k14s.io/delete-strategy: orphan}"
    )
    await deleted(either, {**FILES, "web.yaml": marked})
    assert await looks(either) == 1
    assert await remaining(either) == ["web"]
    found = await either.find("ConfigMap", "web")
    assert found is not None
    assert OWNER_ANNOTATION not in found["metadata"]["annotations"]
    assert OWNER_LABEL not in (found["metadata"].get("labels") or {})
    [(kind, told_reason, note)] = await told(either)
    assert (kind, told_reason, "ConfigMap demo/web" in note) == ("Normal", "ObjectsKept", True)


# ---- the operator itself ---------------------------------------------------------------------------------


async def test_what_was_deleted_while_no_operator_ran_has_its_whole_time(tmp_path: Path) -> None:
    first = house_of(tmp_path)
    await deleted(first)
    await hold(first)
    second = House(tmp_path, first.cluster, deletion_deadline_seconds=DEADLINE)
    second.now = datetime(2026, 1, 2, tzinfo=UTC)  # a day later
    second.dispatch._remover._watching_since = second.now

    await second.reconcile()

    status = await second.status()
    assert "2026-01-02T00:10:00Z" in next(c["message"] for c in status["conditions"] if c["type"] == "Deleting")
    await looks(second)
    assert [told_reason for _, told_reason, _ in await told(second)] == ["ObjectsLeft"]


async def test_a_bug_of_ours_holds_nothing_for_longer_than_that(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await deleted(house)

    def bug(*args: Any, **more: Any) -> None:
        raise KeyError("uid")

    monkeypatch.setattr("packhouse.reconcile.removal.leaving", bug)
    await house.reconcile()
    assert reason(await house.status(), "DeleteFailed") == "InternalError"
    await looks(house)
    [(_, told_reason, note)] = await told(house)
    assert (told_reason, "leaves 3 objects behind" in note) == ("ObjectsLeft", True)


async def test_what_is_left_is_told_before_the_install_goes_and_once(house: House) -> None:
    await deleted(house)
    accounts(house, GONE)
    down = ClusterUnavailable("down")
    house.now = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
    house.cluster.refuse = lambda verb, ref: down if ref.kind == EVENT and verb == "create" else None
    await house.reconcile()
    assert await house.cluster.get(INSTALL) is not None, "nobody could be told yet"

    house.cluster.refuse = lambda verb, ref: down if verb == "patch" and ref == INSTALL else None
    await house.reconcile()
    house.cluster.refuse = never
    await looks(house)
    assert [told_reason for _, told_reason, _ in await told(house)] == ["ObjectsLeft"]


async def test_looks_come_at_the_half_and_at_the_end(house: House) -> None:
    await deleted(house, syncPeriod="1h")
    accounts(house, always(ClusterUnavailable("no", retry_after_seconds=1000)))
    house.now = datetime(2026, 1, 1, 0, 3, tzinfo=UTC)
    assert await house.reconcile() == 60
    assert await house.reconcile() == 300
