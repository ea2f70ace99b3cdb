"""YAML as nodes: values, lines, comments at their nodes, aliases and merges resolved.

Called by the workspace for every file and by `yaml.decode`. libyaml finds the events; what they mean is decided here as
the original's go-yaml v2 does. Nothing but YttError leaves for bad text; depth and what aliases copy are bounded.
"""

from __future__ import annotations

import re
from typing import Any, Final

from yaml.error import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError
from yaml.scanner import ScannerError

from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import DocumentSet, Source
from packhouse.template.ytt.yaml.amend import amended
from packhouse.template.ytt.yaml.build import Builder

#: How often a text is tried that holds what go-yaml takes and libyaml does not, and up to which length at all.
_AMENDED_MOST: Final = 20
_AMENDED_LONGEST: Final = 1 << 18

_STARTS_WITH_MARKER: Final = re.compile(r"[ \t\n\f\r]*---[ \t\n\f\r]")


def read(source: Source, *, comments: bool = True, strict: bool = False) -> DocumentSet:
    """The documents of a text; there is at least one.

    `comments`: attach comments to nodes; without, they are passed over. `strict`: refuse scalars that other readers
    understand otherwise. Raises YttError, e.g. "yaml: line 3: found character that cannot start any token".
    """
    text = source.text.removeprefix("\ufeff")
    marked = _STARTS_WITH_MARKER.match(text) is not None
    text = _with_line_feeds(text)
    text = text if marked else f"---\n{text}"
    for _ in range(_AMENDED_MOST if len(text) <= _AMENDED_LONGEST else 1):
        try:
            return DocumentSet(Builder(source, text, int(marked), comments=comments, strict=strict).documents(), source)
        except ScannerError as error:
            refused, other = _told(error, marked), amended(text, error)
            if other is None:
                break
            text = other
        except YAMLError as error:
            refused = _told(error, marked)
            break
    raise refused


def plain(text: str) -> list[Any]:
    """The documents of a text as dicts, lists and scalars. Raises YttError."""
    return [to_plain(document.value) for document in read(Source("", text), comments=False).items]


def _with_line_feeds(text: str) -> str:
    """Other line breaks mean the same to YAML, but libyaml counts the characters of "\\r\\n" in two ways."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\x85", "\n") if "\x85" in text else text


def _told(error: YAMLError, marked: bool) -> YttError:
    """As the original tells it, which counts lines from 0 where the parser is at fault and not the scanner."""
    if isinstance(error, ReaderError):
        return YttError(f"yaml: {error.reason}")
    if not isinstance(error, MarkedYAMLError):
        return YttError(f"yaml: {error}")
    line = 0
    if error.problem_mark is not None and error.problem_mark.line:
        line = error.problem_mark.line + isinstance(error, ScannerError)
    elif error.context_mark is not None:
        line = error.context_mark.line
    if not line:
        return YttError(f"yaml: {error.problem}")
    return YttError(f"yaml: line {line if marked else max(line - 1, 1)}: {error.problem}")
