"""Which kinds the API server serves, read once with kubectl: an account of its own, for tests to compare ours with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.find import Cluster


@dataclass(frozen=True, slots=True)
class Serving:
    """`scopes`: (apiVersion, kind) -> whether its objects live in namespaces."""

    scopes: Mapping[tuple[str, str], bool]

    @classmethod
    def of(cls, cluster: Cluster) -> Serving:
        def raw(path: str) -> dict[str, object]:
            found: dict[str, object] = json.loads(cluster.kubectl("get", "--raw", path).stdout)
            return found

        groups = raw("/apis")["groups"]
        assert isinstance(groups, list)
        places = {"v1": "/api/v1"}
        for group in groups:
            for version in group["versions"]:
                places[version["groupVersion"]] = f"/apis/{version['groupVersion']}"
        scopes = {}
        for api_version, path in places.items():
            resources = raw(path)["resources"]
            assert isinstance(resources, list)
            for resource in resources:
                if "/" not in resource["name"]:
                    scopes[api_version, resource["kind"]] = bool(resource["namespaced"])
        return cls(scopes)

    def extended(self, crds: Sequence[Mapping[str, Any]]) -> Serving:
        """What is served once these are."""
        more = {
            (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]): crd["spec"]["scope"]
            == "Namespaced"
            for crd in crds
            for version in crd["spec"]["versions"]
        }
        return Serving({**self.scopes, **more})

    def serves(self, api_version: str, kind: str) -> bool:
        return (api_version, kind) in self.scopes

    def versions_of(self, api_version: str, kind: str) -> list[str]:
        """The versions of the same group that serve the kind."""
        group = api_version.rpartition("/")[0]
        return sorted(found for found, word in self.scopes if word == kind and found.rpartition("/")[0] == group)

    def knows_group(self, api_version: str) -> bool:
        """Whether any version of the group is served."""
        group = api_version.rpartition("/")[0]
        return any(found.rpartition("/")[0] == group for found, _ in self.scopes)
