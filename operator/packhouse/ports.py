"""The doors to the outside: small Protocols and the plain values that pass through them.

reconcile/ and the stages know these, never an adapter. Each has one real adapter (adapters/) and one fake
(tests/fakes.py), and both pass the same contract tests. Absence is None; only trouble raises, and what
raises is one of ours (api/errors.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Json = dict[str, Any]


# ---- sources ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and password for one registry, and the words that name where they came from."""

    username: str
    password: str = field(repr=False)
    source: str = ""  # e.g. "Secret demo/regcred"; for messages


@dataclass(frozen=True, slots=True)
class Tree:
    """A fetched folder: verified, unpacked, read-only, kept under its digest."""

    root: Path
    digest: str  # "sha256:..." of the manifest (image kinds) or of the content
    version: str | None = None  # the tag that was resolved, where there is one


class Registry(Protocol):
    """An OCI registry, spoken to within limits: every digest verified, nothing waits without a timeout."""

    async def resolve(self, image: str, credentials: Credentials | None) -> str:
        """The manifest digest that `image` (host/path[:tag][@digest]) stands for now. One HEAD request."""
        ...

    async def pull(self, image: str, credentials: Credentials | None) -> Tree:
        """The content of `image`, all layers unpacked over each other; from the cache where the digest is known."""
        ...


# ---- templates -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ValuesDocument:
    """One text of values, and the words that name it in messages (\"Secret demo/web-values key values.yml\")."""

    source: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RenderJob:
    """All that a renderer needs to turn a package into objects; it looks nothing up."""

    files: Mapping[str, bytes]  # path below the fetched folder -> content
    steps: Sequence[Json]  # Package spec.template.spec.template
    values: Sequence[ValuesDocument]
    values_schema: Json | None  # Package spec.valuesSchema.openAPIv3
    enforce_schema: bool
    context: Json  # {"package": {...}, "install": {...}, "cluster": {...}}


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came out of the last template step."""

    objects: Sequence[Json]
    warnings: Sequence[str]  # unknown value keys and the like


@dataclass(frozen=True, slots=True)
class BundleFault:
    """One bad document of a repository bundle."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class BundleContent:
    """The catalogue documents of a bundle, converted to our own API, and what is wrong with the others."""

    documents: Sequence[Json]  # Package and PackageMetadata of package.carvel.dev, ready to apply
    faults: Sequence[BundleFault]


class Renderer(Protocol):
    """The process that reads content which we did not write: no token, limits on time, memory and output."""

    async def render(self, job: RenderJob) -> Rendered:
        """Errors: ValuesInvalid, ValuesSchemaInvalid, TemplateFailed, RenderedInvalid, UnsupportedStep,
        RenderLimitExceeded, RendererUnavailable."""
        ...

    async def read_bundle(self, files: Mapping[str, bytes], schemas: Mapping[str, Json]) -> BundleContent:
        """`schemas`: kind -> openAPIV3Schema of its CRD. Errors: RenderLimitExceeded, RendererUnavailable."""
        ...


# ---- the cluster -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one object. `namespace` is "" for cluster-scoped kinds, `group` is "" for the core group."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {where} ({self.api_version})"


@dataclass(frozen=True, slots=True)
class ServedKind:
    """How the API server serves a kind."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """`type`: ADDED, MODIFIED, DELETED, BOOKMARK."""

    type: str
    object: Json


class Cluster(Protocol):
    """The API server, as one identity. Only adapters/cluster.py talks to it.

    Errors: Forbidden (with verb and resource), DeployFailed (the object was refused: 400, 422, 409),
    ClusterUnavailable (no answer, 5xx and 429 after the retries).
    """

    async def served(self, group: str, version: str, kind: str) -> ServedKind | None:
        """How the kind is served; None where the server does not know it (asked anew before it says so)."""
        ...

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None: ...

    async def list(
        self,
        group: str,
        version: str,
        kind: str,
        *,
        namespace: str = "",
        label_selector: str = "",
        metadata_only: bool = False,
    ) -> Sequence[Json]: ...

    async def apply(
        self,
        obj: Json,
        *,
        manager: str,
        force: bool = True,
        dry_run: bool = False,
        subresource: str = "",
        metadata_only: bool = False,
    ) -> Json:
        """Server-side apply; the answer is the object as the server holds it (its metadata only, if asked)."""
        ...

    async def create(self, obj: Json) -> Json: ...

    async def patch(self, ref: Ref, operations: Sequence[Json]) -> Json | None:
        """A JSON patch; None where the object is gone. DeployFailed where a test operation does not hold."""
        ...

    async def delete(self, ref: Ref, *, uid: str | None = None, propagation: str = "Background") -> bool:
        """False where it was gone already, or where it is another object (uid differs)."""
        ...

    async def delete_collection(self, group: str, version: str, kind: str, *, label_selector: str) -> None: ...

    def watch(
        self, group: str, version: str, kind: str, *, resource_version: str, metadata_only: bool = False
    ) -> AsyncIterator[WatchEvent]: ...
