"""`build`: what a package renders is held against a cluster or a version of Kubernetes, and its images are locked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from packhouse.cli.output import Column, Form, Listing, Output, show
from packhouse.cli.terminal import begins, note
from packhouse.cli.verb import verb
from packhouse.client.errors import Trouble, Usage
from packhouse.client.session import Target

if TYPE_CHECKING:
    from packhouse.authoring.building import Build
    from packhouse.authoring.images import Locked
    from packhouse.authoring.project import Project
    from packhouse.authoring.validate import Fault
    from packhouse.cli.locking import Lock

#: Of what a cluster would refuse.
_SHOWN_MOST: Final = 20


@verb
async def build(
    target: Target,
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The package's folder.")] = Path(),
    kubernetes_version: Annotated[
        str,
        typer.Option(
            metavar="VERSION",
            help="Hold the API versions of the objects against those that this version serves. "
            "Fields are not looked at: only a cluster knows their schemas.",
        ),
    ] = "",
    against_cluster: Annotated[
        bool,
        typer.Option(
            "--against-cluster",
            help="Hold every field of the objects against the schemas of the cluster. Nothing is written there, and "
            "no right is needed but to log in.",
        ),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing, and fail (exit 1) if the lock is not as it would be.")
    ] = False,
    output: Output = Form.TABLE,
) -> None:
    """Render and validate a package, and lock its images."""
    from packhouse.authoring.project import read
    from packhouse.cli.bundle_login import Logins
    from packhouse.cli.bundle_places import Places
    from packhouse.cli.locking import counted, locked
    from packhouse.settings import Settings

    if kubernetes_version and against_cluster:
        raise Usage("--kubernetes-version and --against-cluster exclude each other", "give one of them")
    project = read(folder)
    made = await _validated(project, target, kubernetes_version, against_cluster)
    with Places(Logins(), Settings.from_environment()) as places:
        lock = locked(project, made, places, anew=True)
    if not check:
        lock.write()
    listing = _listing(lock)
    if listing.rows or output is not Form.TABLE:
        show(listing, output)
    if check and lock.is_stale:
        raise Trouble(
            f"{lock.shown} is not what a build would write: {_changes(listing) or 'there is no such file'}",
            "run packhouse package build, and keep what it writes",
        )
    note(f"{lock.shown}: {counted(len(lock.after), 'image')}, {_changes(listing) or 'as before'}")


async def _validated(project: Project, target: Target, version: str, against_cluster: bool) -> Build:
    """Raises Trouble where an object would not be taken."""
    from packhouse.authoring.rendering import ClusterFacts, aimed_at, started
    from packhouse.authoring.validate import Validator, not_served
    from packhouse.cli.locking import counted, rendered

    if not against_cluster:
        minor = aimed_at(project, version or None)
        async with started() as renderer:
            made = await rendered(renderer, project, ClusterFacts.of(minor))
        _refuse(
            not_served(made.every, minor),
            f"Kubernetes 1.{minor} does not serve all objects",
            "correct the templates, or name the version that is meant: --kubernetes-version",
        )
        return made
    from packhouse.connected import connected_as_user  # the client takes half a second to import
    from packhouse.settings import Settings

    settings = Settings.from_environment(request_timeout_seconds=target.request_timeout_seconds)
    async with connected_as_user(
        settings, kubeconfig=target.kubeconfig, context=target.context, impersonate=target.impersonation
    ) as cluster:
        facts = ClusterFacts(await cluster.version(), await cluster.groups())
        async with started() as renderer:
            made = await rendered(renderer, project, facts)
        begins(f"Validating {counted(len(made.every), 'object')} against the cluster, {facts.version}...")
        faults = await Validator(cluster).faults(made.every)
        _refuse(faults, "the cluster would not take all objects", "correct the templates, and build again")
    return made


def _refuse(faults: Sequence[Fault], words: str, lever: str) -> None:
    from packhouse.cli.locking import counted

    for fault in faults[:_SHOWN_MOST]:
        note(str(fault))
    if faults:
        more = f", the first {_SHOWN_MOST} above" if len(faults) > _SHOWN_MOST else ""
        raise Trouble(f"{words}: {counted(len(faults), 'fault')}{more}", lever)


def _listing(lock: Lock) -> Listing:
    """What is locked, then what is no more."""
    before = {one.name or one.image: one for one in lock.before}
    after = {one.name or one.image: one for one in lock.after}
    rows = [[name, one.digest, _change(before.get(name), one)] for name, one in after.items()]
    rows += [[name, one.digest, "gone"] for name, one in before.items() if name not in after]
    items = [{"name": name, "image": (after | before)[name].image, "change": change} for name, _, change in rows]
    columns = [Column("IMAGE"), Column("DIGEST"), Column("CHANGE")]
    return Listing(columns, rows, items, names=[str(item["image"]) for item in items])


def _change(before: Locked | None, after: Locked) -> str:
    if before is None:
        return "new"
    return "" if before.image == after.image else "changed"


def _changes(listing: Listing) -> str:
    """In numbers: "1 new, 2 changed"."""
    counts = Counter(row[2] for row in listing.rows if row[2])
    return ", ".join(f"{counts[word]} {word}" for word in ("new", "changed", "gone") if counts[word])
