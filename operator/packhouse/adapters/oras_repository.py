"""One repository of a registry, read and written by whoever copies images: as a `contents.Contents`, and to push to.

Called by oras_push.py and the rooms of `packhouse bundle`, from several threads at once; each of them talks over a
conversation of its own, which is used again. Blobs pass through files, so memory stays flat.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import queue
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import urlencode

from packhouse.adapters import oras_lists, oras_transfer
from packhouse.adapters.oci_layout import read_document
from packhouse.adapters.oras_conversation import Conversation, manifest_type
from packhouse.api.errors import AuthenticationFailed, DigestMismatch, InvalidSpec
from packhouse.domain.references import DIGEST, ImageReference
from packhouse.fetch.manifest import ACCEPTED, MANIFEST_MOST_BYTES, OCI_INDEX
from packhouse.ports import Access, Descriptor, RawManifest
from packhouse.settings import Settings

#: A copy takes as long as it takes: what is bounded is the time without any byte (settings.registry_timeout_seconds).
_WHOLE_SECONDS: Final = 7 * 24 * 3600.0
_ACCEPT: Final = {"Accept": ", ".join(ACCEPTED)}

T = TypeVar("T")


class Repository:
    """Errors: those of the port Registry. `close` from any thread ends all that is under way."""

    def __init__(self, reference: ImageReference, access: Access, settings: Settings) -> None:
        if reference.is_layout:
            raise InvalidSpec(f"{reference}: a repository of a registry is needed here, not a layout on disk")
        self.reference = replace(reference, tag=None, digest=None)
        self.name = reference.repository
        self._access = access
        self._settings = replace(settings, fetch_timeout_seconds=_WHOLE_SECONDS)
        self._idle: queue.SimpleQueue[Conversation] = queue.SimpleQueue()
        self._all: list[Conversation] = []
        self._no_referrers = False  # its registry does not know the referrers API

    def close(self) -> None:
        for talk in list(self._all):
            talk.abort()
            talk.__exit__()

    def tried(self) -> str:
        """As whom it was asked, for who is told that something is not there, or hidden."""
        with self._talk() as talk:
            return talk.line.tried()

    # ---- reading -----------------------------------------------------------------------------------------

    def manifest(self, what: str) -> RawManifest | None:
        """By tag or digest, its digest verified; None where there is none."""

        def read(talk: Conversation) -> RawManifest | None:
            url = talk.url(talk.container.manifest_url(what))
            with talk.answer("GET", url, accepted=(200, 404), headers=_ACCEPT) as answer:
                if answer.response.status_code == 404:
                    return None
                body = talk.line.whole(answer.response, MANIFEST_MOST_BYTES, f"manifest {what}")
                said = answer.response.headers.get("Content-Type", "")
            return RawManifest(body, manifest_type(body, said), self._verified(body, what))

        return self._attempts(read)

    def digest_of(self, what: str) -> str | None:
        """Of the manifest with that tag or digest, if there is one."""

        def head(talk: Conversation) -> tuple[bool, str | None]:
            url = talk.url(talk.container.manifest_url(what))
            with talk.answer("HEAD", url, accepted=(200, 404), headers=_ACCEPT) as answer:
                return answer.response.status_code == 200, answer.digest

        there, digest = self._attempts(head)
        if there and digest is None:  # it need not say
            raw = self.manifest(what)
            return raw.digest if raw is not None else None
        return digest if there else None

    def content(self, digest: str, most_bytes: int) -> bytes | None:
        """A small blob, its digest verified; None where there is none."""

        def read(talk: Conversation) -> bytes | None:
            with talk.answer("GET", talk.url(talk.container.get_blob_url(digest)), accepted=(200, 404)) as answer:
                if answer.response.status_code == 404:
                    return None
                body = talk.line.whole(answer.response, most_bytes, f"blob {digest}")
            self._verified(body, digest)
            return body

        return self._attempts(read)

    @contextlib.contextmanager
    def opened(self, digest: str, size: int, check: Callable[[], None] = lambda: None) -> Iterator[BinaryIO]:
        """A blob as a file at its beginning, whole and verified."""
        with tempfile.TemporaryFile(prefix="packhouse-") as file:
            self.download(digest, size, file, lambda _: check())
            file.seek(0)
            yield file

    def download(self, digest: str, size: int, file: BinaryIO, moved: Callable[[int], None]) -> None:
        """See oras_transfer.download."""
        with self._talk() as talk:
            oras_transfer.download(talk, digest, size, file, moved)

    def referrers(self, digest: str) -> Sequence[Descriptor]:
        """By the referrers API, else by the tag that stands in for it."""
        found = None
        if not self._no_referrers:
            with self._talk() as talk:
                found = oras_lists.referrers(talk, digest)
            self._no_referrers = found is None
        if found is None:
            raw = self.manifest(fallback_tag(digest))
            found = oras_lists.descriptors(read_document(raw.body).get("manifests")) if raw is not None else []
        return found

    # ---- writing -----------------------------------------------------------------------------------------

    def has(self, digest: str) -> bool:
        """Whether it has the blob."""

        def head(talk: Conversation) -> bool:
            url = talk.url(talk.container.get_blob_url(digest))
            with talk.answer("HEAD", url, accepted=(200, 404)) as answer:
                return answer.response.status_code == 200

        return self._attempts(head)

    def mount(self, digest: str, other: ImageReference) -> bool:
        """Whether the registry took the blob over from another repository of its own."""

        def ask(talk: Conversation) -> bool:
            query = urlencode({"mount": digest, "from": other.path})
            url = f"{talk.url(talk.container.upload_blob_url())}?{query}"
            with talk.answer("POST", url, accepted=(201, 202)) as answer:
                return answer.response.status_code == 201

        if other.host != self.reference.host:
            return False
        try:
            return self._attempts(ask)
        except AuthenticationFailed:  # who may read the one and write the other may still send it
            return False

    def upload(self, digest: str, size: int, file: BinaryIO, moved: Callable[[int], None] = lambda _: None) -> None:
        """See oras_transfer.upload."""
        with self._talk() as talk:
            oras_transfer.upload(talk, digest, size, file, moved)

    def put_manifest(self, raw: RawManifest, tag: str | None = None) -> None:
        """Under its digest, or its tag. A subject that the registry does not look after gets its list of referrers."""

        def put(talk: Conversation) -> bool:
            url = talk.url(talk.container.manifest_url(tag or raw.digest))
            headers = {"Content-Type": raw.media_type}
            with talk.answer("PUT", url, accepted=(201,), headers=headers, data=raw.body) as answer:
                said = answer.digest
                if said not in (None, raw.digest):
                    raise DigestMismatch(f"{self.name}: pushed manifest {raw.digest}, and the registry keeps {said}")
                return "OCI-Subject" in answer.response.headers

        looked_after = self._attempts(put)
        document = read_document(raw.body)
        subject = document.get("subject")
        if isinstance(subject, dict) and isinstance(subject.get("digest"), str) and not looked_after:
            self._note_referrer(str(subject["digest"]), raw, document)

    # ---- inside ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _talk(self) -> Iterator[Conversation]:
        try:
            talk = self._idle.get_nowait()
        except queue.Empty:
            talk = Conversation(self.reference, self._access, self._settings, subject=self.name)
            self._all.append(talk)
        try:
            yield talk
        finally:
            self._idle.put(talk)

    def _attempts(self, once: Callable[[Conversation], T]) -> T:
        with self._talk() as talk:
            return talk.attempts(lambda: once(talk))

    def _verified(self, body: bytes, what: str) -> str:
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if DIGEST.fullmatch(what) and digest != what:
            raise DigestMismatch(f"{self.name}: the registry sent content with digest {digest} for {what}")
        return digest

    def _note_referrer(self, subject: str, raw: RawManifest, document: dict[str, Any]) -> None:
        """As the specification has it for registries without the API: an index under a tag, which is added to."""
        known = self.manifest(fallback_tag(subject))
        index = read_document(known.body) if known is not None else {}
        entries = index.get("manifests")
        entries = entries if isinstance(entries, list) else []
        if any(isinstance(entry, dict) and entry.get("digest") == raw.digest for entry in entries):
            return
        config = document.get("config")
        kind = document.get("artifactType") or (config.get("mediaType") if isinstance(config, dict) else None)
        entry: dict[str, Any] = {"mediaType": raw.media_type, "digest": raw.digest, "size": len(raw.body)}
        entry |= {"artifactType": kind} if kind else {}
        entry |= {"annotations": document["annotations"]} if document.get("annotations") else {}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*entries, entry]}
        body = json.dumps(index, separators=(",", ":")).encode()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self.put_manifest(RawManifest(body, OCI_INDEX, digest), fallback_tag(subject))


def fallback_tag(digest: str) -> str:
    """Where the referrers of a digest are listed by registries that do not know the API."""
    return digest.replace(":", "-")
