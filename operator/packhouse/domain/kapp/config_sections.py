"""Reads one kapp Config. Each section stands in one of three tables: read, passed over, or refused, with the reason.

Called by config.py. What is unknown is refused with its place: a rule that is not followed may be the one that keeps
a password from being overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from packhouse.api.errors import RenderedInvalid, UnsupportedStep
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
from packhouse.domain.kapp.matchers import read_matchers
from packhouse.domain.kapp.paths import Matching, read_path
from packhouse.domain.values_report import nearest
from packhouse.ports import Json

#: Rules of one list; packages have a handful, and each is tried on each object.
RULES_MOST: Final = 500

Items = Iterator[tuple[Any, str]]


def read_config(obj: Json, where: str) -> Config:
    """One Config; `where` names it in messages. Raises RenderedInvalid, UnsupportedStep."""
    read: dict[str, Any] = {}
    for section, content in obj.items():
        if section in NOT_SECTIONS or section in PASSED_OVER or content is None:
            continue
        if section in REFUSED:
            raise UnsupportedStep(f"{where}: {section} is not supported: {REFUSED[section]}")
        if section not in SECTIONS:
            near = nearest(section, (*SECTIONS, *PASSED_OVER))
            raise RenderedInvalid(f"{where}: {section} is no section{f' (did you mean {near}?)' if near else ''}")
        name, reader = SECTIONS[section]
        read[name] = reader(content, f"{where}: {section}")
    return Config(**read)


def _rules(read: Callable[[Mapping[str, Any], str], Any]) -> Callable[[object, str], tuple[Any, ...]]:
    """A reader of a list of rules, each of which `read` reads."""

    def read_all(wire: object, where: str) -> tuple[Any, ...]:
        return tuple(read(item, each) for item, each in _maps(wire, where))

    return read_all


def _rebase(wire: Mapping[str, Any], where: str) -> RebaseRule:
    _refuse_ytt(wire, where, "write the rule with path, type and sources")
    if ("path" in wire) == ("paths" in wire):
        raise RenderedInvalid(f"{where} must have either path or paths")
    wires = [(wire["path"], f"{where}.path")] if "path" in wire else _items(wire["paths"], f"{where}.paths")
    paths = tuple(read_path(path, place) for path, place in wires)
    if not all(isinstance(path[-1], str | Matching) for path in paths):
        raise RenderedInvalid(f"{where}: a path must end with a key, not with an index")
    matches = read_matchers(wire.get("resourceMatchers"), f"{where}.resourceMatchers")
    match wire.get("type"):
        case "remove":
            return RebaseRule(matches, paths)
        case "copy":
            sources = wire.get("sources")
            if not isinstance(sources, list) or not sources or any(source not in list(Source) for source in sources):
                raise RenderedInvalid(f"{where}.sources must be a list of new and existing")
            return RebaseRule(matches, paths, tuple(Source(source) for source in sources))
    raise RenderedInvalid(f"{where}.type must be copy or remove")


def _wait(wire: Mapping[str, Any], where: str) -> WaitRule:
    _refuse_ytt(wire, where, "write the rule with conditionMatchers")
    conditions = tuple(
        ConditionRule(
            type=_text(item, "type", each),
            status=_text(item, "status", each),
            success=_flag(item, "success", each),
            failure=_flag(item, "failure", each),
            observed_generation=_flag(item, "supportsObservedGeneration", each),
            unblocks=_flag(item, "unblockChanges", each),
        )
        for item, each in _maps(wire.get("conditionMatchers"), f"{where}.conditionMatchers")
    )
    return WaitRule(
        read_matchers(wire.get("resourceMatchers"), f"{where}.resourceMatchers"),
        conditions,
        _flag(wire, "supportsObservedGeneration", where),
    )


def _template(wire: Mapping[str, Any], where: str) -> TemplateRule:
    affected = wire.get("affectedResources")
    if not isinstance(affected, Mapping):
        raise RenderedInvalid(f"{where}.affectedResources must be a map with objectReferences")
    references = tuple(
        Reference(
            read_matchers(item.get("resourceMatchers"), f"{each}.resourceMatchers"),
            read_path(item.get("path"), f"{each}.path"),
            _text(item, "nameKey", each) if item.get("nameKey") else "name",
        )
        for item, each in _maps(affected.get("objectReferences"), f"{where}.affectedResources.objectReferences")
    )
    return TemplateRule(read_matchers(wire.get("resourceMatchers"), f"{where}.resourceMatchers"), references)


def _group_binding(wire: Mapping[str, Any], where: str) -> GroupBinding:
    matches = read_matchers(wire.get("resourceMatchers"), f"{where}.resourceMatchers")
    return GroupBinding(matches, _text(wire, "name", where), f"{where}.name")


def _rule_binding(wire: Mapping[str, Any], where: str) -> RuleBinding:
    rules = wire.get("rules")
    if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
        raise RenderedInvalid(f"{where}.rules must be a list of change rules")
    matches = read_matchers(wire.get("resourceMatchers"), f"{where}.resourceMatchers")
    return RuleBinding(matches, tuple(rules), _flag(wire, "ignoreIfCyclical", where), f"{where}.rules")


def _labels(wire: object, where: str) -> Mapping[str, str]:
    if not isinstance(wire, Mapping) or not all(isinstance(value, str) for value in wire.values()):
        raise RenderedInvalid(f"{where} must be a map of texts")
    return dict(wire)


def _refuse_ytt(wire: Mapping[str, Any], where: str, lever: str) -> None:
    if "ytt" in wire:
        raise UnsupportedStep(f"{where}.ytt is not supported: rules do not run programs here; {lever}")


def _items(wire: object, where: str) -> Items:
    """The items of a list, each with the words that name it."""
    if not isinstance(wire, list):
        raise RenderedInvalid(f"{where} must be a list")
    if len(wire) > RULES_MOST:
        raise RenderedInvalid(f"{where} has {len(wire)} entries; {RULES_MOST} is the most")
    return ((item, f"{where}[{number}]") for number, item in enumerate(wire))


def _maps(wire: object, where: str) -> Items:
    for item, each in _items([] if wire is None else wire, where):
        if not isinstance(item, Mapping):
            raise RenderedInvalid(f"{each} must be a map")
        yield item, each


def _text(wire: Mapping[str, Any], key: str, where: str) -> str:
    value = wire.get(key)
    if not isinstance(value, str) or not value:
        raise RenderedInvalid(f"{where}.{key} must be a text{': quote it' if isinstance(value, bool) else ''}")
    return value


def _flag(wire: Mapping[str, Any], key: str, where: str) -> bool:
    value = wire.get(key)
    if value is not None and not isinstance(value, bool):
        raise RenderedInvalid(f"{where}.{key} must be true or false")
    return bool(value)


#: Sections that are read: the field of Config that they become, and how.
SECTIONS: Final[Mapping[str, tuple[str, Callable[[object, str], Any]]]] = {
    "rebaseRules": ("rebase", _rules(_rebase)),
    "waitRules": ("waits", _rules(_wait)),
    "templateRules": ("templates", _rules(_template)),
    "changeGroupBindings": ("group_bindings", _rules(_group_binding)),
    "changeRuleBindings": ("rule_bindings", _rules(_rule_binding)),
    "additionalLabels": ("labels", _labels),
}

#: Sections that nothing here needs, and why.
PASSED_OVER: Final[Mapping[str, str]] = {
    "minimumRequiredVersion": "it is a version of kapp, which does not take part",
    "ownershipLabelRules": "what an install owns is marked in metadata alone",
    "labelScopingRules": "selectors are never changed",
    "diffMaskRules": "nothing prints what objects hold",
    "diffAgainstLastAppliedFieldExclusionRules": "fields of others are told apart by their field manager",
    "diffAgainstExistingFieldExclusionRules": "fields of others are told apart by their field manager",
    "preflightRules": "rights are always checked before the first write",
}

#: Sections without which something else would be deployed.
REFUSED: Final[Mapping[str, str]] = {
    "stripNameHashSuffixConfig": "annotate the objects with kapp.k14s.io/versioned instead of hashing their names",
}

NOT_SECTIONS: Final = frozenset({"apiVersion", "kind", "metadata"})
