"""Whose certificates are trusted: those of the system, of the settings' file, and of one source's Secret.

Called by network.py. Contexts are kept, since reading all well-known authorities costs tens of milliseconds.
"""

from __future__ import annotations

import functools
import ssl
from pathlib import Path

import requests.utils

from packhouse.api.errors import FetchFailed


def trust(ca_file: str, ca_pem: str) -> ssl.SSLContext:
    """For a client. Errors: FetchFailed (a file or a text that cannot be read)."""
    changed = 0
    if ca_file:
        try:
            changed = Path(ca_file).stat().st_mtime_ns
        except OSError as error:
            raise FetchFailed(f"PACKHOUSE_REGISTRY_CA_FILE={ca_file}: {error.strerror}") from error
    return _context(ca_file, changed, ca_pem)


@functools.lru_cache(maxsize=8)  # a MiB each
def _context(ca_file: str, changed: int, ca_pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=requests.utils.DEFAULT_CA_BUNDLE_PATH)
    context.set_alpn_protocols(["http/1.1"])
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError):
            raise FetchFailed(
                f"PACKHOUSE_REGISTRY_CA_FILE={ca_file}: it cannot be read as PEM with certificates"
            ) from None
    if ca_pem:
        try:
            context.load_verify_locations(cadata=ca_pem)
        except (OSError, ValueError):
            raise FetchFailed("the authorities that are given for this source are no PEM with certificates") from None
    return context
