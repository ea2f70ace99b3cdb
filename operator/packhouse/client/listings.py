"""What there is in the catalogue, a line a package, by name.

Nothing is asked for that is not shown: a list comes as the columns of the kinds, which are a fraction of the objects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from packhouse.api.names import PACKAGE, PACKAGE_GROUP, PACKAGE_METADATA, VERSION
from packhouse.client.errors import NotFound
from packhouse.client.session import Session
from packhouse.client.together import both
from packhouse.domain.offers import Offer, Summary, Words, newest_first, summaries
from packhouse.ports import Json, Kind

PACKAGE_KIND: Final = Kind(PACKAGE_GROUP, VERSION, PACKAGE)
METADATA_KIND: Final = Kind(PACKAGE_GROUP, VERSION, PACKAGE_METADATA)
#: Columns of both kinds, as their CRDs name them.
_WORDS: Final = ("Display-Name", "Short-Description")


async def listed(session: Session) -> list[Summary]:
    """All packages, by name. Long descriptions are not asked for. Raises NotFound where the kind is not served."""
    found, metadata = await both(offers(session), _metadata(session))
    await refuse_unserved(session, PACKAGE_KIND, found=found)
    return summaries(found, metadata)


async def searched(session: Session, word: str) -> list[Summary]:
    """The packages whose name, display name or descriptions have the word in them."""
    found, metadata = await both(_whole_offers(session), _whole_metadata(session))
    await refuse_unserved(session, PACKAGE_KIND, found=found)
    return [summary for summary in summaries(found, metadata) if summary.tells_of(word)]


async def versions_of(session: Session, public_name: str) -> list[str]:
    """The versions of a package, newest first; the Packages themselves are not asked for."""
    return newest_first(offer.version for offer in await offers(session) if offer.name == public_name)


async def versions_by_name(session: Session, *, label_selector: str = "") -> dict[str, list[str]]:
    """The packages with these labels, by name, and their versions, newest first."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = await _rows(session, PACKAGE_KIND, ("Public-Name", "Version"), label_selector) or []
    for name, version in rows:
        found[name].append(version)
    return {name: newest_first(found[name]) for name in sorted(found)}


async def offers(session: Session) -> list[Offer]:
    """All versions of all packages."""
    rows = await _rows(session, PACKAGE_KIND, ("Public-Name", "Version", *_WORDS))
    if rows is None:
        return await _whole_offers(session)
    return [Offer(name, version, Words(*words)) for name, version, *words in rows]


async def _whole_offers(session: Session) -> list[Offer]:
    pages = session.cluster.pages(PACKAGE_KIND)
    specs = [obj["spec"] async for page in pages for obj in page.items]
    return [Offer(spec["publicName"], spec["version"], _words(spec)) for spec in specs]


async def _metadata(session: Session) -> Mapping[str, Words]:
    rows = await _rows(session, METADATA_KIND, ("Name", *_WORDS))
    return await _whole_metadata(session) if rows is None else {name: Words(*words) for name, *words in rows}


async def _whole_metadata(session: Session) -> Mapping[str, Words]:
    pages = session.cluster.pages(METADATA_KIND)
    return {obj["metadata"]["name"]: _words(obj["spec"]) async for page in pages for obj in page.items}


def _words(spec: Json) -> Words:
    return Words(*(spec.get(field) or "" for field in ("displayName", "shortDescription", "longDescription")))


async def _rows(
    session: Session, kind: Kind, columns: Sequence[str], label_selector: str = ""
) -> list[list[str]] | None:
    """These columns of all objects of the kind; None where its CRD, an older one, lacks a column."""
    rows: list[list[str]] = []
    async for table in session.cluster.tables(kind, label_selector=label_selector):
        if not set(columns) <= set(table.columns):
            return None
        places = [table.columns.index(column) for column in columns]
        rows += [[str(row[place] or "") for place in places] for row in table.rows]
    return rows


async def refuse_unserved(session: Session, kind: Kind, *, found: Sequence[object]) -> None:
    """Nothing is found of a kind that the cluster does not know, which is another thing than there being none."""
    if not found and await session.cluster.served(kind) is None:
        raise NotFound(f"this cluster does not know the kind {kind}", "install Packhouse in it first")
