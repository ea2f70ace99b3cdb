"""Reads the ImagesLock of a bundle (.imgpkg/images.yml) and writes one whose images lie in the bundle's own repository.

Also the ImageLocations that a copy of a bundle leaves beside it. Pure; called by fetch/ and by who copies bundles. What
is no such document is None, never an error: whoever needs it (the step kbld) reads the file itself and says what is
wrong with it. A copy alone must know all images, and takes nothing else (`locked_images`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from packhouse.api.errors import FetchFailed, InvalidSpec, TemplateFailed
from packhouse.domain import yaml_text
from packhouse.domain.references import ImageReference, read_reference

LOCK_FILE: Final = ".imgpkg/images.yml"
LOCATIONS_FILE: Final = "image-locations.yml"
#: The original name of an image, by which templates mean it.
IMAGE_ID: Final = "kbld.carvel.dev/id"
#: In the config of an image: it is a bundle.
BUNDLE_LABEL: Final = "dev.carvel.imgpkg.bundle"

_API: Final = "imgpkg.carvel.dev/v1alpha1"
#: What a bundle holds whose author keeps no lock.
EMPTY_LOCK: Final = f"---\napiVersion: {_API}\nkind: ImagesLock\n".encode()


@dataclass(frozen=True, slots=True)
class ImagesLock:
    """Each image by its digest, in the order of the file."""

    images: Sequence[ImageReference]
    _document: dict[str, Any]

    @property
    def digests(self) -> list[str]:
        """Each once."""
        return list(dict.fromkeys(str(image.digest) for image in self.images))

    def is_within(self, repository: str) -> bool:
        """Whether all images lie in host/path."""
        return all(image.repository == repository for image in self.images)

    def moved_to(self, repository: str) -> bytes:
        """The same document, its images those of host/path; annotations and all else stay."""
        changed = _with_images(
            self._document,
            [
                {**entry, "image": f"{repository}@{image.digest}"}
                for entry, image in zip(_entries(self._document), self.images, strict=True)
            ],
        )
        text: str = yaml.dump(changed, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=2**31 - 1)
        return f"---\n{text}".encode()

    def names(self, repository: str) -> dict[str, str]:
        """What each image was called -> what it is called in host/path."""
        found: dict[str, str] = {}
        for entry, image in zip(_entries(self._document), self.images, strict=True):
            annotations = entry.get("annotations")
            name = annotations.get(IMAGE_ID) if isinstance(annotations, dict) else None
            for old in (entry["image"], str(image), name):
                if isinstance(old, str) and old:
                    found.setdefault(old, f"{repository}@{image.digest}")
        return found


def read_lock(body: bytes) -> ImagesLock | None:
    """None where it is no lock, locks nothing, or names an image without its digest."""
    document = _document(body)
    # imgpkg's own file needs not say what it is; the first bundles had the list under spec
    if document is None or (document.get("apiVersion"), document.get("kind")) not in (
        (_API, "ImagesLock"),
        (None, None),
    ):
        return None
    entries = _entries(document)
    try:
        images = [read_reference(entry["image"]) for entry in entries if isinstance(entry.get("image"), str)]
    except InvalidSpec:
        return None
    if not images or len(images) != len(entries) or any(image.digest is None for image in images):
        return None
    return ImagesLock(images, document)


def read_locations(body: bytes) -> frozenset[str]:
    """The digests that ImageLocations lists; none where it is something else."""
    document = _document(body)
    if document is None or (document.get("apiVersion"), document.get("kind")) != (_API, "ImageLocations"):
        return frozenset()
    found = set()
    for entry in _entries(document):
        try:
            found.add(str(read_reference(str(entry.get("image"))).digest))
        except InvalidSpec:
            continue
    return frozenset(found)


def locations_tag(digest: str) -> str:
    """Under which tag of its repository the ImageLocations of a bundle lie."""
    return f"{digest.replace(':', '-')}.image-locations.imgpkg"


def image_tag(digest: str) -> str:
    """What a copied image is tagged with, so that no registry takes it for garbage."""
    return f"{digest.replace(':', '-')}.imgpkg"


def write_locations(images: Sequence[tuple[str, bool]]) -> bytes:
    """ImageLocations; `images`: each as the lock names it, and whether it is a bundle."""
    document = {
        "apiVersion": _API,
        "images": [{"image": image, "isBundle": is_bundle} for image, is_bundle in images],
        "kind": "ImageLocations",
    }
    return f"---\n{yaml.safe_dump(document)}".encode()


@dataclass(frozen=True, slots=True)
class LockedImage:
    """An entry of an ImagesLock; `text` is its reference, word for word."""

    text: str
    reference: ImageReference
    digest: str
    annotations: Mapping[str, str]


def locked_images(body: bytes, source: str) -> Sequence[LockedImage]:
    """All images, each once. FetchFailed, naming `source`, for what is no lock, or has an image without a digest."""
    document = _document(body)
    empty = document is not None and not document.get("images") and not document.get("spec")
    lock = read_lock(body)
    if (lock is None and not empty) or (lock is not None and any(image.is_layout for image in lock.images)):
        place = "" if document is None else _first_unlocked(document)
        raise FetchFailed(f"{source} is no ImagesLock of {_API} that names each image by its digest{place}")
    found: dict[str, LockedImage] = {}
    if lock is not None:
        for entry, image in zip(_entries(lock._document), lock.images, strict=True):
            notes = entry.get("annotations")
            words = {str(key): str(note) for key, note in notes.items()} if isinstance(notes, dict) else {}
            found.setdefault(entry["image"], LockedImage(entry["image"], image, str(image.digest), words))
    return list(found.values())


def _first_unlocked(document: dict[str, Any]) -> str:
    """Where the first image without a digest stands, if that is what is wrong; its text may hold anything."""
    for number, entry in enumerate(_entries(document)):
        try:
            image = read_reference(entry["image"]) if isinstance(entry.get("image"), str) else None
        except InvalidSpec:
            image = None
        if image is None or image.digest is None:
            return f" (see images[{number}].image)"
    return ""


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        documents = yaml_text.load_all(body.decode(), "", TemplateFailed)
    except (TemplateFailed, UnicodeDecodeError):
        return None
    value = documents[0][1] if len(documents) == 1 else None
    return value if isinstance(value, dict) else None


def _entries(document: dict[str, Any]) -> list[dict[str, Any]]:
    spec = document.get("spec")
    found = spec.get("images") if isinstance(spec, dict) and "images" not in document else document.get("images")
    entries = found if isinstance(found, list) else []
    return entries if all(isinstance(entry, dict) for entry in entries) else []


def _with_images(document: dict[str, Any], entries: list[dict[str, Any]]) -> dict[str, Any]:
    if "images" in document:
        return {**document, "images": entries}
    return {**document, "spec": {**document["spec"], "images": entries}}
