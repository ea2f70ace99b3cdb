"""A change of an install: another version, other values, another account. Looked at as a whole and written as a whole.

New values come as a new Secret, and the install turns to it in the same write that gives it its new version: no
reconcile ever sees the one without the other, and what is refused leaves nothing. What nothing uses any more is swept
away once the change is in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce

from packhouse.api.views import InstalledPackage
from packhouse.client import catalogue
from packhouse.client.account import Grant, added, grant_for
from packhouse.client.errors import Trouble
from packhouse.client.granted import granted, refuse_ungrantable
from packhouse.client.installing import refuse_missing_account
from packhouse.client.installs import present
from packhouse.client.keepsakes import (
    has_made_account,
    made_rights,
    made_secrets,
    places,
    removed,
    without_those_in_use,
)
from packhouse.client.making import changed, whole
from packhouse.client.new_values import NewValues, Step, other_values, present_values
from packhouse.client.obstacles import being_deleted
from packhouse.client.proposals import (
    SECRET,
    at_version,
    downgradable,
    kicked,
    of_version,
    ref,
    secret_names,
    with_spec,
)
from packhouse.client.rehearsal import Proposal, Rehearsal, rehearse
from packhouse.client.session import Session
from packhouse.domain import versions
from packhouse.domain.catalogue import choose, wish_of
from packhouse.domain.objects import ref_of
from packhouse.domain.ownership import entry_of
from packhouse.domain.rights import Right
from packhouse.ports import Json, Ref, ValuesDocument


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller wants changed; what is left out stays. `force`: values of somebody else are given up.

    `version`: a version or a range that is followed from now on; `target`: this version in the place of the one that
    the install names, and all else that it says of versions stays.
    """

    version: str | None = None
    target: str | None = None
    texts: Sequence[ValuesDocument] = ()
    sets: Sequence[str] = ()
    account: str | None = None
    allow_downgrade: bool = False
    allow_everything: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Amendment:
    """What would be written; `version` is the one that it leads to, `secret` the new values, and `keys` the paths of
    those that change, where that is known.

    `grant`: of the account that was made for the install; None where the account is somebody else's.
    """

    before: Json
    after: Json
    steps: Sequence[Step]
    version: str
    secret: Json | None = None
    keys: Sequence[str] | None = None
    rehearsal: Rehearsal | None = None
    grant: Grant | None = None
    added: Sequence[Right] = ()
    warnings: Sequence[str] = ()

    @property
    def name(self) -> str:
        return str(self.before["metadata"]["name"])

    @property
    def present_version(self) -> str:
        """The one that is in place, else the one that was tried."""
        status = self.before.get("status") or {}
        return str(status.get("version") or status.get("lastAttemptedVersion") or "(none yet)")

    @property
    def is_empty(self) -> bool:
        return self.keeps_spec and not self.added

    @property
    def keeps_spec(self) -> bool:
        """Whether its account alone gets other rights, if anything changes."""
        return bool(self.before["spec"] == self.after["spec"])


async def amended(session: Session, name: str, wishes: Wishes, *, rehearsed: bool = False) -> Amendment:
    """Nothing is written. Raises Trouble, ValuesInvalid, and what a rehearsal raises."""
    before = await present(session, name)
    if before["metadata"].get("deletionTimestamp"):
        raise being_deleted(ref(session.namespace, name))
    steps: list[Step] = []
    warnings: list[str] = []
    if wishes.version is not None:
        steps += await _version_steps(session, before, wishes.version, allow_downgrade=wishes.allow_downgrade)
    if (target := wishes.target) is not None:
        steps.append(lambda install: at_version(install, target))
    if (account := wishes.account) is not None:
        await refuse_missing_account(session, account)
        steps.append(lambda install: with_spec(install, serviceAccountName=account))
    package = await taken(session, _taking(steps, before))
    values: NewValues | None = None
    if wishes.texts or wishes.sets:
        values = await other_values(session, before, package, wishes.texts, wishes.sets, force=wishes.force)
        warnings = list(values.warnings)
        if values.keys == [] and not wishes.force:
            values = None  # they are like this already
        else:
            steps.append(values.step)
    elif wishes.version is not None or target is not None:
        warnings = await present_values(session, before, package)
    after = _taking(steps, before)
    secret, keys = (values.secret, values.keys) if values is not None else (None, None)
    amendment = Amendment(before, after, steps, str(package["spec"]["version"]), secret, keys, warnings=warnings)
    has_made = account is None and await has_made_account(session, before)
    if not has_made and not rehearsed:
        return amendment
    rehearsal = await rehearse(session, Proposal(after, [secret] if secret else []))
    amendment = replace(amendment, rehearsal=rehearsal, warnings=list(dict.fromkeys([*warnings, *rehearsal.warnings])))
    return await _with_grant(session, amendment, allow_everything=wishes.allow_everything) if has_made else amendment


async def check(session: Session, amendment: Amendment) -> None:
    """Whether the caller may grant what would be added. Raises Trouble."""
    if amendment.grant is not None and amendment.added:
        await refuse_ungrantable(session, amendment.grant)


async def change(session: Session, amendment: Amendment) -> Json:
    """The install as it is then. All is written, or nothing."""
    async with whole(session) as made:
        if amendment.secret is not None:
            await made.create(amendment.secret)
        for obj in amendment.grant.objects if amendment.grant is not None else ():
            await made.put(obj)
        where = ref(session.namespace, amendment.name)
        # Other rights are no change of the install: it is told to look again.
        steps = [_kick] if amendment.keeps_spec else amendment.steps
        return await made.change(where, lambda now: _taking(steps, now), last=True)


def _kick(install: Json) -> Json:
    return kicked(install, datetime.now(UTC).isoformat(timespec="milliseconds"))


async def edited(session: Session, name: str, step: Step) -> Json:
    """Takes one step with the install; the answer is how it was before. Raises NotFound."""
    await present(session, name)
    before, _, _ = await changed(session.cluster, ref(session.namespace, name), step)
    return before


async def sweep(session: Session, amendment: Amendment) -> list[str]:
    """Takes away what was made for the install and is not used any more; in words what could not be."""
    used = {Ref(SECRET, session.namespace, name) for name in secret_names(amendment.after)}
    stale = [obj for obj in await made_secrets(session, amendment.name) if ref_of(obj) not in used]
    accounts = {one["spec"]["serviceAccountName"] for one in (amendment.before, amendment.after)}
    if amendment.grant is not None or len(accounts) > 1:
        kept = {ref_of(obj) for obj in amendment.grant.objects} if amendment.grant is not None else set()
        rights = await made_rights(session, amendment.name, amendment.before)
        stale += [obj for obj in rights if ref_of(obj) not in kept]
    return await removed(session, await without_those_in_use(session, amendment.name, stale))


async def taken(session: Session, install: Json) -> Json:
    """The Package that the install takes, as the operator chooses. Raises what `choose` raises."""
    view = InstalledPackage.from_wire(install)
    known = {package["metadata"]["name"]: package for package in await catalogue.packages_of(session, view.public_name)}
    choice = choose(wish_of(view, await session.cluster.version()), [entry_of(package) for package in known.values()])
    return known[choice.entry.name]


async def _with_grant(session: Session, amendment: Amendment, *, allow_everything: bool) -> Amendment:
    assert amendment.rehearsal is not None, "what it needs is known by a rehearsal"  # noqa: S101 - the caller made one
    name = amendment.name
    grant = await grant_for(session, amendment.rehearsal, session.namespace, name, allow_everything=allow_everything)
    before = await granted(session, session.namespace, name, also=places(amendment.before))
    return replace(amendment, grant=grant, added=added(before, grant.rights))


def _taking(steps: Sequence[Step], install: Json) -> Json:
    return reduce(lambda so_far, step: step(so_far), steps, install)


async def _version_steps(session: Session, before: Json, words: str, *, allow_downgrade: bool) -> list[Step]:
    package_ref = before["spec"]["packageRef"]
    repositories = package_ref.get("repositories") or ()
    chosen = await catalogue.choose_for_install(session, package_ref["publicName"], words, repositories)
    wanted, version = catalogue.spec_of(chosen), chosen.package["spec"]["version"]
    steps: list[Step] = [lambda install: of_version(install, wanted)]
    tried = (before.get("status") or {}).get("lastAttemptedVersion")
    if tried is None or versions.compare(version, tried) >= 0:
        return steps
    if not allow_downgrade:
        raise Trouble(
            f"{version} is lower than {tried}, which {before['metadata']['name']} has or had",
            "if that is meant, and the package can go back, use --allow-downgrade",
        )
    return [*steps, downgradable]
