"""Decides what a repository bundle offers: its files become catalogue documents of our own API, or faults.

Run by the renderer's worker, since bundles are written by others. Two shapes are accepted, and `data.packaging` ones
are converted. One bad document never hides a good one, not even in the same file. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from packhouse.api.errors import BundleInvalid
from packhouse.api.names import DATA_PACKAGING_API, INSTALL_GROUP, PACKAGE, PACKAGE_API, PACKAGE_METADATA
from packhouse.domain import versions, yaml_text
from packhouse.domain.bundle_lines import Lines
from packhouse.domain.bundle_schema import Problem, Shape
from packhouse.domain.catalogue import package_name
from packhouse.ports import BundleContent, BundleFault, Json

_FOLDER: Final = "packages/"
_SUFFIXES: Final = (".yml", ".yaml", ".json")
_APIS: Final = (PACKAGE_API, DATA_PACKAGING_API)
_KINDS: Final = (PACKAGE, PACKAGE_METADATA)
_ACCEPTED: Final = f"accepted are {' and '.join(_KINDS)} of {' or '.join(_APIS)}"

_NAME_MOST: Final = 253
_MESSAGE_MOST: Final = 1000
_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_MARK: Final = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)")
_DOCUMENT_BREAK: Final = re.compile(r"(?m)^(?=---(?:\s|$))")
_PLACED: Final = re.compile(r":(\d+): (.*)", re.DOTALL)

#: Annotations that a publisher cannot set: ours, and what kubectl leaves behind.
_NOT_KEPT: Final = (f"{INSTALL_GROUP}/", "kubectl.kubernetes.io/last-applied-configuration")


@dataclass(frozen=True, slots=True)
class _Found:
    """One good document and where it stood."""

    file: str
    line: int
    document: Json


def read_bundle(files: Mapping[str, bytes], schemas: Mapping[str, Json]) -> BundleContent:
    """The documents below packages/ (or of the whole bundle where that folder is missing), in the order of paths.

    `schemas`: kind -> openAPIV3Schema of its CRD; a kind without one is checked for names and steps only.
    """
    shapes = {kind: Shape(schema) for kind, schema in schemas.items()}
    found: list[_Found] = []
    faults: list[BundleFault] = []
    for file in _chosen(files):
        try:
            text = files[file].decode("utf-8-sig")
        except UnicodeDecodeError:
            faults.append(BundleFault(file, 1, "is no UTF-8 text: save it as UTF-8"))
            continue
        lines = Lines(text)
        for line, value in _documents(file, text, faults):
            try:
                found.append(_Found(file, line, read_document(value, shapes)))
            except Problem as problem:
                faults.append(BundleFault(file, lines.of(line, problem.path), problem.message))
    kept, conflicts = _without_conflicts(found)
    faults += conflicts
    return BundleContent(kept, sorted(map(_short, faults), key=lambda fault: (fault.file, fault.line)))


def _short(fault: BundleFault) -> BundleFault:
    """A message quotes what it refuses, and that may be megabytes."""
    if len(fault.message) <= _MESSAGE_MOST:
        return fault
    return replace(fault, message=f"{fault.message[: _MESSAGE_MOST // 2]} ... {fault.message[-_MESSAGE_MOST // 2 :]}")


def _chosen(files: Mapping[str, bytes]) -> Sequence[str]:
    in_folder = any(file.startswith(_FOLDER) for file in files)
    return sorted(
        file
        for file in files
        if file.endswith(_SUFFIXES)
        and (file.startswith(_FOLDER) if in_folder else not any(part.startswith(".") for part in file.split("/")))
    )


def _documents(file: str, text: str, faults: list[BundleFault]) -> Iterator[tuple[int, Any]]:
    """The documents of a file; where one cannot be read, its neighbours still can."""
    try:
        yield from yaml_text.load_all(text, "", BundleInvalid)
        return
    except BundleInvalid as error:
        whole = error.message
    parts = _DOCUMENT_BREAK.split(text)
    if len(parts) == 1:
        faults.append(_unreadable(file, whole, 1))
        return
    line = 0
    for part in parts:
        try:
            yield from yaml_text.load_all("\n" * line + part, "", BundleInvalid)
        except BundleInvalid as error:
            faults.append(_unreadable(file, error.message, line + 1))
        line += part.count("\n")


def _unreadable(file: str, message: str, line: int) -> BundleFault:
    """`message` is what yaml_text says for an empty source: ":line: reason", or ": reason"."""
    placed = _PLACED.fullmatch(message)
    return BundleFault(file, int(placed[1]), placed[2]) if placed else BundleFault(file, line, message.lstrip(": "))


def read_document(value: Any, shapes: Mapping[str, Shape]) -> Json:
    """One document, converted, pruned and checked. Raises Problem."""
    if not isinstance(value, dict):
        raise Problem((), "a Package or a PackageMetadata (a map) is expected")
    api, kind = value.get("apiVersion"), value.get("kind")
    if kind not in _KINDS:
        raise Problem(("kind",), f"kind {kind!r} ({api}) has no place in a repository: {_ACCEPTED}")
    if api not in _APIS:
        raise Problem(("apiVersion",), f"{kind} of {api!r} is not known: {_ACCEPTED}")
    converted = {
        "apiVersion": PACKAGE_API,
        "kind": kind,
        "metadata": _metadata(value.get("metadata"), kind),
        "spec": _spec(value.get("spec"), kind, api),
    }
    named = f"{kind} {converted['metadata']['name']}"
    try:
        shape = shapes.get(kind)
        document = converted if shape is None else shape.fitted(converted)
        if kind == PACKAGE:
            return _checked_package(document, "publicName" if api == PACKAGE_API else "refName")
        _check_name(document["metadata"]["name"], ("metadata", "name"))
    except Problem as problem:
        raise Problem(problem.path, f"{named}: {problem.message}") from None
    return document


def _metadata(metadata: Any, kind: str) -> Json:
    """Name, labels and annotations; namespace and all that a server wrote are left out."""
    if not isinstance(metadata, dict):
        raise Problem((), f"{kind}: metadata is missing")
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        raise Problem(("metadata",), f"{kind}: metadata.name must be a text")
    kept: Json = {"name": name}
    for marks in ("labels", "annotations"):
        entries = metadata.get(marks) or {}
        if not isinstance(entries, dict):
            raise Problem(("metadata", marks), f"{kind} {name}: metadata.{marks} must be a map")
        entries = {key: entry for key, entry in entries.items() if not key.startswith(_NOT_KEPT)}
        for key, entry in entries.items():
            path = ("metadata", marks, key)
            if not isinstance(entry, str):
                raise Problem(path, f"{kind} {name}: metadata.{marks}[{key!r}] must be a text: quote it")
            if not _MARK.fullmatch(key.rpartition("/")[2]) or (not _MARK.fullmatch(entry or "x") and marks == "labels"):
                raise Problem(path, f"{kind} {name}: metadata.{marks}[{key!r}] is not a valid key or label value")
        if entries:
            kept[marks] = entries
    return kept


def _spec(spec: Any, kind: str, api: str) -> Json:
    if not isinstance(spec, dict):
        raise Problem((), f"{kind}: spec is missing")
    if kind != PACKAGE or api != DATA_PACKAGING_API:
        return spec
    rest = {key: value for key, value in spec.items() if key not in ("refName", "publicName")}
    return {"publicName": spec["refName"], **rest} if "refName" in spec else rest


def _checked_package(package: Json, named_by: str) -> Json:
    """The package under its computed name, which the document's own must agree with. `named_by`: what the document's
    shape calls the public name."""
    spec = package["spec"]
    public_name, version = spec.get("publicName"), spec.get("version")
    for key, value in (("publicName", public_name), ("version", version)):
        if not isinstance(value, str) or not value:
            raise Problem(("spec", key), f"spec.{key} must be a text" + (": quote it" if value else ""))
    _check_name(public_name, ("spec", "publicName"))
    if not versions.is_version(version):
        raise Problem(("spec", "version"), f"spec.version {version!r} is no semantic version (write it like 1.2.3)")
    name = package_name(public_name, version)
    if package["metadata"]["name"] not in (f"{public_name}.{version}", name):
        raise Problem(
            ("metadata", "name"), f"metadata.name must be {named_by}.version, which is {public_name}.{version}"
        )
    _check_name(name, ("metadata", "name"))
    _check_steps(spec)
    return {**package, "metadata": {**package["metadata"], "name": name}}


def _check_name(name: str, path: Sequence[str]) -> None:
    if len(name) > _NAME_MOST or not _NAME.fullmatch(name) or "." not in name:
        raise Problem(
            path,
            f"{'.'.join(path)} {name[:80]!r} must be a DNS name with a dot in it, of {_NAME_MOST} characters at most",
        )


def _check_steps(spec: Json) -> None:
    """What the CRD says by CEL rules: at least one source, one word per source, one way to deploy."""
    path = ("spec", "template", "spec")
    template: Any = spec
    for part in path[1:]:
        template = template.get(part) if isinstance(template, dict) else None
    if not isinstance(template, dict):
        raise Problem(path[:2], "spec.template.spec is missing")
    fetch, deploy = template.get("fetch"), template.get("deploy")
    if not isinstance(fetch, list) or not fetch:
        raise Problem((*path, "fetch"), "spec.template.spec.fetch needs at least one source")
    for index, source in enumerate(fetch):
        kinds = sorted(set(source) - {"path"}) if isinstance(source, dict) else []
        if len(kinds) != 1:
            found = f"found {', '.join(kinds)}" if kinds else "found none that is known"
            raise Problem((*path, "fetch", index), f"spec.template.spec.fetch[{index}] must name one source, {found}")
    if not isinstance(deploy, list) or len(deploy) != 1:
        raise Problem((*path, "deploy"), "spec.template.spec.deploy must hold exactly one step, kapp")
    if not isinstance(deploy[0], dict) or "kapp" not in deploy[0]:
        raise Problem((*path, "deploy", 0), "spec.template.spec.deploy[0] must be kapp, the only way to deploy")


def _without_conflicts(found: Sequence[_Found]) -> tuple[list[Json], list[BundleFault]]:
    """Of equal documents one; of documents that share a name and differ none, and a fault for each."""
    groups: dict[tuple[str, str], list[_Found]] = {}
    for entry in found:
        groups.setdefault((entry.document["kind"], entry.document["metadata"]["name"]), []).append(entry)
    kept: list[Json] = []
    faults: list[BundleFault] = []
    for (kind, name), entries in groups.items():
        first = entries[0]
        if all(entry.document == first.document for entry in entries):
            kept.append(first.document)
            continue
        for entry in entries:
            other = entries[1] if entry is first else first
            where = f"{other.file}:{other.line}"
            message = (
                f"{kind} {name} is also in {where}, with other content: keep one of them, or give them versions apart"
            )
            faults.append(BundleFault(entry.file, entry.line, message))
    return kept, faults
