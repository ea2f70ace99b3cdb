"""Reads the index.yaml of a chart repository: which versions of one chart there are, where, and with what digest.

Pure; called by fetch/ in a thread, on text that others wrote. An index may list thousands of charts: of one that is
laid out as helm writes it, only the lines of the chart that is asked for are read as YAML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from packhouse.api.errors import FetchFailed, FetchLimitExceeded, PackhouseError
from packhouse.domain import yaml_text

#: Of an index that must be read as a whole.
WHOLE_MOST_BYTES: Final = 4 * 1024 * 1024
#: A smaller one is read as a whole in any case.
_SMALL_BYTES: Final = 128 * 1024

#: Characters. Status and what is remembered hold them.
_VERSION_MOST: Final = 256
_URL_MOST: Final = 4096

_ENTRIES: Final = re.compile(r"^entries:[ \t]*(?:#.*)?\r?\n", re.MULTILINE)
_TOP: Final = re.compile(r"^[^\s#]", re.MULTILINE)
_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ChartVersion:
    """`urls` are whole or relative to the repository's; `digest` is "sha256:..." of the archive, "" if not given."""

    version: str
    urls: Sequence[str]
    digest: str = ""


def read_index(body: bytes, name: str) -> Sequence[ChartVersion]:
    """What the index says of the chart `name`, entries without a version or an address left out; none: no such chart.

    Errors: FetchFailed (it is no index), FetchLimitExceeded (too large to be read as a whole).
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FetchFailed("index.yaml is no UTF-8 text") from None
    entries = _lines_of(text, name) if len(body) > _SMALL_BYTES else None
    if entries is None:
        document = _whole(body, text)
        charts = document.get("entries") if isinstance(document, dict) else None
        if not isinstance(charts, dict):
            raise FetchFailed("index.yaml is no index of a chart repository: it has no map entries")
        entries = charts.get(name)
    return [found for entry in entries if (found := _chart(entry))] if isinstance(entries, list) else []


def _whole(body: bytes, text: str) -> Any:
    if len(body) > WHOLE_MOST_BYTES:  # as objects it takes some thirty times of that, in JSON too
        raise FetchLimitExceeded(
            f"index.yaml has {len(body)} bytes: one that is not laid out as helm writes it may have {WHOLE_MOST_BYTES}"
        )
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise FetchFailed("index.yaml is no valid JSON") from None
    documents = yaml_text.load_all(text, "index.yaml", FetchFailed, string_keys=False, finite=False)
    return documents[0][1] if documents else None


def _lines_of(text: str, name: str) -> Any:
    """The entries of one chart out of a block of the usual form; None where the form is another.

    The keys of a block are the only lines of their indentation: what belongs to one of them stands further right, but
    for the dashes of a list, which may stand below its key.
    """
    start = _ENTRIES.search(text)
    if start is None:
        return None
    after = _TOP.search(text, start.end())
    end = after.start() if after else len(text)
    first = re.compile(r"[ ]*(?=[^\s#])").match(text, start.end())
    if first is None or not first[0]:
        return None
    indent = re.escape(first[0])
    key = re.compile(rf"^{indent}(?:{re.escape(name)}|'{re.escape(name)}'|\"{re.escape(name)}\"):[ \t]*\r?\n", re.M)
    begin = key.search(text, start.end(), end)
    if begin is None:
        return None
    following = re.compile(rf"^{indent}(?! |-[ \r\n]|#|\r?\n)", re.MULTILINE).search(text, begin.end(), end)
    part = text[begin.end() : following.start() if following else end]
    if len(part) > WHOLE_MOST_BYTES:
        raise FetchLimitExceeded(f"index.yaml has {len(part)} characters on the chart {name}: too many to be read")
    try:
        documents = yaml_text.load_all(part, "index.yaml", FetchFailed, string_keys=False, finite=False)
    except PackhouseError:
        return None  # an alias to another place, say: the whole may still be read
    return documents[0][1] if len(documents) == 1 else None


def _chart(entry: Any) -> ChartVersion | None:
    if not isinstance(entry, dict):
        return None
    version, urls, digest = entry.get("version"), entry.get("urls"), entry.get("digest")
    if not isinstance(version, str) or not 0 < len(version) <= _VERSION_MOST or not isinstance(urls, list):
        return None
    places = [url for url in urls if isinstance(url, str) and 0 < len(url) <= _URL_MOST]
    hexadecimal = digest.removeprefix("sha256:").lower() if isinstance(digest, str) else ""
    if not places:
        return None
    return ChartVersion(version, places, f"sha256:{hexadecimal}" if _HEX.fullmatch(hexadecimal) else "")
