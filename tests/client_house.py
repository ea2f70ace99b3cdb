"""A house with a caller in it: the command line's rooms on the cluster that the operator's own code works on.

Used by tests/unit/client. The caller may do everything, unless the test has the cluster refuse it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from house import NAMESPACE, House
from packhouse.api.errors import Forbidden, PackhouseError
from packhouse.client.session import Session, Target
from packhouse.client.workshop import Workshop
from packhouse.ports import Json, Kind, Ref
from packhouse.settings import Settings

SECRETS = Kind("", "v1", "Secret")
RBAC = "rbac.authorization.k8s.io"


class ClientHouse(House):
    """`session` is the caller's."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self.session = Session(self.cluster, NAMESPACE, self.settings, Target())

        @asynccontextmanager
        async def workshop(settings: Settings) -> AsyncIterator[Workshop]:
            yield Workshop(self.renderer, self.world.origins)

        monkeypatch.setattr("packhouse.client.rehearsal.workshop", workshop)
        monkeypatch.setenv("DOCKER_CONFIG", str(folder / "docker"))

    async def all(self, kind: str, api: str = "v1") -> list[Json]:
        group, _, version = api.rpartition("/")
        return [obj async for page in self.cluster.pages(Kind(group, version, kind)) for obj in page.items]

    async def names(self, kind: str, api: str = "v1") -> list[str]:
        return sorted(obj["metadata"]["name"] for obj in await self.all(kind, api))

    async def made(self) -> list[str]:
        """What is beside the install, as "Kind name"."""
        rights = [(kind, f"{RBAC}/v1") for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")]
        kinds = [("Secret", "v1"), ("ServiceAccount", "v1"), *rights]
        return [f"{kind} {name}" for kind, api in kinds for name in await self.names(kind, api)]


def refusing(
    verb: str, *kinds: str, error: PackhouseError | None = None
) -> Callable[[str, Ref], PackhouseError | None]:
    """For FakeCluster.refuse: by default, the right is missing."""

    def refuse(asked: str, ref: Ref) -> PackhouseError | None:
        if asked != verb or ref.kind.kind not in kinds:
            return None
        return error or Forbidden(
            f"{ref}: you may not; if the right is missing, this rule grants it: {ref.kind.kind} {verb}"
        )

    return refuse
