"""All that tells how an install is and why, as far as the caller may read it. Looks and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packhouse.api.errors import Forbidden
from packhouse.api.views import InstalledPackage
from packhouse.client.advice import steps
from packhouse.client.events import EVENT, Event, events_of
from packhouse.client.installs import present
from packhouse.client.session import Session
from packhouse.client.tree import Barred, objects_of
from packhouse.domain.install_state import is_ready
from packhouse.domain.object_tree import Node, Standing
from packhouse.ports import Json


@dataclass(frozen=True, slots=True)
class Inspection:
    """`troubled`: its objects that are not well, or own such; `total`: how many it has, `unread` of which may not be
    read. `barred`: why some of it is not known."""

    install: Json
    view: InstalledPackage
    ready: bool
    troubled: Sequence[Node]
    total: int
    events: Sequence[Event]
    steps: Sequence[str]
    unread: int
    barred: Sequence[Barred]


async def inspected(session: Session, name: str) -> Inspection:
    """Raises NotFound, Forbidden where not even the install may be read."""
    install = await present(session, name)
    view = InstalledPackage.from_wire(install)
    objects = await objects_of(session, install)
    troubled = [node for node in objects.nodes if not node.is_well]
    about = {view.meta.uid: view.meta.namespace}
    about |= {
        node.uid: node.ref.namespace or "default"
        for top in troubled
        for node in top
        if node.uid and node.standing is not Standing.READY
    }
    barred = list(objects.barred)
    events: Sequence[Event] = ()
    try:
        events = await events_of(session, about)
    except Forbidden:
        barred += [Barred(namespace, "list", EVENT) for namespace in sorted(set(about.values()))]
    ready, advice = is_ready(view), steps(view, session.settings.operator_namespace)
    is_drift = any(node.standing in (Standing.MISSING, Standing.DRIFTED) for node in troubled)
    if ready and is_drift and not advice:
        kick = f"kubectl package installed kick {name} -n {view.meta.namespace}"
        advice = [f"it is put right at the next sync, or now: {kick}"]
    return Inspection(
        install=install,
        view=view,
        ready=ready,
        troubled=troubled,
        total=len(objects.nodes),
        events=events,
        steps=advice,
        unread=sum(node.standing is Standing.UNREAD for node in objects.nodes),
        barred=barred,
    )
