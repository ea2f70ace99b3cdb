"""The repositories as the command line looks at them and changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from packhouse.api.errors import Forbidden, PackhouseError
from packhouse.api.names import (
    CLIENT_MANAGER,
    INSTALL_API,
    INSTALL_GROUP,
    INSTALLED_PACKAGE,
    PACKAGE_REPOSITORY,
    REPOSITORY_LABEL,
    VERSION,
)
from packhouse.client.errors import NotFound, Trouble, trouble_of
from packhouse.client.listings import refuse_unserved, versions_by_name
from packhouse.client.manifests import Manifest
from packhouse.client.session import Session
from packhouse.domain.offers import nearest
from packhouse.domain.repository_source import Wanted, changed_source, new_source
from packhouse.ports import Json, Kind, Ref

REPOSITORY_KIND: Final = Kind(INSTALL_GROUP, VERSION, PACKAGE_REPOSITORY)
INSTALL_KIND: Final = Kind(INSTALL_GROUP, VERSION, INSTALLED_PACKAGE)

Change = Callable[[Json], Json]


@dataclass(frozen=True, slots=True)
class Users:
    """The installs whose package came from a repository, as "namespace/name"; `unseen`: why they are not all known."""

    installs: Sequence[str]
    unseen: str = ""


def ref(name: str) -> Ref:
    return Ref(REPOSITORY_KIND, "", name)


async def listed(session: Session) -> list[Json]:
    """All repositories, by name. Raises NotFound where the kind is not served."""
    found = [obj async for page in session.cluster.pages(REPOSITORY_KIND) for obj in page.items]
    await refuse_unserved(session, REPOSITORY_KIND, found=found)
    return sorted(found, key=lambda obj: str(obj["metadata"]["name"]))


async def present(session: Session, name: str) -> Json:
    """Raises NotFound with the nearest names."""
    found = await session.cluster.get(ref(name))
    if found is not None:
        return found
    meant = nearest(name, [obj["metadata"]["name"] for obj in await listed(session)])
    lever = f"did you mean {' or '.join(meant)}?" if meant else "see them all: kubectl package repository list"
    raise NotFound(f"there is no repository {name}", lever)


async def add(session: Session, name: str, wanted: Wanted) -> Json:
    """A new repository that is a bundle in a registry. Raises Trouble where the name is taken, InvalidSpec."""
    from packhouse.client.making import whole

    fetch = new_source(wanted)
    if await session.cluster.get(ref(name), metadata_only=True) is not None:
        raise Trouble(f"there is a repository {name} already", f"change it: kubectl package repository update {name}")
    async with whole(session) as made:
        return await made.create(_repository({"name": name}, {"fetch": fetch}), last=True)


async def install(session: Session, manifests: Sequence[Manifest]) -> None:
    """All of them as they stand there, new ones and those that exist; or none. Raises Trouble with the place."""
    from packhouse.client.making import whole

    new: list[str] = []
    for manifest in manifests:
        with _told_at(manifest.place):
            if await session.cluster.get(ref(_name(manifest)), metadata_only=True) is None:
                new.append(_name(manifest))
                await session.cluster.create(_made_of(manifest), manager=CLIENT_MANAGER, dry_run=True)
    async with whole(session) as made:
        for number, manifest in enumerate(manifests, 1):
            last = number == len(manifests)
            with _told_at(manifest.place):
                if _name(manifest) in new:
                    await made.create(_made_of(manifest), last=last)
                else:
                    await made.change(ref(_name(manifest)), partial(_replaced, manifest.document), last=last)


async def update(session: Session, name: str, wanted: Wanted) -> tuple[Json, Json]:
    """The repository before and after. Raises NotFound, InvalidSpec, InvalidConstraint."""
    return await _edit(session, name, lambda now: _with_spec(now, fetch=changed_source(now["spec"]["fetch"], wanted)))


async def kick(session: Session, name: str, at: str) -> Json:
    """`at`: any word that it did not have before, such as the time."""
    from packhouse.client.proposals import kicked

    _, after = await _edit(session, name, lambda now: kicked(now, at))
    return after


async def users(session: Session, name: str) -> Users:
    try:
        pages = session.cluster.pages(INSTALL_KIND)
        found = [obj["metadata"] async for page in pages for obj in page.items if _comes_from(obj, name)]
    except Forbidden as refused:
        return Users((), refused.message)
    return Users(sorted(f"{metadata['namespace']}/{metadata['name']}" for metadata in found))


async def provided(session: Session, name: str) -> dict[str, list[str]]:
    """The packages that the repository owns, by name, with their versions, newest first."""
    return await versions_by_name(session, label_selector=f"{REPOSITORY_LABEL}={name}")


async def delete(session: Session, repository: Json) -> None:
    metadata = repository["metadata"]
    await session.cluster.delete(ref(metadata["name"]), uid=metadata["uid"])


async def _edit(session: Session, name: str, change: Change) -> tuple[Json, Json]:
    from packhouse.client.making import changed

    await present(session, name)
    before, after, _ = await changed(session.cluster, ref(name), change)
    return before, after


def _comes_from(install: Json, repository: str) -> bool:
    status = install.get("status") or {}
    return bool((status.get("packageRef") or {}).get("repository") == repository)


def _repository(metadata: Json, spec: Json) -> Json:
    return {"apiVersion": INSTALL_API, "kind": PACKAGE_REPOSITORY, "metadata": metadata, "spec": spec}


def _name(manifest: Manifest) -> str:
    return str(manifest.document["metadata"]["name"])


def _made_of(manifest: Manifest) -> Json:
    """What a manifest is asked for: all else is the server's to say."""
    document = manifest.document
    metadata = {key: value for key, value in document["metadata"].items() if key in ("name", "labels", "annotations")}
    return _repository(metadata, document["spec"])


def _with_spec(repository: Json, **fields: Json) -> Json:
    return {**repository, "spec": {**repository["spec"], **fields}}


def _replaced(document: Json, now: Json) -> Json:
    """What is there, with the document's spec in the place of its own; its other labels and annotations stay."""
    metadata, wanted = now["metadata"], document["metadata"]
    maps = {key: {**(metadata.get(key) or {}), **(wanted.get(key) or {})} for key in ("labels", "annotations")}
    return {**now, "metadata": {**metadata, **maps}, "spec": document["spec"]}


@contextmanager
def _told_at(place: str) -> Iterator[None]:
    try:
        yield
    except (Trouble, PackhouseError) as error:
        trouble = error if isinstance(error, Trouble) else trouble_of(error)
        raise Trouble(f"{place}: {trouble.what}", trouble.help, trouble.code) from error
