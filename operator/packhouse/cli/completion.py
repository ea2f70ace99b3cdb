"""`completion`: prints the script that makes a shell complete these words."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import typer

from packhouse.cli import completion_scripts
from packhouse.cli.verb import verb


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS: Final = {
    Shell.BASH: completion_scripts.BASH,
    Shell.ZSH: completion_scripts.ZSH,
    Shell.FISH: completion_scripts.FISH,
}


@verb
def completion(shell: Annotated[Shell, typer.Argument(help="The shell.")]) -> None:
    """Print what completes these words in a shell.

    bash: source <(packhouse package completion bash), in ~/.bashrc.

    zsh: packhouse package completion zsh > "${fpath[1]}/_packhouse", once.

    fish: packhouse package completion fish > ~/.config/fish/completions/packhouse.fish, once.

    kubectl completes `kubectl package` by itself, where its own completion is on and kubectl_complete-package lies on
    the PATH, as it does where packhouse was installed.
    """
    typer.echo(_SCRIPTS[shell], nl=False)
