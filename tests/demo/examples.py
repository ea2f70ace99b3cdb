"""Prepares docs/examples for a registry: a copy in which the placeholders stand no more.

docs/examples/README.md tells what the placeholders are, and how folders become a catalogue. Called by `story`; runs no
command and talks to nobody.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.tables import NotAsTold

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
DOMAIN = "packages.example.com"


@dataclass(frozen=True, slots=True, order=True)
class Offer:
    """One version of one example package: `name` is its folder, such as "web"."""

    name: str
    version: str

    @property
    def public_name(self) -> str:
        return f"{self.name}.{DOMAIN}"

    @property
    def folder(self) -> Path:
        """Of its bundle, relative to the copy."""
        return Path("packages") / self.name / self.version / "bundle"


def copy(folder: Path, registry: str) -> list[Offer]:
    """Copy the examples into `folder`, `registry` in the place of the repository's placeholder; what they offer."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    _replace(folder / "repository.yaml", "REGISTRY/", f"{registry}/")
    return sorted(Offer(path.parent.name, path.name) for path in (folder / "packages").glob("*/*") if path.is_dir())


def put_on_offer(folder: Path, references: Mapping[Offer, str], offers: Iterable[Offer]) -> None:
    """Put the package.yaml of each offer into the repository, with the reference that its push printed."""
    for offer in offers:
        target = folder / "repository" / "packages" / offer.public_name / f"{offer.version}.yaml"
        shutil.copyfile(folder / "packages" / offer.name / offer.version / "package.yaml", target)
        _replace(target, f"REGISTRY/{offer.name}@DIGEST", references[offer])


def _replace(file: Path, placeholder: str, text: str) -> None:
    before = file.read_text()
    if placeholder not in before:
        raise NotAsTold(f"{file.name} has no placeholder {placeholder}: docs/examples/README.md tells of it")
    file.write_text(before.replace(placeholder, text))
