"""The composition root: settings become adapters, adapters a world, and the world runs. The only place that builds.

Order matters: our own list-watches fill their stores before the first reconcile (a catalogue that is half known would
un-resolve installs), our tasks are made before kopf starts, and kopf only watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import kopf

from packhouse import handlers
from packhouse.adapters import kopf_login
from packhouse.adapters.list_watch import ListWatch
from packhouse.adapters.owned_watch import OwnedWatch
from packhouse.adapters.renderer_client import RendererClient
from packhouse.api.errors import InvalidSpec, PackhouseError
from packhouse.api.names import (
    INSTALLED_PACKAGE,
    PACKAGE,
    PACKAGE_GROUP,
    PACKAGE_METADATA,
    PACKAGE_REPOSITORY,
    VERSION,
)
from packhouse.api.views import InstalledPackage, PackageRepository
from packhouse.connected import Connected, connected
from packhouse.domain.ownership import entry_of
from packhouse.origins import origins_of
from packhouse.ports import Json, Kind
from packhouse.reconcile.dispatch import Dispatch
from packhouse.reconcile.facts import ClusterFacts
from packhouse.reconcile.owned import OwnedObjects, kinds_of
from packhouse.reconcile.report import Reporter
from packhouse.reconcile.stores import Objects, Packages, secret_mark
from packhouse.reconcile.values import SECRET
from packhouse.reconcile.world import Stores, World
from packhouse.settings import Settings

log = logging.getLogger(__name__)

#: How long the first lists may take; then a clear end is better than waiting in silence.
SYNC_SECONDS: Final = 50.0


async def run(settings: Settings, *, kubeconfig: str | None = None, context: str | None = None) -> None:
    """The operator, until SIGTERM or SIGINT."""
    async with AsyncExitStack() as stack:
        link = await stack.enter_async_context(connected(settings, kubeconfig=kubeconfig, context=context))
        renderer = await stack.enter_async_context(RendererClient(settings))
        origins = await stack.enter_async_context(origins_of(settings))
        stores = Stores(
            installs=Objects(InstalledPackage.from_wire),
            repositories=Objects(PackageRepository.from_wire),
            packages=Packages(),
            metadatas=Objects(entry_of),
            secrets=Objects(secret_mark),
        )
        watched: dict[str, Objects[Any]] = {
            INSTALLED_PACKAGE: stores.installs,
            PACKAGE_REPOSITORY: stores.repositories,
        }

        def keep(kind: str, obj: Json) -> None:
            watched[kind].refresh(obj)

        owned = OwnedObjects()
        world = World(
            cluster=link.cluster,
            identities=link.identities,
            origins=origins,
            renderer=renderer,
            reporter=Reporter(link.cluster, keep=keep),
            facts=ClusterFacts(link.cluster),
            stores=stores,
            settings=settings,
            reading=asyncio.Semaphore(settings.render_workers),
            owned=owned,
        )
        dispatch = Dispatch(world)
        owned_watch = OwnedWatch(link.cluster, owned, lambda: kinds_of(stores.installs))
        await _run(settings, link, stores, watched, dispatch, owned_watch)


async def _run(
    settings: Settings,
    link: Connected,
    stores: Stores,
    watched: dict[str, Objects[Any]],
    dispatch: Dispatch,
    owned_watch: OwnedWatch,
) -> None:
    watches = [
        ListWatch(link.cluster, Kind(PACKAGE_GROUP, VERSION, PACKAGE), stores.packages),
        ListWatch(link.cluster, Kind(PACKAGE_GROUP, VERSION, PACKAGE_METADATA), stores.metadatas),
        ListWatch(link.cluster, SECRET, stores.secrets, metadata_only=True),
    ]
    async with _tasks([watch.run() for watch in watches]):
        try:
            async with asyncio.timeout(SYNC_SECONDS):
                for watch in watches:
                    await watch.synced.wait()
        except TimeoutError:
            missing = ", ".join(str(watch.kind) for watch in watches if not watch.synced.is_set())
            raise InvalidSpec(
                f"not listed within {SYNC_SECONDS:g} s: {missing}; are the CRDs of packhouse installed, and has the "
                f"operator its role? The log above says why"
            ) from None
        log.info("the catalogue is known: %d packages", len(stores.packages))
        reconciling = dispatch.queue.run(settings.reconcile_workers, settings.waiting_most)
        async with _tasks([reconciling, owned_watch.run()]):
            await asyncio.sleep(0)  # the workers are tasks of the queue's: they too must be there before kopf
            registry = kopf.OperatorRegistry()
            handlers.register(registry, watched)

            @kopf.on.login(registry=registry)
            async def login(**_: Any) -> kopf.ConnectionInfo:
                return await kopf_login.for_kopf(link.configuration)

            @kopf.on.cleanup(registry=registry)
            async def close(**_: Any) -> None:
                # Their tasks are younger than kopf, which would wait for them.
                await dispatch.queue.let_go()
                await owned_watch.close()

            try:
                await kopf.operator(
                    registry=registry,
                    settings=_kopf_settings(settings),
                    clusterwide=True,
                    standalone=True,
                    liveness_endpoint=f"http://0.0.0.0:{settings.health_port}/healthz"
                    if settings.health_port
                    else None,
                )
            except PackhouseError as error:
                # At its end kopf waits for all tasks, those of reconciles under way too, and raises what they raised.
                log.info("a reconcile ended with the operator: %s", error.message)


@asynccontextmanager
async def _tasks(coroutines: list[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run them beside the body; one that ends ends the operator, since none of them should."""
    body = asyncio.current_task()
    assert body is not None  # noqa: S101 - a context manager of the event loop has a task
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            log.critical("a task of the operator ended, and so does the operator", exc_info=task.exception())
            body.cancel()

    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield
    finally:
        for task in tasks:
            task.remove_done_callback(ended)
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _kopf_settings(settings: Settings) -> kopf.OperatorSettings:
    """Kopf watches, and writes nothing."""
    kopf_settings = kopf.OperatorSettings()
    kopf_settings.posting.enabled = False
    kopf_settings.watching.server_timeout = int(settings.watch_timeout_seconds)
    kopf_settings.watching.client_timeout = int(settings.watch_timeout_seconds) + 30
    kopf_settings.watching.inactivity_timeout = int(settings.watch_timeout_seconds) + 30
    # Kopf gives up, and with it the operator ends, after these: an API server that restarts takes longer than a minute.
    kopf_settings.networking.error_backoffs = [0.5, 1, 2, 4] + [8] * 40
    return kopf_settings
