"""Copies a bundle with all that hangs on it into one repository, a layout folder or a tar.

Called by cli/bundle_copy.py with a Graph. Content goes first and names last, so a copy that ends in the middle leaves
nothing that looks whole; what is there is not sent again, so the next run goes on. Everything is verified on its way.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from packhouse.adapters.bundle_graph import Blob, Graph, Image, Node
from packhouse.adapters.oci_layout import REF_NAME, ROOT
from packhouse.adapters.oci_layout_writer import LayoutFolder
from packhouse.adapters.oras_push import pack_folder
from packhouse.adapters.oras_repository import Repository
from packhouse.api.errors import DigestMismatch
from packhouse.domain.images_lock import LOCATIONS_FILE, image_tag, locations_tag, write_locations

#: Where tools that load a layout into a container runtime look for the name of an image.
_RUNTIME_NAME: Final = "io.containerd.image.name"

T = TypeVar("T")


class Watcher(Protocol):
    """Is told what happens, from several threads."""

    def begins(self, what: str, total_bytes: int) -> None:
        """A part of the work, with so many bytes to go."""
        ...

    def moved(self, count: int) -> None: ...

    def says(self, words: str) -> None: ...


class Stopped(Exception):
    """Whoever asked wants no more of it."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was done: manifests and blobs in all, and of these the blobs that had to be moved."""

    manifests: int
    blobs: int
    blobs_moved: int
    bytes_moved: int
    foreign_left_out: int


class Copier:
    """One copy of one graph. `stop` from any thread ends it with Stopped."""

    def __init__(self, graph: Graph, watcher: Watcher, *, parallel: int, foreign: bool = False) -> None:
        self._graph = graph
        self._watcher = watcher
        self._parallel = parallel
        self._foreign = foreign
        self._nodes = graph.nodes()
        self._stopped = threading.Event()
        self._moved_blobs = 0
        self._moved_bytes = 0
        self._mutex = threading.Lock()

    def stop(self) -> None:
        self._stopped.set()

    def check(self) -> None:
        if self._stopped.is_set():
            raise Stopped

    # ---- into a registry ---------------------------------------------------------------------------------

    def to_repository(self, target: Repository, tag: str | None) -> Copied:
        there = set(self._each(self._nodes, lambda digest: target.digest_of(digest) and digest))
        missing = [node for digest, node in self._nodes.items() if digest not in there]
        # what a registry has a manifest of it has as a whole, except for layers that were left out
        blobs = self._blobs(self._nodes.values() if self._foreign else missing)
        self._watcher.begins("copying", sum(blob.size for blob, _ in blobs))
        self._each(blobs, lambda pair: self._send(target, *pair))
        images = list(self._graph.images.values())
        said = {node.raw.digest for image in images for artifact in image.artifacts for node in artifact.node.every()}
        # those that are named before those that name them; a registry refuses them the other way round
        for layer in _layers([node for node in missing if node.raw.digest not in said]):
            self._each(layer, lambda node: target.put_manifest(node.raw))
        self._each(images, lambda image: _tagged(target, image.node, image_tag(image.node.raw.digest)))
        for image in images:  # one by one: a list of referrers may have to be added to
            for artifact in image.artifacts:
                self.check()
                for node in artifact.node.every():
                    target.put_manifest(node.raw)
                if artifact.tag:
                    _tagged(target, artifact.node, artifact.tag)
        for image in images:
            if image.is_bundle:
                self._locate(target, image)
        root = self._graph.images[self._graph.root].node
        if tag is not None:
            _tagged(target, root, tag)
        self._confirm(target, tag)
        return self._result()

    def _send(self, target: Repository, blob: Blob, node: Node) -> None:
        self.check()
        if target.has(blob.digest) or (
            node.home is not None and node.home.path != target.reference.path and target.mount(blob.digest, node.home)
        ):
            self._watcher.moved(blob.size)
            return
        # a file of its own for each: what was read to the end and verified is sent, and nothing else
        with node.source.opened(blob.digest, blob.size, self.check) as file:
            target.upload(blob.digest, blob.size, file, self._told)
        self._count(blob)

    def _locate(self, target: Repository, image: Image) -> None:
        """Says that all images of this bundle are beside it, for those who read the copy."""
        lines = [(locked.text, self._graph.images[locked.digest].is_bundle) for locked in image.locked]
        with tempfile.TemporaryDirectory(prefix="packhouse-") as folder, tempfile.TemporaryFile() as layer:
            (Path(folder) / LOCATIONS_FILE).write_bytes(write_locations(lines))
            packed = pack_folder(Path(folder), layer, {})
            packed.push(target, locations_tag(image.node.raw.digest))

    def _confirm(self, target: Repository, tag: str | None) -> None:
        found = target.digest_of(tag or self._graph.root)
        if found != self._graph.root:
            raise DigestMismatch(f"{target.name}: copied {self._graph.root}, and the registry now says {found}")

    # ---- onto a disk -------------------------------------------------------------------------------------

    def to_folder(self, target: LayoutFolder, tag: str | None, *, alone: bool = False) -> Copied:
        blobs = self._blobs(self._nodes.values())
        self._watcher.begins("copying", sum(blob.size for blob, _ in blobs))
        self._each(blobs, lambda pair: self._keep(target, *pair))
        for node in self._nodes.values():
            target.put(node.raw)
        target.finish(list(self._entries(tag)), alone=alone)
        return self._result()

    def to_tar(self, part: LayoutFolder, tar: Path, tag: str | None) -> Copied:
        """By way of the folder `part`, with which a later run goes on; it is removed when the tar is whole."""
        copied = self.to_folder(part, tag, alone=True)
        blobs = {blob.digest: blob.size for blob, _ in self._blobs(self._nodes.values())}
        blobs |= {digest: len(node.raw.body) for digest, node in self._nodes.items()}
        self._watcher.begins(f"writing {tar.name}", sum(blobs.values()))
        part.pack(tar, blobs, self._told)
        part.remove()
        return copied

    def _keep(self, target: LayoutFolder, blob: Blob, node: Node) -> None:
        self.check()
        if target.has(blob.digest, blob.size):
            self._watcher.moved(blob.size)
            return
        self._watcher.moved(target.part_bytes(blob.digest))
        target.fill(blob.digest, lambda file: node.source.download(blob.digest, blob.size, file, self._told))
        self._count(blob)

    def _entries(self, tag: str | None) -> Iterable[Mapping[str, Any]]:
        names = {locked.digest: locked.text for image in self._graph.images.values() for locked in image.locked}
        for digest, image in self._graph.images.items():
            notes: dict[str, str] = {}
            if digest == self._graph.root:
                notes = {ROOT: "true"} | ({REF_NAME: tag} if tag is not None else {})
            elif digest in names:
                notes = {_RUNTIME_NAME: names[digest]}
            yield _entry(image.node, notes)
        for image in self._graph.images.values():
            for artifact in image.artifacts:
                kind = artifact.descriptor.artifact_type
                yield _entry(artifact.node, {REF_NAME: artifact.tag} if artifact.tag else {}, kind)

    # ---- inside ------------------------------------------------------------------------------------------

    def _blobs(self, nodes: Iterable[Node]) -> list[tuple[Blob, Node]]:
        """Each blob once, the largest first: it takes longest."""
        found: dict[str, tuple[Blob, Node]] = {}
        for node in nodes:
            for blob in node.blobs:
                if self._foreign or not blob.foreign:
                    found.setdefault(blob.digest, (blob, node))
        return sorted(found.values(), key=lambda pair: (-pair[0].size, pair[0].digest))

    def _each(self, items: Iterable[T], work: Callable[[T], Any]) -> list[Any]:
        """`work` on all of them, several at once. The first error ends it."""
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="copy") as pool:
            running = [pool.submit(work, item) for item in items]
            try:
                wait(running, return_when=FIRST_EXCEPTION)
                errors = [error for one in running if one.done() and (error := one.exception()) is not None]
                if errors:
                    # what the others end with because of the first says nothing
                    raise next((error for error in errors if not isinstance(error, Stopped)), errors[0])
                return [one.result() for one in running]
            except BaseException:
                self.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _told(self, count: int) -> None:
        self.check()
        self._watcher.moved(count)
        with self._mutex:
            self._moved_bytes += max(0, count)

    def _count(self, blob: Blob) -> None:
        with self._mutex:
            self._moved_blobs += 1

    def _result(self) -> Copied:
        blobs = {blob.digest: blob for node in self._nodes.values() for blob in node.blobs}
        left_out = 0 if self._foreign else sum(blob.foreign for blob in blobs.values())
        if left_out:
            self._watcher.says(
                f"note: {left_out} layers that may not be handed on were left out (--include-non-distributable-layers)"
            )
        return Copied(len(self._nodes), len(blobs) - left_out, self._moved_blobs, self._moved_bytes, left_out)


def _tagged(target: Repository, node: Node, tag: str) -> None:
    if target.digest_of(tag) != node.raw.digest:  # a tag may be one that cannot be written twice
        target.put_manifest(node.raw, tag)


def _layers(nodes: Sequence[Node]) -> Iterable[list[Node]]:
    """Those without children, then those whose children came before."""
    depth: dict[str, int] = {}

    def depth_of(node: Node) -> int:
        if node.raw.digest not in depth:
            depth[node.raw.digest] = 1 + max(map(depth_of, node.children), default=-1)
        return depth[node.raw.digest]

    for wanted in sorted({depth_of(node) for node in nodes}):
        yield [node for node in nodes if depth_of(node) == wanted]


def _entry(node: Node, annotations: Mapping[str, str], artifact_type: str = "") -> Mapping[str, Any]:
    entry: dict[str, Any] = {
        "mediaType": node.raw.media_type,
        "digest": node.raw.digest,
        "size": len(node.raw.body),
    }
    if artifact_type:
        entry["artifactType"] = artifact_type
    if annotations:
        entry["annotations"] = dict(annotations)
    return entry
