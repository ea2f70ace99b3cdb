"""`push`: a package's folder becomes a bundle in a registry, without a release of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from packhouse.cli.bundle import PasswordStdin, Username
from packhouse.cli.terminal import begins
from packhouse.cli.verb import verb
from packhouse.client.errors import Usage


@verb
def push(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[DIR] IMAGE", help="The package's folder, and host/path[:tag].")
    ] = None,
    username: Username = "",
    password_stdin: PasswordStdin = False,
) -> None:
    """Push a package's folder as a bundle.

    Its reference by digest is printed; the same folder gives the same digest. The bundle holds config/ and .imgpkg/, or
    what is in bundle/; package.yaml and tests/ stay behind.
    """
    from packhouse.authoring.project import read
    from packhouse.authoring.publish import contents, packed_package, tag_of
    from packhouse.cli.bundle_login import Logins, given_login
    from packhouse.cli.bundle_places import Places, target_of
    from packhouse.settings import Settings

    if words is None or not 1 <= len(words) <= 2:
        raise Usage("push takes the package's folder and an image", "packhouse package push [DIR] host/path[:tag]")
    project = read(Path(words[0] if len(words) == 2 else "."))
    target, tag = target_of(words[-1])
    if isinstance(target, Path) or target.is_layout:
        raise Usage(f"{words[-1]}: a push goes to a registry", "packhouse bundle copy writes layouts on disk")
    logins = Logins(given_login(username, password_stdin), target.host)
    with Places(logins, Settings.from_environment()) as places, packed_package(project, contents(project)) as packed:
        home = places.repository(target)
        begins(f"Pushing {project.view.public_name} to {home.name}...")
        packed.push(home, tag or tag_of(project.view.version))
    typer.echo(f"{home.name}@{packed.manifest.digest}")
