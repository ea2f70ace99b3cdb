"""Rules of package.yaml and metadata.yaml: what an import would refuse or drop, and what people miss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from packhouse.api.errors import InvalidConstraint, UnsupportedStep
from packhouse.authoring.lint.findings import Finding
from packhouse.authoring.lint.subject import Subject
from packhouse.authoring.project import Unreadable, Written
from packhouse.domain import constraints
from packhouse.domain.deploy_step import read_deploy
from packhouse.domain.values_report import nearest
from packhouse.ports import Json

_APP: Final = ("spec", "template", "spec")
_OF_FIELDS: Final = {"version": "package-version", "publicName": "package-name", "refName": "package-name"}

_Path = tuple[str | int, ...]


def refused(error: Unreadable) -> Finding:
    """What ended the reading of a document."""
    rule = "package-name" if error.path == ("metadata", "name") else "package-form"
    if len(error.path) == 2 and error.path[0] == "spec":
        rule = _OF_FIELDS.get(str(error.path[1]), rule)
    return Finding(rule, error.place, error.what)


def unknown_fields(subject: Subject) -> Iterator[Finding]:
    yield from _dropped(subject.project.written, subject.project.package)
    if subject.project.written_metadata is not None:
        yield from _dropped(subject.project.written_metadata, subject.project.metadata or {})


def metadata_name(subject: Subject) -> Iterator[Finding]:
    written, metadata = subject.project.written_metadata, subject.project.metadata
    if written is None or metadata is None:
        return
    name, wanted = metadata["metadata"]["name"], subject.project.view.public_name
    if name != wanted:
        yield Finding(
            "metadata-name",
            written.place("metadata", "name"),
            f"metadata.name is {name}; name it {wanted}, as publicName",
        )


def version_range(subject: Subject) -> Iterator[Finding]:
    selection = subject.project.package["spec"].get("kubernetesVersionSelection") or {}
    for key in ("constraint", "constraints"):
        try:
            constraints.parse(selection.get(key) or "*")
        except InvalidConstraint as error:
            yield Finding("version-range", subject.place("spec", "kubernetesVersionSelection", key), error.message)


def deploy_step(subject: Subject) -> Iterator[Finding]:
    package = subject.project.view
    try:
        read_deploy(package.meta.name, package.deploy)
    except UnsupportedStep as error:
        yield Finding("deploy-step", subject.place(*_APP, "deploy"), error.message)


def fetch_ignored(subject: Subject) -> Iterator[Finding]:
    """A release puts one bundle in the place of whatever is there; other sources would be lost."""
    sources = subject.project.view.fetch
    if len(sources) != 1 or "imgpkgBundle" not in sources[0]:
        named = ", ".join(key for source in sources for key in source if key != "path")
        yield Finding(
            "fetch-ignored",
            subject.place(*_APP, "fetch"),
            f"fetch names {named}, and a release puts the pushed bundle in its place; leave fetch out",
        )


def words_for_people(subject: Subject) -> Iterator[Finding]:
    spec = subject.project.package["spec"]
    told = [spec, (subject.project.metadata or {}).get("spec") or {}]
    if not any(one.get("shortDescription") for one in told):
        yield Finding(
            "description-missing", subject.place("spec"), "shortDescription is missing: say what the package is"
        )
    if not spec.get("licenses"):
        yield Finding(
            "licence-missing", subject.place("spec"), "licenses is missing: name those of the software inside"
        )


def _dropped(written: Written, offered: Json) -> Iterator[Finding]:
    renamed = {"refName"} if "refName" in (written.document.get("spec") or {}) else set()
    for path, known in _lost(written.document.get("spec"), offered.get("spec"), ("spec",)):
        if path[-1] in renamed:
            continue
        near = nearest(str(path[-1]), known)
        hint = f"; did you mean {near}?" if near else ""
        yield Finding("unknown-field", written.place(*path), f"the API knows no field {_dotted(path)}{hint}")


def _lost(before: Any, after: Any, path: _Path) -> Iterator[tuple[_Path, list[str]]]:
    """The fields that reading dropped, each with the names that are known beside it."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from _lost(value, after[key], (*path, key))
            elif value is not None:
                yield (*path, key), _known(path)
    elif isinstance(before, list) and isinstance(after, list):
        for place, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from _lost(one, other, (*path, place))


def _known(path: _Path) -> list[str]:
    """The fields that the API has at a place of a Package."""
    from packhouse.authoring.project import crd_schema

    schema: Any = crd_schema("Package")
    for part in path:
        schema = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
    return list(schema.get("properties", {}))


def _dotted(path: _Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
