"""The Cluster port on a real API server: objects in and out, and its refusals as our errors.

The only room that knows Kubernetes' paths and status reasons. One KubeCluster is one identity.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from packhouse.adapters.api_server import (
    APPLY,
    JSON,
    JSON_PATCH,
    METADATA,
    METADATA_LIST,
    TABLE,
    ApiServer,
    Refused,
    Request,
)
from packhouse.adapters.discovery import Discovery, group_path
from packhouse.adapters.refusals import discreet, forbidden
from packhouse.api.errors import (
    ApiServerError,
    ClusterUnavailable,
    DeployFailed,
    FieldConflict,
    Forbidden,
    NamespaceTerminating,
    PackhouseError,
)
from packhouse.domain.objects import canonical
from packhouse.ports import Json, Kind, Page, Ref, Served, Table, WatchEvent, WatchExpired
from packhouse.settings import Settings

PAGE_ITEMS: Final = 250
#: Of a table, whose rows are small.
TABLE_ROWS: Final = 500

#: HTTP methods in RBAC's words.
RBAC_VERBS: Final[Mapping[str, str]] = {"GET": "get", "POST": "create", "PATCH": "patch", "DELETE": "delete"}


class KubeCluster:
    """One identity's view of the cluster."""

    def __init__(
        self, server: ApiServer, discovery: Discovery, settings: Settings, *, who: str = "the operator"
    ) -> None:
        """`who` names the identity in messages."""
        self._server = server
        self._discovery = discovery
        self._settings = settings
        self._who = who

    async def served(self, kind: Kind, *, anew: bool = False) -> Served | None:
        try:
            return await self._discovery.served(kind, anew=anew)
        except Refused as refused:
            raise self._ours(refused, f"what the API server serves of {kind}", "get") from refused

    async def version(self) -> str:
        return str((await self._call(Request("GET", "/version"), "version")).get("gitVersion", ""))

    async def groups(self) -> Sequence[str]:
        answer = await self._call(Request("GET", "/apis"), "API groups")
        found = [version["groupVersion"] for group in answer.get("groups") or [] for version in group["versions"]]
        return sorted(["v1", *found])

    async def openapi(self, group: str, version: str) -> Json | None:
        """The OpenAPI v3 document of that version, None where there is none. Every user may read it."""
        try:
            return await self._call(Request("GET", f"/openapi/v3{group_path(group, version)}"), "schemas")
        except _Absent:
            return None

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None:
        path = await self._path(ref)
        if path is None:
            return None
        try:
            found = await self._call(Request("GET", path, accept=METADATA if metadata_only else JSON), str(ref))
        except _Absent:
            return None
        # Asked for its metadata alone, the server calls everything a PartialObjectMetadata.
        return {**found, "apiVersion": ref.kind.api_version, "kind": ref.kind.kind}

    async def pages(
        self, kind: Kind, *, namespace: str = "", label_selector: str = "", metadata_only: bool = False
    ) -> AsyncIterator[Page]:
        query = {"limit": str(PAGE_ITEMS)}
        accept = METADATA_LIST if metadata_only else JSON
        async for answer in self._parts(kind, namespace, label_selector, query, accept):
            for item in answer.get("items") or []:
                item.setdefault("apiVersion", kind.api_version)  # lists of built-in kinds leave both out
                item.setdefault("kind", kind.kind)
            yield Page(answer.get("items") or [], (answer.get("metadata") or {}).get("resourceVersion", ""))

    async def tables(self, kind: Kind, *, namespace: str = "", label_selector: str = "") -> AsyncIterator[Table]:
        query = {"limit": str(TABLE_ROWS), "includeObject": "None"}
        async for answer in self._parts(kind, namespace, label_selector, query, TABLE):
            columns = [column["name"] for column in answer.get("columnDefinitions") or []]
            yield Table(columns, [row["cells"] for row in answer.get("rows") or []])

    async def _parts(
        self, kind: Kind, namespace: str, label_selector: str, query: dict[str, str], accept: str
    ) -> AsyncIterator[Json]:
        """A list as the server gives it, part by part."""
        path = await self._path(Ref(kind, namespace, ""))
        if path is None:
            return
        if label_selector:
            query["labelSelector"] = label_selector
        while True:
            try:
                answer = await self._call(
                    Request("GET", path, query, accept=accept), f"the list of {kind}", verb="list"
                )
            except _Absent:
                self._discovery.forget(kind)  # its CRD is gone since discovery last looked
                return
            yield answer
            following = (answer.get("metadata") or {}).get("continue")
            if not following:
                return
            query["continue"] = following

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
        ref = _ref(obj)
        path = await self._path(ref)
        if path is None:
            raise DeployFailed(f"{ref}: this cluster does not serve {ref.kind}; install its CRD first")
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        request = Request(
            "PATCH",
            f"{path}/{subresource}" if subresource else path,
            query,
            body=obj,
            content_type=APPLY,
            accept=METADATA if metadata_only else JSON,
        )
        try:
            return await self._call(request, str(ref))
        except _Absent as absent:
            self._discovery.forget(ref.kind)
            raise DeployFailed(f"{ref}: {absent}; create that first, or let the package bring it") from absent
        except DeployFailed as refused:
            # Nulls that a schema does not allow: a create leaves them out, a server-side apply refuses them.
            without = canonical(obj)
            if not refused.invalid or without == obj:
                raise
            return await self._call(replace(request, body=without), str(ref))

    async def create(
        self,
        obj: Json,
        *,
        parent: Ref | None = None,
        subresource: str = "",
        dry_run: bool = False,
        manager: str = "",
    ) -> Json | None:
        ref = _ref(obj)
        path = await self._path(parent or Ref(ref.kind, ref.namespace, ""))
        if path is None:
            return None
        query = _managed_by(manager) | ({"dryRun": "All"} if dry_run else {})
        try:
            where = f"{path}/{subresource}" if subresource else path
            return await self._call(Request("POST", where, query, body=obj), str(ref))
        except _Absent:
            return None

    async def patch(self, ref: Ref, operations: Sequence[Json], *, manager: str = "") -> Json | None:
        path = await self._path(ref)
        if path is None:
            return None
        try:
            query, steps = _managed_by(manager), list(operations)
            request = Request("PATCH", path, query, body=steps, content_type=JSON_PATCH, accept=METADATA)
            return await self._call(request, str(ref))
        except _Absent:
            return None

    async def delete(self, ref: Ref, *, uid: str | None = None, propagation: str = "Background") -> bool:
        path = await self._path(ref)
        if path is None:
            return False
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            await self._call(Request("DELETE", path, body=options), str(ref))
        except (_Absent, _Differs):
            return False
        return True

    async def delete_collection(self, kind: Kind, *, label_selector: str) -> None:
        path = await self._path(Ref(kind, "", ""))
        if path is not None:
            request = Request("DELETE", path, {"labelSelector": label_selector}, accept=METADATA_LIST)
            with suppress(_Absent):  # the kind is gone, and so are its objects
                await self._call(request, f"all {kind} with {label_selector}", verb="deletecollection")

    async def watch(
        self,
        kind: Kind,
        *,
        resource_version: str,
        namespace: str = "",
        label_selector: str = "",
        metadata_only: bool = False,
    ) -> AsyncIterator[WatchEvent]:
        path = await self._path(Ref(kind, namespace, ""))
        if path is None:
            raise WatchExpired(f"{kind} is not served")
        seconds = self._settings.watch_timeout_seconds
        query = {
            "watch": "true",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        if label_selector:
            query["labelSelector"] = label_selector
        request = Request("GET", path, query, accept=METADATA if metadata_only else JSON)
        try:
            async with self._server.lines(request, seconds + self._settings.request_timeout_seconds) as lines:
                async for line in lines:
                    if line["type"] == "ERROR":
                        if (line.get("object") or {}).get("code") == 410:
                            raise WatchExpired(f"the watch of {kind} expired")
                        raise ClusterUnavailable(f"the watch of {kind} ended with an error; it is started again")
                    yield WatchEvent(line["type"], line["object"])
        except Refused as refused:
            if refused.code == 404:
                self._discovery.forget(kind)  # its CRD is gone since discovery last looked
            if refused.code in (404, 410):
                raise WatchExpired(f"the watch of {kind} expired") from refused
            raise self._ours(refused, f"the watch of {kind}", "watch") from refused

    async def _path(self, ref: Ref) -> str | None:
        """The path of an object; of its collection where the name is empty. None where the kind is not served."""
        served = await self.served(ref.kind)
        if served is None:
            return None
        base = group_path(ref.kind.group, ref.kind.version)
        if served.namespaced and ref.namespace:
            base = f"{base}/namespaces/{_segment(ref.namespace)}"
        return f"{base}/{served.plural}/{_segment(ref.name)}" if ref.name else f"{base}/{served.plural}"

    async def _call(self, request: Request, what: str, *, verb: str = "") -> Json:
        try:
            return await self._server.call(request)
        except Refused as refused:
            raise self._ours(refused, what, verb or RBAC_VERBS[request.method]) from refused

    def _ours(self, refused: Refused, what: str, verb: str) -> PackhouseError | _Absent | _Differs:
        """An API server's refusal in our words, by status code and reason; never by its text."""
        match refused.code, refused.reason:
            case 403, _ if refused.is_caused_by("NamespaceTerminating"):
                return NamespaceTerminating(f"{what}: the namespace is being deleted and takes nothing new")
            case 403, _:
                return Forbidden(forbidden(refused, what, verb))
            case 404, _:
                return _Absent(refused.message)
            case 409, "Conflict" if refused.request.method == "DELETE":
                return _Differs(refused.message)
            case 409, "Conflict":
                return FieldConflict(f"{what}: {discreet(refused)}")
            case 401, _:
                return ClusterUnavailable(f"{what}: the API server does not know {self._who} by these credentials")
            case code, _ if code >= 500 and refused.request.method == "GET":
                return ClusterUnavailable(f"{what}: {refused.message}")
            case code, _ if code >= 500:
                return ApiServerError(f"{what}: {discreet(refused)}", internal=refused.reason == "InternalError")
            case _:
                return DeployFailed(f"{what}: {discreet(refused)}", invalid=refused.code == 422)


def _managed_by(manager: str) -> dict[str, str]:
    """The server takes the program's name where none is given."""
    return {"fieldManager": manager} if manager else {}


def _segment(name: str) -> str:
    """A name as one part of a path: it must not begin a query."""
    return quote(name, safe=":@")


class _Absent(Exception):
    """404: the object, its namespace or its kind is not there."""


class _Differs(Exception):
    """409 on a delete: the name is another object's by now."""


def _ref(obj: Json) -> Ref:
    group, _, version = obj["apiVersion"].rpartition("/")
    metadata = obj.get("metadata") or {}  # reviews and token requests have none
    return Ref(Kind(group, version, obj["kind"]), metadata.get("namespace", ""), metadata.get("name", ""))
