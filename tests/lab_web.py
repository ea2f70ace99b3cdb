"""A web server for the tests of sources: a folder by http, or by https under an authority of its own.

Used by tests/e2e. The authority is made for one test run; its certificate in PEM is what a `certSecretRef` holds.
"""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME = datetime.timedelta(days=2)


@dataclass(slots=True)
class Web:
    """`url` ends without a slash; `asked` are the paths of all requests so far, `ca_pem` is empty for plain http."""

    url: str
    folder: Path
    ca_pem: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def open_web(folder: Path, *, tls: bool = False) -> Iterator[Web]:
    """Serve the files of `folder` on loopback."""
    web = Web("", folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, web.asked, directory=str(folder)))
    scheme = "http"
    if tls:
        scheme, authority = "https", Authority()
        web.ca_pem = authority.pem
        server.socket = authority.context().wrap_socket(server.socket, server_side=True)
    web.url = f"{scheme}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, asked: list[str], *args: Any, **rest: Any) -> None:
        self._asked = asked
        super().__init__(*args, **rest)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        self._asked.append(self.path)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps quiet: a client that breaks off is part of what is tested."""


class Authority:
    """A certificate authority, and the certificate of 127.0.0.1 that it gave."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "packhouse tests")])
        own = self._builder(name, name, self._key.public_key())
        self._certificate = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
            self._key, hashes.SHA256()
        )

    @property
    def pem(self) -> str:
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def context(self) -> ssl.SSLContext:
        """For a server at 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = self._builder(subject, self._certificate.subject, key.public_key())
        certificate = builder.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # the standard library reads the two from a file alone
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            file.flush()
            context.load_cert_chain(file.name)
        return context

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - LIFETIME).not_valid_after(now + LIFETIME)
        return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
