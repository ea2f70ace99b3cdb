"""Why a package cannot be applied to this cluster: kinds that it does not serve, and what it serves in their place.

Called by `settled` before anything else is asked or written. Reads discovery only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from packhouse.api.errors import DeployFailed
from packhouse.ports import Cluster, Kind, Ref

MOST_NAMED: Final = 8
#: Groups that Kubernetes took apart: where their kinds live now.
HEIRS: Final[Mapping[str, tuple[str, ...]]] = {"extensions": ("apps", "networking.k8s.io", "policy")}


async def not_served(cluster: Cluster, unknown: Sequence[Ref]) -> DeployFailed:
    """`unknown`: an object of each such kind. Raises Forbidden, ClusterUnavailable."""
    groups = await cluster.groups()
    moved: list[str] = []
    absent: list[str] = []
    for ref in unknown[:MOST_NAMED]:
        if versions := await _versions(cluster, ref.kind, groups):
            moved.append(f"{ref} is served as {' or '.join(versions)} here")
        else:
            absent.append(str(ref))
    words = []
    if moved:
        words.append(f"{', '.join(moved)}: take a version of the package that says so")
    if absent:
        them = "it" if len(absent) == 1 else "them"
        words.append(
            f"{', '.join(absent)}: this cluster does not serve {them}, and the package brings no CRD for {them}; "
            f"install what provides {them} first"
        )
    more = len(unknown) - MOST_NAMED
    return DeployFailed(f"nothing was applied: {'; '.join(words)}" + (f" ({more} more such kinds)" if more > 0 else ""))


async def _versions(cluster: Cluster, kind: Kind, groups: Sequence[str]) -> list[str]:
    """The API versions under which the cluster serves what the package means."""
    found = []
    for api_version in groups:
        group, _, version = api_version.rpartition("/")
        if group != kind.group and group not in HEIRS.get(kind.group, ()):
            continue
        if await cluster.served(Kind(group, version, kind.kind)) is not None:
            found.append(api_version)
    return found
