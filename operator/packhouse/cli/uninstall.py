"""`packhouse uninstall`: the supported way out. Lists what would go, asks, and works in the order that gets stuck
nowhere: installs while the operator still runs, then repositories, packages, the operator, and its CRDs last.

With the user's own rights. An interrupted uninstall is started again; what is gone is passed over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from packhouse.api.errors import PackhouseError
from packhouse.api.names import (
    INSTALL_GROUP,
    INSTALLED_PACKAGE,
    PACKAGE,
    PACKAGE_GROUP,
    PACKAGE_METADATA,
    PACKAGE_REPOSITORY,
    VERSION,
)
from packhouse.ports import Cluster, Json, Kind, Ref
from packhouse.settings import Settings, SettingsInvalid

#: In the order of removal: each is gone before the next is begun.
CONTENT: Final = (
    Kind(INSTALL_GROUP, VERSION, INSTALLED_PACKAGE),
    Kind(INSTALL_GROUP, VERSION, PACKAGE_REPOSITORY),
    Kind(PACKAGE_GROUP, VERSION, PACKAGE),
    Kind(PACKAGE_GROUP, VERSION, PACKAGE_METADATA),
)
OPERATOR: Final = (
    Kind("apps", "v1", "Deployment"),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRole"),
    Kind("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    Kind("rbac.authorization.k8s.io", "v1", "Role"),
    Kind("", "v1", "ServiceAccount"),
)
CRD: Final = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
CRDS: Final = (
    f"installedpackages.{INSTALL_GROUP}",
    f"packagerepositories.{INSTALL_GROUP}",
    f"packages.{PACKAGE_GROUP}",
    f"packagemetadatas.{PACKAGE_GROUP}",
)
PART_OF: Final = "app.kubernetes.io/name=packhouse"
POLL_SECONDS: Final = 0.5
SHOWN: Final = 10


class StillThere(Exception):
    """Objects that did not go in time, and what to look at."""


def uninstall(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep_crds: Annotated[bool, typer.Option("--keep-crds", help="Leave the CRDs.")] = False,
    timeout_seconds: Annotated[float, typer.Option(help="For each step.")] = 300.0,
    kubeconfig: Annotated[str | None, typer.Option(help="The kubeconfig to use.")] = None,
    context: Annotated[str | None, typer.Option(help="The context of the kubeconfig.")] = None,
) -> None:
    """Remove Packhouse and everything that it installed from the cluster."""
    try:
        settings = Settings.from_environment()
        asyncio.run(_uninstall(settings, yes, keep_crds, timeout_seconds, kubeconfig, context))
    except (SettingsInvalid, PackhouseError, StillThere) as error:
        typer.echo(f"packhouse uninstall: {error}", err=True)
        raise typer.Exit(1) from None


async def _uninstall(
    settings: Settings, yes: bool, keep_crds: bool, seconds: float, kubeconfig: str | None, context: str | None
) -> None:
    from packhouse.connected import connected  # the client takes half a second to import

    async with connected(settings, kubeconfig=kubeconfig, context=context) as link:
        cluster: Cluster = link.cluster
        content = [(kind, await _all(cluster, kind)) for kind in CONTENT]
        everywhere = [ref for kind in OPERATOR for ref in await _all(cluster, kind, PART_OF)]
        operator = [ref for ref in everywhere if ref.namespace in ("", settings.operator_namespace)]
        crds = [] if keep_crds else [ref for name in CRDS if await cluster.get(ref := Ref(CRD, "", name))]
        if not operator and not crds and not any(refs for _, refs in content):
            typer.echo("Packhouse is not installed in this cluster.")
            return
        _show([*content, (OPERATOR[0], operator), (CRD, crds)])
        if not yes and not typer.confirm("Remove all of this, with everything that the installs applied?"):
            raise typer.Exit(1)
        for kind, refs in content:
            await _remove(cluster, refs, seconds)
            typer.echo(f"{kind.kind}: {len(refs)} removed")
        for kind in CONTENT:  # what was made since the list above: without the operator its finalizer would stay
            await _remove(cluster, await _all(cluster, kind), seconds)
        await _remove(cluster, operator, seconds)
        typer.echo(f"operator: {len(operator)} objects removed")
        await _remove(cluster, crds, seconds)
        typer.echo("CRDs kept" if keep_crds else f"CRDs: {len(crds)} removed")


async def _all(cluster: Cluster, kind: Kind, label_selector: str = "") -> list[Ref]:
    return [
        Ref(kind, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        async for page in cluster.pages(kind, label_selector=label_selector, metadata_only=True)
        for item in page.items
    ]


def _show(groups: Sequence[tuple[Kind, Sequence[Ref]]]) -> None:
    typer.echo("This will be removed, in this order:")
    for _, refs in groups:
        for ref in refs[:SHOWN]:
            typer.echo(f"  {ref}")
        if len(refs) > SHOWN:
            typer.echo(f"  ... and {len(refs) - SHOWN} more {refs[0].kind.kind}")


async def _remove(cluster: Cluster, refs: Sequence[Ref], seconds: float) -> None:
    """Delete and wait until all are gone. Raises StillThere."""
    await asyncio.gather(*(cluster.delete(ref) for ref in refs))
    deadline = time.monotonic() + seconds
    remaining = list(refs)
    while remaining:
        found = await asyncio.gather(*(cluster.get(ref) for ref in remaining))
        there = [(ref, obj) for ref, obj in zip(remaining, found, strict=True) if obj is not None]
        remaining = [ref for ref, _ in there]
        if remaining and time.monotonic() >= deadline:
            raise StillThere(_why(*there[0], len(there)))
        if remaining:
            await asyncio.sleep(POLL_SECONDS)


def _why(ref: Ref, obj: Json, count: int) -> str:
    message = (obj.get("status") or {}).get("usefulErrorMessage") or (
        "is the operator running? it has to clean up before its objects can go"
    )
    return f"{count} objects are not gone yet, such as {ref}: {message}"
