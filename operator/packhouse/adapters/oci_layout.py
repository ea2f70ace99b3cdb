"""Reads an OCI image layout: which manifests it names, what their tags are, and content whose digest is verified.

Called by oci_layout_registry.py (as a source of packages) and by the rooms of `packhouse bundle`. What it knows of the
layout was read when it was opened. Nothing here writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from packhouse.adapters.oci_layout_files import files_of
from packhouse.api.errors import DigestMismatch, FetchFailed, FetchLimitExceeded, SourceNotFound
from packhouse.domain.references import DIGEST
from packhouse.fetch.manifest import DOCKER_LIST, DOCKER_MANIFEST, MANIFEST_MOST_BYTES, OCI_INDEX, OCI_MANIFEST
from packhouse.ports import Descriptor, RawManifest

#: The annotation of an entry that is its tag.
REF_NAME: Final = "org.opencontainers.image.ref.name"
#: Marks the entry that all others are there for; imgpkg marks it so, too.
ROOT: Final = "dev.carvel.imgpkg.copy.root-bundle"
ENTRIES_MOST: Final = 20_000
CHUNK: Final = 1024 * 1024

_MANIFESTS: Final = frozenset({OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST})


class Layout:
    """Errors of all methods: FetchFailed, DigestMismatch (the disk holds other bytes), FetchLimitExceeded."""

    def __init__(self, path: Path, *, members_most: int) -> None:
        """Also SourceNotFound."""
        self.name = str(path)
        self._files = files_of(path, members_most=members_most)
        version = self._json("oci-layout").get("imageLayoutVersion")
        if version != "1.0.0":
            raise FetchFailed(f"{path} is a layout of version {str(version)[:20]!r}: this one reads 1.0.0")
        entries = self._json("index.json").get("manifests")
        if not isinstance(entries, list) or len(entries) > ENTRIES_MOST:
            raise FetchFailed(f"{path}: its index.json has no list of at most {ENTRIES_MOST} manifests")
        self.entries: Sequence[Descriptor] = tuple(self._entry(entry) for entry in entries)
        self._tagged: dict[str, Descriptor] = {}
        for entry in self.entries:
            self._tagged.setdefault(tag_of(entry), entry)
        self._referrers: Mapping[str, Sequence[Descriptor]] | None = None

    # ---- what is named -----------------------------------------------------------------------------------

    def tags(self) -> Sequence[str]:
        return [tag for tag in self._tagged if tag]

    def find(self, tag: str | None) -> Descriptor | None:
        """The entry with that tag. Without a tag: the marked one, the only one, the one tagged latest."""
        if tag is not None:
            return self._tagged.get(tag) if tag else None
        choices = (
            [entry for entry in self.entries if ROOT in entry.annotations],
            self.entries,
            [entry for entry in self.entries if tag_of(entry) == "latest"],
        )
        return next((entries[0] for entries in choices if len({entry.digest for entry in entries}) == 1), None)

    def digest(self, tag: str | None) -> str:
        """SourceNotFound where `find` gives nothing; the words name the tags that there are."""
        entry = self.find(tag)
        if entry is not None:
            return entry.digest
        known = ", ".join(self.tags()[:20]) or "none"
        what = f"no manifest tagged {tag!r}" if tag is not None else f"{len(self.entries)} manifests, so name a tag"
        raise SourceNotFound(f"{self.name}: the layout has {what}; its tags: {known}")

    # ---- content -----------------------------------------------------------------------------------------

    def manifest(self, what: str) -> RawManifest | None:
        """By tag or digest."""
        entry = None if DIGEST.fullmatch(what) else self.find(what)
        digest = what if DIGEST.fullmatch(what) else entry.digest if entry else None
        body = self.content(digest, MANIFEST_MOST_BYTES, "a manifest") if digest is not None else None
        if digest is None or body is None:
            return None
        return RawManifest(body, _media_type(body, self.name, digest), digest)

    def has(self, digest: str) -> bool:
        found = self._files.open(digest_file(digest))
        if found is not None:
            found[0].close()
        return found is not None

    def content(self, digest: str, most_bytes: int, what: str = "a blob") -> bytes | None:
        """The whole of a small blob; None where it is not there."""
        found = self._files.open(digest_file(digest))
        if found is None:
            return None
        file, size = found
        with file:
            if size > most_bytes:
                raise FetchLimitExceeded(f"{self.name}: {what} of more than {most_bytes} bytes is not read ({digest})")
            body = self._reading(file.read)
        if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            raise self._damaged(digest)
        return body

    @contextlib.contextmanager
    def opened(self, digest: str, size: int, check: Callable[[], None] = lambda: None) -> Iterator[BinaryIO]:
        """A blob from its beginning, after all of it was read once to see that it has its digest."""
        found = self._files.open(digest_file(digest))
        if found is None:
            raise SourceNotFound(f"{self.name}: the layout lacks blob {digest}: it was not copied as a whole")
        file, there = found
        with file:
            hashed = hashlib.sha256()
            while chunk := self._reading(lambda: file.read(CHUNK)):
                hashed.update(chunk)
                check()
            if there != size or f"sha256:{hashed.hexdigest()}" != digest:
                raise self._damaged(digest)
            file.seek(0)
            yield file

    def download(self, digest: str, size: int, file: BinaryIO, moved: Callable[[int], None]) -> None:
        """As Contents has it; a copy from disk begins anew."""
        found = self._files.open(digest_file(digest))
        if found is None:
            raise SourceNotFound(f"{self.name}: the layout lacks blob {digest}: it was not copied as a whole")
        source, _ = found
        hashed, there = hashlib.sha256(), 0
        file.seek(0)
        file.truncate()
        with source:
            while chunk := self._reading(lambda: source.read(CHUNK)):
                hashed.update(chunk)
                file.write(chunk)
                there += len(chunk)
                moved(len(chunk))
        file.flush()
        if there != size or f"sha256:{hashed.hexdigest()}" != digest:
            file.seek(0)
            file.truncate()
            raise self._damaged(digest)

    def referrers(self, digest: str) -> Sequence[Descriptor]:
        """The entries whose manifest names `digest` as its subject."""
        if self._referrers is None:  # all are read once; who asks for one digest asks for others
            found: dict[str, list[Descriptor]] = {}
            for entry in self.entries:
                raw = self.manifest(entry.digest)
                document = read_document(raw.body) if raw is not None else {}
                subject = document.get("subject")
                if isinstance(subject, dict):
                    found.setdefault(str(subject.get("digest")), []).append(as_referrer(entry, document))
            self._referrers = found
        return self._referrers.get(digest, ())

    # ---- reading -----------------------------------------------------------------------------------------

    def _entry(self, entry: Any) -> Descriptor:
        found = read_descriptor(entry)
        if found is None:
            raise FetchFailed(f"{self.name}: its index.json names a manifest without a sha256 digest and a size")
        return found

    def _json(self, name: str) -> dict[str, Any]:
        found = self._files.open(name)
        if found is None:
            raise FetchFailed(f"{self.name} is no OCI image layout: it has no file {name}")
        file, size = found
        with file:
            if size > MANIFEST_MOST_BYTES:
                raise FetchLimitExceeded(f"{self.name}: {name} of more than {MANIFEST_MOST_BYTES} bytes is not read")
            document = read_document(self._reading(file.read))
        if not document:
            raise FetchFailed(f"{self.name}: {name} is not JSON")
        return document

    def _reading(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except OSError as error:
            raise FetchFailed(f"{self.name} cannot be read ({error.strerror})") from error

    def _damaged(self, digest: str) -> DigestMismatch:
        return DigestMismatch(f"{self.name}: what lies there as {digest} has another digest: the copy is damaged")


def tag_of(entry: Descriptor) -> str:
    """Some tools write the whole reference where the tag is expected."""
    name = entry.annotations.get(REF_NAME, "")
    return name.rpartition(":")[2] if "/" in name else name


def read_document(body: bytes) -> dict[str, Any]:
    """The JSON object; an empty one where it is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def read_descriptor(value: Any) -> Descriptor | None:
    """From the JSON of an index or a manifest; None where digest or size cannot be read."""
    if not isinstance(value, Mapping):
        return None
    digest, size, notes = value.get("digest"), value.get("size"), value.get("annotations")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        return None
    annotations = {str(key): str(text) for key, text in notes.items()} if isinstance(notes, Mapping) else {}
    return Descriptor(str(value.get("mediaType", "")), digest, size, str(value.get("artifactType") or ""), annotations)


def as_referrer(entry: Descriptor, document: Mapping[str, Any]) -> Descriptor:
    """As the referrers API tells of it: artifact type and annotations are those of the manifest."""
    config = document.get("config")
    kind = document.get("artifactType") or (config.get("mediaType") if isinstance(config, Mapping) else "")
    notes = document.get("annotations")
    annotations = {str(key): str(text) for key, text in notes.items()} if isinstance(notes, Mapping) else {}
    return Descriptor(entry.media_type, entry.digest, entry.size, str(kind or ""), annotations)


def digest_file(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _media_type(body: bytes, name: str, digest: str) -> str:
    """As the manifest says itself; where it is silent, by what it holds."""
    document = read_document(body)
    said = document.get("mediaType")
    if said in _MANIFESTS:
        return str(said)
    if isinstance(document.get("manifests"), list):
        return OCI_INDEX
    if document.get("schemaVersion") != 2:
        raise FetchFailed(f"{name}: {digest} is no manifest")
    return OCI_MANIFEST
