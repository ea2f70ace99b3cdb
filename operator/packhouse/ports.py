"""The doors to the outside: small Protocols and the plain values that pass through them.

reconcile/ and the stages know these, never an adapter. Each has one real adapter (adapters/) and one fake
(tests/fakes_*.py), and both pass the same contract tests. Absence is None; only trouble raises, and what
raises is one of ours (api/errors.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
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
    """One text of values, and the words that name it in messages (\"Secret demo/web-values key values.yml\").

    `name` is what it is called where it counts as a file: the key of the Secret.
    """

    source: str
    text: str = field(repr=False)
    name: str = ""


@dataclass(frozen=True, slots=True)
class AddedFile:
    """A file that an install adds to those of its package; `source` as in ValuesDocument."""

    name: str
    source: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outside:
    """What a render needs beside the package and the values, read before: a renderer looks nothing up."""

    #: Of the install's package overlays, for the first step that takes them.
    overlays: Sequence[AddedFile] = ()
    #: The install's values are files for that step as well, whatever they look like.
    values_as_files: bool = False
    #: The Secrets and ConfigMaps that the steps name, by kind and name: ("Secret", "tls") -> key -> content.
    references: Mapping[tuple[str, str], Mapping[str, bytes]] = field(default_factory=dict, repr=False)
    #: metadata of the install: name, namespace, uid, labels, annotations.
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenderJob:
    """All that a renderer needs to turn a package into objects; it looks nothing up."""

    files: Mapping[str, bytes]  # path below the fetched folder -> content
    steps: Sequence[Json]  # Package spec.template.spec.template
    values: Sequence[ValuesDocument]
    values_schema: Json | None  # Package spec.valuesSchema.openAPIv3
    enforce_schema: bool
    context: Json  # {"package": {...}, "install": {...}, "cluster": {...}}
    outside: Outside = field(default_factory=Outside)


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
class Kind:
    """A group, a version and a kind. `group` is "" for the core group."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.kind} ({self.api_version})"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one object. `namespace` is "" for cluster-scoped kinds."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind.kind} {where} ({self.kind.api_version})"


@dataclass(frozen=True, slots=True)
class Served:
    """How the API server serves a kind."""

    kind: Kind
    plural: str
    namespaced: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; `resource_version` is that of the whole list."""

    items: Sequence[Json]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """`type`: ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: Json


class WatchExpired(Exception):
    """The resource version is too old to watch from: list anew."""


class Cluster(Protocol):
    """The API server, as one identity.

    Errors of every call: Forbidden (names verb and resource), ClusterUnavailable (no answer, 5xx or 429 after
    the retries); of the writing ones also DeployFailed (the object was refused) and FieldConflict.
    """

    async def served(self, kind: Kind, *, anew: bool = False) -> Served | None:
        """How the kind is served, as far as is known; None where the server did not know it a moment ago. `anew`: it
        is asked now, for a CRD may have come or gone."""
        ...

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None: ...

    def pages(
        self, kind: Kind, *, namespace: str = "", label_selector: str = "", metadata_only: bool = False
    ) -> AsyncIterator[Page]:
        """A list in pages, so that its reader can trim what it keeps. Nothing where the kind is not served."""
        ...

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

    async def create(
        self, obj: Json, *, parent: Ref | None = None, subresource: str = "", dry_run: bool = False
    ) -> Json | None:
        """A POST; None where the namespace, the kind or the parent is not there."""
        ...

    async def patch(self, ref: Ref, operations: Sequence[Json]) -> Json | None:
        """A JSON patch; None where the object is gone. DeployFailed where a test operation does not hold."""
        ...

    async def delete(self, ref: Ref, *, uid: str | None = None, propagation: str = "Background") -> bool:
        """False where it was gone already, or where the name is another object's by now (uid differs)."""
        ...

    async def delete_collection(self, kind: Kind, *, label_selector: str) -> None: ...

    def watch(
        self,
        kind: Kind,
        *,
        resource_version: str,
        namespace: str = "",
        label_selector: str = "",
        metadata_only: bool = False,
    ) -> AsyncIterator[WatchEvent]:
        """Events after `resource_version`, until the server ends the watch. Raises WatchExpired."""
        ...

    async def version(self) -> str:
        """The server's version, such as "v1.37.2"."""
        ...

    async def groups(self) -> Sequence[str]:
        """The API groups with versions that are served, sorted: "apps/v1", "v1" ..."""
        ...


class Identities(Protocol):
    """Makes the identity that an install acts with."""

    def of(self, namespace: str, service_account: str) -> Cluster:
        """The cluster as that service account, by its own token only. Its calls also raise ServiceAccountMissing."""
        ...


# ---- what installs own -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """A live object as a watch told of it. `managed`: the digest of what our field manager holds of it."""

    uid: str
    managed: str


class OwnedChanges(Protocol):
    """Who is told of changes. Called in the event loop; must not block."""

    def changed(self, owner: str, ref: Ref) -> None:
        """An object that says it is the install's `owner` ("namespace/name"), or said so before."""
        ...

    def listed(self, kind: Kind) -> None:
        """All objects of the kind are known from now on."""
        ...


class Owned(Protocol):
    """The live objects with an owner's mark, as far as somebody watches them. Asks the API server nothing."""

    def follow(self, kinds: Iterable[Kind]) -> None:
        """Have these kinds watched too, where that is allowed."""
        ...

    def knows(self, kind: Kind) -> bool:
        """Whether what `find` says of the kind is how it is now."""
        ...

    def find(self, ref: Ref) -> Seen | None: ...

    def listen(self, changes: OwnedChanges) -> None: ...
