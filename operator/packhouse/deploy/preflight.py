"""Ask before the first write whether the whole plan would be accepted, so that a package does not start and stop
half-way.

Three questions, in about one round of requests: what the account may do (reviews.py), what each write would be
answered (trial.py), and, where that cannot be tried yet, whether the account may give away the rights that the plan's
roles hold. All that is missing is told at once, as roles to paste. Called by reconcile/install.py; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from packhouse.api.errors import Failed, Forbidden, PackhouseError
from packhouse.deploy.live import brought_kinds, gathered
from packhouse.deploy.reviews import Reviews
from packhouse.deploy.trial import MayReplace, Terms, Verdict, footings, never, tried, worth_trying
from packhouse.domain.change import Action, Change, Plan
from packhouse.domain.grants import manifests, to_grant
from packhouse.domain.inventory import Identity
from packhouse.domain.objects import ref_of
from packhouse.domain.rights import Right, bound_role, handout, is_role, needed
from packhouse.ports import Cluster, Json, Kind, Ref

MOST_NAMED: Final = 5


async def preflight(
    cluster: Cluster, plan: Plan, *, may_replace: MayReplace = never, adopt: bool | None = None
) -> Plan:
    """The plan, in which changes that only a replacement can bring are replacements, as far as `may_replace` allows.

    `cluster` is the install's own identity, `adopt` spec.adopt. Raises Forbidden, DeployFailed, FieldConflict,
    AdoptionRefused, ImmutableField, ApiServerError with every refusal that was found, ClusterUnavailable.
    """
    if not plan.writes and not plan.removals:
        return plan
    reviews, plurals = Reviews(cluster), await plurals_of(cluster, plan)
    verdicts = await _verdicts(cluster, plan, plurals, reviews, Terms(may_replace, adopt, plan.has_webhooks))
    amended = replace(
        plan,
        waves=[
            [verdicts[change.identity].change if change.identity in verdicts else change for change in wave]
            for wave in plan.waves
        ],
    )
    refusals = [verdict.refusal for verdict in verdicts.values() if verdict.refusal is not None]
    lacking = await _lacking(reviews, amended, plurals, verdicts)
    if lacking:
        raise await _forbidden(reviews, lacking, amended, besides=refusals)
    if refusals:
        raise _all_in_one(refusals)
    return amended


async def refuse_without_rights(cluster: Cluster, desired: Sequence[Json], recorded: Iterable[Ref]) -> None:
    """For an account that may not even read what is to be planned: raises Forbidden with all that a first apply and a
    removal of what is recorded need. Does nothing where it lacks nothing of that."""
    wanted = [Change(ref_of(obj), Action.CREATE, "it is wanted", obj) for obj in desired]
    known = {change.identity for change in wanted}
    gone = [Change(ref, Action.PRUNE, "it is recorded") for ref in recorded if Identity.of(ref) not in known]
    plan = Plan([wanted, gone])
    reviews, plurals = Reviews(cluster), await plurals_of(cluster, plan)
    await gathered([reviews.learn(namespace) for namespace in _namespaces(plan)])
    lacking = await _lacking(reviews, plan, plurals, {})
    if lacking:
        raise await _forbidden(reviews, lacking, plan, besides=())


async def refuse_unreadable(cluster: Cluster, refs: Iterable[Ref]) -> None:
    """For a caller who may not even look at what a plan concerns: raises Forbidden with all that looking takes. Does
    nothing where nothing of that is missing."""
    plan = Plan([[Change(ref, Action.KEEP, "it is looked at") for ref in refs]])
    reviews, plurals = Reviews(cluster), await plurals_of(cluster, plan)
    await gathered([reviews.learn(namespace) for namespace in _namespaces(plan)])
    lacking = await reviews.lacking(needed(plan, plurals))
    if lacking:
        account, rights = await reviews.account(), to_grant(lacking, ())
        raise Forbidden(
            f"{account} may not look at all that the plan concerns: {_count(rights)} missing; grant with:\n"
            f"{manifests(rights, account)}"
        )


# ---- asking ----------------------------------------------------------------------------------------------


async def plurals_of(cluster: Cluster, plan: Plan) -> dict[Kind, str]:
    """The resources of all kinds in the plan. A kind that is neither served nor brought has none."""
    brought = brought_kinds([change.obj for change in plan.writes if change.obj is not None])
    found: dict[Kind, str] = {}
    for kind in {change.ref.kind for change in plan}:
        served = await cluster.served(kind)
        if served is not None:
            found[kind] = served.plural
        elif (crd := brought.get((kind.group, kind.kind))) is not None:
            found[kind] = crd["spec"]["names"]["plural"]
    return found


async def _verdicts(
    cluster: Cluster, plan: Plan, plurals: Mapping[Kind, str], reviews: Reviews, terms: Terms
) -> Mapping[Identity, Verdict]:
    """Try the writes, and let `reviews` learn the account's rules at the same time."""
    writes = plan.writes
    ground = footings(writes)
    verdicts: dict[Identity, Verdict] = {}

    async def judge(change: Change) -> None:
        verdicts[change.identity] = await tried(cluster, change, ground[change.identity], terms)

    learning = [reviews.learn(namespace) for namespace in _namespaces(plan)]
    await gathered([*learning, *(judge(change) for change in worth_trying(writes) if change.ref.kind in plurals)])
    # In the order of the plan: who is refused again for the same reasons should say so in the same words.
    return {change.identity: verdicts[change.identity] for change in writes if change.identity in verdicts}


def _namespaces(plan: Plan) -> set[str]:
    return {change.ref.namespace for change in plan}


async def _lacking(
    reviews: Reviews, plan: Plan, plurals: Mapping[Kind, str], verdicts: Mapping[Identity, Verdict]
) -> list[Right]:
    """What the account lacks of all that the plan needs. What nobody knows for sure is no reason to refuse; where
    something else is, it is named along, so that what is granted is enough."""
    lacking = await reviews.lacking(needed(plan, plurals))
    roles = {change.identity: change.obj for change in plan.writes if change.obj is not None and is_role(change.obj)}
    asked = []
    for change in plan.writes:
        verdict = verdicts.get(change.identity)
        refused = verdict is not None and isinstance(verdict.refusal, Forbidden)
        # The API server itself has judged what it gives away.
        if change.obj is None or (verdict is not None and verdict.judged and not refused):
            continue
        asked.append(_ungranted(reviews, change.obj, roles, refused=refused))
    answers = await gathered(asked)
    lacking += [right for rights, is_sure in answers for right in rights if is_sure]
    in_doubt = [right for rights, is_sure in answers for right in rights if not is_sure]
    return lacking + in_doubt if lacking else []


async def _ungranted(
    reviews: Reviews, obj: Json, roles: Mapping[Identity, Json], *, refused: bool
) -> tuple[Sequence[Right], bool]:
    """What the account lacks for writing a role or a binding, and whether that is sure; nothing for other objects."""
    reference = bound_role(obj)
    written = reference in roles
    role = roles.get(reference) if reference is not None else None
    if reference is not None and role is None:
        role = await reviews.role(reference)
    given = handout(obj, role, written=written)
    if given is None:
        return [], True
    is_known = reference is None or role is not None
    return await reviews.ungranted(given), refused or (is_known and reviews.is_sure_of(given))


# ---- saying it -------------------------------------------------------------------------------------------


async def _forbidden(
    reviews: Reviews, lacking: Sequence[Right], plan: Plan, *, besides: Sequence[PackhouseError]
) -> Forbidden:
    """What the account lacks, as what grants it. Refusals for lack of rights are explained by that."""
    account = await reviews.account()
    new_namespaces = {
        change.ref.name
        for change in plan.writes
        if not change.uid and (change.ref.kind.group, change.ref.kind.kind) == ("", "Namespace")
    }
    rights = to_grant(lacking, new_namespaces)
    others = [refusal for refusal in besides if not isinstance(refusal, Forbidden)]
    more = f"; besides, what will be refused then: {' '.join(_words(others).split())}" if others else ""
    return Forbidden(
        f"nothing was applied: {account} lacks {_count(rights)} that this plan needs{more}; grant them with:\n"
        f"{manifests(rights, account)}"
    )


def _count(rights: Sequence[Right]) -> str:
    return "1 right" if len(rights) == 1 else f"{len(rights)} rights"


def _all_in_one(refusals: Sequence[PackhouseError]) -> PackhouseError:
    """The words of the first few, in the class of the first that may pass by itself, or else of the first."""
    first = next((refusal for refusal in refusals if isinstance(refusal, Failed)), refusals[0])
    return type(first)(f"nothing was applied: {_words(refusals)}")


def _words(refusals: Sequence[PackhouseError]) -> str:
    more = len(refusals) - MOST_NAMED
    words = "; ".join(refusal.message for refusal in refusals[:MOST_NAMED])
    return words + (f"; and {more} more" if more > 0 else "")
