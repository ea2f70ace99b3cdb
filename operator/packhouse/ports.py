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
    """A user name and password for one host, or a token, and the words that name where they came from."""

    username: str
    password: str = field(repr=False)
    source: str = ""  # e.g. "Secret demo/regcred"; for messages
    token: str = field(default="", repr=False)  # a registry's identity token or a bearer token, in the password's place


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy: http://host:port, and what it is told where it asks who comes."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """How a source is reached: as whom, by which authorities, through which proxy. Settings count beside it."""

    credentials: Sequence[Credentials] = ()  # that fit the host, in the order to try; none: anonymously
    ca_pem: str = ""  # authorities that are trusted besides those of the system and of the settings
    proxy: Proxy | None = None
    hint: str = ""  # what a refusal adds: which Secrets were looked at, and for which hosts they hold credentials
    lever: str = "a secretRef names some"  # how whoever is refused without credentials gives some


@dataclass(frozen=True, slots=True)
class Tree:
    """A fetched folder: verified, unpacked, read-only, kept under its digest."""

    root: Path
    digest: str  # "sha256:..." of the manifest (image kinds) or of the content
    version: str | None = None  # the tag that was resolved, where there is one


@dataclass(frozen=True, slots=True)
class RawManifest:
    """A manifest or an index as its registry keeps it."""

    body: bytes
    media_type: str
    digest: str


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Names content of a repository, as an index does."""

    media_type: str
    digest: str
    size: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


class Registry(Protocol):
    """OCI content, in a registry or in a layout on disk (oci-layout:///path): within limits, every digest verified.

    `image` is host/path[:tag][@digest]. `fresh_seconds`: an answer of this process that is no older will do; 0 asks
    anew. Errors: InvalidSpec, HostRefused, FetchLimitExceeded, DigestMismatch and those of api.errors.SOURCE_ERRORS.
    """

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        """The manifest digest that `image` stands for now. One HEAD request; none for a digest that this access was
        given before."""
        ...

    async def pull(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> Tree:
        """The content of `image`, all layers unpacked over each other. Where the reference names a digest that is
        cached and that was given to this access before, no request is made."""
        ...

    async def tags(self, repository: str, access: Access, *, fresh_seconds: float = 0.0) -> Sequence[str]:
        """All tags of host/path, in no order that means anything."""
        ...

    async def manifest(self, image: str, access: Access) -> RawManifest | None:
        """None where there is none of that tag or digest."""
        ...

    async def blob(self, image: str, access: Access, *, most_bytes: int) -> bytes:
        """`image` is host/path@digest of a blob: a small one, that is held in memory."""
        ...

    async def referrers(self, image: str, access: Access) -> Sequence[Descriptor]:
        """What names `image` (host/path@digest) as its subject: by the referrers API, else by the fallback tag."""
        ...


class Downloads(Protocol):
    """Files by http and https, as Registry does it. A tree's digest is that of the file."""

    async def resolve(self, url: str, access: Access, *, sha256: str | None, fresh_seconds: float = 0.0) -> str:
        """ "sha256:..." of what is there now. With `sha256` no request; without, one that is conditional, or a
        download."""
        ...

    async def fetch(self, url: str, access: Access, *, digest: str, archive: bool | None = None) -> Tree:
        """The file with that digest: unpacked where it is a tar, tgz or zip (`archive` None: told by its content),
        else a folder with that one file, under the last part of the url's path."""
        ...

    async def read(self, url: str, access: Access, *, most_bytes: int, fresh_seconds: float = 0.0) -> bytes:
        """A small file, such as the index.yaml of a chart repository; a conditional request where it is held."""
        ...


@dataclass(frozen=True, slots=True)
class GitAccess:
    """As Access, for a git server; `ssh_key` and `known_hosts` as OpenSSH writes them."""

    access: Access = field(default_factory=Access)
    ssh_key: str = field(default="", repr=False)
    known_hosts: str = ""
    source: str = ""  # e.g. "Secret demo/git"


class GitServers(Protocol):
    """Git repositories over https, ssh or http, read within limits. No program is run."""

    async def refs(self, url: str, access: GitAccess, *, fresh_seconds: float = 0.0) -> Mapping[str, str]:
        """refs/heads/..., refs/tags/... (peeled) and HEAD -> commit."""
        ...

    async def checkout(
        self, url: str, commit: str, access: GitAccess, *, ref: str = "", depth: int = 0, submodules: bool = False
    ) -> Tree:
        """The files of that commit; from the cache without a request where this access was given it before. `ref`:
        the full name of the ref that leads there, for servers that give out no bare commits."""
        ...


@dataclass(frozen=True, slots=True)
class PublicKey:
    pem: str
    source: str  # "Secret packhouse-system/cosign key cosign.pub"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs without a key. Each pair has one that is given; expressions match the whole."""

    issuer: str = ""
    issuer_reg_exp: str = ""
    subject: str = ""
    subject_reg_exp: str = ""


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Who must have signed: one of the keys or one of the identities. Each attestation must be there as well."""

    source: str  # whose wish it is: "PackageRepository team", "PACKHOUSE_VERIFY_POLICY_FILE, prefix registry.example"
    keys: Sequence[PublicKey] = ()
    identities: Sequence[Identity] = ()
    attestations: Sequence[str] = ()  # predicate types
    trusted_root: str = ""  # JSON; empty: that of the settings


class Signatures(Protocol):
    """Signatures and attestations as cosign makes them, beside the image in its registry."""

    def required(self, repository: str) -> TrustPolicy | None:
        """What the settings ask for all that is in host/path, whoever else asks for something."""
        ...

    async def verify(self, image: str, access: Access, policy: TrustPolicy) -> str:
        """Words that name the key or identity that signed `image` (host/path@digest). A yes is remembered.

        Errors: SignatureInvalid (names what was found and the digest), InvalidSpec (a key or a trusted root that
        cannot be read), those of Registry."""
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
class ImageAsk:
    """A reference whose digest only a registry knows. `selection` is a tagSelection as JSON, "" where there is none."""

    image: str
    selection: str = ""


@dataclass(frozen=True, slots=True)
class FoundImage:
    """What a registry said of one: its reference by digest, and the tag that stands for it."""

    url: str
    tag: str = ""


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
    #: What registries said of the references that an earlier rendering asked for.
    images: Mapping[ImageAsk, FoundImage] = field(default_factory=dict)


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
    """What came out of the last template step; where something is asked, nothing did: render again with the answers."""

    objects: Sequence[Json]
    warnings: Sequence[str]  # unknown value keys and the like
    asked: Sequence[ImageAsk] = ()


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

    @property
    def short(self) -> str:
        """ "Deployment demo/web"."""
        return f"{self.kind.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind.kind} {self.name}"

    def __str__(self) -> str:
        return f"{self.short} ({self.kind.api_version})"


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
class Table:
    """A part of a list as the kind's columns show it; a cell is what JSON has there, None for nothing."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


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

    def tables(self, kind: Kind, *, namespace: str = "", label_selector: str = "") -> AsyncIterator[Table]:
        """A list as its columns, the first being the name: a fraction of the objects. Nothing where the kind is not
        served."""
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
        self,
        obj: Json,
        *,
        parent: Ref | None = None,
        subresource: str = "",
        dry_run: bool = False,
        manager: str = "",
    ) -> Json | None:
        """A POST; None where the namespace, the kind or the parent is not there."""
        ...

    async def patch(self, ref: Ref, operations: Sequence[Json], *, manager: str = "") -> Json | None:
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
