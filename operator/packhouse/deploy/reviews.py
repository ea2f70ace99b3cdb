"""What an account may do, as the API server itself says it. Asked with the account's own identity; writes nothing.

One rules review tells all that RBAC allows in a namespace, so it answers for a whole plan at once. What it does not
allow, and everything where it is incomplete (a webhook cannot list its rules), is asked for by access reviews, which
hear every authorizer. Nothing is said to be lacking that an access review allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from packhouse.api.errors import Forbidden
from packhouse.deploy.live import gathered
from packhouse.domain.grants import Account
from packhouse.domain.inventory import Identity
from packhouse.domain.rights import (
    MOST_SINGLES,
    MOST_SINGLES_IN_ALL,
    RBAC,
    Handout,
    Right,
    Rule,
    covers,
    how_many,
    policy_rules,
    uncovered,
)
from packhouse.ports import Cluster, Json, Kind, Ref

AUTHORIZATION: Final = "authorization.k8s.io/v1"
#: A namespace that nobody makes: what is allowed there is what is allowed everywhere. Authorizers know no namespaces.
EVERYWHERE: Final = "packhouse-asks-what-is-allowed-everywhere"
SERVICE_ACCOUNT_PREFIX: Final = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Held:
    """What an account may do in one namespace; `complete`: no authorizer allows more."""

    rules: Sequence[Rule] = ()
    complete: bool = False

    def allows(self, rule: Rule) -> bool:
        return any(covers(mine, rule) for mine in self.rules)

    def allows_each(self, right: Right, names: Sequence[str]) -> bool:
        """Whether `right` is held for all names, or for each of these."""
        return self.allows(right.rule) or all(self.allows(replace(right.rule, names=(name,))) for name in names)


class Reviews:
    """One account; what was learned is kept for as long as one plan is checked."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._held: dict[str, Held] = {}
        self._comparable: dict[int, tuple[Handout, bool]] = {}
        self._singles_left = MOST_SINGLES_IN_ALL

    async def learn(self, namespace: str) -> None:
        """Ask for the rules of a namespace, or for those that hold everywhere ("")."""
        status = await self._review("SelfSubjectRulesReview", AUTHORIZATION, {"namespace": namespace or EVERYWHERE})
        if status is not None:
            rules = [*policy_rules(status.get("resourceRules")), *policy_rules(status.get("nonResourceRules"))]
            # An authorizer that can refuse what others allow says that it cannot list its rules.
            self._held[namespace] = Held(rules, complete=not status.get("incomplete"))

    async def lacking(self, needs: Mapping[Right, Sequence[str]]) -> list[Right]:
        """Those of the rights that the account has neither for all names nor for each of those given."""
        in_doubt = [right for right, names in needs.items() if not self._surely(right, names)]
        answers = await gathered([self._lacks(right, needs[right]) for right in in_doubt])
        return [right for right, lacks in zip(in_doubt, answers, strict=True) if lacks]

    async def ungranted(self, handout: Handout) -> list[Right]:
        """What the account lacks for giving these rights away."""
        missing: Sequence[Rule] = [handout.instead]
        if self._is_comparable(handout):
            missing = uncovered(self._held.get(handout.namespace, Held()).rules, handout.rules)
            if not missing:
                return []
        nameless = Right(handout.namespace, replace(handout.instead, names=()))
        if not await self.lacking({nameless: handout.instead.names}):
            return []
        wanted = [handout.instead] if handout.names_role else missing
        return [Right(handout.namespace, rule) for rule in wanted]

    def is_sure_of(self, handout: Handout) -> bool:
        """Whether what is said to be ungranted is all known: the account's rules, and not too many others."""
        held = self._held.get(handout.namespace, Held())
        return held.complete and self._is_comparable(handout)

    def _is_comparable(self, handout: Handout) -> bool:
        """Whether its rules are few enough, beside those that were compared before."""
        if id(handout) not in self._comparable:
            singles = how_many(handout.rules)
            fits = singles <= min(MOST_SINGLES, self._singles_left)
            self._singles_left -= singles if fits else 0
            self._comparable[id(handout)] = (handout, fits)  # kept, so that no other one gets its id
        return self._comparable[id(handout)][1]

    async def role(self, identity: Identity) -> Json | None:
        """A role as it is; None where there is none, or where the account may not read it."""
        try:
            return await self._cluster.get(Ref(Kind(RBAC, "v1", identity.kind), identity.namespace, identity.name))
        except Forbidden:
            return None

    async def account(self) -> Account:
        """Who is asking."""
        status = await self._review("SelfSubjectReview", "authentication.k8s.io/v1")
        name = str(((status or {}).get("userInfo") or {}).get("username") or "unknown")
        if name.startswith(SERVICE_ACCOUNT_PREFIX):
            namespace, _, name = name.removeprefix(SERVICE_ACCOUNT_PREFIX).partition(":")
            return Account(name, namespace)
        return Account(name)

    def _surely(self, right: Right, names: Sequence[str]) -> bool:
        held = self._held.get(right.namespace, Held())
        return held.complete and held.allows_each(right, names)

    async def _lacks(self, right: Right, names: Sequence[str]) -> bool:
        if await self._is_allowed(right):
            return False
        if self._held.get(right.namespace, Held()).complete:  # then single names are known not to help
            return True
        first, *others = names or ("",)
        if not await self._is_allowed(right, first):
            return True
        return not all(await gathered([self._is_allowed(right, name) for name in others]))

    async def _is_allowed(self, right: Right, name: str = "") -> bool:
        [verb], [group], [resource] = right.rule.verbs, right.rule.groups, right.rule.resources
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": right.namespace, "name": name}
        attributes = {key: value for key, value in attributes.items() if value}
        status = await self._review("SelfSubjectAccessReview", AUTHORIZATION, {"resourceAttributes": attributes})
        return status is None or bool(status.get("allowed"))

    async def _review(self, kind: str, api_version: str, spec: Json | None = None) -> Json | None:
        """The status that the API server answers with; None where the account may not even ask."""
        body: Json = {"apiVersion": api_version, "kind": kind}
        try:
            answer = await self._cluster.create(body if spec is None else {**body, "spec": spec})
        except Forbidden:
            return None
        return None if answer is None else answer.get("status") or {}
