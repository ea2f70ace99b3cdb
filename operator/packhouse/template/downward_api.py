"""Values that a step takes from the install itself and from the cluster (`valuesFrom.downwardAPI`).

Pure. Called by values_from.py for every engine. The words are kapp-controller's, for packages that were written for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from packhouse.api.errors import TemplateFailed
from packhouse.ports import Json

#: What a package hears that asks for the version of kapp-controller: the one whose steps are followed here.
KAPP_CONTROLLER_VERSION: Final = "0.59.0"

_WHOLE_PATH: Final = re.compile(r"\{\.?([^{}]+)\}|\.?([^{}]+)")
_PART: Final = re.compile(r"""\.?(?:\[(?:'([^']*)'|"([^"]*)")\]|((?:\\.|[^.\[\]\\])+))""", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


def values_texts(items: list[Json], metadata: Json, cluster: Json) -> list[str]:
    """One text of YAML for each item. Raises TemplateFailed for a name or a path that cannot be followed."""
    return [json.dumps(_nested(item["name"], _value(item, metadata, cluster))) for item in items]


def kubernetes_version(cluster: Json) -> str:
    """The cluster's version as packages compare it: "v1.37.2+k3s1" is 1.37.2; "" where it is not known."""
    return re.split(r"[-+]", str(cluster.get("version", "")).removeprefix("v"))[0]


def _value(item: Json, metadata: Json, cluster: Json) -> Any:
    if item.get("fieldPath"):
        return _at(item["fieldPath"], {"metadata": metadata})
    if item.get("kubernetesVersion") is not None:
        return item["kubernetesVersion"].get("version") or kubernetes_version(cluster)
    if item.get("kubernetesAPIs") is not None:
        given = item["kubernetesAPIs"].get("groupVersions")
        return given if given is not None else list(cluster.get("apiGroups", ()))
    return (item.get("kappControllerVersion") or {}).get("version") or KAPP_CONTROLLER_VERSION


def _at(path: str, tree: Json) -> Any:
    found: Any = tree
    for part in _parts(path):
        if not isinstance(found, dict) or part not in found:
            raise _refused(f"fieldPath {path!r} names nothing of the install's metadata")
        found = found[part]
    if isinstance(found, dict) and found is tree["metadata"]:
        raise _refused(f"fieldPath {path!r} names the whole metadata; name one field of it")
    return found


def _parts(path: str) -> Iterator[str]:
    """ "metadata.labels['a/b']" and "{.metadata.annotations.a\\.b}", part by part."""
    whole = _WHOLE_PATH.fullmatch(path)
    text = (whole[1] or whole[2]) if whole else ""
    position = 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            break
        quoted = part[1] if part[1] is not None else part[2]
        yield quoted if quoted is not None else _ESCAPED.sub(r"\1", part[3])
        position = part.end()
    if not text or position < len(text):
        raise _refused(f"fieldPath {path!r} cannot be read; write it like metadata.name")


def _nested(name: str, value: Any) -> Json:
    """ "a.b" becomes a map in a map; a dot behind a backslash belongs to the key."""
    if name.startswith(".") or name.endswith(".") or ".." in name:
        raise _refused(f"the name {name!r} begins or ends with a dot, or has two in a row")
    keys = [_ESCAPED.sub(r"\1", key) for key in re.findall(r"(?:\\.|[^.\\])+", name, re.DOTALL)]
    for key in reversed(keys):
        value = {key: value}
    return value if isinstance(value, dict) else {}


def _refused(why: str) -> TemplateFailed:
    return TemplateFailed(f"valuesFrom.downwardAPI: {why}")
