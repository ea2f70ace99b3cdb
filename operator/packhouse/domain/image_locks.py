"""What lies beside the files of a bundle: its ImagesLock, and the ImageLocations that a copy leaves in the registry.

Pure. An ImagesLock (.imgpkg/images.yml) names the images that a bundle needs, by digest. An ImageLocations document
says that all of them are in the bundle's own repository, and which of them are bundles; it is a small image of its own
under a tag made of the bundle's digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from packhouse.api.errors import FetchFailed, InvalidSpec
from packhouse.domain.references import ImageReference, read_reference
from packhouse.domain.yaml_text import load_all

IMAGES_LOCK: Final = ".imgpkg/images.yml"
LOCATIONS_FILE: Final = "image-locations.yml"
BUNDLE_LABEL: Final = "dev.carvel.imgpkg.bundle"
_API: Final = "imgpkg.carvel.dev/v1alpha1"
_IMAGES_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class LockedImage:
    """An entry of an ImagesLock; `text` is what it says, word for word."""

    text: str
    reference: ImageReference  # with a digest
    annotations: Mapping[str, str]

    @property
    def digest(self) -> str:
        return self.reference.digest or ""


def read_images_lock(text: str, source: str) -> Sequence[LockedImage]:
    """Without duplicates. FetchFailed, naming `source`, for what is no ImagesLock and for images without a digest."""
    found: dict[str, LockedImage] = {}
    for entry in _entries(text, source, "ImagesLock"):
        image, annotations = entry.get("image"), entry.get("annotations")
        try:
            reference = read_reference(image) if isinstance(image, str) else None
        except InvalidSpec as error:
            raise FetchFailed(f"{source}: {error.message}") from error
        if not isinstance(image, str) or reference is None or reference.digest is None or reference.is_layout:
            raise FetchFailed(f"{source}: an entry of images names no image by its digest (host/path@sha256:...)")
        notes = annotations if isinstance(annotations, dict) else {}
        found.setdefault(image, LockedImage(image, reference, {str(k): str(v) for k, v in notes.items()}))
    return list(found.values())


def locations_tag(digest: str) -> str:
    """Of the bundle with that digest."""
    return f"{digest.replace(':', '-')}.image-locations.imgpkg"


def image_tag(digest: str) -> str:
    """What a copied image is tagged with, so that no registry takes it for garbage."""
    return f"{digest.replace(':', '-')}.imgpkg"


def write_locations(images: Sequence[tuple[str, bool]]) -> bytes:
    """`images`: each as the lock names it, and whether it is a bundle."""
    document = {
        "apiVersion": _API,
        "images": [{"image": image, "isBundle": is_bundle} for image, is_bundle in images],
        "kind": "ImageLocations",
    }
    return f"---\n{yaml.safe_dump(document)}".encode()


def read_locations(text: str, source: str) -> Mapping[str, bool]:
    """Image, as the lock names it -> whether it is a bundle. FetchFailed for what is no ImageLocations document."""
    return {
        str(entry["image"]): entry.get("isBundle") is True
        for entry in _entries(text, source, "ImageLocations")
        if isinstance(entry.get("image"), str)
    }


def _entries(text: str, source: str, kind: str) -> list[dict[str, Any]]:
    documents = [value for _, value in load_all(text, source, FetchFailed)]
    document = documents[0] if documents else {}
    if not isinstance(document, dict) or document.get("kind", kind) != kind or document.get("apiVersion", _API) != _API:
        raise FetchFailed(f"{source} is no {kind} of {_API}")
    # the first bundles had the list under spec
    spec = document.get("spec")
    entries = spec.get("images") if isinstance(spec, dict) and "images" not in document else document.get("images")
    entries = [] if entries is None else entries
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FetchFailed(f"{source}: images is no list of maps")
    if len(entries) > _IMAGES_MOST:
        raise FetchFailed(f"{source} names {len(entries)} images: at most {_IMAGES_MOST} are read")
    return entries
