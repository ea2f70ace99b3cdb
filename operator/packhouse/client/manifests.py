"""Manifests of repositories, from a file, standard input or the web: read within limits, refused with file and line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packhouse.api.errors import BundleInvalid
from packhouse.api.names import INSTALL_API, PACKAGE_REPOSITORY
from packhouse.client.errors import Trouble, Usage
from packhouse.ports import Json
from packhouse.settings import Settings

STANDARD_INPUT: Final = "-"
#: No repository is near that, and etcd would not take it.
MOST_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """One PackageRepository and where it stood, as "file:line"."""

    place: str
    document: Json


async def read(source: str, settings: Settings) -> list[Manifest]:
    """`source`: a file, `-`, or an http or https URL. Raises Trouble, BundleInvalid, and what a download raises."""
    if source.startswith(("http://", "https://")):
        return manifests(await _downloaded(source, settings), source.partition("?")[0])
    return manifests(_content(source), "standard input" if source == STANDARD_INPUT else source)


def manifests(content: bytes, source: str) -> list[Manifest]:
    """The documents, each of which must be a PackageRepository. Raises BundleInvalid, Trouble."""
    from packhouse.domain.yaml_text import load_all

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Trouble(f"{source} is no UTF-8 text", "give a manifest in YAML") from None
    found = [Manifest(f"{source}:{line}", document) for line, document in load_all(text, source, BundleInvalid)]
    for manifest in found:
        _check(manifest)
    if not found:
        raise Trouble(f"{source} holds no document", f"give one of {PACKAGE_REPOSITORY} ({INSTALL_API})")
    return found


def _check(manifest: Manifest) -> None:
    document = manifest.document
    known = document if isinstance(document, dict) else {}
    api_version, kind = known.get("apiVersion"), known.get("kind")
    if (api_version, kind) != (INSTALL_API, PACKAGE_REPOSITORY):
        raise Trouble(
            f"{manifest.place}: {kind or 'a text without a kind'} ({api_version or 'no apiVersion'}) is not accepted",
            f"only {PACKAGE_REPOSITORY} ({INSTALL_API}) is; kubectl apply takes everything else",
        )
    metadata = known.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise Trouble(f"{manifest.place}: metadata.name is missing", "name the repository")
    maps = {f"metadata.{key}": metadata.get(key) or {} for key in ("labels", "annotations")}
    for path, value in {**maps, "spec": known.get("spec")}.items():
        if not isinstance(value, dict):
            raise Trouble(f"{manifest.place}: {path} must be a map", "correct the manifest")


def _content(source: str) -> bytes:
    try:
        if source == STANDARD_INPUT:
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Usage(f"cannot read {source}: {error.strerror}", "give the file of a manifest, or a URL") from None
    if len(content) > MOST_BYTES:
        raise Trouble(f"{source} has more than {MOST_BYTES} bytes and is not read", "give a manifest of repositories")
    return content


async def _downloaded(url: str, settings: Settings) -> bytes:
    from packhouse.origins import origins_of  # the libraries of all sources
    from packhouse.ports import Access

    async with origins_of(settings) as origins:
        access = Access(lever="download it yourself, and give the file")
        return await origins.downloads.read(url, access, most_bytes=MOST_BYTES)
