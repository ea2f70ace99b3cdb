"""Files of values as the caller names them: read before the cluster is asked anything."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from packhouse.client.errors import Usage
from packhouse.ports import ValuesDocument

STANDARD_INPUT: Final = "-"

ValuesFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--values-file",
        "-f",
        metavar="FILE",
        help="A file of values, plain YAML or `#@data/values`; `-` is standard input; repeatable, a later one wins.",
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="One value by its dotted key, over those of the files; repeatable."
    ),
]


def read(names: Sequence[str]) -> list[ValuesDocument]:
    """Raises Usage where one cannot be read."""
    if list(names).count(STANDARD_INPUT) > 1:
        raise Usage("--values-file - is given twice", "standard input can be read once")
    return [_document(name) for name in names]


def _document(name: str) -> ValuesDocument:
    source = "standard input" if name == STANDARD_INPUT else name
    try:
        content = sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
        return ValuesDocument(source, content.decode("utf-8-sig"), name)
    except OSError as error:
        raise Usage(f"cannot read {source}: {error.strerror}", "correct --values-file") from None
    except UnicodeDecodeError:
        raise Usage(f"{source} is no UTF-8 text", "values are YAML") from None
