"""In whose name a fetch reads its Secrets: an install's by its service account, a repository's by the operator.

References inside a Package resolve in the install's namespace; a repository's only in the operator's own.
"""

from __future__ import annotations

from packhouse.api.errors import SecretMissing
from packhouse.api.views import InstalledPackage
from packhouse.fetch import Keyring, Sources
from packhouse.ports import Cluster, Ref
from packhouse.reconcile.values import SECRET
from packhouse.reconcile.world import World


def install_sources(world: World, install: InstalledPackage) -> Sources:
    actor = world.identities.of(install.meta.namespace, install.service_account)
    return _sources(world, actor, install.meta.namespace)


def repository_sources(world: World) -> Sources:
    return _sources(world, world.cluster, world.settings.operator_namespace)


def _sources(world: World, reader: Cluster, namespace: str) -> Sources:
    async def keyring(name: str) -> Keyring:
        secret = await reader.get(Ref(SECRET, namespace, name))
        if secret is None:
            raise SecretMissing(
                f"Secret {namespace}/{name} does not exist; create it, or correct the fetch's secretRef"
            )
        return Keyring.read(secret, f"Secret {namespace}/{name}")

    return Sources(world.registry, keyring, world.settings.content_most_bytes)
