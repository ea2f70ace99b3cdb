"""An own list-watch: keeps a store true to the API server, page by page and event by event, for ever.

The store decides what it keeps of an object, so memory does not grow with content. After a break the watch goes on
from the last bookmark; after an expiry everything is listed anew and what was missed is dropped.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final, Protocol

from packhouse.api.errors import ClusterUnavailable, PackhouseError
from packhouse.ports import Cluster, Json, Kind, WatchExpired

log = logging.getLogger(__name__)

BACKOFF_FIRST_SECONDS: Final = 0.5
BACKOFF_MOST_SECONDS: Final = 30.0

Key = tuple[str, str]  # namespace, name


class Store(Protocol):
    """Where a list-watch puts what it hears. Called in the event loop; must not block."""

    def put(self, obj: Json) -> None: ...

    def drop(self, key: Key, *, version: str = "") -> None:
        """`version` is that of the deletion, where known: what was made after it stays."""
        ...

    def keys(self) -> set[Key]: ...


class HistoryRewritten(Exception):
    """No PackhouseError: everything that the process knows is of a world that is gone, and it must end."""


class NotServed(ClusterUnavailable):
    """The API server does not serve the kind: its CRD is not there yet, or not any more."""


class ListWatch:
    """One kind, one store. `synced` is set once the first list is in the store."""

    def __init__(
        self,
        cluster: Cluster,
        kind: Kind,
        store: Store,
        *,
        metadata_only: bool = False,
        label_selector: str = "",
        gives_up: tuple[type[PackhouseError], ...] = (),
        listed: Callable[[], None] = lambda: None,
    ) -> None:
        """`gives_up`: the errors that end it, in place of another try. `listed` is told when a list is in the store."""
        self.kind = kind
        self.synced = asyncio.Event()
        self.troubled = False  # since the last answer a list or a watch failed: the store may be behind
        self._cluster = cluster
        self._store = store
        self._metadata_only = metadata_only
        self._label_selector = label_selector
        self._gives_up = gives_up
        self._listed = listed
        self._highest = "0"  # what the API server never goes behind, unless its store is set back
        self._version = ""  # of the last list, event or bookmark; "" asks for a new list

    async def run(self) -> None:
        """Never returns; trouble is logged and tried again with back-off and jitter.

        Raises HistoryRewritten, and what it gives up at.
        """
        delay = BACKOFF_FIRST_SECONDS
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
                delay = BACKOFF_FIRST_SECONDS
            except WatchExpired:
                self._version = ""
                await asyncio.sleep(random.uniform(0, BACKOFF_FIRST_SECONDS))  # noqa: S311 - jitter, no secret
            except PackhouseError as error:
                self.troubled = True
                if isinstance(error, self._gives_up):
                    raise
                log.warning("watching %s: %s", self.kind, error.message)
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
                delay = min(delay * 2, BACKOFF_MOST_SECONDS)

    async def _list(self) -> None:
        # What others put into the store while the list is read is not missing from it.
        version, held, seen = "", self._store.keys(), set[Key]()
        pages = self._cluster.pages(self.kind, label_selector=self._label_selector, metadata_only=self._metadata_only)
        async for page in pages:
            version = page.resource_version
            for obj in page.items:
                seen.add(_key(obj))
                self._store.put(obj)
        if version and int(version) < int(self._highest):
            raise HistoryRewritten(
                f"the list of {self.kind} is older ({version}) than what was seen before ({self._highest}): "
                f"etcd was restored from a backup, so the operator has to begin anew"
            )
        if not version:
            raise NotServed(f"{self.kind} is not served; its CRD must be installed first")
        for key in held - seen:
            self._store.drop(key)
        self._version = self._highest = version
        self.troubled = False
        self.synced.set()
        self._listed()

    async def _watch(self) -> None:
        events = self._cluster.watch(
            self.kind,
            resource_version=self._version,
            label_selector=self._label_selector,
            metadata_only=self._metadata_only,
        )
        async for event in events:
            self.troubled = False
            version = event.object["metadata"]["resourceVersion"]
            match event.type:
                case "ADDED" | "MODIFIED":
                    self._store.put(event.object)
                case "DELETED":
                    self._store.drop(_key(event.object), version=version)
                case _:  # a bookmark: only the version counts
                    pass
            self._version = self._highest = version
        self.troubled = False


def _key(obj: Json) -> Key:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
