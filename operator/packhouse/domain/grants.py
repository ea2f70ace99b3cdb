"""Rights that an account lacks, written as the roles and bindings that grant them: what an admin pastes into kubectl.

Pure; called by deploy/preflight.py. No more is granted than what is asked for: rules are joined only where the joined
rule allows the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from packhouse.domain.objects import digest
from packhouse.domain.rights import RBAC, Right, Rule, covers

#: Of a digest of the rules, by which the names of roles differ.
DIGEST_CHARACTERS: Final = 8
#: Patterns of URLs that all others are compared with; with more of them, what is granted is only longer.
MOST_PATTERNS: Final = 50

#: The fields of a rule as they are called on the wire, in the order in which they are written.
WIRE: Final = {
    "groups": "apiGroups",
    "resources": "resources",
    "names": "resourceNames",
    "urls": "nonResourceURLs",
    "verbs": "verbs",
}

#: What YAML takes for a text without quotes.
_BARE: Final = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-zA-Z][a-zA-Z0-9._/-]*", re.IGNORECASE)

#: What no role's name may hold, and a user's may.
_NO_SEGMENT: Final = re.compile(r"[/%]")


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the rights are granted to. A user has no namespace."""

    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"service account {self.namespace}/{self.name}" if self.namespace else f"user {self.name}"


def to_grant(rights: Iterable[Right], new_namespaces: Collection[str]) -> list[Right]:
    """Single rights (`singled`) as they can be granted: cluster-wide where a Role cannot be made yet, since the plan
    brings the namespace, and for URLs, which no Role may hold. What another of them allows already is left out."""
    wide = {
        Right("" if right.rule.urls or right.namespace in new_namespaces else right.namespace, right.rule)
        for right in rights
    }
    urls = [right for right in wide if any(url.endswith("*") for url in right.rule.urls)]
    patterns = urls if len(urls) <= MOST_PATTERNS else []
    kinds = {_kind_of(right) for right in wide}
    return sorted(
        right
        for right in wide
        if not any(one != right and one in wide for one in _wider(right, kinds))
        and not any(_allows_urls(one, right) for one in patterns if right.rule.urls)
    )


#: Of a single right, which of its parts stand for all: verbs, groups, resources, names, namespace.
_Kind = tuple[bool, bool, bool, bool, bool]


def _kind_of(right: Right) -> _Kind:
    rule = right.rule
    resource = "".join(rule.resources)
    starred = resource == "*" or resource.startswith("*/")
    return rule.verbs == ("*",), rule.groups == ("*",), starred, not rule.names, not right.namespace


def _wider(right: Right, kinds: Collection[_Kind]) -> Iterator[Right]:
    """The single rights that allow `right`, itself among them, as far as there are any of their kind; of URLs those
    that name the same one."""
    rule = right.rule
    for verbs, groups, resources, unnamed, everywhere in kinds:
        subresource = rule.resources[0].partition("/")[2] if rule.resources else ""
        starred = [("*",), (f"*/{subresource}",)] if subresource else [("*",)]
        for words in starred if resources and rule.resources else [rule.resources]:
            yield Right(
                "" if everywhere else right.namespace,
                Rule(
                    ("*",) if verbs else rule.verbs,
                    ("*",) if groups and rule.groups else rule.groups,
                    words,
                    () if unnamed else rule.names,
                    rule.urls,
                ),
            )


def _allows_urls(one: Right, other: Right) -> bool:
    """Of two that allow the same, such as /a* and /a**, the first in order stays."""
    return one != other and covers(one.rule, other.rule) and (one < other or not covers(other.rule, one.rule))


def manifests(rights: Iterable[Right], account: Account) -> str:
    """A role and its binding for each namespace that the rights are in, as YAML documents. The names tell the rules,
    so that what was granted for another package stays as it is."""
    by_namespace: dict[str, list[Rule]] = {}
    for right in rights:
        by_namespace.setdefault(right.namespace, []).append(right.rule)
    documents = [
        document
        for namespace, rules in sorted(by_namespace.items())
        for document in _granting(joined(rules), namespace, account)
    ]
    return "\n---\n".join(documents)


def joined(rules: Iterable[Rule]) -> list[Rule]:
    """As few rules as allow the same: those that differ in one part only become one."""
    found = sorted(set(rules))
    for part in ("verbs", "names", "resources", "groups", "urls"):
        alike: dict[Rule, list[Rule]] = {}
        for rule in found:
            # A rule without names is for all of them, so it is like none with names.
            the_rest = replace(rule, **{part: ("any",) if part == "names" and not rule.names else ()})
            alike.setdefault(the_rest, []).append(rule)
        found = [replace(same[0], **{part: _united(same, part)}) for same in alike.values()]
    return sorted(found, key=lambda rule: [getattr(rule, part) for part in WIRE])


def _united(rules: Sequence[Rule], part: str) -> tuple[str, ...]:
    return tuple(sorted({word for rule in rules for word in getattr(rule, part)}))


def _granting(rules: Sequence[Rule], namespace: str, account: Account) -> Iterator[str]:
    """The role and its binding."""
    kind = "Role" if namespace else "ClusterRole"
    lines = "\n".join(f"- {_line(rule)}" for rule in rules)
    serial = digest([str(account), namespace, lines])[:DIGEST_CHARACTERS]
    whose = account.name if namespace or not account.namespace else f"{account.namespace}-{account.name}"
    name = _word(f"{_NO_SEGMENT.sub('-', whose)}-{serial}")
    metadata = f"metadata: {{name: {name}" + (f", namespace: {_word(namespace)}}}" if namespace else "}")
    yield f"apiVersion: {RBAC}/v1\nkind: {kind}\n{metadata}\nrules:\n{lines}"
    role = f"roleRef: {{apiGroup: {RBAC}, kind: {kind}, name: {name}}}"
    yield f"apiVersion: {RBAC}/v1\nkind: {kind}Binding\n{metadata}\n{role}\nsubjects: [{_subject(account)}]"


def _subject(account: Account) -> str:
    if account.namespace:
        return f"{{kind: ServiceAccount, name: {_word(account.name)}, namespace: {_word(account.namespace)}}}"
    return f"{{apiGroup: {RBAC}, kind: User, name: {_word(account.name)}}}"


def _line(rule: Rule) -> str:
    parts = [
        f"{wire}: [{', '.join(_word(word) for word in getattr(rule, name))}]"
        for name, wire in WIRE.items()
        if getattr(rule, name)
    ]
    return f"{{{', '.join(parts)}}}"


def _word(text: str) -> str:
    return text if _BARE.fullmatch(text) else json.dumps(text)
