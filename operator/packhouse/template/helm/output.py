"""What helm printed: manifests into documents that know their template, and errors into a message.

Pure. Called by engine.py. Helm puts `# Source: chart/templates/x.yaml` before each part of its output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.yaml_text import load_all
from packhouse.template.documents import Document, origin

_SOURCE: Final = re.compile(r"^---[ \t]*\n# Source: (.*)\n", re.MULTILINE)
_ERROR: Final = re.compile(r"^Error: ", re.MULTILINE)
#: Advice for somebody who types the command.
_ADVICE: Final = "Use --debug flag to render out invalid YAML"
_MESSAGE_MOST: Final = 4_000
_WARNINGS_MOST: Final = 10
_LOGGED: Final = re.compile(r'(?:time=\S+ )?level=\w+ msg=("(?:[^"\\]|\\.)*"|\S+)(.*)')


def documents(manifests: str) -> Iterator[Document]:
    """Each with the template that it comes from, and the line in what that gave. Raises RenderedInvalid."""
    parts = list(_SOURCE.finditer(manifests))
    first = parts[0].start() if parts else len(manifests)
    yield from _part("the chart", manifests[:first])
    ends = [part.start() for part in parts[1:]] + [len(manifests)]
    for part, end in zip(parts, ends, strict=False):  # without any part, there is an end too many
        yield from _part(part[1].strip(), manifests[part.end() : end])


def _part(template: str, text: str) -> Iterator[Document]:
    for line, value in load_all(text, origin(template, rendered=True), RenderedInvalid):
        yield Document(template, line, value, rendered=True)


def message(errors: str) -> str:
    """Why helm refused the chart, without what it says to somebody at a terminal."""
    found = _ERROR.search(errors)
    told = errors[found.end() :] if found else errors
    told = told.replace(_ADVICE, "").strip()
    return told if len(told) <= _MESSAGE_MOST else f"{told[:_MESSAGE_MOST]} ..."


def warnings(errors: str) -> list[str]:
    """What helm remarked on a chart that it rendered; the same remark for the same chart, so without times."""
    lines = []
    for line in errors.splitlines():
        logged = _LOGGED.fullmatch(line)
        said = logged[1].strip('"') + logged[2] if logged else line.strip()
        if said and said not in lines:
            lines.append(said)
    return [f"helm: {line[:500]}" for line in lines[:_WARNINGS_MOST]]
