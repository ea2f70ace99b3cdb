"""The dry run of a plan: what each change would make of its object, as the API server says itself.

A server-side dry run counts defaults, admission and the fields of other writers, so what is shown is what would be.
Reads only. What cannot be tried is shown as it was rendered: what would be refused, what rests on another object of the
same plan, and what whoever asks has no right to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from packhouse.api.errors import ClusterUnavailable, Forbidden, PackhouseError
from packhouse.api.names import APPLY_MANAGER
from packhouse.deploy.live import gathered
from packhouse.deploy.trial import Footing, Terms, footings, tried, under_another_name
from packhouse.domain.change import WRITES, Action, Change, Plan
from packhouse.domain.difference import Difference, differences, laid_over
from packhouse.ports import Cluster, Json

#: Why an object is shown as it was rendered.
RESTS: Final = "shown as rendered, since it rests on what the same plan brings"


@dataclass(frozen=True, slots=True)
class Preview:
    """One change, its object before and after; `note` is why it could not be tried, "" where it was, and `is_refused`
    tells that the API server would not take it from anybody.

    `before` and `after` are whole, Secrets too: show them as domain/difference.py gives them.
    """

    change: Change
    before: Json | None = field(default=None, repr=False)
    after: Json | None = field(default=None, repr=False)
    note: str = ""
    is_refused: bool = False

    @property
    def differences(self) -> Sequence[Difference]:
        return differences(self.before, self.after)

    def __str__(self) -> str:
        note = [f"  {self.note}"] if self.note else []
        return "\n".join([str(self.change), *note, *(f"  {difference}" for difference in self.differences)])


async def dry_run(cluster: Cluster, plan: Plan, terms: Terms | None = None) -> Sequence[Preview]:
    """In the order of the plan; what stays as it is is left out. Changes that only a replacement can bring are
    replacements where `terms` allow it. Raises Forbidden for reads, ClusterUnavailable."""
    ground = footings(plan.writes)
    known = replace(terms or Terms(), own_webhooks=plan.has_webhooks)
    changing = [change for change in plan if change.action not in (Action.KEEP, Action.SKIP)]
    return await gathered(
        [_preview(cluster, change, ground.get(change.identity, Footing.FIRM), known) for change in changing]
    )


async def _preview(cluster: Cluster, change: Change, ground: Footing, terms: Terms) -> Preview:
    if change.action is Action.PRUNE:
        return Preview(change, before=await cluster.get(change.ref))
    if change.action not in WRITES or change.obj is None:
        return Preview(change)
    live = await cluster.get(change.ref) if change.uid else None
    as_rendered = change.obj if live is None else laid_over(live, change.obj)
    refused_untried = change.adopting and terms.adopt is False
    if change.action is not Action.REPLACE and not refused_untried:
        force = terms.adopt is True or not change.adopting
        try:
            after = await cluster.apply(change.obj, manager=APPLY_MANAGER, force=force, dry_run=True)
            return Preview(change, live, after)
        except ClusterUnavailable:
            raise
        except Forbidden as refused:
            said = refused.message.removeprefix(f"{change.ref}: ").partition("; ")[0]
            return Preview(change, live, as_rendered, f"shown as rendered, since it may not be tried: {said}")
        except PackhouseError:
            pass  # a trial tells more of what it means
    verdict = await tried(cluster, change, ground, terms)
    if verdict.change.action is Action.REPLACE and verdict.refusal is None:
        return Preview(verdict.change, live, await _made_anew(cluster, change.obj))
    if verdict.refusal is None:
        return Preview(change, live, as_rendered, RESTS)
    return Preview(change, live, as_rendered, f"it would be refused: {verdict.refusal.message}", is_refused=True)


async def _made_anew(cluster: Cluster, obj: Json) -> Json:
    """With the defaults of the API server, where it tells them: the live object is in the way of the new one."""
    try:
        found = await cluster.create(under_another_name(obj), dry_run=True)
    except ClusterUnavailable:
        raise
    except PackhouseError:
        found = None
    if found is None:
        return obj
    return {**found, "metadata": {**found["metadata"], "name": obj["metadata"]["name"]}}
