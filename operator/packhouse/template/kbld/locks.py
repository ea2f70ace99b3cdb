"""Documents that say which image stands for which and where images stand: an ImagesLock, and kbld's own Config.

Pure. What would ask for a build is refused here; what is for people only is passed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from packhouse.api.errors import TemplateFailed, UnsupportedStep
from packhouse.domain.type_names import type_name
from packhouse.domain.yaml_text import load_all
from packhouse.template.documents import Document
from packhouse.template.kbld.references import NESTED_MOST
from packhouse.template.kbld.rules import ANY_PLACE, IMAGE_KEY, Rule, Rules, Strategy, repository

_LOCK: Final = ("imgpkg.carvel.dev/v1alpha1", "ImagesLock")
_CONFIG_API: Final = "kbld.k14s.io/v1alpha1"
_CONFIG_KINDS: Final = frozenset({"Config", "ImageOverrides", "ImageKeys", "ImageDestinations", "Sources"})
_LOCK_FILE: Final = ".imgpkg/images.yml"
_ID: Final = "kbld.carvel.dev/id"
_ORIGINS: Final = "kbld.carvel.dev/origins"
#: What a Config may hold. Destinations matter to a build alone.
_PASSED_OVER: Final = frozenset({"apiVersion", "kind", "metadata", "minimumRequiredVersion", "destinations"})
_READ: Final = ("overrides", "keys", "searchRules", "imagesAnnotation")


@dataclass(frozen=True, slots=True)
class Override:
    """What stands for an image. `preresolved`: it is the reference to use, with no further question."""

    new: str
    place: str
    preresolved: bool = False
    selection: str = ""  # tagSelection as JSON
    origins: tuple[Any, ...] = ()


@dataclass(slots=True)
class Images:
    """`exact` by the whole reference, `repositories` by the reference without tag and digest; the first one counts."""

    exact: dict[str, tuple[int, Override]] = field(default_factory=dict)
    repositories: dict[str, tuple[int, Override]] = field(default_factory=dict)
    keys: list[Rule] = field(default_factory=list)
    searched: list[Rule] = field(default_factory=list)
    annotated: bool = False
    _order: int = 0

    def add(self, image: str, repo: str, override: Override) -> None:
        self._order += 1
        if image:
            self.exact.setdefault(image, (self._order, override))
        else:
            self.repositories.setdefault(repo, (self._order, override))

    def find(self, reference: str) -> Override | None:
        found = [self.exact.get(reference)]
        if self.repositories:
            found.append(self.repositories.get(repository(reference)))
        named = [one for one in found if one is not None]
        return min(named, key=lambda one: one[0])[1] if named else None

    @property
    def rules(self) -> Rules:
        """Keys go before search rules, and the key `image` is looked for last: other rules may speak of it first."""
        return Rules.of([*self.keys, *self.searched, IMAGE_KEY])

    @property
    def is_empty(self) -> bool:
        return not self.exact and not self.repositories


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
            name = _text(document, name, f"{place}.annotations[{_ID!r}]")
            origins = _origins(annotations.get(_ORIGINS))
            images.add(name, "", Override(new, f"{document.place}: {place}", preresolved=True, origins=origins))


def _read_config(document: Document, config: dict[str, Any], images: Images) -> None:
    for name in config:
        if name not in _PASSED_OVER and name not in _READ and config[name]:
            raise UnsupportedStep(
                f"{document.place}: {name} of a kbld {config['kind']} is not supported by this version of packhouse: "
                f"supported are {', '.join(_READ)}"
            )
    for index, entry in enumerate(_list(document, config.get("overrides"), "overrides")):
        _read_override(document, entry, f"overrides[{index}]", images)
    keys = config.get("keys") or []
    if not isinstance(keys, list):
        raise _invalid(document, "keys", "a list", keys)
    images.keys += [Rule(name=_text(document, key, f"keys[{index}]")) for index, key in enumerate(keys)]
    images.searched += _rules(document, config.get("searchRules"), "searchRules", 0)
    if (asked := config.get("imagesAnnotation")) is not None:
        if not isinstance(asked, bool):
            raise _invalid(document, "imagesAnnotation", "true or false", asked)
        images.annotated = asked


def _read_override(document: Document, entry: dict[str, Any], place: str, images: Images) -> None:
    if entry.get("platformSelection") is not None:
        raise UnsupportedStep(
            f"{document.place}: {place}.platformSelection is not supported by this version of packhouse: "
            "name the image of the platform by its digest"
        )
    image, repo = entry.get("image"), ""
    if not image:
        repo = _text(document, entry.get("imageRepo"), f"{place}.imageRepo")
    override = Override(
        new=_text(document, entry.get("newImage"), f"{place}.newImage"),
        place=f"{document.place}: {place}",
        preresolved=entry.get("preresolved") is True,
        selection=_selection(document, entry.get("tagSelection"), f"{place}.tagSelection"),
    )
    images.add(_text(document, image, f"{place}.image") if image else "", repo, override)


def _selection(document: Document, value: Any, place: str) -> str:
    """A tagSelection, checked as far as its form goes, in one spelling."""
    if value is None:
        return ""
    if not isinstance(value, dict) or set(value) != {"semver"} or not isinstance(value["semver"] or {}, dict):
        raise _invalid(document, place, "a map with semver alone", value)
    semver = value["semver"] or {}
    if not isinstance(semver.get("constraints", ""), str):
        raise _invalid(document, f"{place}.semver.constraints", "a text", semver["constraints"])
    prereleases = semver.get("prereleases")
    if prereleases is not None and not (
        isinstance(prereleases, dict) and isinstance(prereleases.get("identifiers") or [], list)
    ):
        raise _invalid(document, f"{place}.semver.prereleases", "a map with identifiers", prereleases)
    if unknown := sorted(set(semver) - {"constraints", "prereleases"}):
        raise UnsupportedStep(f"{document.place}: {place}.semver.{unknown[0]} is not supported")
    return json.dumps({"semver": semver}, sort_keys=True)


def _rules(document: Document, value: Any, place: str, depth: int) -> list[Rule]:
    if depth > NESTED_MOST:
        raise UnsupportedStep(f"{document.place}: {place} nests deeper than {NESTED_MOST} levels")
    return [
        _rule(document, entry, f"{place}[{index}]", depth) for index, entry in enumerate(_list(document, value, place))
    ]


def _rule(document: Document, entry: dict[str, Any], place: str, depth: int) -> Rule:
    key = _map(document, entry.get("keyMatcher"), f"{place}.keyMatcher")
    value = _map(document, entry.get("valueMatcher"), f"{place}.valueMatcher")
    if key is None and value is None:
        raise TemplateFailed(f"{document.place}: {place} needs a keyMatcher or a valueMatcher")
    rule: dict[str, Any] = {}
    if key is not None:
        if key.get("name"):
            rule["name"] = _text(document, key["name"], f"{place}.keyMatcher.name")
        elif key.get("path"):
            rule["path"] = _path(document, key["path"], f"{place}.keyMatcher.path")
        else:
            raise TemplateFailed(f"{document.place}: {place}.keyMatcher needs a name or a path")
    if value is not None:
        if value.get("image"):
            rule["image"] = _text(document, value["image"], f"{place}.valueMatcher.image")
        else:
            rule["repository"] = _text(document, value.get("imageRepo"), f"{place}.valueMatcher.imageRepo")
    update = _map(document, entry.get("updateStrategy"), f"{place}.updateStrategy")
    if update is not None:
        rule |= _strategy(document, update, f"{place}.updateStrategy", depth)
    return Rule(**rule)


def _strategy(document: Document, update: dict[str, Any], place: str, depth: int) -> dict[str, Any]:
    """In the order in which the original looks for them."""
    for strategy in (Strategy.NONE, Strategy.ENTIRE_VALUE, Strategy.JSON, Strategy.YAML):
        if strategy.value not in update or update[strategy.value] is None:
            continue
        options = _map(document, update[strategy.value], f"{place}.{strategy}") or {}
        nested = _rules(document, options.get("searchRules"), f"{place}.{strategy}.searchRules", depth + 1)
        return {"strategy": strategy, "nested": tuple(nested)}
    raise TemplateFailed(f"{document.place}: {place} must be one of {', '.join(Strategy)}, found none of them")


def _path(document: Document, value: Any, place: str) -> tuple[str | int | None, ...]:
    if not isinstance(value, list):
        raise _invalid(document, place, "a list", value)
    parts: list[str | int | None] = []
    for index, part in enumerate(value):
        number = part.get("index") if isinstance(part, dict) else None
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(number, int) and not isinstance(number, bool):
            parts.append(number)
        elif isinstance(part, dict) and part.get("allIndexes") is True:
            parts.append(ANY_PLACE)
        else:
            raise _invalid(document, f"{place}[{index}]", "a key, {index: number} or {allIndexes: true}", part)
    return tuple(parts)


def _origins(text: Any) -> tuple[Any, ...]:
    """Where an image came from, for people alone: what cannot be read is left out."""
    if not isinstance(text, str):
        return ()
    try:
        documents = load_all(text, _ORIGINS, TemplateFailed)
    except TemplateFailed:
        return ()
    return tuple(documents[0][1]) if documents and isinstance(documents[0][1], list) else ()


def _map(document: Document, value: Any, place: str) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    raise _invalid(document, place, "a map", value)


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
