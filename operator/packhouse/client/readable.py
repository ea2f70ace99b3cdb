"""What the operator may read and the caller perhaps not: where that only makes a rehearsal less sure, it goes on.

Each class stands in the place of the operator's own and tells `warn` what it had to leave out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from packhouse.api.errors import Forbidden
from packhouse.api.views import InstalledPackage
from packhouse.client.docker_login import DockerLogin, docker_login
from packhouse.client.proposed_cluster import ProposedCluster
from packhouse.domain.fetch_references import fetch_references
from packhouse.fetch import Keyring, Origins, Sources
from packhouse.ports import Json
from packhouse.reconcile.sources import SERVICE_ACCOUNT, SourceDesk
from packhouse.reconcile.terms import NONE, Terms, TermsBook
from packhouse.reconcile.values import SECRET
from packhouse.reconcile.world import World

Warn = Callable[[str], None]

#: Fetch steps that a docker login says nothing about.
_NO_REGISTRY: Final = frozenset({"git", "inline"})


class ReadableTerms(TermsBook):
    """The terms of a repository, as far as the caller may read them."""

    def __init__(self, world: World, warn: Warn) -> None:
        super().__init__(world)
        self._warn = warn

    async def of_name(self, name: str | None) -> Terms:
        try:
            return await super().of_name(name)
        except Forbidden as refused:
            self._warn(
                f"what PackageRepository {name} says of its sources (signatures, authorities, a proxy) is left out "
                f"and not by the operator, for you may not read it: {refused.message}"
            )
            return NONE


class CallersDesk(SourceDesk):
    """Pull secrets that the caller may not read are replaced by the caller's own docker login."""

    def __init__(
        self, world: World, cluster: ProposedCluster, origins: Origins, steps: Sequence[Json], warn: Warn
    ) -> None:
        """`cluster`: that of the world; `steps`: the fetch steps that will be asked."""
        super().__init__(world, ReadableTerms(world, warn), origins)
        self._cluster = cluster
        self._warn = warn
        self._login: DockerLogin | None = None
        of_registries = [step for step in steps if not _NO_REGISTRY & set(step)]
        self._of_registries = {name for kind, name in fetch_references(of_registries) if kind == "Secret"}

    async def of_install(
        self, install: InstalledPackage, repository: str | None, named: set[str]
    ) -> tuple[Sources, Terms]:
        sources, terms = await super().of_install(install, repository, named)

        async def secret(name: str) -> Json:
            try:
                return await sources.secret(name)
            except Forbidden:
                if name not in self._of_registries or not (login := self._read_login()).keyring.entries:
                    raise
                self._warn(f"you may not read Secret {sources.place}/{name}; {login.path} is used in its place")
                return login.as_secret()

        async def pull_secrets() -> Sequence[Keyring]:
            found = await sources.pull_secrets()
            refused = any(ref.kind in (SECRET, SERVICE_ACCOUNT) for ref in self._cluster.refused)
            if not refused or not (login := self._read_login()).keyring.entries:
                return found
            self._warn(
                f"you may not read the pull secrets of service account {sources.place}/{install.service_account}; "
                f"{login.path} is used in their place"
            )
            return [*found, login.keyring]

        return replace(sources, secret=secret, pull_secrets=pull_secrets), terms

    def _read_login(self) -> DockerLogin:
        if self._login is None:
            self._login = docker_login()
        return self._login
