"""In whose name a fetch reads its Secrets: an install's by its service account, a repository's by the operator.

References inside a Package resolve in the install's namespace; a repository's only in the operator's own.
"""

from __future__ import annotations

from packhouse.api.errors import SecretMissing
from packhouse.api.views import InstalledPackage
from packhouse.fetch import Sources
from packhouse.ports import Cluster, Json, Kind, Ref
from packhouse.reconcile.values import CONFIG_MAP, SECRET
from packhouse.reconcile.world import World


def install_sources(world: World, install: InstalledPackage) -> Sources:
    actor = world.identities.of(install.meta.namespace, install.service_account)
    return _sources(world, actor, install.meta.namespace)


def repository_sources(world: World) -> Sources:
    return _sources(world, world.cluster, world.settings.operator_namespace)


def _sources(world: World, reader: Cluster, namespace: str) -> Sources:
    async def named(kind: Kind, name: str) -> Json:
        found = await reader.get(Ref(kind, namespace, name))
        if found is None:
            raise SecretMissing(
                f"{kind.kind} {namespace}/{name} does not exist, and the fetch reads it; create it, or mend the fetch"
            )
        return found

    async def secret(name: str) -> Json:
        return await named(SECRET, name)

    async def config_map(name: str) -> Json:
        return await named(CONFIG_MAP, name)

    return Sources(world.origins, secret, config_map, namespace, world.settings.content_most_bytes)
