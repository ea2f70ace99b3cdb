"""Single rights as the roles that grant them: as few rules as allow the same, as wire objects and in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from packhouse.domain.grants import WIRE, Account, joined
from packhouse.domain.rights import RBAC, Right, Rule, covers
from packhouse.ports import Json

#: In the place of a namespace, for what is granted in the whole cluster.
CLUSTER: Final = "cluster"

#: API groups that are called otherwise when they are read.
_GROUPS: Final = {"": "core", "*": "any group"}


def roles_of(rights: Iterable[Right], account: Account) -> list[Json]:
    """A role and its binding for each namespace, and for the cluster."""
    objects: list[Json] = []
    for namespace, rules in by_namespace(rights).items():
        kind = "Role" if namespace else "ClusterRole"
        # Elsewhere an account of the same name may have one too, from another namespace. No other name has a colon.
        name = account.name if namespace == account.namespace else f"{account.namespace}:{account.name}"
        subject = {"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}
        objects += [
            {**_object(kind, name, namespace), "rules": [to_wire(rule) for rule in rules]},
            {
                **_object(f"{kind}Binding", name, namespace),
                "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
                "subjects": [subject],
            },
        ]
    return objects


def to_wire(rule: Rule) -> Json:
    return {wire: list(getattr(rule, part)) for part, wire in WIRE.items() if getattr(rule, part)}


def added(before: Iterable[Right], after: Iterable[Right]) -> list[Right]:
    """What of the single rights `after` none of `before` allows."""
    known = list(before)
    return [right for right in after if not any(_allows(one, right) for one in known)]


def words(rights: Iterable[Right]) -> str:
    """A line for each rule that they come to, such as "demo: get, patch configmaps web"."""
    return "\n".join(
        f"{namespace or CLUSTER}: {', '.join(rule.verbs)} {_things(rule)}"
        for namespace, rules in by_namespace(rights).items()
        for rule in rules
    )


def by_namespace(rights: Iterable[Right]) -> dict[str, list[Rule]]:
    """As few rules as grant them, for each namespace and ("") for the whole cluster, in the order in which a reader
    takes them in: the namespaces first."""
    found: dict[str, list[Rule]] = {}
    for right in sorted(rights, key=lambda right: (not right.namespace, right)):
        found.setdefault(right.namespace, []).append(right.rule)
    return {namespace: joined(rules) for namespace, rules in found.items()}


def _allows(one: Right, other: Right) -> bool:
    return one.namespace in ("", other.namespace) and covers(one.rule, other.rule)


def _things(rule: Rule) -> str:
    return f"{things(rule)} {', '.join(rule.names)}" if rule.names else things(rule)


def things(rule: Rule) -> str:
    """The resources or URLs that it is about, whatever their names: "deployments (apps)", "pods", "/metrics (URLs)"."""
    if rule.urls:
        return f"{', '.join(rule.urls)} (URLs)"
    groups = ", ".join(_GROUPS.get(group, group) for group in rule.groups)
    return ", ".join(rule.resources) + (f" ({groups})" if rule.groups != ("",) else "")


def _object(kind: str, name: str, namespace: str) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata}
