"""Documents that say which image stands for which: the ImagesLock of a bundle, and kbld's own Config.

Pure. What would ask for a build or a registry is refused here; what is for people only is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from packhouse.api.errors import TemplateFailed, UnsupportedStep
from packhouse.domain.type_names import type_name
from packhouse.template.documents import Document

_LOCK: Final = ("imgpkg.carvel.dev/v1alpha1", "ImagesLock")
_CONFIG_API: Final = "kbld.k14s.io/v1alpha1"
_CONFIG_KINDS: Final = frozenset({"Config", "ImageOverrides", "ImageKeys", "ImageDestinations", "Sources"})
_LOCK_FILE: Final = ".imgpkg/images.yml"
_ID: Final = "kbld.carvel.dev/id"
#: What a Config may hold. Destinations matter to a build alone.
_PASSED_OVER: Final = frozenset({"apiVersion", "kind", "metadata", "minimumRequiredVersion", "destinations"})


@dataclass(slots=True)
class Images:
    """`exact` by the whole reference, `repositories` by the reference without tag and digest; the first one counts."""

    exact: dict[str, str] = field(default_factory=dict)
    repositories: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=lambda: {"image"})


def is_lock(document: Document) -> bool:
    """Whether a document is for this step alone, and no object for the cluster."""
    value = document.value
    if not isinstance(value, dict):
        return False
    kind = value.get("kind")
    if kind is None and "apiVersion" not in value:
        return document.file.endswith(_LOCK_FILE)  # imgpkg's own file needs not say what it is
    return (value.get("apiVersion"), kind) == _LOCK or (
        value.get("apiVersion") == _CONFIG_API and isinstance(kind, str) and kind in _CONFIG_KINDS
    )


def read_lock(document: Document, images: Images) -> None:
    """Adds what the document says. Raises TemplateFailed for another form, UnsupportedStep."""
    value = document.value
    if value.get("apiVersion") == _CONFIG_API:
        _read_config(document, value, images)
        return
    # the first bundles had the list under spec
    spec = value.get("spec")
    entries = spec.get("images") if isinstance(spec, dict) and "images" not in value else value.get("images")
    for index, entry in enumerate(_list(document, entries, "images")):
        place = f"images[{index}]"
        new = _text(document, entry.get("image"), f"{place}.image")
        annotations = entry.get("annotations") or {}
        name = annotations.get(_ID) if isinstance(annotations, dict) else None
        if name is not None:  # without it nobody can mean the image by another name
            images.exact.setdefault(_text(document, name, f"{place}.annotations[{_ID!r}]"), new)


def _read_config(document: Document, config: dict[str, Any], images: Images) -> None:
    for index, entry in enumerate(_list(document, config.get("overrides"), "overrides")):
        place = f"overrides[{index}]"
        if entry.get("tagSelection") is not None:
            raise UnsupportedStep(f"{document.place}: {place}.tagSelection would ask a registry: name the image by tag")
        new = _text(document, entry.get("newImage"), f"{place}.newImage")
        if entry.get("image"):
            images.exact.setdefault(_text(document, entry["image"], f"{place}.image"), new)
        else:
            images.repositories.setdefault(_text(document, entry.get("imageRepo"), f"{place}.imageRepo"), new)
    keys = config.get("keys") or []
    if not isinstance(keys, list):
        raise _invalid(document, "keys", "a list", keys)
    images.keys.update(_text(document, key, f"keys[{index}]") for index, key in enumerate(keys))
    for name in config:
        if name not in _PASSED_OVER and name not in ("overrides", "keys") and config[name]:
            raise UnsupportedStep(
                f"{document.place}: {name} of a kbld {config['kind']} is not supported by this version of packhouse: "
                "supported are overrides and keys"
            )


def _list(document: Document, value: Any, path: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _invalid(document, path, "a list", value)
    for index, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise _invalid(document, f"{path}[{index}]", "a map", entry)
    return value


def _text(document: Document, value: Any, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise _invalid(document, path, "a text that is not empty", value)
    return value


def _invalid(document: Document, path: str, expected: str, found: Any) -> TemplateFailed:
    return TemplateFailed(f"{document.place}: {path} must be {expected}, found {type_name(found)}")
