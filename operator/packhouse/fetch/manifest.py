"""Reads an image manifest: which layers it has and what each of them is.

Pure; called by the registry adapter on bytes whose digest is verified. It decides what is refused before one
byte of a layer is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from packhouse.api.errors import FetchFailed, FetchLimitExceeded
from packhouse.domain.references import DIGEST

DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
ACCEPTED: Final = (DOCKER_MANIFEST, OCI_MANIFEST, OCI_INDEX, DOCKER_LIST)

MANIFEST_MOST_BYTES: Final = 4 * 1024 * 1024  # what registries take
_LAYERS_MOST: Final = 500
_TITLE: Final = "org.opencontainers.image.title"
_UNPACK: Final = "io.deis.oras.content.unpack"
_PLATFORM: Final = ("linux", "amd64")
#: Layers that say something about the others, and hold nothing to unpack.
_BESIDE: Final = frozenset({"application/vnd.cncf.helm.chart.provenance.v1.prov"})


class LayerKind(Enum):
    TAR = "tar"
    TAR_GZIP = "tar+gzip"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Layer:
    digest: str
    size: int
    kind: LayerKind
    title: str = ""  # the name of a plain file


@dataclass(frozen=True, slots=True)
class Manifest:
    """Either `layers`, or `chosen`: the digest of the manifest that an index leads to."""

    layers: Sequence[Layer] = ()
    chosen: str | None = None


def read_manifest(body: bytes, *, compressed_most_bytes: int) -> Manifest:
    """Errors: FetchFailed (no manifest that we can read), FetchLimitExceeded (the layers are too large)."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise FetchFailed("the manifest is not JSON") from None
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:
        raise FetchFailed("the manifest is no Docker v2 or OCI manifest (schemaVersion 2)")
    if isinstance(document.get("manifests"), list):
        return Manifest(chosen=_choose(document["manifests"]))
    entries = document.get("layers")
    if not isinstance(entries, list):
        raise FetchFailed("the manifest names neither layers nor manifests")
    if len(entries) > _LAYERS_MOST:
        raise FetchLimitExceeded(f"the manifest names {len(entries)} layers: at most {_LAYERS_MOST} are read")
    layers = tuple(_layer(entry) for entry in entries if not _beside(entry))
    total = sum(layer.size for layer in layers)
    if total > compressed_most_bytes:
        raise FetchLimitExceeded(
            f"its layers have {total} bytes: at most {compressed_most_bytes} are fetched "
            "(PACKHOUSE_BUNDLE_COMPRESSED_MOST_BYTES)"
        )
    return Manifest(layers=layers)


def _choose(entries: list[Any]) -> str:
    """The only image of an index, else the one for linux/amd64. Attestations (platform unknown) are no images."""
    images = [entry for entry in entries if isinstance(entry, dict) and _platform(entry) != ("unknown", "unknown")]
    if len(images) != 1:
        images = [entry for entry in images if _platform(entry) == _PLATFORM]
    if not images:
        raise FetchFailed(
            f"the index has {len(entries)} manifests and none for {'/'.join(_PLATFORM)}: name one by digest"
        )
    return _digest_and_size(images[0])[0]


def _platform(entry: dict[str, Any]) -> tuple[str, str]:
    platform = entry.get("platform")
    if not isinstance(platform, dict):
        return ("", "")
    return (str(platform.get("os", "")), str(platform.get("architecture", "")))


def _digest_and_size(entry: Any) -> tuple[str, int]:
    digest, size = (entry.get("digest"), entry.get("size")) if isinstance(entry, dict) else (None, None)
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise FetchFailed("the manifest names content without a sha256 digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise FetchFailed(f"the manifest gives no size for {digest}")
    return digest, size


def _beside(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("mediaType") in _BESIDE


def _layer(entry: Any) -> Layer:
    digest, size = _digest_and_size(entry)
    media_type = str(entry.get("mediaType", ""))
    annotations = entry.get("annotations")
    notes = annotations if isinstance(annotations, dict) else {}
    title = notes.get(_TITLE)
    gzipped = media_type.endswith(("tar+gzip", "tar.gzip"))
    # oras keeps a plain file under the media type ".tar"; a folder is tar+gzip, or marked to be unpacked
    if isinstance(title, str) and title and notes.get(_UNPACK) != "true" and not gzipped:
        return Layer(digest, size, LayerKind.FILE, title)
    if "foreign" in media_type or "nondistributable" in media_type:
        raise FetchFailed(f"layer {digest} is kept outside of the registry ({media_type}), which is not supported")
    if gzipped:
        return Layer(digest, size, LayerKind.TAR_GZIP)
    if media_type.endswith(".tar"):
        return Layer(digest, size, LayerKind.TAR)
    raise FetchFailed(f"layer {digest} has media type {media_type!r}: push it as tar or tar+gzip")
