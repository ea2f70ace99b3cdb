"""Which cluster, which namespace, and whose rights: what every verb of the command line begins with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from packhouse.ports import Cluster
from packhouse.settings import Settings

#: Where no -n is given and the context of the kubeconfig names none.
DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class Target:
    """What the options say. `namespace` None: that of the kubeconfig's context."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    request_timeout_seconds: float | None = None

    @property
    def impersonation(self) -> list[tuple[str, str]]:
        """The headers that ask the API server to take the caller for somebody else."""
        user = [("Impersonate-User", self.as_user)] if self.as_user else []
        return user + [("Impersonate-Group", group) for group in self.as_groups]


@dataclass(frozen=True, slots=True)
class Session:
    """`cluster` acts with the caller's own rights."""

    cluster: Cluster
    namespace: str
    settings: Settings
    target: Target

    def within(self, namespace: str) -> Session:
        return replace(self, namespace=namespace)


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Session]:
    """Raises InvalidSpec where there is no usable connection, SettingsInvalid."""
    from packhouse.connected import connected_as_user, namespace_of  # the client takes half a second to import

    settings = Settings.from_environment(request_timeout_seconds=target.request_timeout_seconds)
    namespace = target.namespace or namespace_of(target.kubeconfig, target.context) or DEFAULT_NAMESPACE
    async with connected_as_user(
        settings, kubeconfig=target.kubeconfig, context=target.context, impersonate=target.impersonation
    ) as cluster:
        yield Session(cluster, namespace, settings, target)
