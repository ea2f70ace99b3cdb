"""The objects that an install is made of, as the command line writes them: pure, nothing is asked or written.

Called by making and by the verbs that install and change. Whatever is made for one install carries marks that say so,
and only what carries them is taken away with it.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from packhouse.api.names import (
    DOWNGRADABLE,
    INSTALL_API,
    INSTALL_GROUP,
    INSTALLED_PACKAGE,
    KICKED_AT,
    MADE_FOR,
    VERSION,
)
from packhouse.domain.objects import owner_label
from packhouse.ports import Json, Kind, Ref

INSTALL: Final = Kind(INSTALL_GROUP, VERSION, INSTALLED_PACKAGE)
SECRET: Final = Kind("", "v1", "Secret")
NAMESPACE: Final = Kind("", "v1", "Namespace")

#: The one key of a values Secret; several texts are values-1.yml, values-2.yml ..., for keys are read in their order.
VALUES_KEY: Final = "values.yml"
VALUES_SUFFIX: Final = "-values"


def ref(namespace: str, name: str) -> Ref:
    return Ref(INSTALL, namespace, name)


# ---- marks -------------------------------------------------------------------------------------------------


def marked(obj: Json, namespace: str, name: str) -> Json:
    """`obj` as made for that install; the original stays as it is."""
    metadata, owner = obj["metadata"], f"{namespace}/{name}"
    return {
        **obj,
        "metadata": {
            **metadata,
            "labels": {**(metadata.get("labels") or {}), MADE_FOR: owner_label(owner)},
            "annotations": {**(metadata.get("annotations") or {}), MADE_FOR: owner},
        },
    }


def unmarked(obj: Json) -> Json:
    """`obj` as one that nobody takes away."""
    metadata = obj["metadata"]
    marks = {
        field: {key: value for key, value in (metadata.get(field) or {}).items() if key != MADE_FOR}
        for field in ("labels", "annotations")
    }
    return {**obj, "metadata": {**metadata, **marks}}


def selector(namespace: str, name: str) -> str:
    """What selects all that was made for that install."""
    return f"{MADE_FOR}={owner_label(f'{namespace}/{name}')}"


def is_made_for(obj: Json, namespace: str, name: str) -> bool:
    return bool((obj["metadata"].get("annotations") or {}).get(MADE_FOR) == f"{namespace}/{name}")


# ---- objects -----------------------------------------------------------------------------------------------


def namespace_object(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def values_secret(namespace: str, install: str, texts: Sequence[str], *, name: str = "") -> Json:
    """The Secret with these texts, in this order; `name` where the usual one is taken."""
    return marked(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name or f"{install}{VALUES_SUFFIX}", "namespace": namespace},
            "type": "Opaque",
            "stringData": dict(zip(values_keys(len(texts)), texts, strict=True)),
        },
        namespace,
        install,
    )


def values_keys(count: int) -> list[str]:
    """The keys of so many texts, in an order that is that of their names."""
    if count == 1:
        return [VALUES_KEY]
    digits = len(str(count))
    stem, dot, ending = VALUES_KEY.partition(".")
    return [f"{stem}-{number:0{digits}}{dot}{ending}" for number in range(1, count + 1)]


def texts_of(secret: Json) -> list[str]:
    """What the command line wrote into a Secret, as it did."""
    return [base64.b64decode(text).decode() for _, text in sorted((secret.get("data") or {}).items())]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an install is asked to be. `package_ref` is that of the spec."""

    namespace: str
    name: str
    account: str
    package_ref: Json
    secrets: Sequence[str] = ()
    repositories: Sequence[str] = ()
    sync_period: str | None = None
    default_namespace: str | None = None


def installed_package(wanted: Wanted) -> Json:
    package_ref = dict(wanted.package_ref)
    if wanted.repositories:
        package_ref["repositories"] = list(wanted.repositories)
    spec: Json = {"serviceAccountName": wanted.account, "packageRef": package_ref}
    if wanted.secrets:
        spec["values"] = [{"secretRef": {"name": secret}} for secret in wanted.secrets]
    if wanted.sync_period is not None:
        spec["syncPeriod"] = wanted.sync_period
    if wanted.default_namespace is not None:
        spec["defaultNamespace"] = wanted.default_namespace
    return {
        "apiVersion": INSTALL_API,
        "kind": INSTALLED_PACKAGE,
        "metadata": {"name": wanted.name, "namespace": wanted.namespace},
        "spec": spec,
    }


# ---- changes -----------------------------------------------------------------------------------------------


def with_spec(install: Json, **fields: object) -> Json:
    """The install with these fields of its spec; None takes one away."""
    spec = {key: value for key, value in {**install["spec"], **fields}.items() if value is not None}
    return {**install, "spec": spec}


def with_annotation(install: Json, key: str, value: str) -> Json:
    metadata = install["metadata"]
    annotations = {**(metadata.get("annotations") or {}), key: value}
    return {**install, "metadata": {**metadata, "annotations": annotations}}


def of_version(install: Json, package_ref: Json) -> Json:
    """The install with another version of its package; the repositories that it trusts stay."""
    before = install["spec"].get("packageRef") or {}
    kept = {key: before[key] for key in ("repositories",) if key in before}
    return with_spec(install, packageRef={**package_ref, **kept})


def at_version(install: Json, version: str) -> Json:
    """The install with this version in the place of the one that it names; what else it says of versions stays."""
    package_ref = dict(install["spec"]["packageRef"])
    if "version" in package_ref:
        package_ref["version"] = version
    else:
        package_ref["versionSelection"] = {**(package_ref.get("versionSelection") or {}), "constraint": version}
    return with_spec(install, packageRef=package_ref)


def downgradable(install: Json) -> Json:
    return with_annotation(install, DOWNGRADABLE, "")


def kicked(install: Json, at: str) -> Json:
    """`at`: any word that it did not have before, such as the time."""
    return with_annotation(install, KICKED_AT, at)


def with_values_from(install: Json, secret: str, *, in_place_of: Collection[str] = ()) -> Json:
    """The install with `secret` in the place of others, else as the last of its values, which wins."""
    entries: list[Json] = list(install["spec"].get("values") or ())
    places = [number for number, entry in enumerate(entries) if secret_name(entry) in in_place_of]
    place = places[0] if places else len(entries)
    before, after = entries[:place], [entry for entry in entries[place:] if secret_name(entry) not in in_place_of]
    return with_spec(install, values=[*before, {"secretRef": {"name": secret}}, *after])


def secret_name(entry: Mapping[str, Json]) -> str:
    return str((entry.get("secretRef") or {}).get("name") or "")


def secret_names(install: Json) -> list[str]:
    """The Secrets of the install's values, in their order."""
    return [name for entry in install["spec"].get("values") or () if (name := secret_name(entry))]


def operations(before: Json, after: Json) -> list[Json]:
    """The JSON patch from one state of an object to another: of its labels, annotations, and all but status."""
    found = _operations("", _content(before), _content(after))
    marks = [{key: obj["metadata"].get(key) or {} for key in ("labels", "annotations")} for obj in (before, after)]
    return found + _operations("/metadata", *marks)


def _content(obj: Json) -> Json:
    return {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata", "status")}


def _operations(path: str, before: Json, after: Json) -> list[Json]:
    written = [
        {"op": "add", "path": f"{path}/{key}", "value": value}
        for key, value in after.items()
        if value != before.get(key)
    ]
    return written + [{"op": "remove", "path": f"{path}/{key}"} for key in before if key not in after]
