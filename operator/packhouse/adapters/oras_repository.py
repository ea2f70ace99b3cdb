"""One repository of a registry, read and written by whoever copies images: as a `contents.Contents`, and to push to.

Called by oras_push.py and the rooms of `packhouse bundle`, from several threads at once; each of them talks over a
conversation of its own, which is used again. Blobs pass through files, so memory stays flat. A blob that breaks off
goes on where it was, in both directions.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import queue
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from packhouse.adapters.oci_layout import CHUNK, read_descriptor, read_document
from packhouse.adapters.oras_conversation import Answer, Conversation
from packhouse.api.errors import (
    DigestMismatch,
    FetchFailed,
    FetchLimitExceeded,
    InvalidSpec,
    RateLimited,
    SourceNotFound,
    SourceUnreachable,
)
from packhouse.domain.references import DIGEST, ImageReference
from packhouse.fetch.manifest import ACCEPTED, MANIFEST_MOST_BYTES, OCI_INDEX, OCI_MANIFEST
from packhouse.ports import Access, Descriptor, RawManifest
from packhouse.settings import Settings

#: A copy takes as long as it takes: what is bounded is the time without any byte (settings.registry_timeout_seconds).
_WHOLE_SECONDS: Final = 7 * 24 * 3600.0
_ACCEPT: Final = {"Accept": ", ".join(ACCEPTED)}
_OCTETS: Final = "application/octet-stream"
_SEND: Final = 256 * 1024  # the http client would send 16 KiB at a time

T = TypeVar("T")


class Repository:
    """Errors: those of OrasRegistry. `close` from any thread ends all that is under way."""

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
        for conversation in self._all:
            conversation.abort()
            conversation.__exit__()

    # ---- reading -----------------------------------------------------------------------------------------

    def manifest(self, what: str) -> RawManifest | None:
        def read(talk: Conversation) -> RawManifest | None:
            url = talk.url(talk.container.manifest_url(what))
            with talk.answer("GET", url, accepted=(200, 404), headers=_ACCEPT) as answer:
                if answer.response.status_code == 404:
                    return None
                body = self._small(talk, answer, MANIFEST_MOST_BYTES, f"manifest {what}")
                said = answer.response.headers.get("Content-Type", "").partition(";")[0].strip()
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            if DIGEST.fullmatch(what) and digest != what:
                raise DigestMismatch(f"{self.name}: the registry sent a manifest with digest {digest} for {what}")
            own = read_document(body).get("mediaType")
            return RawManifest(body, own if isinstance(own, str) and own else said or OCI_MANIFEST, digest)

        return self._attempts(read)

    def content(self, digest: str, most_bytes: int) -> bytes | None:
        def read(talk: Conversation) -> bytes | None:
            with talk.answer("GET", talk.url(talk.container.get_blob_url(digest)), accepted=(200, 404)) as answer:
                if answer.response.status_code == 404:
                    return None
                body = self._small(talk, answer, most_bytes, f"blob {digest}")
            if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
                raise DigestMismatch(f"{self.name}: the registry sent other bytes for blob {digest}")
            return body

        return self._attempts(read)

    @contextlib.contextmanager
    def opened(self, digest: str, size: int, check: Callable[[], None] = lambda: None) -> Iterator[BinaryIO]:
        with tempfile.TemporaryFile(prefix="packhouse-") as file:
            self.download(digest, size, file, lambda _: check())
            file.seek(0)
            yield file

    def download(self, digest: str, size: int, file: BinaryIO, moved: Callable[[int], None]) -> None:
        """Make `file` hold the whole blob; what it holds already is kept and hashed first.

        `moved` is told of the bytes that come, and less than none of those that are thrown away. DigestMismatch, with
        the file emptied, where the whole of it has another digest.
        """
        if _at_end(file):
            with contextlib.suppress(DigestMismatch):  # what was there was no part of it: once more, from the beginning
                return self._download(digest, size, file, moved)
        return self._download(digest, size, file, moved)

    def _download(self, digest: str, size: int, file: BinaryIO, moved: Callable[[int], None]) -> None:
        hashed, there = _hash_of(file)

        def more(talk: Conversation) -> None:
            nonlocal hashed, there
            headers = {"Range": f"bytes={there}-"} if there else {}
            url = talk.url(talk.container.get_blob_url(digest))
            with talk.answer("GET", url, accepted=(200, 206, 404, 416), headers=headers) as answer:
                status = answer.response.status_code
                if status == 404:
                    raise SourceNotFound(f"{self.name}: the registry has no blob {digest}")
                if status != 206 and there:  # it gives the whole, or says that there is no such part
                    moved(-there)
                    hashed, there = hashlib.sha256(), 0
                    file.seek(0)
                    file.truncate()
                if status == 416:
                    return
                for chunk in _chunks(talk, answer):
                    if there + len(chunk) > size:
                        raise DigestMismatch(f"{self.name}: blob {digest} is longer than its {size} bytes")
                    file.write(chunk)
                    hashed.update(chunk)
                    there += len(chunk)
                    moved(len(chunk))

        self._while_it_moves(more, lambda: there, size)
        file.flush()
        if there != size or f"sha256:{hashed.hexdigest()}" != digest:
            moved(-there)
            file.seek(0)
            file.truncate()
            raise DigestMismatch(
                f"{self.name}: the registry sent {there} bytes with digest sha256:{hashed.hexdigest()} for blob "
                f"{digest} of {size} bytes"
            )

    def referrers(self, digest: str) -> Sequence[Descriptor]:
        def read(talk: Conversation) -> bytes | None:
            url = talk.url(f"{talk.container.registry}/v2/{self.reference.path}/referrers/{digest}")
            headers = {"Accept": OCI_INDEX}
            with talk.answer("GET", url, accepted=(200, 400, 404, 405), headers=headers) as answer:
                if answer.response.status_code != 200:
                    return None
                return self._small(talk, answer, MANIFEST_MOST_BYTES, f"list of referrers of {digest}")

        body = None if self._no_referrers else self._attempts(read)
        if body is None:
            self._no_referrers = True
            raw = self.manifest(fallback_tag(digest))
            body = raw.body if raw is not None else b"{}"
        entries = read_document(body).get("manifests")
        found = map(read_descriptor, entries) if isinstance(entries, list) else ()
        return [entry for entry in found if entry is not None]

    # ---- writing -----------------------------------------------------------------------------------------

    def has(self, digest: str) -> bool:
        def head(talk: Conversation) -> bool:
            url = talk.url(talk.container.get_blob_url(digest))
            with talk.answer("HEAD", url, accepted=(200, 404)) as answer:
                return answer.response.status_code == 200

        return self._attempts(head)

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

    def mount(self, digest: str, other: ImageReference) -> bool:
        """Whether the registry took the blob over from another repository of its own."""

        def ask(talk: Conversation) -> bool:
            query = urlencode({"mount": digest, "from": other.path})
            url = f"{talk.url(talk.container.upload_blob_url())}?{query}"
            with talk.answer("POST", url, accepted=(201, 202)) as answer:
                return answer.response.status_code == 201

        return other.host == self.reference.host and self._attempts(ask)

    def upload(self, digest: str, size: int, file: BinaryIO, moved: Callable[[int], None] = lambda _: None) -> None:
        """Send the blob that `file` is."""
        place, sent, lost = "", 0, False
        body = _Sent(file, size, moved)

        def start(talk: Conversation) -> str:
            url = talk.url(talk.container.upload_blob_url())
            with talk.answer("POST", url, accepted=(202,)) as answer:
                return _place(talk, url, answer)

        def more(talk: Conversation) -> None:
            nonlocal place, sent, lost
            if lost:
                place, sent = self._state(talk, place) or (start(talk), 0)
            lost = True  # until the answer says otherwise
            body.start = sent
            headers = {"Content-Type": _OCTETS}
            if sent:
                headers["Content-Range"] = f"{sent}-{size - 1}"
            with talk.answer("PATCH", place, accepted=(202, 416), headers=headers, data=body) as answer:
                if answer.response.status_code == 202:
                    place, sent, lost = _place(talk, place, answer), _end(answer, size), False

        def finish(talk: Conversation) -> None:
            url = f"{place}{'&' if urlsplit(place).query else '?'}{urlencode({'digest': digest})}"
            with talk.answer("PUT", url, accepted=(201,), headers={"Content-Type": _OCTETS}):
                pass

        place = self._attempts(start)
        self._while_it_moves(more, lambda: sent, size)
        if sent < size:
            raise FetchFailed(f"{self.name}: the registry takes no more of blob {digest} after {sent} bytes")
        self._attempts(finish)

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

    def _while_it_moves(self, more: Callable[[Conversation], None], there: Callable[[], int], size: int) -> None:
        """`more` until all is there. An attempt that brought some of it on its way is not one that failed."""
        while (before := there()) < size:
            try:
                self._attempts(more)
            except (FetchFailed, SourceUnreachable, RateLimited):
                if there() <= before:
                    raise
            else:
                if there() <= before:
                    return

    def _attempts(self, once: Callable[[Conversation], T]) -> T:
        try:
            talk = self._idle.get_nowait()
        except queue.Empty:
            credentials = self._access.credentials[0] if self._access.credentials else None
            talk = Conversation(self.reference, credentials, self._settings, clock=time.monotonic, jitter=random.random)
            self._all.append(talk)
        try:
            return talk.attempts(lambda: once(talk))
        finally:
            self._idle.put(talk)

    def _small(self, talk: Conversation, answer: Answer, most: int, what: str) -> bytes:
        body = bytearray()
        for chunk in _chunks(talk, answer):
            body += chunk
            if len(body) > most:
                raise FetchLimitExceeded(f"{self.name}: {what}: more than {most} bytes are not read")
        return bytes(body)

    def _state(self, talk: Conversation, place: str) -> tuple[str, int] | None:
        """Where an upload that broke off goes on, and with which byte; None where it must begin anew."""
        with talk.answer("GET", place, accepted=(204, 404, 405)) as answer:
            if answer.response.status_code != 204:
                return None
            there = _end(answer, 0)
            return (_place(talk, place, answer), there) if there else None

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


class _Sent:
    """What requests reads the rest of a file from, beginning with `start`; tells how much went out, but never twice."""

    def __init__(self, file: BinaryIO, size: int, moved: Callable[[int], None]) -> None:
        self._file = file
        self._size = size
        self._moved = moved
        self._told = 0
        self.start = 0

    @property
    def len(self) -> int:
        """Asked once before each request: one that is repeated, with another token, begins anew."""
        self._file.seek(self.start)
        return self._size - self.start

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(CHUNK if size < 0 else max(size, _SEND))
        at = self._file.tell()
        if at > self._told:
            self._moved(at - self._told)
            self._told = at
        return data


def fallback_tag(digest: str) -> str:
    """Where the referrers of a digest are listed by registries that do not know the API."""
    return digest.replace(":", "-")


def _place(talk: Conversation, asked: str, answer: Answer) -> str:
    place = urljoin(asked, answer.location)
    if urlsplit(place).netloc != urlsplit(asked).netloc:
        raise talk.failed(f"it wants the upload at {urlsplit(place).hostname}, which is not done")
    return place


def _end(answer: Answer, size: int) -> int:
    """How many bytes the registry says that it has of `size`; all where it does not say. 0-0 means none, or one."""
    last = answer.response.headers.get("Range", "").removeprefix("bytes=").partition("-")[2]
    if not last.isdigit():
        return size
    return int(last) + 1 if int(last) or size == 1 else 0


def _chunks(talk: Conversation, answer: Answer) -> Iterator[bytes]:
    while chunk := answer.response.raw.read1(CHUNK, decode_content=False):
        yield chunk
        talk.check()
    talk.check()


def _hash_of(file: BinaryIO) -> tuple[Any, int]:
    hashed = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(CHUNK):
        hashed.update(chunk)
    return hashed, file.tell()


def _at_end(file: BinaryIO) -> int:
    return file.seek(0, io.SEEK_END)
