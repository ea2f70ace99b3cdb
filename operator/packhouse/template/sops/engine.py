"""The step `sops`."""

from __future__ import annotations

from typing import Final

from packhouse.api.errors import UnsupportedStep
from packhouse.ports import Json
from packhouse.template.documents import Folder, StepInput, Templater


def run(step: StepInput, options: Json) -> Folder:
    """Raises UnsupportedStep."""
    raise UnsupportedStep("template step sops is not there yet")


SOPS: Final = Templater(run=run, options=frozenset({"paths", "pgp", "age"}))
