"""Rights: which of them a plan needs, and rules compared as the API server itself compares them.

Pure. deploy/reviews.py asks what an account holds, deploy/preflight.py puts both beside each other, and grants.py
writes down what is missing. Nothing here refuses anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from packhouse.domain.change import Action, Change
from packhouse.domain.inventory import Identity
from packhouse.domain.objects import kind_of
from packhouse.ports import Json, Kind

RBAC: Final = "rbac.authorization.k8s.io"
ROLES: Final[Mapping[str, str]] = {"Role": "roles", "ClusterRole": "clusterroles"}
BINDINGS: Final = frozenset({"RoleBinding", "ClusterRoleBinding"})
#: Single rules of one role that are compared. Real roles have some hundreds, and a package may write any number.
MOST_SINGLES: Final = 5000
#: Of all roles of a plan: a rule of 400 characters stands for 5,000 single ones, and a package has many roles.
MOST_SINGLES_IN_ALL: Final = 20_000

#: By what happens to an object. Everything is read first; server-side apply of what does not exist needs create and
#: patch, and marks are taken off with a patch.
VERBS: Final[Mapping[Action, Sequence[str]]] = {
    Action.CREATE: ("get", "create", "patch"),
    Action.CONFIGURE: ("get", "patch"),
    Action.REPLACE: ("get", "create", "patch", "delete"),
    Action.KEEP: ("get",),
    Action.SKIP: ("get",),
    Action.EXPECT: ("get",),
    Action.PRUNE: ("get", "delete"),
    Action.ORPHAN: ("get", "patch"),
    Action.FORGET: ("get",),
}


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One rule of RBAC: verbs on resources of API groups (of any name where `names` is empty), or on URLs."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """What one rule allows in one namespace; everywhere where `namespace` is empty."""

    namespace: str
    rule: Rule


#: What the API server asks of whoever writes a role that gathers the rules of others.
EVERYTHING: Final = (Rule(("*",), ("*",), ("*",)), Rule(("*",), urls=("*",)))


@dataclass(frozen=True, slots=True)
class Handout:
    """A role or a binding gives rights, and nobody gives what he does not have: whoever writes it holds all of `rules`
    in `namespace`, or has the right `instead`. `names_role`: the latter is what one would rather grant; it gives no
    more than the rules, and stays right when the role changes."""

    namespace: str
    rules: Sequence[Rule]
    instead: Rule
    names_role: bool


# ---- comparing -------------------------------------------------------------------------------------------


def uncovered(owned: Sequence[Rule], wanted: Sequence[Rule]) -> list[Rule]:
    """What of `wanted` no rule of `owned` allows, down to one verb, group, resource and name each."""
    in_doubt = [rule for rule in wanted if not any(covers(mine, rule) for mine in owned)]
    singles = dict.fromkeys(single for rule in in_doubt for single in singled(rule))
    return [single for single in singles if not any(covers(mine, single) for mine in owned)]


def singled(rule: Rule) -> Iterator[Rule]:
    """`rule` as rules of one verb, one group, one resource and at most one name each, or one verb and one URL."""
    for group, resource, verb in product(rule.groups, rule.resources, rule.verbs):
        for name in rule.names or (None,):
            yield Rule((verb,), (group,), (resource,), () if name is None else (name,))
    for url, verb in product(rule.urls, rule.verbs):
        yield Rule((verb,), urls=(url,))


def how_many(rules: Iterable[Rule]) -> int:
    """How many single rules they are."""
    return sum(
        len(rule.verbs) * (len(rule.groups) * len(rule.resources) * (len(rule.names) or 1) + len(rule.urls))
        for rule in rules
    )


def covers(owned: Rule, wanted: Rule) -> bool:
    """Whether one rule allows all of another. A rule with names does not allow what is asked without one."""
    return (
        _has(owned.verbs, wanted.verbs)
        and _has(owned.groups, wanted.groups)
        and all(_has_resource(owned.resources, resource) for resource in wanted.resources)
        and (not owned.names or (bool(wanted.names) and set(wanted.names) <= set(owned.names)))
        and all(any(_has_url(pattern, url) for pattern in owned.urls) for url in wanted.urls)
    )


def _has(owned: Sequence[str], wanted: Sequence[str]) -> bool:
    return "*" in owned or all(word in owned for word in wanted)


def _has_resource(owned: Sequence[str], wanted: str) -> bool:
    """`*` is every resource and subresource, `*/scale` that subresource of all."""
    _, slash, subresource = wanted.partition("/")
    return "*" in owned or wanted in owned or (bool(slash) and f"*/{subresource}" in owned)


def _has_url(pattern: str, wanted: str) -> bool:
    return pattern == wanted or (pattern.endswith("*") and wanted.startswith(pattern.rstrip("*")))


# ---- reading ---------------------------------------------------------------------------------------------


def policy_rules(wire: Any) -> list[Rule]:
    """The rules of a role, or of the API server's answer to a review. What is none is left out: whoever wrote it is
    told by the API server."""
    return [
        Rule(
            _words(rule.get("verbs")),
            _words(rule.get("apiGroups")),
            _words(rule.get("resources")),
            _words(rule.get("resourceNames")),
            _words(rule.get("nonResourceURLs")),
        )
        for rule in _maps(wire)
    ]


def _maps(wire: Any) -> list[Json]:
    return [entry for entry in wire if isinstance(entry, dict)] if isinstance(wire, list) else []


def _words(wire: Any) -> tuple[str, ...]:
    return tuple(word for word in wire if isinstance(word, str)) if isinstance(wire, list) else ()


# ---- what a plan needs -----------------------------------------------------------------------------------


def needed(changes: Iterable[Change], plurals: Mapping[Kind, str]) -> dict[Right, list[str]]:
    """The rights that the changes need, each with the names of the objects that it is needed for. What no plural is
    known of is left out: it is not served, and nothing can be asked about it."""
    found: dict[Right, list[str]] = {}
    for change in changes:
        plural = plurals.get(change.ref.kind)
        for verb in VERBS[change.action] if plural is not None else ():
            right = Right(change.ref.namespace, Rule((verb,), (change.ref.kind.group,), (str(plural),)))
            found.setdefault(right, []).append(change.ref.name)
    return found


def handout(obj: Json, role: Json | None = None, *, written: bool = False) -> Handout | None:
    """What it takes to write `obj`; None where it is neither role nor binding. `role`: the one that a binding names,
    None where nobody can read it; `written`: the same plan writes that."""
    metadata, namespace = obj["metadata"], obj["metadata"].get("namespace") or ""
    if is_role(obj):
        aggregated = gathers(obj)
        rules = [*policy_rules(obj.get("rules")), *(EVERYTHING if aggregated else ())]
        return Handout(namespace, rules, _by_name("escalate", obj["kind"], metadata["name"]), names_role=aggregated)
    reference = bound_role(obj)
    if reference is None:
        return None
    # What nobody can read may be anything, and so may what a role will have gathered by the time it is bound.
    is_open = role is None or (written and gathers(role))
    rules = list(EVERYTHING) if role is None or is_open else policy_rules(role.get("rules"))
    bind = _by_name("bind", reference.kind, reference.name)
    return Handout(namespace, rules, bind, names_role=is_open or not written)


def is_role(obj: Json) -> bool:
    return kind_of(obj).group == RBAC and obj["kind"] in ROLES


def gathers(role: Json) -> bool:
    """Whether a ClusterRole's rules are those of others, chosen by their labels."""
    rule = role.get("aggregationRule")
    return role["kind"] == "ClusterRole" and isinstance(rule, dict) and bool(rule.get("clusterRoleSelectors"))


def bound_role(obj: Json) -> Identity | None:
    """The role that a binding names; None where `obj` is no binding, or names none."""
    reference = obj.get("roleRef")
    if kind_of(obj).group != RBAC or obj["kind"] not in BINDINGS or not isinstance(reference, dict):
        return None
    kind, name = reference.get("kind"), reference.get("name")
    if not isinstance(kind, str) or kind not in ROLES or not isinstance(name, str):
        return None
    namespace = obj["metadata"].get("namespace") or ""
    return Identity(RBAC, kind, namespace if kind == "Role" else "", name)


def _by_name(verb: str, kind: str, name: str) -> Rule:
    return Rule((verb,), (RBAC,), (ROLES[kind],), (name,))
