"""From rendered objects to what a roll-out would do with them: placed, compared with what is live, planned. Reads only.

Called by rollout.py, which carries it out, and by the command line, which shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from packhouse.api.errors import Forbidden
from packhouse.api.names import INSTALL_GROUP, INSTALLED_PACKAGE, VERSION
from packhouse.api.views import InstalledPackage
from packhouse.deploy.desired import Prepared, prepared, with_live
from packhouse.deploy.trial import MayReplace
from packhouse.domain.change import Plan
from packhouse.domain.deploy_step import DeployStep
from packhouse.domain.inventory import Identity, Inventory
from packhouse.domain.kapp.rules import UpdateStrategy
from packhouse.domain.objects import Placement, is_name, owner_of
from packhouse.domain.plan import plan
from packhouse.ports import Cluster, Json, Kind, Ref


async def wanted(
    cluster: Cluster, install: InstalledPackage, step: DeployStep, rendered: Sequence[Json], inventory: Inventory
) -> Prepared:
    """Raises what `prepared` raises."""
    return await prepared(
        cluster,
        rendered,
        owner=install.owner,
        placement=Placement(install.default_namespace, step.into_ns, step.map_ns),
        inventory=inventory,
        options=step.options,
    )


async def planned(
    cluster: Cluster,
    install: InstalledPackage,
    prepared: Prepared,
    inventory: Inventory,
    found: Mapping[Identity, Json],
    owners: set[str],
) -> Plan:
    """`found`: metadata of what is live of both; `owners`: the installs that exist.

    Raises what `plan` raises, Forbidden, ClusterUnavailable.
    """
    desired = await with_live(cluster, prepared, found)
    return plan(desired, inventory, found, owner=install.owner, owners=owners, adopt_all=install.adopt is True)


def may_replace(install: InstalledPackage) -> MayReplace:
    return lambda change: install.replace_immutable or change.rules.update is UpdateStrategy.FALLBACK_ON_REPLACE


async def owners_of(
    cluster: Cluster, found: Mapping[Identity, Json], *, unseen: Callable[[str], None] | None = None
) -> set[str]:
    """The installs that exist, of those that live objects name as their owner.

    `unseen` is told of those that may not be looked for; without it that raises Forbidden.
    """
    named = {owner for obj in found.values() if (owner := owner_of(obj)) is not None}
    existing = set[str]()
    for owner in sorted(named):
        namespace, _, name = owner.partition("/")
        if not is_name(namespace) or not is_name(name):  # anybody may write an annotation
            continue
        # A store may not know all installs yet, or still know one that is gone; the API server does.
        ref = Ref(Kind(INSTALL_GROUP, VERSION, INSTALLED_PACKAGE), namespace, name)
        try:
            there = await cluster.get(ref, metadata_only=True)
        except Forbidden:
            if unseen is None:
                raise
            unseen(owner)
            continue
        if there is not None:
            existing.add(owner)
    return existing
