"""In whose name a fetch reads its Secrets, and how fresh an answer it takes.

An install's Secrets are read by its service account, a repository's by the operator. References inside a Package
resolve in the install's namespace; a repository's only in the operator's own. What a repository demands of its source,
and by which authorities and proxy it is reached, counts for the packages that come from it (terms.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from packhouse.api.errors import AuthenticationFailed, Forbidden, SecretMissing
from packhouse.api.views import InstalledPackage, PackageRepository
from packhouse.domain.mirrors import Mirrors
from packhouse.fetch import Keyring, Origins, Sources
from packhouse.ports import Cluster, Json, Kind, Ref
from packhouse.reconcile.freshness import Freshness
from packhouse.reconcile.terms import Terms, TermsBook
from packhouse.reconcile.values import CONFIG_MAP, SECRET
from packhouse.reconcile.world import World

#: What a Secret holds that is for pulling, and says for which registry.
_PULL_SECRET: Final = frozenset({".dockerconfigjson", ".dockercfg"})

SERVICE_ACCOUNT: Final = Kind("", "v1", "ServiceAccount")


class SourceDesk:
    """One for each kind of object: makes the `Sources` of a reconcile."""

    def __init__(self, world: World, terms: TermsBook, origins: Origins) -> None:
        """`origins`: those of the world, as sources are asked with."""
        self._world = world
        self._terms = terms
        self._origins = origins
        self._mirrors = Mirrors.read(world.settings.registry_mirrors)
        self.freshness = Freshness()

    async def of_install(
        self, install: InstalledPackage, repository: str | None, named: set[str]
    ) -> tuple[Sources, Terms]:
        """`repository`: where the Package came from. `named` is told of the Secrets that are looked at.

        Raises SecretMissing, InvalidSpec, Forbidden, ClusterUnavailable.
        """
        terms = await self._terms.of_name(repository)
        world, namespace = self._world, install.meta.namespace
        actor = world.identities.of(namespace, install.service_account)
        pull_secrets = _PullSecrets(actor, namespace, install.service_account, named)
        fresh = self.freshness.seconds(install.meta, install.sync_period)
        return self._sources(actor, namespace, terms, pull_secrets.read, fresh), terms

    async def of_repository(self, repository: PackageRepository) -> Sources:
        """Raises as above."""
        terms = await self._terms.of(repository)
        world = self._world
        namespace = world.settings.operator_namespace
        operator = world.cluster

        async def pull_secrets() -> Sequence[Keyring]:
            return [await _keyring(operator, namespace, name) for name in world.settings.registry_secrets]

        fresh = self.freshness.seconds(repository.meta, repository.sync_period)
        return self._sources(operator, namespace, terms, pull_secrets, fresh)

    def _sources(
        self,
        reader: Cluster,
        namespace: str,
        terms: Terms,
        pull_secrets: Callable[[], Awaitable[Sequence[Keyring]]],
        fresh_seconds: float,
    ) -> Sources:
        async def named(kind: Kind, name: str) -> Json:
            found = await reader.get(Ref(kind, namespace, name))
            if found is None:
                field = "secretRef" if kind == SECRET else "configMapRef"
                raise SecretMissing(
                    f"{kind.kind} {namespace}/{name} does not exist, and the fetch reads it; create it, or mend the "
                    f"{field} of the fetch"
                )
            return found

        async def secret(name: str) -> Json:
            return await named(SECRET, name)

        async def config_map(name: str) -> Json:
            return await named(CONFIG_MAP, name)

        return Sources(
            origins=self._origins,
            secret=secret,
            config_map=config_map,
            place=namespace,
            content_most_bytes=self._world.settings.content_most_bytes,
            pull_secrets=pull_secrets,
            fresh_seconds=fresh_seconds,
            ca_pem=terms.ca_pem,
            proxy=terms.proxy,
            policy=terms.policy_for,
            mirror=self._mirrors.repository,
        )


class _PullSecrets:
    """The imagePullSecrets of an install's service account, as the kubelet would use them: read once, if at all."""

    def __init__(self, actor: Cluster, namespace: str, account: str, named: set[str]) -> None:
        self._actor = actor
        self._namespace = namespace
        self._account = account
        self._named = named
        self._read: Sequence[Keyring] | None = None

    async def read(self) -> Sequence[Keyring]:
        if self._read is None:
            self._read = await self._ask()
        return self._read

    async def _ask(self) -> list[Keyring]:
        try:
            found = await self._actor.get(Ref(SERVICE_ACCOUNT, self._namespace, self._account))
        except Forbidden:  # nobody gave it the right, and what is public needs none
            return [Keyring(f"ServiceAccount {self._namespace}/{self._account} (which may not look at itself)")]
        entries = (found or {}).get("imagePullSecrets") or ()
        names = [entry["name"] for entry in entries if isinstance(entry, dict) and entry.get("name")]
        self._named.update(names)
        return [await _keyring(self._actor, self._namespace, name) for name in names]


async def _keyring(reader: Cluster, namespace: str, name: str) -> Keyring:
    """One without entries where the Secret is of no use: the kubelet passes over it too, and a refusal names it."""
    source = f"Secret {namespace}/{name}"
    try:
        secret = await reader.get(Ref(SECRET, namespace, name))
    except Forbidden:
        return Keyring(f"{source} (which may not be read)")
    if secret is None:
        return Keyring(f"{source} (which does not exist)")
    if not _PULL_SECRET & set(secret.get("data") or {}):  # a user and a password alone would be shown to every registry
        return Keyring(f"{source} (which is no docker config)")
    try:
        return Keyring.read(secret, source)
    except AuthenticationFailed:
        return Keyring(f"{source} (whose docker config cannot be read)")
