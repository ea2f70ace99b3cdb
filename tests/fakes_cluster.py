"""A cluster that is a dict: server-side apply, finalizers, uids, versions and watches, as far as we rely on them.

Serves unit tests of whoever uses the port Cluster, and passes the contract tests of the real adapter. An object is
kept flat, path by path, so that owning fields is a matter of sets. It knows no schemas, defaults or rights: `refuse`
plays those.
"""

from __future__ import annotations

import asyncio
import copy
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from packhouse.api.errors import DeployFailed, FieldConflict, PackhouseError
from packhouse.api.names import INSTALL_GROUP, PACKAGE_GROUP, VERSION
from packhouse.domain.objects import kind_of, ref_of
from packhouse.ports import Json, Kind, Page, Ref, Served, Table, WatchEvent, WatchExpired

Path = tuple[str, ...]
Flat = dict[Path, Any]

#: What the API server says of an object, and nobody applies.
SYSTEM: Final = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "managedFields", "creationTimestamp"}
)
DELETED_AT: Final[Path] = ("metadata", "deletionTimestamp")
FINALIZERS: Final[Path] = ("metadata", "finalizers")
#: Lists that are merged entry by entry; the key of an entry stands in the path in brackets.
KEYED: Final[Mapping[Path, str]] = {FINALIZERS: "", ("status", "conditions"): "type"}

#: What reviews answer.
MAY_DO_ALL: Final[Mapping[str, Json]] = {
    "SelfSubjectAccessReview": {"allowed": True},
    "SelfSubjectRulesReview": {
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": False,
    },
    "SelfSubjectReview": {"userInfo": {"username": "system:serviceaccount:demo:installer"}},
}

SERVED: Final = (
    ("", "v1", "ConfigMap", "configmaps", True),
    ("", "v1", "Secret", "secrets", True),
    ("", "v1", "ServiceAccount", "serviceaccounts", True),
    ("", "v1", "Namespace", "namespaces", False),
    ("apps", "v1", "Deployment", "deployments", True),
    ("events.k8s.io", "v1", "Event", "events", True),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", False),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles", True),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", True),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False),
    (PACKAGE_GROUP, VERSION, "Package", "packages", False),
    (PACKAGE_GROUP, VERSION, "PackageMetadata", "packagemetadatas", False),
    (INSTALL_GROUP, VERSION, "PackageRepository", "packagerepositories", False),
    (INSTALL_GROUP, VERSION, "InstalledPackage", "installedpackages", True),
)
#: What of an object stands in a table behind its name: columns and where they are read.
COLUMNS: Final = {
    (PACKAGE_GROUP, VERSION, "Package"): {
        "Public-Name": ".spec.publicName",
        "Version": ".spec.version",
        "Display-Name": ".spec.displayName",
        "Short-Description": ".spec.shortDescription",
    },
    (PACKAGE_GROUP, VERSION, "PackageMetadata"): {
        "Display-Name": ".spec.displayName",
        "Short-Description": ".spec.shortDescription",
    },
}


@dataclass(slots=True)
class Held:
    """One object: its fields, and who owns which of them (manager, operation, subresource)."""

    ref: Ref
    uid: str
    flat: Flat = field(default_factory=dict)
    owners: dict[tuple[str, str, str], set[Path]] = field(default_factory=dict)
    version: int = 0
    generation: int = 1

    def wire(self) -> Json:
        obj = _nested(self.flat)
        kind = self.ref.kind
        metadata = {
            **obj.pop("metadata", {}),
            "name": self.ref.name,
            "uid": self.uid,
            "resourceVersion": str(self.version),
            "generation": self.generation,
            "managedFields": [
                {
                    "manager": manager,
                    "operation": operation,
                    "apiVersion": kind.api_version,
                    "fieldsV1": _fields(paths),
                }
                | ({"subresource": subresource} if subresource else {})
                for (manager, operation, subresource), paths in sorted(self.owners.items())
                if paths
            ],
        }
        if self.ref.namespace:
            metadata["namespace"] = self.ref.namespace
        return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **obj}


class FakeCluster:
    """`writes` keeps "verb ref" of each change, `history` what watches hear.

    `refuse(verb, ref)` may give the error that a call ends with.
    """

    def __init__(self, *, page_items: int = 250) -> None:
        self.page_items = page_items
        self.writes: list[str] = []
        self.reads = 0
        self.refuse: Callable[[str, Ref], PackhouseError | None] = lambda verb, ref: None
        self.kinds = {
            Kind(group, version, kind): Served(Kind(group, version, kind), plural, namespaced)
            for group, version, kind, plural, namespaced in SERVED
        }
        self.columns: dict[Kind, dict[str, str]] = {
            Kind(group, version, kind): dict(columns) for (group, version, kind), columns in COLUMNS.items()
        }
        self._held: dict[Ref, Held] = {}
        self._serial = 0
        self.history: list[tuple[int, WatchEvent]] = []
        self._oldest = 0
        self._news = asyncio.Event()
        self._watches_end = 0

    # ---- reading -----------------------------------------------------------------------------------------

    async def served(self, kind: Kind, *, anew: bool = False) -> Served | None:
        return self.kinds.get(kind)

    async def version(self) -> str:
        return "v1.37.2"

    async def groups(self) -> Sequence[str]:
        return sorted({kind.api_version for kind in self.kinds})

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None:
        self._check("get", ref)
        self.reads += 1
        held = self._held.get(ref)
        if held is None:
            return None
        return {**_answer(held.wire(), metadata_only), "apiVersion": ref.kind.api_version, "kind": ref.kind.kind}

    async def pages(
        self, kind: Kind, *, namespace: str = "", label_selector: str = "", metadata_only: bool = False
    ) -> AsyncIterator[Page]:
        if kind not in self.kinds:
            return
        self._check("list", Ref(kind, namespace, ""))
        version = str(self._serial)
        found = [_answer(held.wire(), metadata_only) for held in self._selected(kind, namespace, label_selector)]
        for start in range(0, max(len(found), 1), self.page_items):
            yield Page(found[start : start + self.page_items], version)

    async def tables(self, kind: Kind, *, namespace: str = "", label_selector: str = "") -> AsyncIterator[Table]:
        if kind not in self.kinds:
            return
        self._check("list", Ref(kind, namespace, ""))
        columns = {"Name": ".metadata.name"} | self.columns.get(kind, {})
        found = [held.wire() for held in self._selected(kind, namespace, label_selector)]
        for start in range(0, max(len(found), 1), self.page_items):
            part = found[start : start + self.page_items]
            yield Table(list(columns), [[_at(obj, path) for path in columns.values()] for obj in part])

    async def watch(
        self,
        kind: Kind,
        *,
        resource_version: str,
        namespace: str = "",
        label_selector: str = "",
        metadata_only: bool = False,
    ) -> AsyncIterator[WatchEvent]:
        self._check("watch", Ref(kind, namespace, ""))
        seen, ends = int(resource_version), self._watches_end
        if kind not in self.kinds or seen < self._oldest:
            raise WatchExpired(f"the watch of {kind} expired")
        while ends == self._watches_end:
            for version, event in list(self.history):
                if version > seen and kind_of(event.object) == kind and _fits(event.object, namespace, label_selector):
                    yield WatchEvent(event.type, _answer(event.object, metadata_only))
            seen = max(seen, self._serial)
            await self._news.wait()

    def end_watches(self, *, expire: bool = False) -> None:
        """All watches end as after their time; with `expire`, none can go on from an old version."""
        self._watches_end += 1
        if expire:
            self.history.clear()
            self._oldest = self._serial = self._serial + 1
        self._tell()

    # ---- writing -----------------------------------------------------------------------------------------

    async def apply(
        self,
        obj: Json,
        *,
        manager: str,
        force: bool = True,
        dry_run: bool = False,
        subresource: str = "",
        metadata_only: bool = False,
    ) -> Json:
        ref = ref_of(obj)
        self._check("dry run" if dry_run else "apply", ref)
        old = self._held.get(ref)
        self._allow(ref, obj["metadata"].get("uid"), old, subresource)
        new = copy.deepcopy(old) if old is not None else Held(ref, f"uid-{self._serial + 1}")
        flat = dict(_flat({key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}))
        mine = {path: value for path, value in flat.items() if _applies(path, subresource)}
        _take_over(new, (manager, "Apply", subresource), mine, force=force)
        return _answer(self._store(old, new, "apply", dry_run=dry_run).wire(), metadata_only)

    async def create(
        self,
        obj: Json,
        *,
        parent: Ref | None = None,
        subresource: str = "",
        dry_run: bool = False,
        manager: str = "",
    ) -> Json | None:
        if obj["kind"] in MAY_DO_ALL:
            return {**obj, "status": MAY_DO_ALL[obj["kind"]]}
        if parent is not None:
            return {**obj, "status": {"token": "t"}} if parent in self._held else None
        ref = ref_of(obj)
        self._check("dry run" if dry_run else "create", ref)
        if ref.kind not in self.kinds:
            return None
        if ref in self._held:
            raise DeployFailed(f"{ref}: already exists")
        new = Held(ref, f"uid-{self._serial + 1}")
        body = {key: value for key, value in _encoded(obj).items() if key not in ("apiVersion", "kind")}
        _take_over(
            new,
            (manager or "packhouse", "Update", ""),
            {path: v for path, v in _flat(body) if not _is_system(path)},
            force=True,
        )
        return self._store(None, new, "create", dry_run=dry_run).wire()

    async def patch(self, ref: Ref, operations: Sequence[Json], *, manager: str = "") -> Json | None:
        self._check("patch", ref)
        old = self._held.get(ref)
        if old is None:
            return None
        obj = old.wire()
        for operation in operations:
            _operate(obj, operation, ref)
        new = copy.deepcopy(old)
        after = {path: value for path, value in _flat(obj) if path[0] not in ("apiVersion", "kind")}
        after = {path: value for path, value in after.items() if not _is_system(path)}
        changed = {path: value for path, value in after.items() if new.flat.get(path) != value}
        for paths in new.owners.values():
            paths &= {path for path in after if path not in changed}
        new.flat = after
        new.owners.setdefault((manager or "packhouse", "Update", ""), set()).update(changed)
        return _answer(self._store(old, new, "patch").wire(), True)

    async def delete(self, ref: Ref, *, uid: str | None = None, propagation: str = "Background") -> bool:
        self._check("delete", ref)
        old = self._held.get(ref)
        if old is None or (uid is not None and old.uid != uid):
            return False
        new = copy.deepcopy(old)
        new.flat.setdefault(DELETED_AT, "2026-01-01T00:00:00Z")
        self._store(old, new, "delete")
        return True

    async def delete_collection(self, kind: Kind, *, label_selector: str) -> None:
        for held in self._selected(kind, "", label_selector):
            await self.delete(held.ref)

    # ---- inside ------------------------------------------------------------------------------------------

    def _check(self, verb: str, ref: Ref) -> None:
        error = self.refuse(verb, ref)
        if error is not None:
            raise error

    def _allow(self, ref: Ref, uid: str | None, old: Held | None, subresource: str) -> None:
        if ref.kind not in self.kinds:
            raise DeployFailed(f"{ref}: this cluster does not serve {ref.kind}")
        if old is None and subresource:
            raise DeployFailed(f"{ref}: not found")
        if uid is not None and (old is None or old.uid != uid):
            raise FieldConflict(f"{ref}: the uid differs")

    def _selected(self, kind: Kind, namespace: str, label_selector: str) -> list[Held]:
        return [
            held
            for ref, held in self._held.items()
            if ref.kind == kind and _fits(held.wire(), namespace, label_selector)
        ]

    def _store(self, old: Held | None, new: Held, verb: str, *, dry_run: bool = False) -> Held:
        if (old is not None and (old.flat, old.owners) == (new.flat, new.owners)) or dry_run:
            return new
        self._serial += 1
        new.version = self._serial
        if old is not None and _content(old.flat) != _content(new.flat):
            new.generation += 1
        self.writes.append(f"{verb} {new.ref}")
        gone = DELETED_AT in new.flat and not any(path[:2] == FINALIZERS for path in new.flat)
        if gone:
            del self._held[new.ref]
        else:
            self._held[new.ref] = new
        if new.ref.kind.kind == "CustomResourceDefinition":
            self._serve(new.wire(), gone)
        word = "DELETED" if gone else "MODIFIED" if old is not None else "ADDED"
        self.history.append((new.version, WatchEvent(word, new.wire())))
        self._tell()
        return new

    def _serve(self, crd: Json, gone: bool) -> None:
        spec = crd["spec"]
        for version in spec["versions"]:
            kind = Kind(spec["group"], version["name"], spec["names"]["kind"])
            columns = version.get("additionalPrinterColumns") or []
            self.columns[kind] = {column["name"]: column["jsonPath"] for column in columns}
            if gone:
                self.kinds.pop(kind, None)
            else:
                self.kinds[kind] = Served(kind, spec["names"]["plural"], spec["scope"] == "Namespaced")

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class FakeIdentities:
    """Every service account sees the same cluster; `asked` keeps who was asked for, as "namespace/name"."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster
        self.asked: list[str] = []

    def of(self, namespace: str, service_account: str) -> FakeCluster:
        self.asked.append(f"{namespace}/{service_account}")
        return self.cluster


def _flat(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if path in KEYED and isinstance(value, list):
        for entry in value:
            yield from _flat(entry, (*path, f"[{entry[KEYED[path]] if KEYED[path] else entry}]"))
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            if item is not None:
                yield from _flat(item, (*path, key))
    else:
        yield path, copy.deepcopy(value)


def _encoded(obj: Json) -> Json:
    """The texts of a Secret are only ever written; what is kept is data."""
    if obj["kind"] != "Secret" or "stringData" not in obj:
        return obj
    texts = {key: b64encode(text.encode()).decode() for key, text in obj["stringData"].items()}
    data = (obj.get("data") or {}) | texts
    return {key: value for key, value in obj.items() if key != "stringData"} | {"data": data}


def _nested(flat: Flat) -> Json:
    root: Json = {}
    for path, value in flat.items():
        place = root
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = copy.deepcopy(value)
    for path in KEYED:
        place = root.get(path[0], {})
        if path[1] in place:
            place[path[1]] = list(place[path[1]].values())
    return root


def _fields(paths: set[Path]) -> Json:
    """`paths` as fieldsV1 spells them; an entry of a keyed list stands for itself."""
    root: Json = {}
    for path in sorted(paths):
        place = root
        for number, part in enumerate(path):
            key = KEYED.get(path[:number])
            word = part[1:-1] if key is not None else part
            name = f"f:{word}" if key is None else f"k:{json.dumps({key: word})}" if key else f"v:{json.dumps(word)}"
            place = place.setdefault(name, {})
    return root


def _fits(obj: Json, namespace: str, label_selector: str) -> bool:
    """Whether a list or a watch of `namespace` ("" for all) with these labels tells of `obj`."""
    labels = obj["metadata"].get("labels") or {}
    for term in label_selector.split(","):
        key, equals, value = term.partition("=")
        if key and (labels.get(key) != value if equals else key not in labels):
            return False
    return namespace in ("", obj["metadata"].get("namespace", ""))


def _at(obj: Json, path: str) -> Any:
    """What stands at a path such as ".spec.version"; None for nothing."""
    found: Any = obj
    for part in path.split(".")[1:]:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _is_system(path: Path) -> bool:
    return path[0] == "metadata" and len(path) > 1 and path[1] in SYSTEM


def _applies(path: Path, subresource: str) -> bool:
    """Whether a write speaks of this field: status is its own door."""
    return (path[0] == "status") is (subresource == "status") and not _is_system(path)


def _content(flat: Flat) -> Flat:
    return {path: value for path, value in flat.items() if path[0] not in ("metadata", "status")}


def _take_over(held: Held, who: tuple[str, str, str], mine: Flat, *, force: bool) -> None:
    before = held.owners.get(who, set())
    for other, paths in held.owners.items():
        lost = {path for path in paths & mine.keys() if held.flat.get(path) != mine[path]} if other != who else set()
        if lost and not force:
            raise FieldConflict(f"{held.ref}: {other[0]} holds {sorted(lost)}")
        paths -= lost
    kept = set().union(*(paths for other, paths in held.owners.items() if other != who))
    for path in before - mine.keys() - kept:
        del held.flat[path]
    held.flat.update(mine)
    held.owners[who] = set(mine)


def _operate(obj: Json, operation: Json, ref: Ref) -> None:
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
    place: Any = obj
    for part in parents:
        place = place.get(part) if isinstance(place, dict) else place[int(part)]
        if place is None:
            raise DeployFailed(f"{ref}: there is no {operation['path']}")
    key: Any = int(last) if isinstance(place, list) else last
    there = key < len(place) if isinstance(place, list) else key in place
    match operation["op"]:
        case "add":
            place[key] = operation["value"]
        case "test" if not there or place[key] != operation["value"]:
            raise DeployFailed(f"{ref}: the test of {operation['path']} does not hold")
        case "replace" | "remove" if not there:
            raise DeployFailed(f"{ref}: there is no {operation['path']}")
        case "replace":
            place[key] = operation["value"]
        case "remove":
            del place[key]


def _answer(obj: Json, metadata_only: bool) -> Json:
    if not metadata_only:
        return copy.deepcopy(obj)
    return {
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadata",
        "metadata": copy.deepcopy(obj["metadata"]),
    }
