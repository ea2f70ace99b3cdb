"""A whole operator without a process: the real reconcilers, stores and template steps, around fakes of the outside.

`House.reconcile` is what the queue would do once; events reach the stores when `hear` is called, so a test decides what
the operator knows already. Used by tests/unit/reconcile.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fakes_cluster import FakeCluster, FakeIdentities
from fakes_registry import FakeRegistry
from fakes_renderer import FakeRenderer
from fakes_sources import origins
from packhouse.api.errors import PackhouseError
from packhouse.api.names import (
    INSTALL_API,
    INSTALLED_PACKAGE,
    PACKAGE,
    PACKAGE_API,
    PACKAGE_METADATA,
    PACKAGE_REPOSITORY,
)
from packhouse.api.views import InstalledPackage, PackageRepository
from packhouse.domain.ownership import entry_of
from packhouse.ports import Access, Json, Kind, Ref, Tree
from packhouse.queue import Key
from packhouse.reconcile.dispatch import Dispatch
from packhouse.reconcile.facts import ClusterFacts
from packhouse.reconcile.report import Reporter
from packhouse.reconcile.stores import Objects, Packages, secret_mark
from packhouse.reconcile.wake import Wake
from packhouse.reconcile.world import Stores, World
from packhouse.settings import Settings

CRDS = Path(__file__).parents[1] / "crds"
NAMESPACE = "demo"
NAME = "web.example.com"


@cache
def _definitions() -> tuple[Json, ...]:
    return tuple(yaml.safe_load((CRDS / name).read_text()) for name in ("package.yaml", "packagemetadata.yaml"))


@dataclass(slots=True)
class TownRegistry(FakeRegistry):
    """A registry with what the real adapter has in front of it: answers that are remembered, and a cache.

    While it is `away`, whatever needs a request ends with that error. `requests` are those that reached it.
    """

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    away: PackhouseError | None = None
    requests: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)  # every question, answered from memory or not,
    accesses: list[Access] = field(default_factory=list)  # and how it was asked
    _told: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    _pulled: set[str] = field(default_factory=set)

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        self.resolved.append(image)
        self.accesses.append(access)
        told = self._told.get(image)
        if told is not None and (self.clock() - told[0]).total_seconds() < fresh_seconds:
            return told[1]
        self._request(image)
        digest = await super(TownRegistry, self).resolve(image, access)
        self._told[image] = (self.clock(), digest)
        return digest

    async def pull(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> Tree:
        if image not in self._pulled:
            self._request(image)
        tree = await super(TownRegistry, self).pull(image, access)
        self._pulled.add(image)
        return tree

    async def tags(self, repository: str, access: Access, *, fresh_seconds: float = 0.0) -> Sequence[str]:
        self._request(repository)
        return await super(TownRegistry, self).tags(repository, access)

    def _request(self, image: str) -> None:
        self.requests.append(image)
        if self.away is not None:
            raise self.away


class Woken:
    """In the place of the queue: whom a change wakes."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        self.names.append(key.name)

    def is_busy(self, key: Key) -> bool:
        return False

    def is_working(self, key: Key) -> bool:
        return False

    def forget(self, key: Key) -> None:
        self.names = [name for name in self.names if name != key.name]

    def since(self) -> set[str]:
        """The names woken since the last call."""
        found, self.names = set(self.names), []
        return found


class House:
    """`cluster` may be one that another house has worked on: that is a restart."""

    def __init__(self, folder: Path, cluster: FakeCluster | None = None, **settings: Any) -> None:
        self.cluster = cluster or FakeCluster()
        self.identities = FakeIdentities(self.cluster)
        self.registry = TownRegistry(folder, clock=self._clock)
        self.settings = Settings(cache_dir=folder, **settings)
        self.renderer = FakeRenderer(self.settings)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.stores = Stores(
            installs=Objects(InstalledPackage.from_wire),
            repositories=Objects(PackageRepository.from_wire),
            packages=Packages(),
            metadatas=Objects(entry_of),
            secrets=Objects(secret_mark),
        )
        self._by_kind: Mapping[str, Objects[Any]] = {
            INSTALLED_PACKAGE: self.stores.installs,
            PACKAGE_REPOSITORY: self.stores.repositories,
            PACKAGE: self.stores.packages,
            PACKAGE_METADATA: self.stores.metadatas,
            "Secret": self.stores.secrets,
        }
        self._heard = 0
        world = self.world = World(
            cluster=self.cluster,
            identities=self.identities,
            origins=origins(self.registry),
            renderer=self.renderer,
            reporter=Reporter(self.cluster, keep=lambda kind, obj: self._by_kind[kind].refresh(obj), clock=self._clock),
            facts=ClusterFacts(self.cluster),
            stores=self.stores,
            settings=self.settings,
            reading=asyncio.Semaphore(1),
            chance=lambda: 0.0,
            clock=self._clock,
        )
        self.dispatch = Dispatch(world)
        self.woken = Woken()
        installs = self.dispatch.installs
        Wake(world, self.woken, installs.chosen, installs.named).connect()  # type: ignore[arg-type]

    # ---- what a user does --------------------------------------------------------------------------------

    async def apply(self, *objects: Json) -> None:
        for obj in objects:
            await self.cluster.apply(obj, manager="user")

    async def define(self) -> None:
        """The CRDs of the catalogue, which a repository is checked by."""
        await self.apply(*_definitions())

    # ---- what the operator does --------------------------------------------------------------------------

    def hear(self) -> None:
        """All events until now reach the stores."""
        for number, event in self.cluster.history:
            store = self._by_kind.get(event.object["kind"])
            if number <= self._heard or store is None:
                continue
            metadata = event.object["metadata"]
            if event.type == "DELETED":
                store.drop((metadata.get("namespace", ""), metadata["name"]), version=metadata["resourceVersion"])
            else:
                store.put(event.object)
        self._heard = max([self._heard, *(number for number, _ in self.cluster.history)])

    async def reconcile(
        self, name: str = "web", kind: str = INSTALLED_PACKAGE, namespace: str = NAMESPACE
    ) -> float | None:
        """One turn of the queue; seconds until the next look."""
        self.hear()
        self.now += timedelta(seconds=60)
        delay = await self.dispatch.reconcile(Key(kind, namespace if kind == INSTALLED_PACKAGE else "", name))
        self.hear()
        return delay

    async def settle(self, name: str = "web", kind: str = INSTALLED_PACKAGE) -> Json:
        """Both turns of a new object: the finalizer, and the rest."""
        await self.reconcile(name, kind)
        await self.reconcile(name, kind)
        return await self.status(name, kind)

    # ---- what there is to see ----------------------------------------------------------------------------

    async def status(self, name: str = "web", kind: str = INSTALLED_PACKAGE) -> Json:
        found = await self.find(kind, name, NAMESPACE if kind == INSTALLED_PACKAGE else "", INSTALL_API)
        assert found is not None
        status: Json = found.get("status") or {}
        return status

    async def find(self, kind: str, name: str, namespace: str = NAMESPACE, api: str = "v1") -> Json | None:
        group, _, version = api.rpartition("/")
        return await self.cluster.get(Ref(Kind(group, version, kind), namespace, name))

    async def data(self, name: str) -> Json | None:
        """The data of a ConfigMap."""
        found = await self.find("ConfigMap", name)
        return found["data"] if found is not None else None

    def writes(self, start: int = 0) -> list[str]:
        """The writes from number `start` on, without Events."""
        return [write for write in self.cluster.writes[start:] if " Event " not in write]

    def _clock(self) -> datetime:
        return self.now


def states(status: Json) -> dict[str, str]:
    """The conditions, as type: status."""
    return {condition["type"]: condition["status"] for condition in status.get("conditions") or []}


def reason(status: Json, kind: str = "Ready") -> str:
    return next(str(condition["reason"]) for condition in status["conditions"] if condition["type"] == kind)


def install(name: str = "web", *, constraint: str = ">=1.0.0", values: Sequence[str] = (), **spec: Any) -> Json:
    return {
        "apiVersion": INSTALL_API,
        "kind": INSTALLED_PACKAGE,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "serviceAccountName": "installer",
            "packageRef": {"publicName": NAME, "versionSelection": {"constraint": constraint}},
            "values": [{"secretRef": {"name": secret}} for secret in values],
            **spec,
        },
    }


def package(version: str = "1.0.0", *names: str, files: Mapping[str, str] | None = None, **metadata: Any) -> Json:
    """A Package that gives one ConfigMap for each of `names`."""
    content = files or {f"{name}.yaml": config_map(name, version) for name in names or ("web",)}
    steps = {"fetch": [{"inline": {"paths": dict(content)}}], "template": [{"jinja2": {}}], "deploy": [{"kapp": {}}]}
    return {
        "apiVersion": PACKAGE_API,
        "kind": PACKAGE,
        "metadata": {"name": f"{NAME}.{version}", **metadata},
        "spec": {"publicName": NAME, "version": version, "template": {"spec": steps}},
    }


def config_map(name: str, text: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  text: '{text}'\n"


def secret(name: str, values: str) -> Json:
    encoded = base64.b64encode(values.encode()).decode()
    meta = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"values.yml": encoded}}


def repository(name: str = "main", **spec: Any) -> Json:
    fetch = {"imgpkgBundle": {"image": f"registry.test/{name}:latest"}}
    return {
        "apiVersion": INSTALL_API,
        "kind": PACKAGE_REPOSITORY,
        "metadata": {"name": name},
        "spec": {"fetch": fetch, **spec},
    }


def bundle(*documents: Json | str) -> dict[str, bytes]:
    """The files of a repository bundle; a text is taken as it is."""
    return {
        f"packages/{number:03}.yaml": (doc if isinstance(doc, str) else yaml.safe_dump(doc)).encode()
        for number, doc in enumerate(documents)
    }
