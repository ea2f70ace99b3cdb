"""Which objects a rule of kapp's Config is for: one function per matcher, in one visible table.

Called by config.py. A matcher sees one object and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.kapp.paths import Path, read_path, values_at
from packhouse.domain.objects import kind_of
from packhouse.domain.values_report import nearest
from packhouse.ports import Json

Matcher = Callable[[Json], bool]
Reader = Callable[[Mapping[str, Any], str], Matcher]

#: The groups that Kubernetes itself serves, or serves with a part of its own: all else is a custom resource.
BUILT_IN_GROUPS: Final = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "metrics.k8s.io",
        "migration.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)


def read_matchers(wire: object, where: str) -> Matcher:
    """Any of a list of matchers; an empty list, or none, matches nothing. Raises RenderedInvalid."""
    return _any(_read_all(wire, where))


def _read_all(wire: object, where: str) -> list[Matcher]:
    if wire is None:
        return []
    if not isinstance(wire, list):
        raise RenderedInvalid(f"{where} must be a list of matchers, such as [{{allMatcher: {{}}}}]")
    return [_read(item, f"{where}[{number}]") for number, item in enumerate(wire)]


def _read(wire: object, where: str) -> Matcher:
    if not isinstance(wire, Mapping) or len(wire) != 1:
        raise RenderedInvalid(f"{where} must hold exactly one matcher; several make an andMatcher or an anyMatcher")
    [(name, content)] = wire.items()
    if name not in MATCHERS:
        near = nearest(str(name), MATCHERS)
        raise RenderedInvalid(
            f"{where}: a matcher {name} is not known{f' (did you mean {near}?)' if near else ''}; "
            f"known are {', '.join(sorted(MATCHERS))}"
        )
    where = f"{where}.{name}"
    if content is not None and not isinstance(content, Mapping):
        raise RenderedInvalid(f"{where} must be a map")
    return MATCHERS[name](content or {}, where)


def _all(content: Mapping[str, Any], where: str) -> Matcher:
    return lambda obj: True


def _any_of(content: Mapping[str, Any], where: str) -> Matcher:
    return _any(_read_all(content.get("matchers"), f"{where}.matchers"))


def _and(content: Mapping[str, Any], where: str) -> Matcher:
    matchers = _read_all(content.get("matchers"), f"{where}.matchers")
    return lambda obj: all(matches(obj) for matches in matchers)


def _not(content: Mapping[str, Any], where: str) -> Matcher:
    matches = _read(content.get("matcher"), f"{where}.matcher")
    return lambda obj: not matches(obj)


def _group_kind(content: Mapping[str, Any], where: str) -> Matcher:
    group, kind = _text(content, "apiGroup", where), _text(content, "kind", where)
    return lambda obj: obj["kind"] == kind and kind_of(obj).group == group


def _version_kind(content: Mapping[str, Any], where: str) -> Matcher:
    api_version, kind = _text(content, "apiVersion", where), _text(content, "kind", where)
    return lambda obj: obj["kind"] == kind and obj["apiVersion"] == api_version


def _kind_namespace_name(content: Mapping[str, Any], where: str) -> Matcher:
    named = tuple(_text(content, key, where) for key in ("kind", "namespace", "name"))
    return lambda obj: (obj["kind"], _namespace(obj), obj["metadata"].get("name")) == named


def _has_annotations(content: Mapping[str, Any], where: str) -> Matcher:
    """All of the keys, as in kapp."""
    keys = set(_texts(content, "keys", where))
    return lambda obj: keys <= (obj["metadata"].get("annotations") or {}).keys()


def _has_namespace(content: Mapping[str, Any], where: str) -> Matcher:
    names = _texts(content, "names", where)
    return lambda obj: _namespace(obj) in names if names else bool(_namespace(obj))


def _custom_resource(content: Mapping[str, Any], where: str) -> Matcher:
    return lambda obj: kind_of(obj).group not in BUILT_IN_GROUPS


def _empty_field(content: Mapping[str, Any], where: str) -> Matcher:
    path: Path = read_path(content.get("path"), f"{where}.path")
    return lambda obj: all(value is None or value in ([], {}) for value in values_at(obj, path))


#: Matchers by name. The last two are what old versions called the first two.
MATCHERS: Final[Mapping[str, Reader]] = {
    "allMatcher": _all,
    "anyMatcher": _any_of,
    "andMatcher": _and,
    "notMatcher": _not,
    "apiGroupKindMatcher": _group_kind,
    "apiVersionKindMatcher": _version_kind,
    "kindNamespaceNameMatcher": _kind_namespace_name,
    "hasAnnotationMatcher": _has_annotations,
    "hasNamespaceMatcher": _has_namespace,
    "customResourceMatcher": _custom_resource,
    "emptyFieldMatcher": _empty_field,
    "allResourceMatcher": _all,
    "anyResourceMatcher": _any_of,
}


def _any(matchers: list[Matcher]) -> Matcher:
    return lambda obj: any(matches(obj) for matches in matchers)


def _namespace(obj: Json) -> str:
    return obj["metadata"].get("namespace") or ""


def _text(content: Mapping[str, Any], key: str, where: str) -> str:
    """A word that may be left out, which stands for the empty one."""
    value = content.get(key)
    if value is not None and not isinstance(value, str):
        raise RenderedInvalid(f"{where}.{key} must be a text")
    return value or ""


def _texts(content: Mapping[str, Any], key: str, where: str) -> list[str]:
    value = content.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RenderedInvalid(f"{where}.{key} must be a list of texts")
    return value
