"""What an account needs over the whole life of an install: to install, to change nothing, to upgrade to the same set of
objects, to repair what drifted, and to take all of it away.

Pure. A plan's own needs are in rights.py: those of its next step alone. client/account.py asks the cluster for what
stands around the plan, and makes an account of the answer. Nothing is granted that no step of that life needs; what
cannot be granted without giving away everything is told by boundless.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from packhouse.domain.change import DATA_HOLDERS, NEVER_REPLACED, UPSERTS, Action, Change, Plan
from packhouse.domain.grants import joined, to_grant
from packhouse.domain.inventory import Identity
from packhouse.domain.kapp.rules import UpdateStrategy
from packhouse.domain.plan import IMMORTAL
from packhouse.domain.rights import (
    EVERYTHING,
    RBAC,
    ROLES,
    VERBS,
    Right,
    Rule,
    bound_role,
    covers,
    gathers,
    how_many,
    is_role,
    policy_rules,
    singled,
    uncovered,
)
from packhouse.ports import Json, Kind, Ref

NAMESPACE: Final = ("", "Namespace")
#: What a plan and steps may name that is read by name, and its resource.
READ: Final[Mapping[str, str]] = {"Secret": "secrets", "ConfigMap": "configmaps", "ServiceAccount": "serviceaccounts"}


@dataclass(frozen=True, slots=True)
class Around:
    """What a plan does not say itself. `plurals`: of its kinds. `roles`: those that it does not write, and that its
    bindings name or its roles may bind (`bound_outside`), as they are now; None where there is no such role. `unread`:
    those that nobody may read. `kept`: recorded objects that the plan leaves alone. `read`: what its steps read by
    name, with its namespace. `replaces`: what cannot be changed is replaced, whatever the object says of itself."""

    plurals: Mapping[Kind, str]
    roles: Mapping[Identity, Json | None] = field(default_factory=dict)
    unread: Collection[Identity] = ()
    kept: Sequence[Ref] = ()
    read: Sequence[tuple[str, str, str]] = ()
    replaces: bool = False


def lifelong(plan: Plan, around: Around) -> list[Right]:
    """Single rights, none of which another one allows already. One in a namespace is granted by a Role there; the
    namespaces that must be made for that are those of `made_ahead`."""
    wanted = {*_of_objects(plan, around), *_of_names(around), *handed_out(plan)}
    wanted |= set(_of_bindings(plan, around, wanted))
    elsewhere = {change.ref.name for change in _brought(plan) if not change.uid and not _can_be_made_ahead(change)}
    granted = to_grant(wanted, elsewhere)
    rooms = {right.namespace for right in granted}
    # With a namespace that somebody deletes go the Roles in it: the account could make it, and nothing inside.
    made = [change for change in _brought(plan) if change.ref.name not in rooms | IMMORTAL]
    creates = [_right(change.ref, "create", "namespaces") for change in made]
    return to_grant([*granted, *creates], ()) if creates else granted


def made_ahead(plan: Plan, rights: Iterable[Right]) -> list[Change]:
    """The namespaces that the package brings, that are not there yet, and in which Roles are to be made."""
    rooms = {right.namespace for right in rights}
    return [change for change in _brought(plan) if not change.uid and change.ref.name in rooms]


def bound_outside(plan: Plan) -> set[Identity]:
    """The roles that bindings of the plan name, or that its roles may bind, and the plan does not write."""
    return {role for _, role in (*bindings_in(plan, outside=True), *bindable_in(plan))}


# ---- objects ---------------------------------------------------------------------------------------------


def _of_objects(plan: Plan, around: Around) -> Iterator[Right]:
    for change in plan:
        plural = around.plurals.get(change.ref.kind)
        for verb in _verbs(change, around) if plural is not None else ():
            # Each new content has a name of its own. Whether an object that is replaced would be taken is tried under
            # another name, since its own is in use.
            is_nameless = change.rules.versioned or (verb == "create" and _is_replaced(change, around))
            yield _right(change.ref, verb, str(plural), named=not is_nameless)
    for ref in around.kept:
        plural = around.plurals.get(ref.kind)
        for verb in VERBS[Action.PRUNE] if plural is not None else ():
            yield _right(ref, verb, str(plural))


def _verbs(change: Change, around: Around) -> set[str]:
    # What goes with this plan, goes once.
    if change.action not in UPSERTS:
        return set(VERBS[change.action])
    # Somebody else makes it; what an earlier version of the package made is left to them.
    if change.action is Action.EXPECT:
        is_left = change.entry is not None and change.uid == change.entry.uid and not change.adopting
        return {"get", "patch"} if is_left else {"get"}
    verbs = {*VERBS[Action.CREATE], *VERBS[Action.PRUNE]}
    if _is_namespace(change):  # see `lifelong`
        verbs -= {"create", "delete"} if change.ref.name in IMMORTAL else {"create"}
    # In the end only our marks are taken off.
    if change.rules.orphan and not _is_replaced(change, around):
        verbs -= {"delete"}
    return verbs


def _is_replaced(change: Change, around: Around) -> bool:
    """Whether it may be deleted and made anew."""
    kind = (change.ref.kind.group, change.ref.kind.kind)
    if change.action is Action.REPLACE or change.rules.update is UpdateStrategy.ALWAYS_REPLACE:
        return True
    if kind in NEVER_REPLACED or change.action not in UPSERTS:
        return False
    if change.rules.update is UpdateStrategy.FALLBACK_ON_REPLACE:
        return True
    return around.replaces and kind not in DATA_HOLDERS and change.rules.update is not UpdateStrategy.SKIP


def _of_names(around: Around) -> Iterator[Right]:
    for kind, namespace, name in around.read:
        yield Right(namespace, Rule(("get",), ("",), (READ[kind],), (name,)))


def _right(ref: Ref, verb: str, plural: str, *, named: bool = True) -> Right:
    return Right(ref.namespace, Rule((verb,), (ref.kind.group,), (plural,), (ref.name,) if named else ()))


def _brought(plan: Plan) -> list[Change]:
    return [change for change in _written(plan) if _is_namespace(change)]


def _written(plan: Plan) -> list[Change]:
    """What the package brings: once written by this plan, or by an earlier or a later one."""
    return [change for change in plan.desired if change.action is not Action.EXPECT]


def _is_namespace(change: Change) -> bool:
    return (change.ref.kind.group, change.ref.kind.kind) == NAMESPACE


def _can_be_made_ahead(change: Change) -> bool:
    """One that is replaced at each change would take the Roles in it along each time, and a versioned one is another
    one each time."""
    return not change.rules.versioned and change.rules.update is not UpdateStrategy.ALWAYS_REPLACE


# ---- roles and bindings ----------------------------------------------------------------------------------


def handed_out(plan: Plan) -> set[Right]:
    """Who writes a role holds what is in it. (With the verb `escalate` on it he would not have to; but then he could
    write anything into it.)"""
    return {
        Right(change.ref.namespace, single)
        for change, role in roles_in(plan)
        for rule in [*policy_rules(role.get("rules")), *(EVERYTHING if gathers(role) else ())]
        for single in singled(rule)
    }


def _of_bindings(plan: Plan, around: Around, held: Iterable[Right]) -> Iterator[Right]:
    """Who binds a role holds what is in it, too: for a role of the plan that is so already. For another one `bind` on
    it by name gives no more than the role, and stays right when the role grows."""
    by_namespace: dict[str, list[Rule]] = defaultdict(list)
    for right in held:
        by_namespace[right.namespace].append(right.rule)
    few = {namespace: joined(rules) for namespace, rules in by_namespace.items()}
    for change, role in bindings_in(plan, outside=True):
        found = around.roles.get(role)
        mine = [rule for namespace in {"", change.ref.namespace} for rule in few.get(namespace, ())]
        if found is None or uncovered(mine, policy_rules(found.get("rules"))):
            yield Right(change.ref.namespace, Rule(("bind",), (RBAC,), (ROLES[role.kind],), (role.name,)))


def single_rules(plan: Plan) -> int:
    """How many single rules the roles of the plan hold. Ask before `lifelong` takes them apart."""
    return sum(how_many(policy_rules(role.get("rules"))) for _, role in roles_in(plan))


def roles_in(plan: Plan) -> Iterator[tuple[Change, Json]]:
    return ((change, change.obj) for change in _written(plan) if change.obj is not None and is_role(change.obj))


def bindings_in(plan: Plan, *, outside: bool = False) -> Iterator[tuple[Change, Identity]]:
    """Each with the role that it names; `outside`: only where the plan does not write that."""
    written = {change.identity for change in _written(plan)} if outside else ()
    for change in _written(plan):
        if change.obj is not None and (role := bound_role(change.obj)) is not None and role not in written:
            yield change, role


def bindable_in(plan: Plan) -> Iterator[tuple[Change, Identity]]:
    """Each role of the plan with the roles of others that it may bind by their names."""
    written = {change.identity for change in _written(plan)}
    for change, role in roles_in(plan):
        for rule in policy_rules(role.get("rules")):
            for kind, name in product(ROLES, rule.names):
                bind = Rule(("bind",), (RBAC,), (ROLES[kind],), (name,))
                named = Identity(RBAC, kind, change.ref.namespace if kind == "Role" else "", name)
                if covers(rule, bind) and named not in written:
                    yield change, named
