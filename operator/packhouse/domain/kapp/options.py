"""Options of `kapp deploy`, as packages carry them in rawOptions. Each stands in one table: honoured, passed over or
refused, with the reason.

Called by domain/deploy_step.py. An option that is not known is refused, with the nearest one that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from packhouse.api.errors import UnsupportedStep
from packhouse.domain.kapp.rules import UPDATE_WORDS, UpdateStrategy
from packhouse.domain.values_report import nearest


@dataclass(frozen=True, slots=True)
class Options:
    """What the options of a package say; the defaults are those of a package that has none.

    `wait_timeout_seconds` is for all objects together, `wait_resource_timeout_seconds` for each; None is no word on it.
    """

    wait: bool = True
    wait_timeout_seconds: float | None = None
    wait_resource_timeout_seconds: float | None = None
    allow_empty: bool = False
    update: UpdateStrategy = UpdateStrategy.UPDATE


class Takes(Enum):
    """What follows an option."""

    FLAG = "true or false"
    DURATION = "a duration such as 30s, 5m or 1h30m"
    STRATEGY = f"one of {', '.join(filter(None, UPDATE_WORDS))}"
    ANYTHING = "a value"


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `field`: what of Options it sets, "" where it is passed over. `refused`: the lever to use instead;
    for a flag, its being false, kapp's own default, is passed over all the same."""

    takes: Takes
    field: str = ""
    why: str = ""
    refused: str = ""


def _passed(takes: Takes, why: str, *names: str) -> dict[str, Option]:
    return {name: Option(takes, why=why) for name in names}


def _refused(takes: Takes, lever: str, *names: str) -> dict[str, Option]:
    return {name: Option(takes, refused=lever) for name in names}


OPTIONS: Final[Mapping[str, Option]] = {
    "wait": Option(Takes.FLAG, "wait"),
    "wait-timeout": Option(Takes.DURATION, "wait_timeout_seconds"),
    "wait-resource-timeout": Option(Takes.DURATION, "wait_resource_timeout_seconds"),
    "dangerous-allow-empty-list-of-resources": Option(Takes.FLAG, "allow_empty"),
    "apply-default-update-strategy": Option(Takes.STRATEGY, "update"),
    # ---- what nothing here needs
    **_passed(
        Takes.FLAG,
        "it shapes what kapp prints",
        *("diff-changes", "diff-changes-full", "diff-changes-yaml", "diff-summary", "diff-summary-full", "diff-mask"),
        *("diff-line-numbers", "diff-anchored", "diff-exit-status", "apply-exit-status", "logs", "logs-all"),
        *("tty", "color", "json", "debug", "yes", "warnings", "sort"),
    ),
    **_passed(Takes.ANYTHING, "it shapes what kapp prints", "diff-context", "column"),
    **_passed(Takes.FLAG, "changes are told by digests and field managers", "diff-against-last-applied"),
    **_passed(
        Takes.ANYTHING,
        "a setting of the operator says how much is done at once and how often is looked",
        *("apply-concurrency", "apply-check-interval", "wait-concurrency", "wait-check-interval"),
        *("kube-api-qps", "kube-api-burst", "existing-non-labeled-resources-check-concurrency"),
    ),
    **_passed(Takes.DURATION, "a setting of the operator says how long a request may take", "apply-timeout"),
    **_passed(
        Takes.FLAG,
        "only what the package gives is applied and waited for, and objects that it makes are seen through it",
        *("apply-ignored", "wait-ignored"),
    ),
    **_passed(
        Takes.FLAG,
        "every error ends up in the status, and what is not confirmed is tried again",
        *("exit-early-on-apply-error", "exit-early-on-wait-error"),
    ),
    **_passed(
        Takes.FLAG,
        "objects are looked up one by one, by their names",
        *("dangerous-ignore-failing-api-services", "dangerous-scope-to-fallback-allowed-namespaces"),
        *("dangerous-disable-gk-scoping", "existing-non-labeled-resources-check"),
        "dangerous-disable-checking-resource-deletion",
    ),
    **_passed(
        Takes.FLAG,
        "what nobody or kapp owns is taken over as spec.adopt says, and never what another install owns",
        "dangerous-override-ownership-of-existing-resources",
    ),
    **_passed(Takes.FLAG, "selectors are never changed", "default-label-scoping-rules"),
    **_passed(Takes.ANYTHING, "there is no record of kapp's to write them to", "labels", "app-changes-max-to-keep"),
    **_passed(Takes.ANYTHING, "rights are always checked before the first write", "preflight"),
    **_passed(Takes.ANYTHING, "it says what --allow-check lets through", "allow-ns"),
    **_passed(Takes.FLAG, "it says what --allow-check lets through", "allow-all-ns", "allow-cluster"),
    # ---- what would deploy something else if it were passed over
    **_refused(Takes.FLAG, "the rights of the service account say which namespaces may be written", "allow-check"),
    **_refused(Takes.ANYTHING, "set the field intoNs of the deploy step", "into-ns"),
    **_refused(Takes.ANYTHING, "set the field mapNs of the deploy step", "map-ns"),
    **_refused(Takes.FLAG, "annotate what is to stay with kapp.k14s.io/delete-strategy: orphan", "patch"),
    **_refused(Takes.FLAG, "set spec.paused of the install", "diff-run"),
    **_refused(Takes.FLAG, "kapp deploy-config and its pages are for people at a terminal", "diff-ui-alpha"),
    **_refused(
        Takes.ANYTHING,
        "leave out of the package what is not to be deployed",
        *("filter", "filter-age", "filter-kind", "filter-kind-name", "filter-kind-ns", "filter-kind-ns-name"),
        *("filter-labels", "filter-name", "filter-ns", "diff-filter"),
    ),
    **_refused(
        Takes.ANYTHING,
        "the install says which objects are its own and where its inventory is",
        *("app", "namespace", "app-namespace", "prev-app", "app-metadata-file-output"),
    ),
    **_refused(Takes.ANYTHING, "the fetch and template steps say what is deployed", "file"),
    **_refused(Takes.FLAG, "the fetch and template steps say what is deployed", "recursive"),
    **_refused(
        Takes.ANYTHING,
        "objects are applied as the service account of the install",
        *("kubeconfig", "kubeconfig-context", "kubeconfig-yaml"),
    ),
}

#: Options of one letter.
SHORT: Final = {
    "a": "app",
    "c": "diff-changes",
    "f": "file",
    "n": "namespace",
    "p": "patch",
    "R": "recursive",
    "y": "yes",
}

_FLAGS: Final = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|ns)", re.ASCII)
_OPTION: Final = re.compile(
    r"(?:--(?P<long>[A-Za-z][A-Za-z0-9-]*)|-(?P<short>[A-Za-z]))(?:(?:=|\s+)(?P<value>.*))?", re.S
)


def read_options(raw: Iterable[str]) -> Options:
    """`raw`: each item an option, as --name=value or "--name value", or a value of the option before it.

    Raises UnsupportedStep.
    """
    said: dict[str, Any] = {}
    words = list(raw)
    while words:
        name, value = _split(words.pop(0))
        option = OPTIONS.get(name)
        if option is None:
            near = nearest(name, OPTIONS)
            hint = f" (did you mean --{near}?)" if near else ""
            raise UnsupportedStep(f"rawOptions: --{name} is no option of kapp deploy that is known{hint}")
        if value is None and option.takes is not Takes.FLAG and words:
            value = words.pop(0)
        found = _value(name, option, value)
        if option.refused and found is not False:
            raise UnsupportedStep(f"rawOptions: --{name} is not supported: {option.refused}")
        if option.field:
            said[option.field] = found
    # kapp's zero is no limit for one object; for all of them it is just no time.
    if said.get("wait_resource_timeout_seconds") == 0:
        said["wait_resource_timeout_seconds"] = None
    return Options(**said)


def _split(word: str) -> tuple[str, str | None]:
    found = _OPTION.fullmatch(word.strip())
    if found is None:
        raise UnsupportedStep("rawOptions: a word that is no option; write each item as --name=value")
    short = found["short"]
    return found["long"] or SHORT.get(short, short), found["value"]


def _value(name: str, option: Option, text: str | None) -> Any:
    """What a value stands for. A message does not quote it."""
    match option.takes:
        case Takes.FLAG:
            value: Any = True if text is None else _FLAGS.get(text)
        case Takes.DURATION:
            value = None if text is None else _seconds(text)
        case Takes.STRATEGY:
            value = None if text is None else UPDATE_WORDS.get(text)
        case Takes.ANYTHING:
            value = text
    if value is None:
        raise UnsupportedStep(f"rawOptions: --{name} takes {option.takes.value}; write --{name}=...")
    return value


def _seconds(text: str) -> float | None:
    """A duration as Go reads it; None where it is none, or negative."""
    if text == "0":
        return 0.0
    parts: Sequence[tuple[str, str]] = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.removeprefix("+"):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
