"""Reads .imgpkg/bundle.yml of a bundle: who made it, and where to read more. For people: nothing is decided by it.

Pure; called by who inspects bundles. The file is optional, and what is no such document says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from packhouse.api.errors import TemplateFailed
from packhouse.domain import yaml_text

ABOUT_FILE: Final = ".imgpkg/bundle.yml"
_KINDS: Final = (("imgpkg.carvel.dev/v1alpha1", "Bundle"), (None, None))

About = dict[str, Any]


def read_about(body: bytes) -> About:
    """`metadata` (texts by name), `authors` ("name <mail>") and `websites` (addresses), as far as they are there."""
    try:
        documents = yaml_text.load_all(body.decode(), "", TemplateFailed)
    except (TemplateFailed, UnicodeDecodeError):
        return {}
    document = documents[0][1] if len(documents) == 1 else None
    # as of a lock, the file's place says what it is
    if not isinstance(document, dict) or (document.get("apiVersion"), document.get("kind")) not in _KINDS:
        return {}
    metadata = document.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    found = {
        "metadata": {key: value for key, value in named.items() if isinstance(value, str)},
        "authors": [_author(entry) for entry in _maps(document, "authors") if _author(entry)],
        "websites": [entry["url"] for entry in _maps(document, "websites") if isinstance(entry.get("url"), str)],
    }
    return {key: value for key, value in found.items() if value}


def _author(entry: About) -> str:
    name, mail = (value if isinstance(value := entry.get(key), str) else "" for key in ("name", "email"))
    return " ".join(filter(None, (name, f"<{mail}>" if mail else "")))


def _maps(document: About, key: str) -> Iterator[About]:
    entries = document.get(key)
    return (entry for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else iter(())
