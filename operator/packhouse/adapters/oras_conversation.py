"""One call to one registry: its credentials, one deadline, few retries, our own errors.

Called by oras_registry and by those that push, in a thread. What a reference stands for is asked here; blobs and
lists have rooms of their own (oras_blobs, oras_lists).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import oras.container
import requests

from packhouse.adapters.network import plain_allowed
from packhouse.adapters.oras_line import Line
from packhouse.api.errors import DigestMismatch
from packhouse.domain.mirrors import Mirrors
from packhouse.domain.references import DIGEST, ImageReference
from packhouse.fetch.manifest import ACCEPTED, MANIFEST_MOST_BYTES, OCI_INDEX, OCI_MANIFEST
from packhouse.ports import Access, Credentials, RawManifest
from packhouse.settings import Settings


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer whose body is still to be read."""

    response: requests.Response

    @property
    def digest(self) -> str | None:
        return self.response.headers.get("Docker-Content-Digest") or None

    @property
    def location(self) -> str:
        return str(self.response.headers.get("Location", ""))


class Conversation:
    """Use as a context manager, in one thread; `abort` may come from another, and blobs may be read in several.

    `mirrors` say where it is read from instead; without them, the registry that `reference` names is spoken to.
    """

    def __init__(
        self,
        reference: ImageReference,
        access: Access,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        mirrors: Mirrors | None = None,
        subject: str = "",
    ) -> None:
        place = mirrors.of(reference) if mirrors is not None else reference
        scheme = "http" if plain_allowed(place.host, settings) else "https"
        who = f"registry {place.api_host}"
        if place.repository != reference.repository:
            who = f"mirror {place.repository}"
        self.reference = reference
        self.subject = subject or str(reference)
        self._scheme = scheme
        self.path = place.path
        self.line = Line(
            self.subject, who, f"{scheme}://{place.api_host}", access, settings, clock=clock, jitter=jitter
        )
        self.attempts = self.line.attempts
        self.check = self.line.check
        self.remaining = self.line.remaining
        self.abort = self.line.abort
        self.failed = self.line.failed
        folder, _, name = place.path.rpartition("/")
        self.container = oras.container.Container(name, registry=place.api_host)
        self.container.registry = place.api_host  # set, not parsed: "localhost/x" and dotted paths are ambiguous
        self.container.namespace, self.container.repository = folder or None, name

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.__exit__()

    @property
    def used(self) -> Credentials | None:
        return self.line.used

    def url(self, rest: str) -> str:
        return f"{self._scheme}://{rest}"

    @contextlib.contextmanager
    def answer(
        self,
        method: str,
        url: str,
        *,
        accepted: tuple[int, ...] = (200,),
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> Iterator[Answer]:
        """One request, to be used inside `attempts`. Raises our errors, and MayPass."""
        with self.line.answer(method, url, accepted=accepted, headers=headers, data=data) as response:
            yield Answer(response)

    # ---- what is asked -----------------------------------------------------------------------------------

    def manifest_digest(self) -> str:
        """What the reference stands for now. One HEAD request, and a GET where the answer names no digest."""
        what = self.reference.digest or self.reference.tag
        url = self.url(self.container.manifest_url(what))

        def head() -> str | None:
            with self.answer("HEAD", url, accepted=(200, 405), headers=_accept()) as answer:
                return answer.digest if answer.response.status_code == 200 else None

        digest = self.attempts(head)
        if digest is None:
            raw = self._manifest(str(what), missing=False)
            assert raw is not None  # noqa: S101 - what is missing raised
            digest = raw.digest
        if not DIGEST.fullmatch(digest):
            raise self.failed("it answered with a manifest digest that is not sha256 and 64 hex digits")
        if self.reference.digest not in (None, digest):
            raise DigestMismatch(f"{self.subject}: the registry answered with {digest} in its place")
        return digest

    def manifest(self, digest: str) -> bytes:
        """The verified bytes of a manifest."""
        raw = self._manifest(digest, missing=False)
        assert raw is not None  # noqa: S101 - what is missing raised
        return raw.body

    def raw_manifest(self) -> RawManifest | None:
        """Of the reference; None where there is none."""
        return self._manifest(str(self.reference.digest or self.reference.tag), missing=True)

    def _manifest(self, what: str, *, missing: bool) -> RawManifest | None:
        url = self.url(self.container.manifest_url(what))

        def read() -> tuple[bytes, str] | None:
            with self.answer("GET", url, accepted=(200, 404) if missing else (200,), headers=_accept()) as answer:
                if answer.response.status_code == 404:
                    return None
                body = self.line.whole(answer.response, MANIFEST_MOST_BYTES, "a manifest")
                return body, answer.response.headers.get("Content-Type", "")

        found = self.attempts(read)
        if found is None:
            return None
        digest = f"sha256:{hashlib.sha256(found[0]).hexdigest()}"
        if DIGEST.fullmatch(what) and digest != what:
            raise DigestMismatch(f"{self.subject}: the registry sent a manifest with digest {digest} for {what}")
        return RawManifest(found[0], manifest_type(found[0], found[1]), digest)


def manifest_type(body: bytes, said: str = "") -> str:
    """The media type that a manifest gives itself, else what its registry says, else what it looks like."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    own = document.get("mediaType") if isinstance(document, dict) else None
    if isinstance(own, str) and own:
        return own
    said = said.partition(";")[0].strip()
    if said in ACCEPTED:
        return said
    return OCI_INDEX if isinstance(document, dict) and "manifests" in document else OCI_MANIFEST


def _accept() -> dict[str, str]:
    return {"Accept": ", ".join(ACCEPTED)}
