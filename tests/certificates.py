"""Certificates for servers of tests: an authority of one test run, and what it signs."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """Certificate and key of a server, in PEM."""

    certificate: Path
    key: Path


@dataclass(slots=True)
class Authority:
    """Signs what it is asked to; `pem` is what a client trusts."""

    folder: Path
    name: str = "authority of a test"
    pem: str = field(init=False)
    _key: ec.EllipticCurvePrivateKey = field(init=False, repr=False)
    _certificate: x509.Certificate = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._signed(self.name, self._key, -DAY, 2 * DAY, None)
        self.pem = _pem(self._certificate)

    @property
    def file(self) -> Path:
        """The authority's certificate as a file."""
        path = self.folder / "authority.pem"
        path.write_text(self.pem)
        return path

    def server(self, host: str, begins: datetime.timedelta = -DAY, ends: datetime.timedelta = DAY) -> ServerFiles:
        """For a server of that DNS name; both times from now on."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(host, key, begins, ends, host)
        files = ServerFiles(self.folder / f"{host}.pem", self.folder / f"{host}.key")
        files.certificate.write_text(_pem(certificate) + self.pem)
        form = serialization.PrivateFormat.PKCS8
        files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return files

    def _signed(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        begins: datetime.timedelta,
        ends: datetime.timedelta,
        host: str | None,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
