"""Writes a package to begin with, from the texts in skeletons/."""

from __future__ import annotations

import re
from importlib.resources import files as resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from packhouse.api.errors import InvalidSpec
from packhouse.client.errors import Usage

_NAME: Final = re.compile(r"[a-z][-a-z0-9]{0,40}[a-z0-9]")
#: Names that YAML reads as something else where nobody quotes them.
_NO_TEXTS: Final = frozenset({"yes", "no", "on", "off", "true", "false", "null"})
_PUBLIC_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)+")
_PUBLIC_NAME_MOST: Final = 200
#: Where nobody says whose package it is.
_DOMAIN: Final = "packages.example.com"
_BOTH: Final = "both"


def write(folder: Path, name: str, public_name: str, engine: str) -> None:
    """Raises Usage for a name that is none, InvalidSpec for a folder that is not empty or cannot be written."""
    public_name = public_name or f"{name}.{_DOMAIN}"
    if not _NAME.fullmatch(name) or name in _NO_TEXTS:
        raise Usage(
            f"{name!r} is no name of a package",
            "write two small letters or more, digits and -, and no word of YAML's own",
        )
    if len(public_name) > _PUBLIC_NAME_MOST or not _PUBLIC_NAME.fullmatch(public_name):
        raise Usage(
            f"{public_name!r} is no public name", "write a DNS name with a dot, such as web.packages.example.com"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidSpec(f"{folder} is there and not empty; name a new folder with --folder")
    try:
        for source in (_BOTH, engine):
            _copy(resources("packhouse.authoring") / "skeletons" / source, folder, name, public_name)
    except OSError as error:
        raise InvalidSpec(f"{error.filename or folder} cannot be written: {error.strerror}") from None


def _copy(source: Traversable, target: Path, name: str, public_name: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.is_dir():
            _copy(entry, target / entry.name, name, public_name)
        else:
            text = entry.read_text().replace("@PUBLIC_NAME@", public_name).replace("@NAME@", name)
            (target / entry.name).write_text(text)
