"""From what was rendered to what will be applied: placed, marked as ours, versions named, live values carried over.

What decides is domain/kapp and domain/takeover; this room asks the cluster what they need to know. Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packhouse.api.errors import RenderedInvalid
from packhouse.deploy.live import gathered, settled
from packhouse.domain.inventory import Identity, Inventory
from packhouse.domain.kapp.claims import with_claims_owned
from packhouse.domain.kapp.config import Config, bound_rules, split_config
from packhouse.domain.kapp.options import Options
from packhouse.domain.kapp.rebase import rebased, wants_live
from packhouse.domain.kapp.rules import is_noop, read_rules
from packhouse.domain.kapp.versioned import name_versions
from packhouse.domain.objects import Placement, as_stored, digest, owned, ref_of
from packhouse.domain.plan import Desired
from packhouse.domain.takeover import keeps_kapp_labels, with_kapp_labels
from packhouse.ports import Cluster, Json


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is desired before anything live was looked at, and the package's own Config."""

    desired: Desired
    config: Config


async def prepared(
    cluster: Cluster,
    rendered: Sequence[Json],
    *,
    owner: str,
    placement: Placement,
    inventory: Inventory,
    options: Options,
) -> Prepared:
    """Raises RenderedInvalid, DeployFailed, UnsupportedStep, Forbidden, ClusterUnavailable."""
    objects, config = split_config(rendered)
    wanted = [as_stored(with_claims_owned(obj)) for obj in objects if not is_noop(obj)]
    if not wanted and not options.allow_empty:
        before = len(inventory.entries)
        deletes = f", which would delete all {before} that are installed" if before else ""
        raise RenderedInvalid(
            f"the package gives no objects at all{deletes}; if that is meant, add "
            f"--dangerous-allow-empty-list-of-resources to rawOptions of its deploy step"
        )
    at_home = await settled(cluster, wanted, placement)
    named = name_versions([owned(obj, owner) for obj in at_home], config, inventory, digest_of=digest)
    rules_of = {
        Identity.of(ref_of(obj)): bound_rules(obj, read_rules(obj, update=options.update), config)
        for obj in named.objects
    }
    left = _recorded([obj for obj in objects if is_noop(obj)], placement, inventory)
    return Prepared(Desired(named.objects, rules_of, named.kept | left), config)


def _recorded(left_alone: Sequence[Json], placement: Placement, inventory: Inventory) -> frozenset[Identity]:
    """Those of the objects to leave alone that an earlier version of the package applied: they are no prune. Whether
    such a kind has namespaces, or is served at all, need not be known."""
    places = (placement.placed(obj, namespaced=namespaced) for obj in left_alone for namespaced in (True, False))
    return frozenset(identity for obj in places if (identity := Identity.of(ref_of(obj))) in inventory.entries)


async def with_live(cluster: Cluster, prepared: Prepared, found: Mapping[Identity, Json]) -> Desired:
    """The desired objects with the values that stay as they are in the cluster. `found`: metadata of what is live."""
    desired, config = prepared.desired, prepared.config
    wanting = [
        obj
        for obj in desired.objects
        if (known := found.get(Identity.of(ref_of(obj)))) is not None
        and (wants_live(obj, config) or keeps_kapp_labels(ref_of(obj).kind, known))
    ]
    answers = await gathered([cluster.get(ref_of(obj)) for obj in wanting])
    whole = {Identity.of(ref_of(obj)): live for obj, live in zip(wanting, answers, strict=True) if live is not None}
    return Desired(
        [_carried_over(obj, whole.get(Identity.of(ref_of(obj))), config) for obj in desired.objects],
        desired.rules,
        desired.kept,
    )


def _carried_over(obj: Json, live: Json | None, config: Config) -> Json:
    changed = rebased(obj, live, config)
    if live is not None and keeps_kapp_labels(ref_of(obj).kind, live):
        changed = with_kapp_labels(changed, live)
    return changed
