"""The finalizer: held by every object that has something to clean up, taken off as the last act."""

from __future__ import annotations

from packhouse.api.errors import DeployFailed
from packhouse.api.names import FINALIZER, FINALIZER_MANAGER, INSTALL_API, INSTALL_GROUP, VERSION
from packhouse.api.views import Meta
from packhouse.ports import Cluster, Json, Kind, Ref


async def hold(cluster: Cluster, kind: str, meta: Meta) -> None:
    """Put the finalizer on. The uid travels with it: applied to an object that is gone it would make a new one."""
    metadata: Json = {"name": meta.name, "uid": meta.uid, "finalizers": [FINALIZER]}
    if meta.namespace:
        metadata["namespace"] = meta.namespace
    await cluster.apply(
        {"apiVersion": INSTALL_API, "kind": kind, "metadata": metadata}, manager=FINALIZER_MANAGER, metadata_only=True
    )


async def release(cluster: Cluster, kind: str, meta: Meta) -> None:
    """Take the finalizer off; nothing happens where it or the object is gone. Raises DeployFailed when raced."""
    ref = Ref(Kind(INSTALL_GROUP, VERSION, kind), meta.namespace, meta.name)
    found = await cluster.get(ref, metadata_only=True)
    if found is None or found["metadata"]["uid"] != meta.uid:
        return
    finalizers = list(found["metadata"].get("finalizers") or ())
    if FINALIZER not in finalizers:
        return
    place = f"/metadata/finalizers/{finalizers.index(FINALIZER)}"
    try:
        await cluster.patch(
            ref,
            [
                {"op": "test", "path": "/metadata/resourceVersion", "value": found["metadata"]["resourceVersion"]},
                {"op": "remove", "path": place},
            ],
        )
    except DeployFailed as raced:
        raise DeployFailed(f"{ref} changed while its finalizer was taken off; it is tried again") from raced
