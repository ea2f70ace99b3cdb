"""Kubernetes objects as plain values: their identity, their digest, the marks that say whose they are.

Pure: no clock, no network. Called by plan, inventory and the stages.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from packhouse.api.names import OWNER_ANNOTATION, OWNER_LABEL
from packhouse.ports import Json, Kind, Ref

SECRET: Final = Kind("", "v1", "Secret")
DIGEST_CHARACTERS: Final = 16
OWNER_LABEL_CHARACTERS: Final = 32

_API_VERSION: Final = re.compile(r"(?:[a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[a-z0-9][a-z0-9-]*")
_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_NO_SEGMENT: Final = frozenset("/%?#\\ \t\r\n\0")


def kind_of(obj: Json) -> Kind:
    group, _, version = obj["apiVersion"].rpartition("/")
    return Kind(group, version, obj["kind"])


def ref_of(obj: Json) -> Ref:
    metadata = obj["metadata"]
    return Ref(kind_of(obj), metadata.get("namespace") or "", metadata["name"])


def unusable(obj: Json) -> str | None:
    """Why an object cannot be named in a request or in the inventory; None where it can.

    What a template wrote becomes a part of paths: it must not lead to another one.
    """
    metadata = obj["metadata"]
    if not _API_VERSION.fullmatch(obj["apiVersion"]):
        return f"apiVersion {obj['apiVersion']!r} is none; write it as v1 or apps/v1"
    if not _KIND.fullmatch(obj["kind"]):
        return f"kind {obj['kind']!r} is none; kinds are letters and digits"
    for path in ("name", "namespace"):
        word = metadata.get(path) or ""
        if word and not is_name(word):
            return f"metadata.{path} {word!r} is no name; it must not hold / % ? # or blanks, nor be . or .."
    return None


def is_name(word: str) -> bool:
    """Whether it can be one part of a path, and leads to no other one."""
    return bool(word) and word not in (".", "..") and _NO_SEGMENT.isdisjoint(word)


def canonical(value: Any) -> Any:
    """`value` as the API server would give it back: no nulls in maps, and 1.0 is 1."""
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def digest(value: Any) -> str:
    """A short digest of a JSON value that does not depend on key order, nulls or number notation."""
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]


def managed_digest(obj: Json, manager: str) -> str:
    """A short digest of what `manager` holds of a live object; "" where it holds nothing.

    Taken from managedFields, whose times are left out: it changes when a field of ours is removed or taken over by
    another writer, and by nothing else (generation and resourceVersion also move for others' fields).
    """
    entries = [
        {"apiVersion": entry.get("apiVersion"), "fields": entry.get("fieldsV1")}
        for entry in obj["metadata"].get("managedFields") or []
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    ]
    try:
        return digest(entries) if entries else ""
    except RecursionError:  # whoever makes a custom resource may nest it so: it must not hide all others from a watch
        return digest("it nests too deep")


def owner_label(owner: str) -> str:
    """The label value that selects everything of one install ("namespace/name")."""
    return hashlib.sha256(owner.encode()).hexdigest()[:OWNER_LABEL_CHARACTERS]


def owner_of(obj: Json) -> str | None:
    """The install ("namespace/name") that an object says it belongs to."""
    owner = (obj["metadata"].get("annotations") or {}).get(OWNER_ANNOTATION)
    return str(owner) if owner else None


def has_owner_label(obj: Json, owner: str) -> bool:
    return bool((obj["metadata"].get("labels") or {}).get(OWNER_LABEL) == owner_label(owner))


def owned(obj: Json, owner: str) -> Json:
    """`obj` with the owner's marks; the rest is shared with the original, which stays as it is."""
    metadata = obj["metadata"]
    return {
        **obj,
        "metadata": {
            **metadata,
            "labels": {**(metadata.get("labels") or {}), OWNER_LABEL: owner_label(owner)},
            "annotations": {**(metadata.get("annotations") or {}), OWNER_ANNOTATION: owner},
        },
    }


def as_stored(obj: Json) -> Json:
    """A Secret with its stringData where the API server keeps it: who owns stringData owns nothing of what is stored,
    and would not hear of changes to it. Other objects, and what the API server will refuse, as they are."""
    texts = obj.get("stringData")
    if kind_of(obj) != SECRET or not isinstance(texts, dict) or not isinstance(obj.get("data") or {}, dict):
        return obj
    if not all(isinstance(text, str) for text in texts.values()):
        return obj
    data = {**(obj.get("data") or {}), **{key: b64encode(text.encode()).decode() for key, text in texts.items()}}
    return {**{key: value for key, value in obj.items() if key != "stringData"}, "data": data}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where namespaced objects go: all `into` one namespace, or from one namespace to another, or where they say.

    `default` is for those that name none.
    """

    default: str
    into: str = ""
    moved: Mapping[str, str] = field(default_factory=dict)

    def placed(self, obj: Json, *, namespaced: bool) -> Json:
        """`obj` where it belongs; kinds without namespaces lose theirs."""
        metadata = obj["metadata"]
        named = metadata.get("namespace")
        if namespaced:
            namespace = self.into or self.moved.get(named or self.default, named or self.default)
            return obj if namespace == named else {**obj, "metadata": {**metadata, "namespace": namespace}}
        if named is None:
            return obj
        return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "namespace"}}
