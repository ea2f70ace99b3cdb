"""One install, driven through its versions: what a user does with the objects of real packages, and what comes of it.

Used by the tables of real packages. The install's account may do everything in the whole cluster, so what is found is
what the words of the package did.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from cluster.audit import Call, writes
from goods import offer, there
from lab import Json, Lab, account, cluster_rights, install

EVERYTHING = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]


@dataclass(slots=True)
class Stage:
    """The install `web` in the namespace of the test."""

    lab: Lab
    namespace: str
    unique: str
    number: int = 0
    leftovers: list[tuple[str, str]] = field(default_factory=list)  # kind and name of what has no namespace

    def here(self, obj: Json) -> Json:
        """A copy of `obj` in the namespace of the test, where it names one."""
        placed = copy.deepcopy(obj)
        if "namespace" in placed["metadata"]:
            placed["metadata"]["namespace"] = self.namespace
        return placed

    def install(self, *objects: Json, wait: bool = False, **spec: Any) -> Json:
        """Installed, and ready only where `wait` says so: many of these never are, here."""
        name = self._offer(objects)
        wanted = install("web", self.namespace, name, version=f"1.0.{self.number}", deploy={"wait": wait}, **spec)
        self.lab.apply(wanted)
        return self._settled()

    def upgrade(self, *objects: Json) -> Json:
        """To the next version, which gives these."""
        self._offer(objects)
        self.lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": f"1.0.{self.number}"}}}, self.namespace)
        return self._settled()

    def look_again(self) -> list[Call]:
        """One more pass over the same version; what the install's account wrote in it."""
        audit = self.lab.cluster.audit
        position = audit.position() if audit is not None else 0
        period = (self.live("ipkg", "web")["spec"].get("syncPeriod") or "10m").removesuffix("m")
        self.lab.patch("ipkg", "web", {"spec": {"syncPeriod": f"{int(period) + 1}m"}}, self.namespace)
        self._settled()
        return self._writes(position) if audit is not None else []

    def writes_of(self, act: Callable[[], object]) -> list[Call]:
        """What the install's account writes while `act` is done."""
        audit = self.lab.cluster.audit
        if audit is None:
            pytest.skip("a cluster that was given shows no audit log")
        position = audit.position()
        act()
        return self._writes(position)

    def delete(self) -> None:
        self.lab.delete("ipkg", "web", self.namespace)

    def live(self, kind: str, name: str) -> Json:
        return there(self.lab, kind, name, self.namespace)

    def uid(self, kind: str, name: str) -> str:
        uid: str = self.live(kind, name)["metadata"]["uid"]
        return uid

    def names(self, kind: str, prefix: str) -> set[str]:
        """Those of the namespace that begin so."""
        names = (obj["metadata"]["name"] for obj in self.lab.list(kind, self.namespace))
        return {name for name in names if name.startswith(prefix)}

    def clear(self) -> None:
        """Nothing of it stays."""
        self.lab.delete("ipkg", "web", self.namespace)
        rights = [("clusterrolebinding", self.namespace), ("clusterrole", f"{self.namespace}-rights")]
        for kind, name in (*self.leftovers, *rights):
            self.lab.delete(kind, name, wait=False)

    def _offer(self, objects: Sequence[Json]) -> str:
        self.number += 1
        return offer(self.lab, self.unique, *objects, version=f"1.0.{self.number}")

    def _settled(self) -> Json:
        version = f"1.0.{self.number}"
        return self.lab.settled("ipkg", "web", self.namespace, when=lambda obj: obj["status"]["version"] == version)

    def _writes(self, position: int) -> list[Call]:
        audit = self.lab.cluster.audit
        assert audit is not None
        user = f"system:serviceaccount:{self.namespace}:installer"
        return [call for call in writes(audit.since(position)) if call.user == user]


@contextmanager
def on_stage(lab: Lab, namespace: str, unique: str) -> Iterator[Stage]:
    """A stage, cleared at the end."""
    lab.apply(*account(namespace), *cluster_rights(namespace, namespace, EVERYTHING))
    stage = Stage(lab, namespace, unique)
    yield stage
    stage.clear()


# ---- other versions of an object -------------------------------------------------------------------------


def changed(obj: Json, *path: str, value: object) -> Json:
    """A copy of `obj` with another value there."""
    result = copy.deepcopy(obj)
    place = result
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    return result


def with_image(obj: Json, image: str) -> Json:
    """Of its first container."""
    result = copy.deepcopy(obj)
    result["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return result


def with_selector(obj: Json) -> Json:
    """For another set of pods, with the label that these then need."""
    for path in (("spec", "selector", "matchLabels", "tier"), ("spec", "template", "metadata", "labels", "tier")):
        obj = changed(obj, *path, value="other")
    return obj


def with_parallelism(obj: Json) -> Json:
    return changed(obj, "spec", "parallelism", value=0)


def with_other_image(obj: Json) -> Json:
    return with_image(obj, "registry.example/other:2")


#: By kind: a change that the API server makes in place, and one that it refuses.
CHANGES: Mapping[str, tuple[Callable[[Json], Json], Callable[[Json], Json]]] = {
    "Deployment": (with_other_image, with_selector),
    "DaemonSet": (with_other_image, with_selector),
    "StatefulSet": (with_other_image, with_selector),
    "Job": (with_parallelism, with_other_image),
}


def differing(live: Any, wanted: Any, path: str = "") -> list[str]:
    """Where not all that is wanted is there. The cluster adds defaults, and leaves out what says nothing (`false`)."""
    if live is None and not wanted:
        return []
    if isinstance(live, dict) and isinstance(wanted, dict):
        pairs = [(live.get(key), value, f"{path}.{key}") for key, value in wanted.items()]
    elif isinstance(live, list) and isinstance(wanted, list) and len(live) == len(wanted):
        pairs = [(*pair, f"{path}[{number}]") for number, pair in enumerate(zip(live, wanted, strict=True))]
    else:
        return [] if live == wanted else [path]
    return [place for pair in pairs for place in differing(*pair)]
