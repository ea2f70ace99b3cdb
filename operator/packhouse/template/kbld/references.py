"""Replaces image references in a value: texts under a key such as `image`, at any depth.

Pure. A value that came in is never changed: where nothing is replaced the same one goes out, else the maps and lists
on the way to the change are new.
"""

from __future__ import annotations

import re
from typing import Any, Final

from packhouse.template.kbld.locks import Images

_TAG: Final = re.compile(r"[A-Za-z0-9_.-]+")
_SIGN: Final = re.compile(r"[:@]")


def rewrite(value: Any, images: Images) -> Any:
    """The value with each reference that `images` knows replaced."""
    if not images.exact and not images.repositories:
        return value
    if isinstance(value, dict):
        return _map(value, images)
    return _list(value, images) if isinstance(value, list) else value


def _map(value: dict[Any, Any], images: Images) -> dict[Any, Any]:
    changed: dict[Any, Any] | None = None
    for key, old in value.items():
        if isinstance(old, dict):
            new: Any = _map(old, images)
        elif isinstance(old, list):
            new = _list(old, images)
        elif key in images.keys and isinstance(old, str):
            new = _replaced(old, images)
        else:
            continue
        if new is not old:
            if changed is None:
                changed = dict(value)
            changed[key] = new
    return value if changed is None else changed


def _list(value: list[Any], images: Images) -> list[Any]:
    changed: list[Any] | None = None
    for index, old in enumerate(value):
        if isinstance(old, dict):
            new: Any = _map(old, images)
        elif isinstance(old, list):
            new = _list(old, images)
        else:
            continue
        if new is not old:
            if changed is None:
                changed = list(value)
            changed[index] = new
    return value if changed is None else changed


def _replaced(reference: str, images: Images) -> str:
    new = images.exact.get(reference)
    if new is None and images.repositories:
        new = images.repositories.get(repository(reference))
    return reference if new is None else new


def repository(reference: str) -> str:
    """A reference without its tag and its digest, told apart by form alone: "nginx:1@sha256:..." is "nginx"."""
    last_colon = reference.rfind(":", 0, -1)
    for sign in _SIGN.finditer(reference, 1):
        end = sign.start()
        if reference[end] == ":":
            tag = _TAG.match(reference, end + 1)
            if tag is None:
                continue
            end = tag.end()
        # behind the tag is nothing, or a digest: "@", its algorithm, ":" and its digits
        if end == len(reference) or (reference[end] == "@" and last_colon >= end + 2):
            return reference[: sign.start()]
    return reference
