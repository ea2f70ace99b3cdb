"""What `release` reads and shows: its key, its places, the judgement of the package, the plan in words."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packhouse.adapters.cosign_private_keys import SigningKey, read_key
from packhouse.authoring import golden
from packhouse.authoring.lint.findings import Level
from packhouse.authoring.lint.judge import judge
from packhouse.authoring.project import UNRELEASED, Case, Project, shown
from packhouse.authoring.publish import tag_of
from packhouse.authoring.release import Plan, Released, Wish, sibling
from packhouse.authoring.rendering import ClusterFacts, aimed_at, started
from packhouse.cli.bundle_places import Places, target_of
from packhouse.cli.locking import Lock, counted, locked, rendered
from packhouse.cli.output import Column, Listing
from packhouse.cli.terminal import begins, note
from packhouse.client.errors import NotFound, Trouble, Usage
from packhouse.domain.images_lock import EMPTY_LOCK, LOCK_FILE
from packhouse.domain.references import ImageReference, read_reference

if TYPE_CHECKING:
    from packhouse.ports import Renderer

_OPENS_KEY: Final = "COSIGN_PASSWORD"
_EPOCH: Final = "SOURCE_DATE_EPOCH"


def key_of(path: Path) -> SigningKey:
    """The private key; for its password the environment or the terminal is asked. Raises NotFound, InvalidSpec."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise NotFound(f"the key {path} cannot be read: {error.strerror}") from None
    return read_key(text, str(path), lambda: _password(path))


def _password(path: Path) -> bytes:
    given = os.environ.get(_OPENS_KEY)
    if given is None and not sys.stdin.isatty():
        raise Usage(f"{path} has a password, and there is no terminal to ask on", f"give it in {_OPENS_KEY}")
    return (getpass.getpass(f"Password of {path}: ", sys.stderr) if given is None else given).encode()


def repository_of(text: str) -> ImageReference:
    """Where the repository's bundle lies. Raises Usage, InvalidSpec."""
    target, _ = target_of(text)
    if isinstance(target, Path) or target.is_layout:
        raise Usage(f"--to {text}: a release goes to a registry", "packhouse bundle copy writes layouts on disk")
    return target


def package_home(text: str, repository: ImageReference, project: Project) -> ImageReference:
    """Where the package's bundle goes: as asked, else where package.yaml has it, else beside the repository."""
    if not text:
        [source, *_] = project.view.fetch
        image = (source.get("imgpkgBundle") or {}).get("image")
        unreleased = UNRELEASED["imgpkgBundle"]["image"]
        named = image if isinstance(image, str) and image != unreleased else ""
        return read_reference(named or sibling(repository, project.view.public_name))
    target, tag = target_of(text)
    if isinstance(target, Path) or target.is_layout or tag is not None:
        raise Usage(f"--package-image {text} is no repository", "write host/path: the version becomes the tag")
    return target


def moment() -> str:
    """Now, or what the environment says is now, for builds that are to give the same each time."""
    epoch = os.environ.get(_EPOCH, "")
    seconds = int(epoch) if epoch.isdecimal() else None
    now = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


async def judged(before: Project, project: Project, places: Places) -> Lock:
    """The lock of what is released, once nothing is found against it. `before`: as it is on disk. Raises Trouble."""
    begins(f"Judging {before.view.public_name}...")
    async with started() as renderer:
        await _refuse_errors(renderer, before)
        await _refuse_failures(renderer, before, project)
        made = await rendered(renderer, project, _facts(project))
    return locked(project, made, places, anew=False)


async def taken_over(project: Project) -> None:
    """The tests were as expected; where that names the version, or an image that was not locked, it does so anew."""
    cases = [case for case in project.cases if case.expected.is_file()]
    async with started() as renderer:
        async for result in golden.run(renderer, project, cases, _facts(project), update=True):
            if result.state is golden.State.WRITTEN:
                note(f"{shown(result.case.folder)}: expected is what the release renders")


async def _refuse_errors(renderer: Renderer, project: Project) -> None:
    errors = [one for one in await judge(project.folder, renderer=renderer) if one.level is Level.ERROR]
    for one in errors:
        note(f"{one.place}: {one.message}")
    if errors:
        raise Trouble(f"lint finds {counted(len(errors), 'error')}", "correct them; packhouse package lint shows all")


async def _refuse_failures(renderer: Renderer, before: Project, project: Project) -> None:
    """What a case expects may be of the version on disk or of the new one, and of a time before images were locked: a
    release that was interrupted has changed some of it. One of which nothing is expected needs to render, no more."""
    unlocked = {LOCK_FILE: EMPTY_LOCK}
    failed = await _failed(renderer, before, before.cases)
    for other in (project, replace(before, instead=unlocked), replace(project, instead=unlocked)):
        still = await _failed(renderer, other, [result.case for result in failed])
        failed = [result for result in failed if result.case in {one.case for one in still}]
    for result in failed:
        note(f"{result.case.name}: {result.state}{f': {result.message}' if result.message else ''}")
    if failed:
        raise Trouble(
            f"{len(failed)} of {counted(len(before.cases), 'test')} failed",
            "packhouse package test shows the differences, and takes them over with --update",
        )


async def _failed(renderer: Renderer, project: Project, cases: Sequence[Case]) -> list[golden.Result]:
    results = golden.run(renderer, project, cases, _facts(project))
    return [result async for result in results if result.state in (golden.State.DIFFERENT, golden.State.BROKEN)]


def _facts(project: Project) -> ClusterFacts:
    return ClusterFacts.of(aimed_at(project))


def told(before: Project, wish: Wish, plan: Plan) -> Iterator[str]:
    """What a release would do, for who is asked whether it should."""
    name, version = plan.offer.public_name, plan.offer.version
    was = before.view.version
    yield f"{name} {version}{f', after {was}' if was != version else ''}"
    yield f"  push    {wish.package_home.name}:{tag_of(version)}, with a bill of materials"
    where = f"{wish.repository.name}:{wish.tag}"
    if plan.base is None:
        yield f"  begin   {where}, a new repository"
    elif plan.is_offered:
        yield f"  keep    {where}, which offers it already"
    else:
        yield f"  update  {where}"
    for file in sorted(plan.addition.files):
        yield f"            {file}"
    for tag in wish.tags:
        yield f"  tag     {wish.repository.name}:{tag}"
    if wish.key is not None:
        yield f"  sign    both, with {wish.key.source}"
    yield from (f"note: {one}" for one in plan.addition.notes)


def listing(released: Released, plan: Plan) -> Listing:
    rows = [
        ["package", plan.offer.public_name, tag_of(plan.offer.version), released.package],
        ["repository", released.repository.partition("@")[0], ",".join(released.tags), released.repository],
    ]
    items = [{"what": row[0], "name": row[1], "tags": row[2].split(","), "image": row[3]} for row in rows]
    columns = [Column("WHAT"), Column("NAME", wide=True), Column("TAG"), Column("IMAGE")]
    return Listing(columns, rows, items, names=[row[3] for row in rows])
