"""The connection to the API server in kopf's words. Apart from connection.py, since the command line needs no kopf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import kopf

from packhouse.adapters.connection import authorization

if TYPE_CHECKING:
    from kubernetes.aio.client.configuration import Configuration


async def for_kopf(configuration: Configuration) -> kopf.ConnectionInfo:
    """The same connection in kopf's words; asked anew by kopf when a token has expired."""
    scheme, _, token = await _bearer(configuration)
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
    )


async def _bearer(configuration: Any) -> tuple[str, str, str]:
    header = await authorization(configuration)
    return header.partition(" ") if header else ("", "", "")
