"""The wait rules of a package come before what we know of a kind: they say which conditions mean success and failure.

domain/kapp reads them from `kind: Config`. The first rule that matches decides alone, as it does for kapp.
"""

from __future__ import annotations

from collections.abc import Sequence

from packhouse.domain.kapp.config_values import WaitRule
from packhouse.domain.readiness.reading import conditions, number, section
from packhouse.domain.readiness.verdict import Readiness, State, failed, ready, waiting
from packhouse.ports import Json


def by_rules(obj: Json, waits: Sequence[WaitRule]) -> Readiness | None:
    """What the first rule that matches says; None where none does."""
    rule = next((rule for rule in waits if rule.matches(obj)), None)
    if rule is None:
        return None
    generation = number(section(obj, "metadata"), "generation")
    if rule.observed_generation and number(section(obj, "status"), "observedGeneration") != generation:
        return waiting(f"its controller has not seen generation {generation} yet")

    found = conditions(obj)
    met = [
        (matcher, condition)
        for matcher in rule.conditions
        if (condition := found.get(matcher.type)) is not None
        and condition.status == matcher.status
        and (not matcher.observed_generation or condition.generation == generation)
    ]
    # A failure counts before any success.
    for matcher, condition in met:
        if matcher.failure:
            return failed(f"its condition {condition.type} is {condition.status} ({condition.why})")
    for matcher, condition in met:
        if matcher.success:
            return ready(f"its condition {condition.type} is {condition.status}")
    wanted = " or ".join(f"{matcher.type}={matcher.status}" for matcher in rule.conditions if matcher.success)
    return Readiness(
        State.WAITING,
        f"its conditions do not have {wanted or 'what the wait rule of the package asks for'} yet",
        unblocks=any(matcher.unblocks for matcher, _ in met),
    )
