"""`packhouse bundle push IMAGE -f DIR`: put a folder into a registry as a bundle that a PackageRepository can fetch.

main.py mounts `app`. Credentials come from --username and --password-stdin, else from the user's docker config.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from packhouse.api.errors import AuthenticationFailed, InvalidSpec, PackhouseError
from packhouse.domain.references import read_reference
from packhouse.fetch.credentials import Keyring
from packhouse.ports import Credentials
from packhouse.settings import Settings, SettingsInvalid

app = typer.Typer(name="bundle", help="Make bundles of packages.", no_args_is_help=True)

#: What the shell sees: 1 the registry did not take it, 2 the command line or the folder is wrong.
EXIT_FAILED = 1
EXIT_USAGE = 2


@app.callback()
def bundle() -> None:
    """Make bundles of packages."""


@app.command()
def push(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Where to: host/path[:tag].")],
    file: Annotated[
        Path,
        typer.Option(
            "--file", "-f", metavar="DIR", help="The folder: packages/ of a repository, config/ of a package."
        ),
    ],
    username: Annotated[str, typer.Option(help="User of the registry; the docker config is not read then.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Push a folder as a bundle and print its reference with the digest. The same folder gives the same digest."""
    from packhouse.adapters.oras_push import push_bundle_blocking  # oras takes a quarter of a second to import

    try:
        settings = Settings.from_environment()
        reference = read_reference(image)
        credentials = _given(username, password_stdin) or _from_docker_config(reference.repository)
        digest = push_bundle_blocking(file, image, credentials, settings)
    except (SettingsInvalid, InvalidSpec) as error:
        raise _exit(str(error), EXIT_USAGE) from None
    except PackhouseError as error:
        raise _exit(error.message, EXIT_FAILED) from None
    typer.echo(f"{reference.repository}@{digest}")


def _given(username: str, password_stdin: bool) -> Credentials | None:
    if bool(username) != password_stdin:
        raise InvalidSpec("--username and --password-stdin go together")
    if not username:
        return None
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise InvalidSpec("--password-stdin: standard input holds no password")
    return Credentials(username, password, "the command line")


def _from_docker_config(repository: str) -> Credentials | None:
    """From $DOCKER_CONFIG or ~/.docker. Passwords that a helper program keeps are not asked for; a word says so."""
    path = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise AuthenticationFailed(f"{path} cannot be read ({type(error).__name__})") from error
    credentials = Keyring.from_docker_config(config, str(path)).match(repository)
    if credentials is None and (config.get("credsStore") or config.get("credHelpers")):
        typer.echo(
            f"note: {path} leaves passwords to a helper program, which is not asked; "
            "use --username and --password-stdin",
            err=True,
        )
    return credentials


def _exit(message: str, code: int) -> typer.Exit:
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(code)
