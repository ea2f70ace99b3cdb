"""Conversations with the API server, built from settings: as the operator, and as whoever calls the command line.

Beside app.py, and apart from it: the command line needs neither kopf nor the libraries of the sources to list packages.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packhouse.adapters import connection
from packhouse.adapters.api_server import ApiServer, Counter
from packhouse.adapters.cluster import KubeCluster
from packhouse.adapters.connection import namespace_of
from packhouse.adapters.discovery import Discovery
from packhouse.adapters.identities import ServiceAccountIdentities
from packhouse.settings import Settings

if TYPE_CHECKING:
    from kubernetes.aio.client.configuration import Configuration

__all__ = ["Connected", "connected", "connected_as_user", "namespace_of"]


@dataclass(frozen=True, slots=True)
class Connected:
    """Both conversations with the API server: as the operator, and as nobody until a token is added."""

    cluster: KubeCluster
    identities: ServiceAccountIdentities
    configuration: Configuration


@asynccontextmanager
async def connected(
    settings: Settings, *, kubeconfig: str | None = None, context: str | None = None, count: Counter | None = None
) -> AsyncIterator[Connected]:
    """Raises InvalidSpec where there is no usable connection."""
    configuration = await connection.load(kubeconfig, context)

    async def as_operator(_: bool) -> str | None:
        return await connection.authorization(configuration)

    async def as_nobody(_: bool) -> str | None:
        return None

    operator = ApiServer(configuration, settings, identity=as_operator, count=count)
    bare = ApiServer(connection.without_credentials(configuration), settings, identity=as_nobody, count=count)
    try:
        discovery = Discovery(operator)
        cluster = KubeCluster(operator, discovery, settings)
        identities = ServiceAccountIdentities(cluster, bare, discovery, settings)
        yield Connected(cluster, identities, configuration)
    finally:
        await operator.close()
        await bare.close()


@asynccontextmanager
async def connected_as_user(
    settings: Settings,
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    impersonate: Sequence[tuple[str, str]] = (),
) -> AsyncIterator[KubeCluster]:
    """The cluster with the rights of the kubeconfig's user. `impersonate`: headers that name somebody else.

    Raises InvalidSpec where there is no usable connection.
    """
    with connection.fleeting_files():
        configuration = await connection.load(kubeconfig, context)

        async def as_user(_: bool) -> str | None:
            return await connection.authorization(configuration)

        server = ApiServer(configuration, settings, identity=as_user, headers=impersonate)
    try:
        yield KubeCluster(server, Discovery(server), settings, who="you")
    finally:
        await server.close()
