"""Events of some objects, as far as the caller may read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from packhouse.client.session import Session
from packhouse.ports import Json, Kind

EVENT: Final = Kind("events.k8s.io", "v1", "Event")


@dataclass(frozen=True, slots=True)
class Event:
    """`at`: when it was seen last, in RFC 3339; `count`: how often."""

    at: str
    type: str
    reason: str
    about: str
    note: str
    count: int


async def events_of(session: Session, uids: Mapping[str, str]) -> list[Event]:
    """Of the objects with these uids, which are in these namespaces; the newest last. Raises Forbidden.

    Those that say the same of the same object, in other words each time, are one, with the newest words.
    """
    found = [
        _event(obj)
        for namespace in sorted(set(uids.values()))
        async for page in session.cluster.pages(EVENT, namespace=namespace)
        for obj in page.items
        if (obj.get("regarding") or {}).get("uid") in uids
    ]
    folded: dict[tuple[str, str, str], Event] = {}
    for event in sorted(found, key=lambda event: event.at.rstrip("Z")):
        sort = event.type, event.reason, event.about
        before = folded.pop(sort, None)
        folded[sort] = replace(event, count=event.count + before.count) if before is not None else event
    return list(folded.values())


def _event(obj: Json) -> Event:
    series, regarding = obj.get("series") or {}, obj.get("regarding") or {}
    times = (series.get("lastObservedTime"), obj.get("deprecatedLastTimestamp"), obj.get("eventTime"))
    return Event(
        at=next(filter(None, times), obj["metadata"].get("creationTimestamp") or ""),
        type=obj.get("type") or "",
        reason=obj.get("reason") or "",
        about=f"{regarding.get('kind', '')} {regarding.get('name', '')}",
        note=obj.get("note") or "",
        count=series.get("count") or obj.get("deprecatedCount") or 1,
    )
