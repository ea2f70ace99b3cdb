"""Objects that packages of the tests give, and Packages that give them as they stand."""

from __future__ import annotations

import json

from lab import Json, Lab, inline, package

#: No node has this label, so such a pod stays Pending.
NOWHERE = {"nodeSelector": {"no-such-node": "x"}}


def workload(name: str, *, kind: str = "Deployment", replicas: int = 1, command: str = "", **pod: object) -> Json:
    container: Json = {"name": "main", "image": "registry.example/app:1"}
    if command:
        container["command"] = ["sh", "-c", command]
    labels = {"app": name}
    spec: Json = {"template": {"metadata": {"labels": labels}, "spec": {"containers": [container], **pod}}}
    if kind == "Job":
        spec |= {"backoffLimit": 0}
        spec["template"]["spec"]["restartPolicy"] = "Never"
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
    spec |= {"replicas": replicas, "selector": {"matchLabels": labels}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def config_map(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def annotated(obj: Json, **annotations: str) -> Json:
    said = {f"kapp.k14s.io/{name.replace('_', '-')}": text for name, text in annotations.items()}
    return {**obj, "metadata": {**obj["metadata"], "annotations": said}}


def offer(lab: Lab, word: str, *objects: Json, version: str = "1.0.0", raw: list[str] | None = None) -> str:
    """A Package made by hand that gives these objects; its publicName."""
    kapp: Json = {"rawOptions": raw} if raw else {}
    text = "{% raw %}" + "\n---\n".join(json.dumps(obj) for obj in objects) + "\n{% endraw %}"
    lab.apply(package(f"{word}.example.com", version, fetch=inline({"all.yaml": text}), deploy=[{"kapp": kapp}]))
    return f"{word}.example.com"


def there(lab: Lab, kind: str, name: str, namespace: str = "") -> Json:
    """The object, which must exist."""
    found = lab.get(kind, name, namespace)
    assert found is not None, f"{kind} {name} is not there"
    return found
