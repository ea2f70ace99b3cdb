"""Ask before the first write whether the whole plan would be accepted, so that a package does not start and stop
half-way.

What can be asked for real is: a server-side dry run counts admission, defaults and rights. An object that rests on
another one which the same plan writes (its namespace, its CRD, the role of a binding, the service account of a Pod)
would be judged by a world that is not there yet; for those an access review asks for the rights alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from packhouse.api.errors import ApiServerError, ClusterUnavailable, DeployFailed, Forbidden, PackhouseError
from packhouse.api.names import APPLY_MANAGER
from packhouse.deploy.live import brought_kinds, gathered
from packhouse.domain.inventory import Identity
from packhouse.domain.plan import Change, Plan
from packhouse.ports import Cluster, Json

#: Server-side apply of an object that does not exist needs both.
VERBS: Final = ("create", "patch")
MOST_NAMED: Final = 5
RBAC: Final = "rbac.authorization.k8s.io"


async def preflight(cluster: Cluster, plan: Plan) -> None:
    """Raises Forbidden, DeployFailed, FieldConflict with every refusal that was found, ClusterUnavailable."""
    writes = plan.writes
    written = {Identity.of(change.ref) for change in writes}
    brought = brought_kinds([change.obj for change in writes if change.obj is not None])
    checks = []
    for change in writes:
        served = await cluster.served(change.ref.kind)
        crd = brought.get((change.ref.kind.group, change.ref.kind.kind))
        if crd is not None:
            checks.append(_reviewed(cluster, change, crd["spec"]["names"]["plural"]))
        elif served is not None and not written.isdisjoint(rests_on(change)):
            checks.append(_reviewed(cluster, change, served.plural))
        elif served is not None:
            checks.append(_dry_run(cluster, change))
    refusals = [refusal for refusal in await gathered(checks) if refusal is not None]
    if refusals:
        raise _all_in_one(refusals)


def rests_on(change: Change) -> Iterator[Identity]:
    """What must be there, or as it will be, before the API server takes the object; its CRD is the caller's."""
    obj, namespace = change.obj or {}, change.ref.namespace
    if namespace:
        yield Identity("", "Namespace", "", namespace)
    if change.ref.kind.group == RBAC and isinstance(role := obj.get("roleRef"), dict):
        kind = str(role.get("kind"))
        yield Identity(RBAC, kind, namespace if kind == "Role" else "", str(role.get("name")))
    if (change.ref.kind.group, change.ref.kind.kind) == ("", "Pod") and isinstance(spec := obj.get("spec"), dict):
        yield Identity("", "ServiceAccount", namespace, str(spec.get("serviceAccountName") or "default"))
        yield Identity("scheduling.k8s.io", "PriorityClass", "", str(spec.get("priorityClassName")))


async def _dry_run(cluster: Cluster, change: Change) -> PackhouseError | None:
    assert change.obj is not None, "only what is applied is asked for"  # noqa: S101 - a promise of the plan
    try:
        await cluster.apply(change.obj, manager=APPLY_MANAGER, dry_run=True, metadata_only=True)
    except ClusterUnavailable:  # that says nothing about the object
        raise
    except ApiServerError as failed:  # a value of the wrong type is answered so too
        return DeployFailed(failed.message)
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
