"""The port Registry for oci-layout:///path: OCI image layouts on disk, below the one folder that the settings name.

Used by registries.py, which app.py builds. Nobody's credentials count here: what lies below that folder may be read
by everyone who may write a fetch step. Content goes into the cache of trees as that of registries does.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from packhouse.adapters.contents import unpack
from packhouse.adapters.oci_layout import Layout
from packhouse.api.errors import FetchFailed, HostRefused, InvalidSpec, SourceNotFound
from packhouse.domain.references import OCI_LAYOUT, ImageReference, read_reference
from packhouse.fetch.cache import TreeCache
from packhouse.ports import Access, Descriptor, RawManifest, Tree
from packhouse.settings import Settings

_OPEN_MOST: Final = 16  # layouts whose list of files is kept

T = TypeVar("T")


class LayoutRegistry:
    """Errors: HostRefused (not below the folder), SourceNotFound, FetchFailed, DigestMismatch, FetchLimitExceeded."""

    def __init__(self, settings: Settings, cache: TreeCache, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._cache = cache
        self._clock = clock
        self._known: OrderedDict[tuple[object, ...], Layout] = OrderedDict()
        self._one = asyncio.Lock()  # a disk gains nothing from several at once

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        reference = _read(image)
        return await self._blocking(lambda _: self._resolve(reference))

    async def pull(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> Tree:
        reference = _read(image)
        async with self._one:
            return await self._blocking(lambda check: self._pull(reference, check))

    async def tags(self, repository: str, access: Access, *, fresh_seconds: float = 0.0) -> Sequence[str]:
        reference = _read(repository)
        return await self._blocking(lambda _: self._layout(reference).tags())

    async def manifest(self, image: str, access: Access) -> RawManifest | None:
        reference = _read(image)

        def read() -> RawManifest | None:
            layout = self._layout(reference)
            what = reference.digest or reference.tag
            if what is None:
                what = layout.digest(None)
            return layout.manifest(what)

        return await self._blocking(lambda _: read())

    async def blob(self, image: str, access: Access, *, most_bytes: int) -> bytes:
        reference = _read(image)
        digest = _digest_of(reference)

        def read() -> bytes:
            body = self._layout(reference).content(digest, most_bytes)
            if body is None:
                raise SourceNotFound(f"{reference}: the layout lacks this blob")
            return body

        return await self._blocking(lambda _: read())

    async def referrers(self, image: str, access: Access) -> Sequence[Descriptor]:
        reference = _read(image)
        digest = _digest_of(reference)
        return await self._blocking(lambda _: self._layout(reference).referrers(digest))

    # ---- in a thread -------------------------------------------------------------------------------------

    async def _blocking(self, work: Callable[[Callable[[], None]], T]) -> T:
        """`work` is given a check that ends it when its time is over."""
        seconds = self._settings.fetch_timeout_seconds
        ends = self._clock() + seconds
        late = FetchFailed(f"the layout was not read within {seconds:g} s (PACKHOUSE_FETCH_TIMEOUT_SECONDS)")

        def check() -> None:
            if self._clock() > ends:
                raise late

        try:
            # a disk that hangs keeps its thread; the caller goes on
            return await asyncio.wait_for(asyncio.to_thread(work, check), seconds + 1)
        except TimeoutError:
            raise late from None

    def _resolve(self, reference: ImageReference) -> str:
        # a digest that the layout was found to hold once needs it no more: a disk may be away for a while
        if reference.digest is not None and self._held(reference, reference.digest):
            return reference.digest
        layout = self._layout(reference)
        digest = reference.digest or layout.digest(reference.tag)
        if layout.manifest(digest) is None:
            raise SourceNotFound(f"{reference}: the layout lacks the manifest {digest}")
        self._cache.accepted.add(OCI_LAYOUT, reference.path, digest)
        return digest

    def _held(self, reference: ImageReference, digest: str) -> bool:
        self._place(reference, missing=True)  # the folder of the settings counts, whatever was read before
        return self._cache.accepted.holds(OCI_LAYOUT, reference.path, digest)

    def _pull(self, reference: ImageReference, check: Callable[[], None]) -> Tree:
        # who names a digest is given it from the cache only if that layout holds it, or held it before
        digest = self._resolve(reference)
        key = f"{digest}@{OCI_LAYOUT}"
        try:
            root = self._cache.find(key)
            if root is None:
                with self._cache.staging() as place:
                    content = place / "content"
                    content.mkdir()
                    records = unpack(self._layout(reference), digest, content, self._settings, check)
                    root = self._cache.keep(key, content, records)
        except OSError as error:
            raise FetchFailed(
                f"{reference}: the cache cannot be written or read ({error.strerror}): see PACKHOUSE_CACHE_DIR"
            ) from error
        return Tree(root, digest, reference.tag)

    def _layout(self, reference: ImageReference) -> Layout:
        path = self._place(reference)
        try:
            # of a folder its index tells whether it changed: a new one is moved into its place
            seen = (path / "index.json" if path.is_dir() else path).stat()
        except OSError:
            raise SourceNotFound(f"{reference}: there is no OCI layout at {path}") from None
        key = (path, seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)
        layout = self._known.get(key)
        if layout is None:
            layout = Layout(path, members_most=self._settings.bundle_files_most)
            self._known[key] = layout
            while len(self._known) > _OPEN_MOST:
                self._known.popitem(last=False)
        return layout

    def _place(self, reference: ImageReference, *, missing: bool = False) -> Path:
        """Where the layout really lies; with `missing`, where it would lie. What lies elsewhere is refused in the same
        words, be it there or not."""
        top = self._settings.oci_layout_dir
        if not top:
            raise HostRefused(f"{reference}: oci-layout sources are switched off (PACKHOUSE_OCI_LAYOUT_DIR is not set)")
        refused = HostRefused(f"{reference}: oci-layout sources lie below {top} (PACKHOUSE_OCI_LAYOUT_DIR)")
        path = Path(f"/{reference.path}")
        try:
            root, real = Path(top).resolve(), path.resolve()
        except (OSError, RuntimeError):  # links in a circle
            raise refused from None
        if root not in real.parents:
            raise refused
        if not missing and not real.exists():
            raise SourceNotFound(f"{reference}: there is no OCI layout at {path}")
        return real


def _read(image: str) -> ImageReference:
    reference = read_reference(image)
    if not reference.is_layout:
        raise InvalidSpec(f"{image}: this source is read from {OCI_LAYOUT}/... alone")
    return reference


def _digest_of(reference: ImageReference) -> str:
    if reference.digest is None:
        raise InvalidSpec(f"{reference}: a digest is needed")
    return reference.digest
