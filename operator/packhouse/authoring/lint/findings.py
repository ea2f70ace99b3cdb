"""The rules, each with its level and a sentence, and what a check says when one is broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from packhouse.authoring.project import Place
from packhouse.ports import Json


class Level(StrEnum):
    #: A repository, the operator or the API server will refuse it.
    ERROR = "error"
    #: It works today, or for some, and not as it should.
    WARNING = "warning"
    #: It would serve those who use the package.
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Rule:
    level: Level
    says: str


_E, _W, _H = Level.ERROR, Level.WARNING, Level.HINT

#: docs/howto/authoring.md has a row for each.
RULES: Final[Mapping[str, Rule]] = {
    # package.yaml and metadata.yaml
    "package-form": Rule(_E, "The documents have the fields and types of the API."),
    "package-name": Rule(_E, "publicName is a DNS name with a dot; metadata.name, where given, follows from it."),
    "package-version": Rule(_E, "version is a semantic version, without a leading v."),
    "metadata-name": Rule(_E, "The PackageMetadata is named as publicName says."),
    "unknown-field": Rule(_W, "No field that the API does not know: it would be dropped."),
    "version-range": Rule(_E, "kubernetesVersionSelection can be read as a range of versions."),
    "deploy-step": Rule(_E, "The options of the deploy step are known."),
    "fetch-ignored": Rule(_W, "No source of its own in package.yaml: a release puts the pushed bundle there."),
    "description-missing": Rule(_H, "shortDescription says what the package is."),
    "licence-missing": Rule(_H, "licenses names the licences of the software."),
    # values
    "schema-missing": Rule(_W, "A package that takes values says which."),
    "schema-invalid": Rule(_E, "The schema of the values is an OpenAPI v3 schema."),
    "schema-default": Rule(_E, "A default is of the type that the schema asks for."),
    "schema-description": Rule(_H, "Each key says what it is for."),
    "schema-differs": Rule(_W, "valuesSchema names the keys that the ytt schema of the files names."),
    "value-unknown": Rule(_W, "Templates use values that the schema names."),
    "value-unused": Rule(_H, "Each key of the schema is used by a template."),
    # rendering
    "render-failed": Rule(_E, "Every case of the tests renders."),
    "render-warning": Rule(_W, "Rendering a case warns of nothing."),
    "defaults-fail": Rule(_W, "A package without tests renders with its defaults."),
    "tests-missing": Rule(_H, "There is a case below tests/, and each says what is expected."),
    # images
    "image-unlocked": Rule(_W, "Images are named by digest, or locked in .imgpkg/images.yml."),
    "lock-unread": Rule(_E, "The lock names each image by its digest."),
    "lock-unapplied": Rule(_W, "A kbld step reads the lock, where there is one."),
    "lock-unused": Rule(_H, "Each image of the lock is used by an object that some case renders."),
    # objects
    "api-removed": Rule(_E, "The API versions of the objects are served by the Kubernetes version that is aimed at."),
    "api-deprecated": Rule(_W, "No API version that Kubernetes is about to remove."),
    "namespace-fixed": Rule(_W, "No namespace is written into a template: objects go where the install says."),
    "selector-missing": Rule(_E, "A workload selects its own pods."),
    "service-selector": Rule(_H, "A Service selects pods, or endpoints of its name are there."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that breaks a rule."""

    rule: str
    place: Place
    message: str

    @property
    def level(self) -> Level:
        return RULES[self.rule].level

    @property
    def as_json(self) -> Json:
        """A line of 0: the file as a whole."""
        place = {"file": self.place.file, "line": self.place.line}
        return {"rule": self.rule, "level": self.level.value, **place, "message": self.message}
