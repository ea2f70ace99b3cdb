"""Decides what of a repository's bundle changes when a version of a package is added to it.

packages/PUBLICNAME/VERSION.yml is added, metadata.yml beside it is written anew, and the lock names the package's
bundle, so that a copy of the repository takes it along. What is offered already is never changed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from packhouse.api.names import PACKAGE, PACKAGE_METADATA
from packhouse.authoring import images
from packhouse.authoring.images import Locked, text_of
from packhouse.authoring.project import crd_schema
from packhouse.client.errors import Trouble
from packhouse.domain.bundle import read_bundle
from packhouse.domain.difference import differences
from packhouse.domain.images_lock import IMAGE_ID, LOCK_FILE
from packhouse.ports import Json

_FOLDER: Final = "packages/"
_METADATA_FILE: Final = "metadata.yml"
_SUFFIXES: Final = (".yml", ".yaml", ".json")


@dataclass(frozen=True, slots=True)
class Offer:
    """A package as it is released, its bundle by digest, and the PackageMetadata beside it."""

    package: Json
    image: str
    metadata: Json | None = None

    @property
    def public_name(self) -> str:
        return str(self.package["spec"]["publicName"])

    @property
    def version(self) -> str:
        return str(self.package["spec"]["version"])


@dataclass(frozen=True, slots=True)
class Addition:
    """`files` to write into the bundle; none where it offers just that already. `notes`: what is not as the package has
    it."""

    files: Mapping[str, bytes]
    notes: Sequence[str] = ()


def added(files: Mapping[str, bytes], offer: Offer, repository: str) -> Addition:
    """What is to be written. `files`: the bundle as it is. Raises Trouble where the version is offered with other
    content, FetchFailed for a lock that is none."""
    offered = dict(_offered(files, offer.public_name))
    name = str(offer.package["metadata"]["name"])
    folder = f"{_FOLDER if _has_folder(files) or not offered else ''}{offer.public_name}"
    new: dict[str, bytes] = {}
    notes: list[str] = []
    if (PACKAGE, name) in offered:
        file, document = offered[PACKAGE, name]
        _refuse_other(document, offer, f"{repository}, {file}")
    else:
        new[f"{folder}/{offer.version}.yml"] = text_of(offer.package, in_order=False).encode()
    if offer.metadata is not None:
        path = f"{folder}/{_METADATA_FILE}"
        file, known = offered.get((PACKAGE_METADATA, offer.metadata["metadata"]["name"]), (path, None))
        if known != offer.metadata and file == path:
            new[path] = text_of(offer.metadata, in_order=False).encode()
        elif known != offer.metadata:
            notes.append(f"{file} of the repository holds other metadata of {offer.public_name}, and keeps them")
    lock = images.read(files.get(LOCK_FILE), f"{repository}, {LOCK_FILE}")
    if all(one.image != offer.image for one in lock):
        entry = Locked(offer.image, offer.image, {IMAGE_ID: offer.image})
        new[LOCK_FILE] = images.write([*lock, entry])
    return Addition(new, notes)


def _has_folder(files: Mapping[str, bytes]) -> bool:
    """Where there is one, nothing outside of it counts."""
    return any(file.startswith(_FOLDER) for file in files)


def _offered(files: Mapping[str, bytes], public_name: str) -> Iterator[tuple[tuple[str, str], tuple[str, Json]]]:
    """Kind and name of each document that may be one of the package -> the file, and the document."""
    schemas = {kind: crd_schema(kind) for kind in (PACKAGE, PACKAGE_METADATA)}
    has_folder, word = _has_folder(files), public_name.encode()
    for file in sorted(files, reverse=True):  # the first of several that are equal is the one that is told of
        if file.endswith(_SUFFIXES) and (file.startswith(_FOLDER) or not has_folder) and word in files[file]:
            for document in read_bundle({file: files[file]}, schemas).documents:
                yield (document["kind"], document["metadata"]["name"]), (file, document)


def _refuse_other(document: Json, offer: Offer, where: str) -> None:
    found = differences(_timeless(document), _timeless(offer.package))
    if found:
        raise Trouble(
            f"{where} offers {offer.public_name} {offer.version} with other content ({found[0].path} differs)",
            "what is published stays as it is: release another version, such as --bump patch",
        )


def _timeless(package: Json) -> Json:
    """Without when it was released, which alone makes no other content."""
    return {**package, "spec": {key: value for key, value in package["spec"].items() if key != "releasedAt"}}
