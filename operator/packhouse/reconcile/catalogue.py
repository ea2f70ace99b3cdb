"""Carries out what ownership decided about catalogue documents, as the operator. Writes no status, decides nothing.

What a write answered goes into the stores at once, so that the next reconcile sees it without waiting for a watch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from packhouse.api.errors import DeletionPending, DeployFailed
from packhouse.api.names import (
    CATALOGUE_MANAGER,
    PACKAGE,
    PACKAGE_GROUP,
    PACKAGE_METADATA,
    REPOSITORY_LABEL,
    VERSION,
)
from packhouse.deploy.live import gathered
from packhouse.domain.catalogue import Entry
from packhouse.domain.ownership import Action, Step, handed_over, handing_over, is_mine, leave, purging
from packhouse.ports import BundleFault, Cluster, Json, Kind, Ref
from packhouse.reconcile.stores import Objects
from packhouse.reconcile.world import World

KINDS: Final = (PACKAGE, PACKAGE_METADATA)
CRD: Final = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
PLURALS: Final = {PACKAGE: "packages", PACKAGE_METADATA: "packagemetadatas"}
#: More than this many removals of one repository are one request instead of many.
MANY: Final = 20


async def crd_schemas(cluster: Cluster) -> dict[str, Json]:
    """The openAPIV3Schema of each catalogue kind, as the API server will check it. Raises DeployFailed."""
    schemas: dict[str, Json] = {}
    for kind, plural in PLURALS.items():
        crd = await cluster.get(Ref(CRD, "", f"{plural}.{PACKAGE_GROUP}"))
        if crd is None:
            raise DeployFailed(f"the CRD {plural}.{PACKAGE_GROUP} is missing; install the CRDs of packhouse")
        version = next(version for version in crd["spec"]["versions"] if version["name"] == VERSION)
        schemas[kind] = version["schema"]["openAPIV3Schema"]
    return schemas


class CatalogueWriter:
    """Applies, relabels and deletes Packages and PackageMetadatas."""

    def __init__(self, world: World) -> None:
        self._cluster = world.cluster
        self._stores: dict[str, Objects[Entry]] = {
            PACKAGE: world.stores.packages,
            PACKAGE_METADATA: world.stores.metadatas,
        }

    async def write(self, steps: Sequence[Step]) -> list[BundleFault]:
        """Apply what arrives; what the API server finds wrong with a document comes back as its fault."""
        faults = await gathered([self._write(step) for step in steps if step.doc is not None])
        return [fault for fault in faults if fault is not None]

    async def _write(self, step: Step) -> BundleFault | None:
        doc = step.doc
        assert doc is not None  # noqa: S101 - write() passes no other
        is_new = step.entry is None
        try:
            # Without force, what somebody made by hand a moment ago is not overwritten: the next look finds it.
            answer = await self._cluster.apply(doc, manager=CATALOGUE_MANAGER, force=not is_new, metadata_only=is_new)
        except DeployFailed as refused:
            return BundleFault(step.name, 0, refused.message)
        if not is_new:
            answer = await self._purge(step, doc, answer)
        self._stores[step.kind].put({**doc, "metadata": {**doc["metadata"], **answer["metadata"]}})
        return None

    async def _purge(self, step: Step, doc: Json, answer: Json) -> Json:
        """Take away what an apply leaves because others wrote it: fields added by hand, and marks of a hand-over."""
        operations = purging(doc, answer)
        if not operations:
            return answer
        try:
            return await self._cluster.patch(Ref(_kind(step.kind), "", step.name), operations) or answer
        except DeployFailed:  # changed meanwhile, and that change wakes the repository again
            return answer

    async def withdraw(self, me: str) -> None:
        """Everything that the repository `me` owns or shares. Raises DeletionPending until it is all gone."""
        for kind in KINDS:
            mine = [entry for entry in self._stores[kind] if is_mine(me, entry)]
            await self.withdraw_steps(me, [leave(me, entry, kind=kind) for entry in mine])
        for kind in KINDS:
            selector = f"{REPOSITORY_LABEL}={me}"
            async for page in self._cluster.pages(_kind(kind), label_selector=selector, metadata_only=True):
                if page.items:
                    raise DeletionPending(f"waiting for {len(page.items)} {PLURALS[kind]} to be gone")

    async def withdraw_steps(self, me: str, steps: Sequence[Step]) -> None:
        """Pass on first, then delete."""
        handed = [step for step in steps if step.action in (Action.PASS_ON, Action.RELEASE)]
        await gathered([self._hand_over(me, step) for step in handed])
        for kind in KINDS:
            doomed = [step for step in steps if step.action is Action.REMOVE and step.kind == kind]
            everything = [entry for entry in self._stores[kind] if entry.repository == me]
            if len(doomed) > MANY and len(doomed) == len(everything):
                await self._cluster.delete_collection(_kind(kind), label_selector=f"{REPOSITORY_LABEL}={me}")
                for step in doomed:
                    self._stores[kind].drop(("", step.name))
            else:
                await gathered([self._delete(step) for step in doomed])

    async def _hand_over(self, me: str, step: Step) -> None:
        assert step.entry is not None  # noqa: S101 - only what exists is handed over
        answer = await self._cluster.patch(Ref(_kind(step.kind), "", step.name), handing_over(me, step.entry))
        if answer is None:
            self._stores[step.kind].drop(("", step.name))
        else:
            version = answer["metadata"]["resourceVersion"]
            self._stores[step.kind].put_trimmed(("", step.name), version, handed_over(me, step.entry))

    async def _delete(self, step: Step) -> None:
        assert step.entry is not None  # noqa: S101 - only what exists is deleted
        await self._cluster.delete(Ref(_kind(step.kind), "", step.name), uid=step.entry.uid or None)
        self._stores[step.kind].drop(("", step.name))


def _kind(kind: str) -> Kind:
    return Kind(PACKAGE_GROUP, VERSION, kind)
