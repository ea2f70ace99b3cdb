"""What the template steps need from outside of the package: package overlays, and what a Package names.

The Secrets of package overlays are named by the install's annotations, so they are read as its values are, with the
operator's rights; what a Package names is read with the rights of the install's account. See docs/decisions/0004.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from packhouse.api.errors import SecretMissing, ValuesMissing
from packhouse.api.names import YTT_PATHS
from packhouse.api.views import InstalledPackage, Package
from packhouse.domain.fetch_references import fetch_references
from packhouse.domain.step_references import Named, references, uses_metadata
from packhouse.ports import AddedFile, Cluster, Json, Kind, Outside, Ref
from packhouse.reconcile.stores import secret_mark
from packhouse.reconcile.values import CONFIG_MAP, SECRET
from packhouse.reconcile.world import World

_KINDS: Mapping[str, Kind] = {"Secret": SECRET, "ConfigMap": CONFIG_MAP}


def named_secrets(package: Package) -> frozenset[str]:
    """The Secrets of the install's namespace that the package's steps read."""
    named = [*references(package.template), *fetch_references(package.fetch)]
    return frozenset(name for kind, name in named if kind == "Secret")


async def outside_marks(world: World, install: InstalledPackage, package: Package) -> list[Any]:
    """Changes when `read_outside` would give something else.

    A Secret is known by the watch. No watch tells of ConfigMaps, so each that is named is asked for: a package that
    names none costs no request.
    """
    marks: list[Any] = [install.values_as_files]
    marks += [["overlay", name, _secret_mark(world, install, name)] for name in install.overlay_secrets]
    for kind, name in references(package.template):
        if kind == "Secret":
            marks.append([kind, name, _secret_mark(world, install, name)])
        else:
            found = await _actor(world, install).get(Ref(CONFIG_MAP, install.meta.namespace, name), metadata_only=True)
            marks.append([kind, name, secret_mark(found)[1] if found is not None else "absent"])
    if uses_metadata(package.template):
        marks.append([install.meta.labels, install.meta.annotations])
    return marks


async def read_outside(world: World, install: InstalledPackage, package: Package) -> Outside:
    """Raises ValuesMissing, SecretMissing, ServiceAccountMissing, Forbidden, ClusterUnavailable."""
    overlays: list[AddedFile] = []
    for name in install.overlay_secrets:
        overlays += await _overlays(world.cluster, install, name)
    found: dict[Named, Mapping[str, bytes]] = {}
    for named in references(package.template):
        found[named] = await _read(_actor(world, install), install, named)
    meta = install.meta
    metadata: Json = {
        "name": meta.name,
        "namespace": meta.namespace,
        "uid": meta.uid,
        "labels": meta.labels,
        "annotations": meta.annotations,
    }
    return Outside(
        overlays=tuple(overlays),
        values_as_files=install.values_as_files,
        references=found,
        metadata=metadata if uses_metadata(package.template) else {},
    )


async def _overlays(cluster: Cluster, install: InstalledPackage, name: str) -> list[AddedFile]:
    namespace = install.meta.namespace
    secret = await cluster.get(Ref(SECRET, namespace, name))
    if secret is None:
        raise ValuesMissing(
            f"Secret {namespace}/{name} does not exist; create it, or remove it from the annotation {YTT_PATHS}"
        )
    return [
        AddedFile(key, f"Secret {namespace}/{name} key {key}", content)
        for key, content in sorted(_data(secret).items())
    ]


async def _read(actor: Cluster, install: InstalledPackage, named: Named) -> Mapping[str, bytes]:
    kind, name = named
    found = await actor.get(Ref(_KINDS[kind], install.meta.namespace, name))
    if found is None:
        raise SecretMissing(
            f"{kind} {install.meta.namespace}/{name} does not exist, and a template step of the package reads it; "
            "create it"
        )
    return _data(found)


def _data(found: Json) -> dict[str, bytes]:
    """The content of a Secret or a ConfigMap."""
    if found["kind"] == "ConfigMap":
        texts = {key: text.encode() for key, text in (found.get("data") or {}).items()}
        return texts | _decoded(found.get("binaryData") or {})
    return _decoded(found.get("data") or {})


def _decoded(data: Mapping[str, str]) -> dict[str, bytes]:
    try:
        return {key: base64.b64decode(encoded) for key, encoded in data.items()}
    except binascii.Error:  # the API server takes nothing else
        raise ValuesMissing("a Secret's data are no base64") from None


def _secret_mark(world: World, install: InstalledPackage, name: str) -> str:
    mark = world.stores.secrets.get((install.meta.namespace, name))
    return mark[1] if mark is not None else "absent"


def _actor(world: World, install: InstalledPackage) -> Cluster:
    return world.identities.of(install.meta.namespace, install.service_account)
