"""What a repository's status says of a sync, and the words of its errors. Pure; called by repository.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from packhouse.api.errors import BundleInvalid
from packhouse.api.names import PACKAGE
from packhouse.api.views import PackageRepository
from packhouse.domain.ownership import Action, Step
from packhouse.fetch import Resolution
from packhouse.ports import BundleContent, BundleFault, Json

LEAVING: Final = frozenset({Action.PASS_ON, Action.RELEASE, Action.REMOVE})
ADDED: Final = frozenset({Action.CREATE, Action.SHARE, Action.TAKE_OVER})


def recorded(repository: PackageRepository) -> Resolution | None:
    """What the source stood for when it was last asked, by this very spec, and was read to its end."""
    fetch = repository.status.get("fetch") or {}
    if repository.status.get("observedGeneration") != repository.meta.generation or fetch.get("error"):
        return None
    return Resolution.from_wire(fetch.get("sources"), [repository.fetch])


def stanza_of(resolved: Resolution) -> Json:
    """What status says of the fetch."""
    stanza: Json = {"digest": resolved.digest, "sources": resolved.to_wire()}
    if source := resolved.parts[0].source:
        stanza["image"] = source
    return stanza


def without_sources(repository: PackageRepository) -> Json:
    """The fetch stanza to say first of a changed spec: what the source of the last one stood for must not pass for
    its own."""
    stanza = repository.status.get("fetch")
    return {"fetch": {name: value for name, value in stanza.items() if name != "sources"}} if stanza else {}


def refuse_empty(content: BundleContent) -> None:
    """A bundle with no package at all changes nothing."""
    if any(doc["kind"] == PACKAGE for doc in content.documents):
        return
    if content.faults:
        raise BundleInvalid(f"no document of the bundle can be used: {_first(content.faults)}; nothing was changed")
    raise BundleInvalid(
        "the bundle holds no Package that spec.packages lets through; put package documents below packages/, or "
        "correct spec.fetch or spec.packages; nothing was changed"
    )


def counts(steps: Sequence[Step], held: str, content: BundleContent, faulty: bool) -> Json:
    packages = [step for step in steps if step.kind == PACKAGE]
    actions = [step.action for step in packages]
    complete = not faulty and not any(step.action in (Action.CONFLICT, Action.SUPERSEDED) for step in steps)
    return {
        "total": sum(1 for doc in content.documents if doc["kind"] == PACKAGE),
        "added": sum(action in ADDED for action in actions),
        "changed": actions.count(Action.CONFIGURE),
        "removed": 0 if faulty else sum(action in LEAVING for action in actions),
        "conflicting": actions.count(Action.CONFLICT),
        "digest": held,
        "complete": complete,
    }


def public_name(doc: Json) -> str:
    return str(doc["spec"].get("publicName") or doc["metadata"]["name"])


def conflict(step: Step) -> Json:
    owner = step.entry.repository if step.entry is not None and step.entry.repository else "somebody, by hand"
    return {"name": step.name, "owner": owner, "message": f"{step.kind} {step.name} has other content there"}


def conflicts_message(conflicts: Sequence[Step]) -> str:
    first = conflict(conflicts[0])
    return (
        f"{len(conflicts)} documents differ from what another offers under the same name, such as {conflicts[0].kind} "
        f"{first['name']} of {first['owner']}; the first stays: publish another version, raise its "
        f"packaging.carvel.dev/revision, or leave it out with spec.packages"
    )


def faults_message(faults: Sequence[BundleFault], good: int) -> str:
    return (
        f"{len(faults)} documents of the bundle are bad: {_first(faults)}; the {good} good ones have arrived, "
        f"and nothing is removed until the bundle is mended"
    )


def _first(faults: Sequence[BundleFault]) -> str:
    more = f" (and {len(faults) - 3} more in status.badDocuments)" if len(faults) > 3 else ""
    return "; ".join(str(fault) for fault in faults[:3]) + more
