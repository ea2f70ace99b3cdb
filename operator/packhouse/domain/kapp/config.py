"""kapp's Config: what a package says about its own objects, beside what holds for the objects of every package.

Called by the deploy stage with what was rendered. A Config is never applied; a ConfigMap that holds one is, as in kapp.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any, Final

from packhouse.api.errors import RenderedInvalid
from packhouse.domain import yaml_text
from packhouse.domain.kapp.built_in import BUILT_IN, POD_TEMPLATES
from packhouse.domain.kapp.config_sections import read_config
from packhouse.domain.kapp.config_values import (
    ConditionRule,
    Config,
    GroupBinding,
    RebaseRule,
    Reference,
    RuleBinding,
    Source,
    TemplateRule,
    WaitRule,
)
from packhouse.domain.kapp.paths import Path, changed
from packhouse.domain.kapp.rules import PREFIX, Rules, groups_of, order_of
from packhouse.domain.objects import ref_of
from packhouse.ports import Json

__all__ = [
    "BUILT_IN",
    "ConditionRule",
    "Config",
    "GroupBinding",
    "RebaseRule",
    "Reference",
    "RuleBinding",
    "Source",
    "TemplateRule",
    "WaitRule",
    "bound_rules",
    "is_config",
    "split_config",
]

API_VERSION: Final = f"{PREFIX}v1alpha1"
KIND: Final = "Config"
CONFIG_LABEL: Final = f"{PREFIX}config"
CONFIG_KEY: Final = "config.yml"
#: Each rule is tried on each object, and other installs wait meanwhile. Of real packages none comes to a thousand.
WORDS_TIMES_OBJECTS_MOST: Final = 1_000_000
TEXT_MOST: Final = 200_000
_ONLY_OWN_LABELS: Final = f"{PREFIX}disable-default-ownership-label-rules"


def split_config(objects: Iterable[Json]) -> tuple[list[Json], Config]:
    """The objects to deploy, with the additional labels, and all that Configs say of them, after what is built in.

    Raises RenderedInvalid, UnsupportedStep.
    """
    kept: list[Json] = []
    said: list[tuple[Json, str]] = []
    for obj in objects:
        if obj["apiVersion"] == API_VERSION:
            said.append(_own(obj))
            continue
        if CONFIG_LABEL in (obj["metadata"].get("labels") or {}):
            said.append(_wrapped(obj))
        kept.append(obj)
    words = sum(_words_in(obj) for obj, _ in said)
    if words * len(kept) > WORDS_TIMES_OBJECTS_MOST:
        raise RenderedInvalid(
            f"{said[0][1]}: the Configs of the package have {words} words for {len(kept)} objects, more than can be "
            f"tried on each of them; use fewer rules, or split the package"
        )
    config = reduce(add, (read_config(obj, where) for obj, where in said), BUILT_IN)
    return [_labelled(obj, config.labels) for obj in kept] if config.labels else kept, config


def is_config(obj: Json) -> bool:
    """Whether an object is a Config itself, which needs no name since nobody ever asks for it."""
    return bool(obj["apiVersion"] == API_VERSION and obj["kind"] == KIND)


def bound_rules(obj: Json, rules: Rules, config: Config) -> Rules:
    """`rules` and what the bindings of `config` add for `obj`. Raises RenderedInvalid."""
    groups = [
        group
        for binding in config.group_bindings
        if binding.matches(obj)
        for group in groups_of(binding.name, obj, f"{binding.where}, for {ref_of(obj)}")
    ]
    order = [
        rule
        for binding in config.rule_bindings
        if binding.matches(obj)
        for text in binding.rules
        for rule in order_of(text, obj, f"{binding.where}, for {ref_of(obj)}", soft=binding.soft)
    ]
    if not groups and not order:
        return rules
    return replace(rules, groups=(*rules.groups, *groups), order=(*rules.order, *order))


def _words_in(value: Any) -> int:
    """Keys and values, all that a rule can be made of."""
    if isinstance(value, dict):
        return 1 + sum(map(_words_in, value.values()))
    return 1 + sum(map(_words_in, value)) if isinstance(value, list) else 1


def _own(obj: Json) -> tuple[Json, str]:
    """A Config, and what names it in messages."""
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    where = f"{obj['kind']}{f' {name}' if name else ''} ({API_VERSION})"
    if obj["kind"] != KIND:
        raise RenderedInvalid(f"{where}: the only kind of {API_VERSION} is {KIND}")
    return obj, where


def _wrapped(obj: Json) -> tuple[Json, str]:
    where = f"{ref_of(obj)}, which its label {CONFIG_LABEL} makes a Config"
    if (obj["apiVersion"], obj["kind"]) != ("v1", "ConfigMap"):
        raise RenderedInvalid(f"{where}: only a ConfigMap can hold one")
    data = obj.get("data")
    text = data.get(CONFIG_KEY) if isinstance(data, dict) else None
    if not isinstance(text, str):
        raise RenderedInvalid(f"{where}: data has no key {CONFIG_KEY}")
    if len(text) > TEXT_MOST:
        raise RenderedInvalid(f"{where}: data[{CONFIG_KEY}] is longer than {TEXT_MOST:,} characters")
    documents = yaml_text.load_all(text, f"{where}: data[{CONFIG_KEY}]", RenderedInvalid)
    found = [document for _, document in documents]
    if len(found) != 1 or not isinstance(found[0], dict):
        raise RenderedInvalid(f"{where}: data[{CONFIG_KEY}] must hold one document, a map")
    if (found[0].get("apiVersion"), found[0].get("kind")) != (API_VERSION, KIND):
        raise RenderedInvalid(f"{where}: data[{CONFIG_KEY}] must be of apiVersion {API_VERSION} and kind {KIND}")
    return found[0], f"{where}: data[{CONFIG_KEY}]"


def _labelled(obj: Json, labels: Mapping[str, str]) -> Json:
    """`obj` with `labels`, which its pods get as well."""
    obj = {**obj, "metadata": _with_labels(obj["metadata"], labels)}
    if _ONLY_OWN_LABELS in (obj["metadata"].get("annotations") or {}):
        return obj
    for matches, path in POD_TEMPLATES:
        if matches(obj):
            obj = _template_labelled(obj, path, labels)
    return obj


def _template_labelled(obj: Json, path: Path, labels: Mapping[str, str]) -> Json:
    def with_metadata(template: object) -> object:
        if not isinstance(template, dict):
            return template
        return {**template, "metadata": _with_labels(template.get("metadata") or {}, labels)}

    labelled: Json = changed(obj, path, with_metadata)
    return labelled


def _with_labels(metadata: Any, labels: Mapping[str, str]) -> Any:
    """What is no map stays as it is: the API server says so better."""
    before = (metadata.get("labels") or {}) if isinstance(metadata, dict) else None
    return {**metadata, "labels": {**before, **labels}} if isinstance(before, dict) else metadata
