"""Decides what values a package gets: texts of YAML into layers, layers into one map, and whether a schema takes it.

Called inside the renderer process, and by the CLI for its dry run. Values hold secrets: no message of this room
quotes one. This file is the door: what stands behind it is in values_merge.py, values_schema.py and values_report.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from packhouse.api.errors import ValuesInvalid
from packhouse.domain import yaml_text
from packhouse.domain.schema_parts import defaults
from packhouse.domain.values_merge import merge
from packhouse.domain.values_report import Violation, format_violations
from packhouse.domain.values_schema import check
from packhouse.ports import Json, ValuesDocument

__all__ = ["Violation", "check", "defaults", "format_violations", "has_code", "merge", "parse"]

#: Code of ytt, on a line of its own or behind a key. `#@data/values` alone makes a document an overlay of plain values,
#: which are what they are.
_CODE: Final = re.compile(r"(?:^|[ \t])(?!#@[ \t]*data/values[ \t]*\r?$)#@", re.MULTILINE)


def has_code(text: str) -> bool:
    """Whether these values are a template, and nobody but ytt knows what they are."""
    return bool(_CODE.search(text))


def parse(documents: Sequence[ValuesDocument]) -> list[Json]:
    """One layer for each YAML document, in order; a text without any is one empty layer.

    Raises ValuesInvalid, with source and line, for what is no YAML or no map.
    """
    layers: list[Json] = []
    for document in documents:
        loaded = yaml_text.load_all(document.text, document.source, ValuesInvalid)
        for line, layer in loaded:
            if not isinstance(layer, dict):
                found = "a list" if isinstance(layer, list) else "a scalar"
                raise ValuesInvalid(f"{document.source}:{line}: values must be a map (key: value), found {found}")
            layers.append(layer)
        if not loaded:
            layers.append({})
    return layers
