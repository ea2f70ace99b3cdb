"""What belongs to a bundle: its image, the images of its lock, nested bundles with theirs, signatures, attestations.

Called by bundle_copy.py and bundle_inspect.py. It reads manifests and what is small, and of bundles their lock;
nothing is written. Who asks gives a way to open repositories; an image is looked for beside its bundle first, then
where the lock says, so that what was copied is read from the copy.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from packhouse.adapters.contents import Contents, unpack
from packhouse.adapters.oci_layout import as_referrer, read_descriptor, read_document
from packhouse.api.errors import AuthenticationFailed, FetchFailed, FetchLimitExceeded, SourceNotFound
from packhouse.domain.bundle_about import ABOUT_FILE, About, read_about
from packhouse.domain.images_lock import BUNDLE_LABEL, LOCK_FILE, LockedImage, locked_images
from packhouse.domain.references import ImageReference
from packhouse.ports import Descriptor, RawManifest
from packhouse.settings import Settings

IMAGES_MOST: Final = 10_000
_DEPTH_MOST: Final = 5  # of indexes within indexes, of referrers of referrers
_CONFIG_MOST_BYTES: Final = 8 * 1024 * 1024
_LOCK_MOST_BYTES: Final = 8 * 1024 * 1024
_ABOUT_MOST_BYTES: Final = 64 * 1024
_IMAGE_CONFIGS: Final = frozenset(
    {"application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json"}
)
_UNKNOWN: Final = "unknown/unknown"  # the platform of what is no image: attestations that a build added
#: Tags that cosign makes of a digest, and what lies there.
COSIGN_TAGS: Final = {".sig": "signature", ".att": "attestation", ".sbom": "sbom"}


@dataclass(frozen=True, slots=True)
class Blob:
    digest: str
    size: int
    media_type: str
    foreign: bool  # its registry says that it may not be handed on
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """One manifest, and where it is read from."""

    raw: RawManifest
    source: Contents
    home: ImageReference | None  # its repository; None on disk
    blobs: Sequence[Blob]
    children: Sequence[Node]  # of an index
    platform: str = ""  # as its index says
    annotations: Mapping[str, str] = field(default_factory=dict)  # of its index's entry

    def every(self) -> list[Node]:
        """Itself last, after all that it names."""
        return [below for child in self.children for below in child.every()] + [self]

    def document(self) -> dict[str, Any]:
        return read_document(self.raw.body)


@dataclass(frozen=True, slots=True)
class Artifact:
    """What says something about an image: found by cosign's tag, or as a referrer (`tag` is empty)."""

    subject: str
    tag: str
    node: Node
    descriptor: Descriptor


@dataclass(slots=True)
class Image:
    node: Node
    is_bundle: bool = False
    locked: Sequence[LockedImage] = ()
    about: About = field(default_factory=dict)  # what a bundle says of itself
    artifacts: list[Artifact] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Graph:
    """`images` by digest; what a lock names is found there."""

    root: str
    tag: str | None
    images: Mapping[str, Image]

    def nodes(self) -> dict[str, Node]:
        """Each manifest once, those that are named before those that name them."""
        found: dict[str, Node] = {}
        for image in self.images.values():
            for node in image.node.every():
                found.setdefault(node.raw.digest, node)
        for image in self.images.values():
            for artifact in image.artifacts:
                for node in artifact.node.every():
                    found.setdefault(node.raw.digest, node)
        return found


@dataclass(frozen=True, slots=True)
class _Place:
    source: Contents
    home: ImageReference | None


class Collector:
    """Errors: those of Contents. `looked` is told of each image that was read."""

    def __init__(
        self,
        open_home: Callable[[ImageReference], Contents],
        settings: Settings,
        *,
        parallel: int,
        artifacts: bool = True,
        check: Callable[[], None] = lambda: None,
        looked: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._open_home = open_home
        self._settings = settings
        self._parallel = parallel
        self._artifacts = artifacts
        self._check = check
        self._looked = looked

    def collect(self, source: Contents, home: ImageReference | None, tag: str | None, digest: str) -> Graph:
        """Everything that hangs on that manifest of `source`."""
        images: dict[str, Image] = {}
        root = _Place(source, home)
        level: dict[str, Callable[[], Image]] = {digest: lambda: self._image(root, digest)}
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="bundle") as pool:
            while level:
                images.update(zip(level, pool.map(lambda read: read(), level.values()), strict=True))
                self._looked(len(images))
                level = self._next(images, [images[found] for found in level])
                if len(images) + len(level) > IMAGES_MOST:
                    raise FetchLimitExceeded(f"{source.name}@{digest} leads to more than {IMAGES_MOST} images")
        return Graph(digest, tag, images)

    def _next(self, known: Mapping[str, Image], images: Sequence[Image]) -> dict[str, Callable[[], Image]]:
        level: dict[str, Callable[[], Image]] = {}
        for image in images:
            beside = _Place(image.node.source, image.node.home)
            for locked in image.locked:
                if locked.digest not in known:
                    level.setdefault(
                        locked.digest,
                        lambda beside=beside, locked=locked: self._locked(beside, locked),  # type: ignore[misc]
                    )
        return level

    # ---- one image ---------------------------------------------------------------------------------------

    def _locked(self, beside: _Place, locked: LockedImage) -> Image:
        try:
            return self._image(beside, locked.digest)
        except (SourceNotFound, AuthenticationFailed):
            if beside.home is None:
                raise SourceNotFound(
                    f"{beside.source.name} lacks {locked.text}: it is no whole copy of the bundle"
                ) from None
        home = locked.reference
        return self._image(_Place(self._open_home(home), home), locked.digest)

    def _image(self, place: _Place, digest: str) -> Image:
        self._check()
        image = Image(self._node(place, digest, 0))
        image.is_bundle = self._is_bundle(image.node)
        if image.is_bundle:
            image.locked, image.about = self._inside(image.node)
        if self._artifacts:
            for node in image.node.every():
                image.artifacts += self._about(place, node.raw.digest, 0)
        return image

    def _node(
        self, place: _Place, digest: str, depth: int, entry: Descriptor | None = None, platform: str = ""
    ) -> Node:
        if depth > _DEPTH_MOST:
            raise FetchFailed(f"{place.source.name}@{digest}: indexes more than {_DEPTH_MOST} deep are not read")
        raw = place.source.manifest(digest)
        if raw is None:
            raise SourceNotFound(f"{place.source.name}@{digest}: there is no such manifest")
        document = read_document(raw.body)
        if document.get("schemaVersion") != 2:
            raise FetchFailed(f"{place.source.name}@{digest} is no manifest that can be read (schemaVersion 2)")
        children = [
            self._node(place, child.digest, depth + 1, child, _platform(value))
            for value in _list(document, "manifests")
            if (child := _named(value, place, digest))
        ]
        blobs = [_blob(value, place, digest) for value in [document.get("config"), *_list(document, "layers")] if value]
        notes = entry.annotations if entry is not None else {}
        return Node(raw, place.source, place.home, tuple(blobs), tuple(children), platform, notes)

    def _is_bundle(self, node: Node) -> bool:
        """Of an index, the first image tells."""
        if node.children:
            return self._is_bundle(next((one for one in node.children if one.platform != _UNKNOWN), node.children[0]))
        config = next((blob for blob in node.blobs if blob.media_type in _IMAGE_CONFIGS), None)
        if config is None:
            return False
        body = node.source.content(config.digest, _CONFIG_MOST_BYTES)
        inner = read_document(body or b"").get("config")
        labels = inner.get("Labels") if isinstance(inner, dict) else None
        return isinstance(labels, dict) and BUNDLE_LABEL in labels

    def _inside(self, node: Node) -> tuple[Sequence[LockedImage], About]:
        """Its lock, and its words about itself."""
        name = f"{node.source.name}@{node.raw.digest}: {LOCK_FILE}"
        with tempfile.TemporaryDirectory(prefix="packhouse-") as folder:
            root = Path(folder) / "content"
            root.mkdir()
            unpack(node.source, node.raw.digest, root, self._settings, self._check)
            path = root / LOCK_FILE
            if path.is_symlink() or not path.is_file():
                raise FetchFailed(f"{name}: the bundle has no such file")
            if path.stat().st_size > _LOCK_MOST_BYTES:
                raise FetchLimitExceeded(f"{name} has more than {_LOCK_MOST_BYTES} bytes")
            about = root / ABOUT_FILE
            is_there = not about.is_symlink() and about.is_file() and about.stat().st_size <= _ABOUT_MOST_BYTES
            return locked_images(path.read_bytes(), name), read_about(about.read_bytes()) if is_there else {}

    # ---- what is said about it ---------------------------------------------------------------------------

    def _about(self, place: _Place, digest: str, depth: int) -> list[Artifact]:
        """Signatures and attestations of a manifest, and what refers to those."""
        if depth > _DEPTH_MOST:
            return []
        found = []
        for ending in COSIGN_TAGS:
            tag = f"{digest.replace(':', '-')}{ending}"
            raw = place.source.manifest(tag)
            if raw is not None:
                node = self._node(place, raw.digest, 0)
                found.append(Artifact(digest, tag, node, as_referrer(_descriptor(raw), node.document())))
        for entry in place.source.referrers(digest):
            node = self._node(place, entry.digest, 0)
            if node.document().get("subject", {}).get("digest") != digest:
                continue  # a list that anybody may write names what does not refer to it
            found.append(Artifact(digest, "", node, as_referrer(_descriptor(node.raw), node.document())))
            found += self._about(place, entry.digest, depth + 1)
        return found


def _descriptor(raw: RawManifest) -> Descriptor:
    return Descriptor(raw.media_type, raw.digest, len(raw.body))


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    return value if isinstance(value, list) else []


def _named(value: Any, place: _Place, digest: str) -> Descriptor:
    found = read_descriptor(value)
    if found is None:
        raise FetchFailed(f"{place.source.name}@{digest} names content without a sha256 digest and a size")
    return found


def _blob(value: Any, place: _Place, digest: str) -> Blob:
    found = _named(value, place, digest)
    foreign = "foreign" in found.media_type or "nondistributable" in found.media_type
    return Blob(found.digest, found.size, found.media_type, foreign, found.annotations)


def _platform(value: Any) -> str:
    platform = value.get("platform") if isinstance(value, dict) else None
    if not isinstance(platform, dict):
        return ""
    parts = [str(platform.get(key) or "") for key in ("os", "architecture", "variant")]
    return "/".join(part for part in parts if part)
