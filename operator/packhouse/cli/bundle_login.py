"""Whose credentials `packhouse bundle` uses: those of the command line for one host, else the user's docker config."""

from __future__ import annotations

import sys
from typing import Final

import typer

from packhouse.api.errors import InvalidSpec
from packhouse.client.docker_login import docker_login
from packhouse.domain.references import ImageReference
from packhouse.fetch.credentials import Keyring
from packhouse.ports import Access, Credentials

_LEVER: Final = "docker login, or --username and --password-stdin"


class Logins:
    """`given` goes to `host` alone. The docker config is read once, when it is first needed."""

    def __init__(self, given: Credentials | None = None, host: str = "") -> None:
        self._given = given
        self._host = host
        self._config: tuple[Keyring, bool] | None = None
        self._noted = False

    def access(self, reference: ImageReference) -> Access:
        """Errors: AuthenticationFailed (the docker config cannot be read)."""
        if self._given is not None and reference.host == self._host:
            return Access((self._given,), lever=_LEVER)
        if self._config is None:
            login = docker_login()
            self._config = login.keyring, login.helped
        keyring, helpers = self._config
        credentials = keyring.match(reference.repository)
        if credentials is None and helpers and not self._noted:
            self._noted = True
            typer.echo(
                f"note: {keyring.source} leaves passwords to a helper program, which is not asked; "
                "use --username and --password-stdin",
                err=True,
            )
        stranger = credentials is None and keyring.entries
        hint = f"{keyring.source} holds credentials for {keyring.hosts} only" if stranger else ""
        return Access((credentials,) if credentials is not None else (), hint=hint, lever=_LEVER)


def given_login(username: str, password_stdin: bool) -> Credentials | None:
    """What the options say. Errors: InvalidSpec."""
    if bool(username) != password_stdin:
        raise InvalidSpec("--username and --password-stdin go together")
    if not username:
        return None
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise InvalidSpec("--password-stdin: standard input holds no password")
    return Credentials(username, password, "the command line")
