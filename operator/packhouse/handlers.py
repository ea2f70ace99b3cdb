"""Every @kopf.on.event: an object was seen, so its store learns of it. No logic, no branch on a spec, no write."""

from __future__ import annotations

from typing import Any

import kopf

from packhouse.api.names import INSTALL_GROUP, INSTALLED_PACKAGE, PACKAGE_REPOSITORY, VERSION
from packhouse.reconcile.stores import Objects

PLURALS = {INSTALLED_PACKAGE: "installedpackages", PACKAGE_REPOSITORY: "packagerepositories"}


def register(registry: kopf.OperatorRegistry, stores: dict[str, Objects[Any]]) -> None:
    """One event handler per kind, each feeding its store."""
    for kind, store in stores.items():
        _feed(registry, PLURALS[kind], store)


def _feed(registry: kopf.OperatorRegistry, plural: str, store: Objects[Any]) -> None:
    @kopf.on.event(INSTALL_GROUP, VERSION, plural, registry=registry)
    async def seen(type: str | None, body: kopf.Body, **_: Any) -> None:
        obj: dict[str, Any] = dict(body)
        if type == "DELETED":
            metadata = obj["metadata"]
            key = (metadata.get("namespace") or "", metadata["name"])
            store.drop(key, version=metadata.get("resourceVersion") or "")
        else:
            store.put(obj)
