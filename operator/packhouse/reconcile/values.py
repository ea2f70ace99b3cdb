"""Values: the Secrets that an install names, as texts in their order. Read as the operator, like the install's spec.

Their content goes to the renderer and nowhere else; what status shows is a digest of the Secrets' identities and
resource versions, never of their content.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from packhouse.api.errors import ValuesInvalid, ValuesMissing
from packhouse.api.views import InstalledPackage, Key, ValuesRef
from packhouse.domain.objects import digest
from packhouse.ports import Cluster, Json, Kind, Ref, ValuesDocument
from packhouse.reconcile.stores import Objects, secret_mark

SECRET = Kind("", "v1", "Secret")
CONFIG_MAP = Kind("", "v1", "ConfigMap")


def values_marks(secrets: Objects[tuple[Key, str]], install: InstalledPackage) -> list[list[str]]:
    """What the watch knows of the Secrets: changes when one of them does, or appears, or goes."""
    found = [(ref, secrets.get((install.meta.namespace, ref.secret))) for ref in install.values]
    return [[ref.secret, ref.key or "", mark[1] if mark is not None else "absent"] for ref, mark in found]


async def read_values(cluster: Cluster, install: InstalledPackage) -> tuple[Sequence[ValuesDocument], str]:
    """The texts in the order of spec.values and of key within a Secret, and a digest of which Secrets they came from.

    Raises ValuesMissing, ValuesInvalid, Forbidden, ClusterUnavailable.
    """
    documents: list[ValuesDocument] = []
    marks: list[str] = []
    for ref in install.values:
        secret = await cluster.get(Ref(SECRET, install.meta.namespace, ref.secret))
        if secret is None:
            raise ValuesMissing(
                f"Secret {install.meta.namespace}/{ref.secret} does not exist; create it, or remove it from spec.values"
            )
        documents += [_document(install, ref, key, text) for key, text in _chosen(install, ref, secret)]
        marks.append(secret_mark(secret)[1])
    return documents, digest(marks)


def _chosen(install: InstalledPackage, ref: ValuesRef, secret: Json) -> list[tuple[str, str]]:
    data: dict[str, str] = secret.get("data") or {}
    if ref.key is None:
        return sorted(data.items())
    if ref.key not in data:
        raise ValuesMissing(
            f"Secret {install.meta.namespace}/{ref.secret} has no key {ref.key}; "
            f"it has {', '.join(sorted(data)) or 'none'}; correct spec.values[].secretRef.key"
        )
    return [(ref.key, data[ref.key])]


def _document(install: InstalledPackage, ref: ValuesRef, key: str, encoded: str) -> ValuesDocument:
    source = f"Secret {install.meta.namespace}/{ref.secret} key {key}"
    try:
        return ValuesDocument(source, base64.b64decode(encoded).decode(), key)
    except (binascii.Error, UnicodeDecodeError):
        raise ValuesInvalid(f"{source}: the content is no UTF-8 text; values are YAML") from None
