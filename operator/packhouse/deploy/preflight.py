"""Ask before the first write whether the whole plan would be accepted, so that a package does not start and stop
half-way.

What can be asked for real is: a server-side dry run counts admission, defaults and rights. Objects whose namespace or
kind comes with the same plan cannot be dry-run yet; for those an access review asks for the rights alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from packhouse.api.errors import ClusterUnavailable, Forbidden, PackhouseError
from packhouse.api.names import APPLY_MANAGER
from packhouse.deploy.live import brought_kinds, gathered
from packhouse.domain.plan import Action, Change, Plan
from packhouse.ports import Cluster, Json

#: Server-side apply of an object that does not exist needs both.
VERBS: Final = ("create", "patch")
MOST_NAMED: Final = 5


async def preflight(cluster: Cluster, plan: Plan) -> None:
    """Raises Forbidden, DeployFailed, FieldConflict with every refusal that was found, ClusterUnavailable."""
    writes = plan.writes
    new_namespaces = {
        change.ref.name for change in writes if change.action is Action.CREATE and change.ref.kind.kind == "Namespace"
    }
    brought = brought_kinds([change.obj for change in writes if change.obj is not None])
    checks = []
    for change in writes:
        served = await cluster.served(change.ref.kind)
        if served is None:
            crd = brought.get((change.ref.kind.group, change.ref.kind.kind))
            if crd is not None:
                checks.append(_reviewed(cluster, change, crd["spec"]["names"]["plural"]))
        elif change.ref.namespace in new_namespaces:
            checks.append(_reviewed(cluster, change, served.plural))
        else:
            checks.append(_dry_run(cluster, change))
    refusals = [refusal for refusal in await gathered(checks) if refusal is not None]
    if refusals:
        raise _all_in_one(refusals)


async def _dry_run(cluster: Cluster, change: Change) -> PackhouseError | None:
    assert change.obj is not None, "only what is applied is asked for"  # noqa: S101 - a promise of the plan
    try:
        await cluster.apply(change.obj, manager=APPLY_MANAGER, dry_run=True, metadata_only=True)
    except ClusterUnavailable:
        raise
    except PackhouseError as refusal:
        return refusal
    return None


async def _reviewed(cluster: Cluster, change: Change, plural: str) -> PackhouseError | None:
    for verb in VERBS:
        attributes: Json = {
            "verb": verb,
            "group": change.ref.kind.group,
            "version": change.ref.kind.version,
            "resource": plural,
            "namespace": change.ref.namespace,
            "name": change.ref.name,
        }
        review = await cluster.create(
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            }
        )
        if review is not None and not review["status"].get("allowed"):
            return Forbidden(
                f"{change.ref}: the service account may not {verb} {plural}; this rule grants it: "
                f'apiGroups ["{change.ref.kind.group}"], resources ["{plural}"], verbs ["{verb}"]'
            )
    return None


def _all_in_one(refusals: Sequence[PackhouseError]) -> PackhouseError:
    """The first refusal's class, and the words of the first few."""
    words = "; ".join(refusal.message for refusal in refusals[:MOST_NAMED])
    more = len(refusals) - MOST_NAMED
    return type(refusals[0])(f"nothing was applied: {words}" + (f"; and {more} more" if more > 0 else ""))
