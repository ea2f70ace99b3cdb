"""`release`: a package's next version is pushed, and offered by a repository. authoring/release.py tells the story."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from packhouse.cli.asking import Yes, agree
from packhouse.cli.bundle import PasswordStdin, Username
from packhouse.cli.output import Form, Output, show
from packhouse.cli.terminal import begins, note
from packhouse.cli.verb import verb

_TO = "The repository's bundle, host/path[:tag]; what it offers already stays. The tag is latest by default."
_PACKAGE_IMAGE = "Where the package's bundle goes, host/path; by default beside the repository, under the public name."
_VERSION = "The version to release; by default that of package.yaml."
_BUMP = "Release the next version: major, minor, patch or prerelease."
_KEY = "Sign both bundles with this private key: PEM, or as cosign writes it; COSIGN_PASSWORD opens it."
_TAG = "A further tag for the repository's bundle, such as a version that ranges follow; repeatable."


@verb
async def release(
    to: Annotated[str, typer.Option("--to", metavar="REPOSITORY_IMAGE", help=_TO)],
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The package's folder.")] = Path(),
    package_image: Annotated[str, typer.Option(metavar="IMAGE", help=_PACKAGE_IMAGE)] = "",
    version: Annotated[str, typer.Option(metavar="VERSION", help=_VERSION)] = "",
    bump: Annotated[str, typer.Option(metavar="PART", help=_BUMP)] = "",
    key: Annotated[Path | None, typer.Option(metavar="FILE", help=_KEY)] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help=_TAG)] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; print the Package as it would be offered.")
    ] = False,
    yes: Yes = False,
    username: Username = "",
    password_stdin: PasswordStdin = False,
    output: Output = Form.TABLE,
) -> None:
    """Push a package and a repository that offers its next version.

    The package is judged and tested, its bundle pushed with a bill of materials, the version added to the repository,
    and both bundles signed where there is a key. The repository's tag moves last, and a release that was interrupted
    goes on when it is run again. What images.yml locks stays locked: `build` looks for newer digests.
    """
    from packhouse.authoring import versions
    from packhouse.authoring.images import text_of
    from packhouse.authoring.project import PACKAGE_FILE, read
    from packhouse.authoring.release import Release, Wish
    from packhouse.cli.bundle_login import Logins, given_login
    from packhouse.cli.bundle_places import Places
    from packhouse.cli.release_parts import (
        judged,
        key_of,
        listing,
        moment,
        package_home,
        repository_of,
        taken_over,
        told,
    )
    from packhouse.settings import Settings

    signing = key_of(key) if key is not None else None
    target, before = repository_of(to), read(folder)
    home = package_home(package_image, target, before)
    project = versions.with_version(before, versions.chosen(before.view.version, version, bump))
    text = (folder / PACKAGE_FILE).read_bytes().decode()
    rewritten = versions.rewritten(text, before.written.document, project.view.version)
    settings = Settings.from_environment()
    with Places(Logins(given_login(username, password_stdin), target.host), settings) as places:
        lock = await judged(before, project, places)
        project = lock.into(project)
        wish = Wish(
            project=project,
            lock=lock.after,
            package_home=places.repository(home),
            repository=places.repository(target),
            tag=target.tag or "latest",
            tags=tag or (),
            key=signing,
            now=moment(),
        )
        with Release(wish, settings) as work:
            begins(f"Looking at {wish.repository.name}:{wish.tag}...")
            plan = work.plan()
            for line in told(before, wish, plan):
                note(line)
            if dry_run:
                typer.echo(text_of(plan.offer.package, in_order=False), nl=False)
                return
            agree("Release this?", yes=yes)
            lock.write()
            released = work.carry_out(plan, note)
    await taken_over(project)
    if rewritten != text:  # last: one that is interrupted begins again with the version that it began with
        (folder / PACKAGE_FILE).write_bytes(rewritten.encode())
    show(listing(released, plan), output)
