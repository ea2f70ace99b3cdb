"""Decides whether a cluster would know what a package renders: each kind, each field, each type; or, by the tables of
a version of Kubernetes, each kind.

The schemas are those that the API server gives to whoever may log in; those of kinds that the package itself brings
come from its CRDs. Nothing is written, nothing is admitted: what only admission can tell (rules of webhooks and
policies, immutable fields, quotas) is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Protocol

from packhouse.api.errors import ValuesSchemaInvalid
from packhouse.authoring import kubernetes_apis
from packhouse.authoring.images import words
from packhouse.domain.objects import canonical
from packhouse.domain.values_schema import Prepared
from packhouse.ports import Json, Kind, Served

_CRD: Final = ("apiextensions.k8s.io", "CustomResourceDefinition")
#: What every object has, though the schema in a CRD needs not say so.
_EVERYBODY: Final = ("apiVersion", "kind", "metadata")
_SHOWN_MOST: Final = 20  # of one object
_BUILT_IN: Final = "io.k8s."
_KINDS: Final = "x-kubernetes-group-version-kind"


class Schemas(Protocol):
    """What an API server says of its kinds. Errors: Forbidden, ClusterUnavailable."""

    async def served(self, kind: Kind, *, anew: bool = False) -> Served | None: ...

    async def openapi(self, group: str, version: str) -> Json | None:
        """The OpenAPI v3 document of that version, None where there is none."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """`obj`: words for it; `what`: the field and what is wrong there."""

    obj: str
    what: str

    def __str__(self) -> str:
        return f"{self.obj}: {self.what}"


@dataclass(frozen=True, slots=True)
class _Shape:
    """The schema of one kind: `part` of what was prepared."""

    prepared: Prepared
    part: Json

    def faults(self, obj: Json) -> Iterator[str]:
        for violation in (*self.prepared.unknown(obj, self.part), *self.prepared.violations(obj, self.part)):
            yield str(violation).removeprefix("values").removeprefix(".")


def not_served(objects: Iterable[Json], minor: int) -> list[Fault]:
    """The API versions that Kubernetes 1.`minor` has no more, or not yet. Kinds of others are not known here."""
    found: dict[Fault, None] = {}
    for obj in objects:
        api, kind = str(obj.get("apiVersion")), str(obj.get("kind"))
        row, since = kubernetes_apis.passing(api, kind), kubernetes_apis.introduced(api, kind)
        if row is not None and row.removed <= minor:
            found[Fault(words(obj), f"{api} is gone since Kubernetes 1.{row.removed}; use {row.replacement}")] = None
        elif (since := row.introduced if row is not None else since) is not None and since > minor:
            found[Fault(words(obj), f"{api} is there from Kubernetes 1.{since} on")] = None
    return list(found)


class Validator:
    """Asks for each API version once."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._known: dict[tuple[str, str], tuple[Prepared, dict[str, str]] | None] = {}

    async def faults(self, objects: Sequence[Json]) -> list[Fault]:
        """In the order of the objects, each once: many cases render the same."""
        brought = {kind: shape for obj in objects for kind, shape in _brought(obj)}
        found: dict[Fault, None] = {}
        for obj in objects:
            kind = _kind(obj)
            shape = brought.get(kind) or await self._shape(kind)
            if shape is not None:
                whats: Iterator[str] = shape.faults(canonical(obj))
            elif await self._schemas.served(kind) is None:
                whats = iter([f"the cluster has no {kind}, and the package brings no CRD of it"])
            else:  # an aggregated API that describes nothing
                continue
            found |= dict.fromkeys(Fault(words(obj), what) for what in islice(whats, _SHOWN_MOST))
        return list(found)

    async def _shape(self, kind: Kind) -> _Shape | None:
        place = (kind.group, kind.version)
        if place not in self._known:
            document = await self._schemas.openapi(*place)
            self._known[place] = None if document is None else _read(document, *place)
        known = self._known[place]
        name = known[1].get(kind.kind) if known is not None else None
        return _Shape(known[0], {"$ref": f"#/components/schemas/{name}"}) if known is not None and name else None


def _read(document: Json, group: str, version: str) -> tuple[Prepared, dict[str, str]]:
    """The schemas of one version, and the name of each kind's own."""
    schemas: dict[str, Any] = (document.get("components") or {}).get("schemas") or {}
    names = {
        entry["kind"]: name
        for name, schema in schemas.items()
        for entry in schema.get(_KINDS) or ()
        if (entry["group"], entry["version"]) == (group, version)
    }
    lenient = {name: _lenient(schema) if name.startswith(_BUILT_IN) else schema for name, schema in schemas.items()}
    return Prepared({"components": {"schemas": lenient}}, trusted=True), names


def _lenient(schema: Any) -> Any:
    """Of types that are built in, the server takes many objects without what their schema calls required."""
    return {key: value for key, value in schema.items() if key != "required"}


def _brought(obj: Json) -> Iterator[tuple[Kind, _Shape]]:
    """The kinds that a CRD defines; what is no CRD, or none that could be served, defines none."""
    kind, spec = _kind(obj), obj.get("spec")
    names = spec.get("names") if isinstance(spec, dict) else None
    if (kind.group, kind.kind) != _CRD or not isinstance(spec, dict) or not isinstance(names, dict):
        return
    versions = spec.get("versions")
    for version in versions if isinstance(versions, list) else ():
        try:
            schema = version["schema"]["openAPIV3Schema"]
            properties = {key: {} for key in _EVERYBODY} | schema.get("properties", {})
            shape = _Shape(Prepared({**schema, "properties": properties}), {"$ref": "#"})
        except (AttributeError, KeyError, TypeError, ValuesSchemaInvalid):
            continue  # the schema of CRDs says what is wrong with it
        yield Kind(str(spec.get("group")), str(version.get("name")), str(names.get("kind"))), shape


def _kind(obj: Json) -> Kind:
    group, _, version = str(obj.get("apiVersion", "")).rpartition("/")
    return Kind(group, version, str(obj.get("kind", "")))
