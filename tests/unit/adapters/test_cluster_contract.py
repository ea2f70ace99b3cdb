"""What everybody relies on in the port Cluster, held by the fake and by the real adapter alike.

TestFake and TestReal run the same sentences; TestRealOnly has those that need rights, which the fake does not know.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from cluster.find import Cluster as ControlPlane
from fakes_cluster import FakeCluster
from packhouse.api.errors import DeployFailed, FieldConflict, Forbidden, ServiceAccountMissing
from packhouse.connected import Connected, connected
from packhouse.domain.objects import managed_digest
from packhouse.ports import Cluster, Json, Kind, Ref, WatchEvent, WatchExpired
from packhouse.settings import Settings

CONFIG_MAP = Kind("", "v1", "ConfigMap")
DEFINITION = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
MANAGER = "contract"


class Room:
    """A namespace to work in, and words of its own for what is not namespaced."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.word = f"c{secrets.token_hex(4)}"

    def config_map(self, name: str, **metadata: object) -> Json:
        meta = {"name": name, "namespace": self.namespace, **metadata}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1", "b": "2"}}

    def ref(self, name: str) -> Ref:
        return Ref(CONFIG_MAP, self.namespace, name)

    def crd(self) -> Json:
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{self.word}s.contract.example.com"},
            "spec": {
                "group": "contract.example.com",
                "scope": "Namespaced",
                "names": {"plural": f"{self.word}s", "singular": self.word, "kind": self.kind.kind},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
            },
        }

    @property
    def definition(self) -> Ref:
        return Ref(DEFINITION, "", f"{self.word}s.contract.example.com")

    @property
    def kind(self) -> Kind:
        return Kind("contract.example.com", "v1", self.word.capitalize())


class Contract:
    """Subclasses give the fixtures `port` and `room`."""

    async def test_what_does_not_exist_is_none(self, port: Cluster, room: Room) -> None:
        assert await port.get(room.ref("absent")) is None
        assert await port.get(Ref(Kind("no.example.com", "v1", "Nothing"), "", "x")) is None
        assert await port.patch(room.ref("absent"), [{"op": "remove", "path": "/data"}]) is None
        assert await port.delete(room.ref("absent")) is False

    async def test_an_apply_creates_and_its_repetition_changes_nothing(self, port: Cluster, room: Room) -> None:
        first = await port.apply(room.config_map("web"), manager=MANAGER)
        again = await port.apply(room.config_map("web"), manager=MANAGER)

        assert first["data"] == {"a": "1", "b": "2"}
        assert again["metadata"]["uid"] == first["metadata"]["uid"]
        assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]

    async def test_a_field_that_is_applied_no_more_goes(self, port: Cluster, room: Room) -> None:
        await port.apply(room.config_map("web"), manager=MANAGER)

        await port.apply({**room.config_map("web"), "data": {"a": "9"}}, manager=MANAGER)

        found = await port.get(room.ref("web"))
        assert found is not None
        assert found["data"] == {"a": "9"}

    async def test_a_field_of_another_manager_stays(self, port: Cluster, room: Room) -> None:
        await port.apply(room.config_map("web"), manager=MANAGER)
        await port.apply({**room.config_map("web"), "data": {"c": "3"}}, manager="another")

        await port.apply({**room.config_map("web"), "data": {"a": "9"}}, manager=MANAGER)

        found = await port.get(room.ref("web"))
        assert found is not None
        assert found["data"] == {"a": "9", "c": "3"}

    async def test_without_force_a_field_of_another_is_a_conflict(self, port: Cluster, room: Room) -> None:
        await port.apply(room.config_map("web"), manager=MANAGER)

        with pytest.raises(FieldConflict):
            await port.apply({**room.config_map("web"), "data": {"a": "9"}}, manager="another", force=False)

    async def test_managed_fields_tell_when_another_writer_took_a_field(self, port: Cluster, room: Room) -> None:
        mine = managed_digest(await port.apply(room.config_map("web"), manager=MANAGER), MANAGER)
        added = await port.patch(room.ref("web"), [{"op": "add", "path": "/data/c", "value": "theirs"}])
        taken = await port.patch(room.ref("web"), [{"op": "replace", "path": "/data/a", "value": "theirs"}])

        assert added is not None
        assert taken is not None
        assert managed_digest(added, MANAGER) == mine != managed_digest(taken, MANAGER)

    async def test_metadata_only_leaves_the_content_out(self, port: Cluster, room: Room) -> None:
        applied = await port.apply(room.config_map("web"), manager=MANAGER, metadata_only=True)
        read = await port.get(room.ref("web"), metadata_only=True)

        assert read is not None
        for answer in (applied, read):
            assert "data" not in answer
            assert answer["metadata"]["name"] == "web"
            assert answer["metadata"]["managedFields"]

    async def test_a_dry_run_writes_nothing(self, port: Cluster, room: Room) -> None:
        await port.apply(room.config_map("web"), manager=MANAGER, dry_run=True)

        assert await port.get(room.ref("web")) is None

    async def test_an_apply_with_the_uid_of_another_object_is_a_conflict(self, port: Cluster, room: Room) -> None:
        with pytest.raises(FieldConflict):
            await port.apply(room.config_map("web", uid="0a0a0a0a-0000-4000-8000-000000000000"), manager=MANAGER)

        assert await port.get(room.ref("web")) is None

    async def test_a_list_is_read_by_its_labels(self, port: Cluster, room: Room) -> None:
        for name, colour in (("one", "red"), ("two", "blue"), ("three", "red")):
            await port.apply(room.config_map(name, labels={"colour": colour}), manager=MANAGER)

        pages = [
            page
            async for page in port.pages(
                CONFIG_MAP, namespace=room.namespace, label_selector="colour=red", metadata_only=True
            )
        ]

        assert {item["metadata"]["name"] for page in pages for item in page.items} == {"one", "three"}
        assert all(page.resource_version for page in pages)

    async def test_a_list_of_full_objects_says_what_they_are(self, port: Cluster, room: Room) -> None:
        await port.apply(room.config_map("web"), manager=MANAGER)

        found = [item async for page in port.pages(CONFIG_MAP, namespace=room.namespace) for item in page.items]

        mine = [item for item in found if item["metadata"]["name"] == "web"]
        assert [(item["apiVersion"], item["kind"], item["data"]["a"]) for item in mine] == [("v1", "ConfigMap", "1")]

    async def test_a_list_of_what_is_not_served_has_no_page(self, port: Cluster, room: Room) -> None:
        assert [page async for page in port.pages(room.kind)] == []
        assert [table async for table in port.tables(room.kind)] == []

    async def test_a_list_comes_as_the_columns_of_its_kind(self, port: Cluster, room: Room) -> None:
        crd = room.crd()
        column = {"name": "Public-Name", "type": "string", "jsonPath": ".spec.publicName", "priority": 1}
        crd["spec"]["versions"][0]["additionalPrinterColumns"] = [column]
        await port.apply(crd, manager=MANAGER)
        async with asyncio.timeout(20):
            while await port.served(room.kind) is None:
                await asyncio.sleep(0.05)
        for name, spec in (("a", {"publicName": "web"}), ("b", {}), ("c", {"publicName": "other"})):
            thing = {"apiVersion": room.kind.api_version, "kind": room.kind.kind, "spec": spec}
            labels = {"of": room.word} if name != "c" else {}
            metadata = {"name": name, "namespace": room.namespace, "labels": labels}
            await port.apply({**thing, "metadata": metadata}, manager=MANAGER)

        found = [
            (table.columns, list(row))
            async for table in port.tables(room.kind, namespace=room.namespace, label_selector=f"of={room.word}")
            for row in table.rows
        ]

        await port.delete(room.definition)
        assert found == [(["Name", "Public-Name"], ["a", "web"]), (["Name", "Public-Name"], ["b", None])]

    async def test_a_patch_whose_test_does_not_hold_changes_nothing(self, port: Cluster, room: Room) -> None:
        await port.apply(room.config_map("web"), manager=MANAGER)

        with pytest.raises(DeployFailed):
            await port.patch(
                room.ref("web"),
                [{"op": "test", "path": "/data/a", "value": "x"}, {"op": "remove", "path": "/data/a"}],
            )

        found = await port.get(room.ref("web"))
        assert found is not None
        assert found["data"]["a"] == "1"

    async def test_a_deletion_asks_for_the_uid(self, port: Cluster, room: Room) -> None:
        applied = await port.apply(room.config_map("web"), manager=MANAGER)

        assert await port.delete(room.ref("web"), uid="0a0a0a0a-0000-4000-8000-000000000000") is False
        assert await port.get(room.ref("web")) is not None
        assert await port.delete(room.ref("web"), uid=applied["metadata"]["uid"]) is True
        assert await port.get(room.ref("web")) is None

    async def test_a_finalizer_holds_a_deleted_object_until_it_is_taken_off(self, port: Cluster, room: Room) -> None:
        await port.apply(room.config_map("web", finalizers=["example.com/hold"]), manager=MANAGER)
        await port.delete(room.ref("web"))

        held = await port.get(room.ref("web"), metadata_only=True)
        assert held is not None
        assert held["metadata"]["deletionTimestamp"]
        await port.patch(room.ref("web"), [{"op": "remove", "path": "/metadata/finalizers/0"}])
        assert await port.get(room.ref("web")) is None

    async def test_a_collection_is_deleted_by_its_labels(self, port: Cluster, room: Room) -> None:
        roles = Kind("rbac.authorization.k8s.io", "v1", "ClusterRole")
        for name, colour in (("one", "red"), ("two", "blue")):
            labels = {"colour": f"{room.word}-{colour}"}
            role = {"apiVersion": roles.api_version, "kind": roles.kind, "rules": []}
            await port.apply({**role, "metadata": {"name": f"{room.word}:{name}", "labels": labels}}, manager=MANAGER)

        await port.delete_collection(roles, label_selector=f"colour={room.word}-red")

        assert await port.get(Ref(roles, "", f"{room.word}:one")) is None
        assert await port.get(Ref(roles, "", f"{room.word}:two")) is not None
        await port.delete(Ref(roles, "", f"{room.word}:two"))

    async def test_an_object_is_created_once(self, port: Cluster, room: Room) -> None:
        created = await port.create(room.config_map("web"))

        assert created is not None
        assert created["metadata"]["uid"]
        with pytest.raises(DeployFailed):
            await port.create(room.config_map("web"))

    async def test_the_texts_of_a_secret_are_kept_as_its_data(self, port: Cluster, room: Room) -> None:
        meta = {"name": "web", "namespace": room.namespace}
        await port.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"a": "text"}})

        found = await port.get(Ref(Kind("", "v1", "Secret"), room.namespace, "web"))

        assert found is not None
        assert (found["data"], found.get("stringData")) == ({"a": "dGV4dA=="}, None)

    async def test_who_creates_and_who_changes_is_recorded(self, port: Cluster, room: Room) -> None:
        await port.create(room.config_map("web"), manager="maker")
        await port.patch(room.ref("web"), [{"op": "add", "path": "/data/b", "value": "1"}], manager="changer")

        found = await port.get(room.ref("web"))

        assert found is not None
        assert {entry["manager"] for entry in found["metadata"]["managedFields"]} == {"maker", "changer"}

    async def test_a_watch_tells_what_happened_after_a_version(self, port: Cluster, room: Room) -> None:
        before = await port.apply(room.config_map("before"), manager=MANAGER)
        await port.apply(room.config_map("web"), manager=MANAGER)
        await port.apply({**room.config_map("web"), "data": {"a": "9"}}, manager=MANAGER)
        await port.delete(room.ref("web"))

        events = await _events(port, before["metadata"]["resourceVersion"], room.namespace, 3)

        assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]
        assert {event.object["metadata"]["name"] for event in events} == {"web"}
        versions = [int(event.object["metadata"]["resourceVersion"]) for event in events]
        assert versions == sorted(set(versions)), "a deletion has a version of its own"

    async def test_a_watch_waits_for_what_comes(self, port: Cluster, room: Room) -> None:
        before = await port.apply(room.config_map("before"), manager=MANAGER)
        waiting = asyncio.create_task(_events(port, before["metadata"]["resourceVersion"], room.namespace, 1))
        await asyncio.sleep(0.05)

        await port.apply(room.config_map("later"), manager=MANAGER)

        assert [event.object["metadata"]["name"] for event in await waiting] == ["later"]

    async def test_a_kind_is_served_once_its_definition_is_there(self, port: Cluster, room: Room) -> None:
        thing = {
            "apiVersion": room.kind.api_version,
            "kind": room.kind.kind,
            "metadata": {"name": "x", "namespace": room.namespace},
        }
        assert await port.served(room.kind) is None
        with pytest.raises(DeployFailed):
            await port.apply(thing, manager=MANAGER)
        with pytest.raises(WatchExpired):
            await anext(aiter(port.watch(room.kind, resource_version="1")))

        await port.apply(room.crd(), manager=MANAGER)

        async with asyncio.timeout(20):
            while (served := await port.served(room.kind)) is None:
                await asyncio.sleep(0.05)
        assert (served.plural, served.namespaced) == (f"{room.word}s", True)
        await port.apply(thing, manager=MANAGER)
        await port.delete(room.definition)

    async def test_the_groups_are_sorted_and_have_their_versions(self, port: Cluster, room: Room) -> None:
        groups = await port.groups()

        assert list(groups) == sorted(groups)
        assert {"v1", "apps/v1"} <= set(groups)
        assert (await port.version()).startswith("v1.")


async def _events(port: Cluster, version: str, namespace: str, count: int) -> list[WatchEvent]:
    found: list[WatchEvent] = []
    async with asyncio.timeout(20):
        async for event in port.watch(CONFIG_MAP, resource_version=version, metadata_only=True):
            if event.type != "BOOKMARK" and event.object["metadata"]["namespace"] == namespace:
                if not event.object["metadata"]["name"].startswith("kube-root-ca"):
                    found.append(event)
                if len(found) == count:
                    break
    return found


class TestFake(Contract):
    @pytest.fixture
    def port(self) -> Cluster:
        return FakeCluster()

    @pytest.fixture
    def room(self) -> Room:
        return Room("demo")


@pytest.fixture
async def link(cluster: ControlPlane) -> AsyncIterator[Connected]:
    async with connected(Settings(), kubeconfig=str(cluster.kubeconfig)) as opened:
        yield opened


class TestReal(Contract):
    @pytest.fixture
    def port(self, link: Connected, cluster: ControlPlane) -> Cluster:
        return link.cluster

    @pytest.fixture
    def room(self, namespace: str) -> Room:
        return Room(namespace)


class TestRealOnly:
    async def test_an_account_without_rights_is_told_verb_and_resource(
        self, link: Connected, cluster: ControlPlane, namespace: str
    ) -> None:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "poor", "namespace": namespace}}
        await link.cluster.apply(account, manager=MANAGER)
        actor = link.identities.of(namespace, "poor")

        for act in (
            actor.get(Ref(CONFIG_MAP, namespace, "web")),
            actor.apply(Room(namespace).config_map("web"), manager=MANAGER),
            actor.delete(Ref(CONFIG_MAP, namespace, "web")),
        ):
            with pytest.raises(Forbidden) as refused:
                await act
            assert "configmaps" in refused.value.message
            assert f"system:serviceaccount:{namespace}:poor" in refused.value.message

    async def test_an_install_acts_as_its_account_and_not_as_the_operator(
        self, link: Connected, cluster: ControlPlane, namespace: str
    ) -> None:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "me", "namespace": namespace}}
        await link.cluster.apply(account, manager=MANAGER)

        review = await link.identities.of(namespace, "me").create(
            {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        )

        assert review is not None
        assert review["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:me"

    async def test_an_account_that_does_not_exist_is_said_to_be_missing(
        self, link: Connected, cluster: ControlPlane, namespace: str
    ) -> None:
        with pytest.raises(ServiceAccountMissing, match=f"{namespace}/nobody"):
            await link.identities.of(namespace, "nobody").get(Ref(CONFIG_MAP, namespace, "web"))

    async def test_nulls_that_a_schema_does_not_allow_are_left_out_as_a_create_would(
        self, link: Connected, cluster: ControlPlane, namespace: str
    ) -> None:
        room = Room(namespace)
        crd = room.crd()
        spec = {
            "type": "object",
            "properties": {"a": {"type": "boolean"}, "b": {"type": "string", "nullable": True, "maxLength": 3}},
        }
        crd["spec"]["versions"][0]["schema"] = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
        await link.cluster.apply(crd, manager=MANAGER)
        try:
            while await link.cluster.served(room.kind, anew=True) is None:
                await asyncio.sleep(0.05)
            thing = {"apiVersion": room.kind.api_version, "kind": room.kind.kind}
            wanted = {**thing, "metadata": {"name": "a", "namespace": namespace}, "spec": {"a": None, "b": "x"}}
            allowed = {**thing, "metadata": {"name": "b", "namespace": namespace}, "spec": {"a": True, "b": None}}
            wrong = {**thing, "metadata": {"name": "c", "namespace": namespace}, "spec": {"a": None, "b": "long"}}

            assert (await link.cluster.apply(wanted, manager=MANAGER))["spec"] == {"b": "x"}
            assert (await link.cluster.apply(allowed, manager=MANAGER))["spec"] == {"a": True, "b": None}
            with pytest.raises(DeployFailed, match=r"spec\.b"):
                await link.cluster.apply(wrong, manager=MANAGER)
        finally:
            await link.cluster.delete(room.definition)

    async def test_an_object_in_a_namespace_that_is_not_there_is_refused(
        self, link: Connected, cluster: ControlPlane
    ) -> None:
        with pytest.raises(DeployFailed, match="nowhere"):
            await link.cluster.apply(Room("nowhere").config_map("web"), manager=MANAGER)

    async def test_a_name_cannot_lead_to_another_path(self, link: Connected, cluster: ControlPlane) -> None:
        assert await link.cluster.get(Ref(CONFIG_MAP, "default", "kube-root-ca.crt?x=y")) is None

    async def test_lists_and_watches_survive_that_their_definition_goes(
        self, link: Connected, cluster: ControlPlane, namespace: str
    ) -> None:
        room = Room(namespace)
        await link.cluster.apply(room.crd(), manager=MANAGER)
        async with asyncio.timeout(20):
            while await link.cluster.served(room.kind) is None:
                await asyncio.sleep(0.05)
        await link.cluster.delete(room.definition)
        async with asyncio.timeout(20):
            while [page async for page in link.cluster.pages(room.kind)]:
                await asyncio.sleep(0.05)

        await link.cluster.delete_collection(room.kind, label_selector="a=b")
        with pytest.raises(WatchExpired):
            await anext(aiter(link.cluster.watch(room.kind, resource_version="1")))
