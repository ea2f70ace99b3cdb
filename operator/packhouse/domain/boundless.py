"""Packages whose account can come to hold everything: there is no least that could be granted. Pure.

Called by client/account.py, which then makes no account unless that is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packhouse.domain.change import Plan
from packhouse.domain.lifelong import Around, bindable_in, bindings_in, roles_in
from packhouse.domain.rights import EVERYTHING, RBAC, ROLES, Rule, covers, gathers, policy_rules


def boundless(plan: Plan, around: Around) -> list[str]:
    """Why an account with the rights of `lifelong` can come to hold everything, or everything in a namespace: in words,
    one for each object of the package that asks for it."""
    found: list[str] = []
    for change, role in roles_in(plan):
        if gathers(role):
            found.append(
                f"{change.ref.short} gathers the rules of other roles, which only who holds everything may write"
            )
        found += [f"{change.ref.short} {why}" for why in _excesses(policy_rules(role.get("rules")))]
    bound = [(change, named, "binds") for change, named in bindings_in(plan, outside=True)]
    for change, named, verb in (*bound, *((change, named, "may bind") for change, named in bindable_in(plan))):
        words = f"{change.ref.short} {verb} {named.kind} {named.name}, which"
        if named in around.unread:
            found.append(f"{words} you may not read: nobody can say what it gives")
        outside = around.roles.get(named) or {}
        found += [f"{words} {why}" for why in _excesses(policy_rules(outside.get("rules")))]
    return list(dict.fromkeys(found))


def _excesses(rules: Sequence[Rule]) -> Iterator[str]:
    if any(covers(rule, EVERYTHING[0]) for rule in rules):
        yield "holds every verb on every resource"
    elif any(covers(rule, beyond) for rule in rules for beyond in _beyond(rule.names)):
        yield "may write or bind roles that hold more than it does (escalate, or bind without names)"


def _beyond(names: tuple[str, ...]) -> Iterator[Rule]:
    """Rules by which whoever holds one of them can come to hold any other. To escalate one role of a given name is
    enough."""
    for resource in ROLES.values():
        yield Rule(("escalate",), (RBAC,), (resource,), names)
        yield Rule(("bind",), (RBAC,), (resource,))
