"""One frozen view per kind: an object of the API, read once, with absence made explicit.

The API server has checked the objects; nothing is checked again here, and nothing raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from packhouse.api.conditions import Condition, read_conditions
from packhouse.api.names import DOWNGRADABLE, YTT_PATHS, YTT_VALUES_OVERLAYS

Wire = dict[str, Any]
Key = tuple[str, str]  # namespace ("" where cluster-scoped), name


@dataclass(frozen=True, slots=True)
class Meta:
    """What every object has."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    deleting: bool
    deleted_at: str  # RFC 3339; "" where it is not being deleted
    finalizers: Sequence[str]
    annotations: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.namespace, self.name

    @classmethod
    def from_wire(cls, wire: Wire) -> Meta:
        metadata = wire["metadata"]
        return cls(
            namespace=metadata.get("namespace") or "",
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata.get("resourceVersion", ""),
            generation=metadata.get("generation", 0),
            deleting=bool(metadata.get("deletionTimestamp")),
            deleted_at=metadata.get("deletionTimestamp") or "",
            finalizers=tuple(metadata.get("finalizers") or ()),
            annotations=dict(metadata.get("annotations") or {}),
            labels=dict(metadata.get("labels") or {}),
        )


@dataclass(frozen=True, slots=True)
class ValuesRef:
    """One entry of spec.values; `key` None means every key of the Secret, in their order."""

    secret: str
    key: str | None


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """spec and the recorded status of an install."""

    meta: Meta
    service_account: str
    public_name: str
    version: str | None
    constraint: str | None
    prereleases: Sequence[str] | None  # None: none are taken; empty: all
    repositories: Sequence[str]
    values: Sequence[ValuesRef]
    sync_period: str
    paused: bool
    canceled: bool
    noop_delete: bool
    default_namespace: str
    adopt: bool | None  # None: what agrees with the package
    wait: bool | None  # None: as the package says
    wait_timeout: str | None
    replace_immutable: bool
    status: Wire

    @property
    def owner(self) -> str:
        """The name under which applied objects are marked."""
        return f"{self.meta.namespace}/{self.meta.name}"

    @property
    def downgradable(self) -> bool:
        return DOWNGRADABLE in self.meta.annotations

    @property
    def overlay_secrets(self) -> Sequence[str]:
        """The Secrets of package overlays: the one without a suffix, then by number, then by word."""
        suffixes = {
            name[len(YTT_PATHS) + 1 :]: secret
            for name, secret in self.meta.annotations.items()
            if secret and (name == YTT_PATHS or name.startswith(f"{YTT_PATHS}."))
        }
        return tuple(suffixes[suffix] for suffix in sorted(suffixes, key=_suffix_order))

    @property
    def values_as_files(self) -> bool:
        """Whether the values are files of the first ytt step, whatever they look like."""
        return YTT_VALUES_OVERLAYS in self.meta.annotations

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return read_conditions(self.status.get("conditions"))

    @property
    def recorded_package(self) -> str | None:
        """The Package that was resolved last."""
        return (self.status.get("packageRef") or {}).get("name")

    @property
    def recorded_digest(self) -> str | None:
        """The digest of that Package's content."""
        return self.status.get("packageDigest")

    @property
    def recorded_repository(self) -> str | None:
        """The repository which that Package came from; None for one made by hand."""
        return (self.status.get("packageRef") or {}).get("repository") or None

    @classmethod
    def from_wire(cls, wire: Wire) -> InstalledPackage:
        meta, spec = Meta.from_wire(wire), wire.get("spec") or {}
        wanted = spec.get("packageRef") or {}
        selection = wanted.get("versionSelection") or {}
        prereleases = selection.get("prereleases")
        deploy = spec.get("deploy") or {}
        return cls(
            meta=meta,
            service_account=spec.get("serviceAccountName") or "",
            public_name=wanted.get("publicName") or "",
            version=wanted.get("version"),
            constraint=selection.get("constraint"),
            prereleases=None if prereleases is None else tuple(prereleases.get("identifiers") or ()),
            repositories=tuple(wanted.get("repositories") or ()),
            values=tuple(
                ValuesRef(entry["secretRef"]["name"], entry["secretRef"].get("key"))
                for entry in spec.get("values") or ()
                if entry.get("secretRef")
            ),
            sync_period=spec.get("syncPeriod") or "10m",
            paused=bool(spec.get("paused")),
            canceled=bool(spec.get("canceled")),
            noop_delete=bool(spec.get("noopDelete")),
            default_namespace=spec.get("defaultNamespace") or meta.namespace,
            adopt=spec.get("adopt"),
            wait=deploy.get("wait"),
            wait_timeout=deploy.get("waitTimeout"),
            replace_immutable=bool((spec.get("upgrade") or {}).get("replaceImmutable")),
            status=wire.get("status") or {},
        )


def _suffix_order(suffix: str) -> tuple[bool, int, str]:
    number = int(suffix) if suffix.isdecimal() and len(suffix) < 10 else -1
    return bool(suffix) and number < 0, number, suffix


@dataclass(frozen=True, slots=True)
class PackageRepository:
    """spec and the recorded status of a repository."""

    meta: Meta
    fetch: Wire
    verify: Wire | None  # who must have signed, as written
    cert_secret: str | None
    proxy_secret: str | None
    globs: Sequence[str]  # of publicNames that it may provide; empty: any
    sync_period: str
    paused: bool
    status: Wire

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return read_conditions(self.status.get("conditions"))

    @classmethod
    def from_wire(cls, wire: Wire) -> PackageRepository:
        spec = wire.get("spec") or {}
        return cls(
            meta=Meta.from_wire(wire),
            fetch=spec.get("fetch") or {},
            verify=spec.get("verify") or None,
            cert_secret=(spec.get("certSecretRef") or {}).get("name"),
            proxy_secret=(spec.get("proxySecretRef") or {}).get("name"),
            globs=tuple(spec.get("packages") or ()),
            sync_period=spec.get("syncPeriod") or "5m",
            paused=bool(spec.get("paused")),
            status=wire.get("status") or {},
        )


@dataclass(frozen=True, slots=True)
class Package:
    """What an install needs of a Package."""

    meta: Meta
    public_name: str
    version: str
    display_name: str
    values_schema: Wire | None
    fetch: Sequence[Wire]
    template: Sequence[Wire]
    deploy: Sequence[Wire]

    @classmethod
    def from_wire(cls, wire: Wire) -> Package:
        spec = wire["spec"]
        app = (spec.get("template") or {}).get("spec") or {}
        return cls(
            meta=Meta.from_wire(wire),
            public_name=spec["publicName"],
            version=spec["version"],
            display_name=spec.get("displayName") or "",
            values_schema=(spec.get("valuesSchema") or {}).get("openAPIv3"),
            fetch=tuple(app.get("fetch") or ()),
            template=tuple(app.get("template") or ()),
            deploy=tuple(app.get("deploy") or ()),
        )
