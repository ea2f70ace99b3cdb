"""Decides which version a release has, and writes it into package.yaml without touching anything else there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

import yaml

from packhouse.api.errors import InvalidSpec
from packhouse.authoring.project import Project
from packhouse.client.errors import Usage
from packhouse.domain import versions
from packhouse.domain.catalogue import package_name
from packhouse.ports import Json

_VERSION: Final = ("spec", "version")
_NAME: Final = ("metadata", "name")
_CANDIDATE: Final = "rc"


class Part(StrEnum):
    """What of a version goes up. A prerelease becomes its release by `patch`."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    PRERELEASE = "prerelease"


def chosen(current: str, version: str, bump: str) -> str:
    """The version to release; "" for what nobody said. Raises Usage."""
    if version and bump:
        raise Usage("--version and --bump exclude each other", "give one of them")
    if version and not versions.is_version(version):
        raise Usage(f"--version {version} is no semantic version", "write three numbers, as in 1.2.3 or 1.2.3-rc.1")
    if bump and bump not in list(Part):
        raise Usage(f"--bump {bump} is no part of a version", f"give one of {', '.join(Part)}")
    return version or (bumped(current, Part(bump)) if bump else current)


def bumped(version: str, part: Part) -> str:
    """The next version; build metadata stays behind. 1.2.0 has the next prerelease 1.2.1-rc.1, and that one 1.2.1."""
    import semver

    read = semver.Version.parse(version)
    words = [word for word in (read.prerelease or "").split(".") if word and not word.isdigit()]
    return str(read.next_version(part.value, prerelease_token=words[0] if words else _CANDIDATE))


def with_version(project: Project, version: str) -> Project:
    """The project as it is after the release; the folder stays as it is."""
    package = project.package
    spec = {**package["spec"], "version": version}
    name = package_name(spec["publicName"], version)
    return replace(project, package={**package, "metadata": {**package["metadata"], "name": name}, "spec": spec})


def rewritten(text: str, document: Json, version: str) -> str:
    """package.yaml with another version, and with the name that follows from it where it has one. All other bytes
    stay. `document`: what `text` says. Raises InvalidSpec where that cannot be done."""
    spec = document["spec"]
    changes = {_VERSION: version}
    if "name" in (document.get("metadata") or {}):
        changes[_NAME] = package_name(spec.get("publicName", spec.get("refName")), version)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    places = {_place(text, root, path): new for path, new in changes.items()}
    # from behind, so that the places before stay where they are
    for (begin, end), new in sorted(places.items(), reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def _place(text: str, root: Any, path: Sequence[str]) -> tuple[int, int]:
    """Where the value stands, without its quotes."""
    node = root
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for name, value in pairs if name.value == key), None)
    if isinstance(node, yaml.ScalarNode):
        quote = len(node.style or "")
        begin, end = node.start_mark.index + quote, node.end_mark.index - quote
        if text[begin:end] == node.value:
            return begin, end
    raise InvalidSpec(f"{'.'.join(path)} of package.yaml cannot be replaced; write it as a plain text on its own line")
