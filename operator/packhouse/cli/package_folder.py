"""The words that the verbs which look at a package's folder share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="[DIR]", help="The package's folder.")]
KubernetesVersion = Annotated[
    str,
    typer.Option(
        metavar="VERSION",
        help="The Kubernetes version that is aimed at, such as 1.34; by default the newest that the package takes.",
    ),
]
