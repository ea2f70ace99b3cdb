"""Starts a Sigstore of our own (binaries/sigstore): cosign signs against it without a key, an account or a network.

Called by tests/conftest.py. It believes every identity token, so a test says who signs.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster import binaries
from cluster.processes import Programs, free_ports, start_programs


@dataclass(frozen=True, slots=True)
class LocalSigstore:
    """A running one at `url`."""

    url: str
    folder: Path
    programs: Programs

    @property
    def trusted_root(self) -> Path:
        """What a verifier must know of it."""
        return self.folder / "trusted_root.json"

    def signing_config(self, version: int) -> Path:
        """For cosign. `version` 1 is the log that promises and tells the time, 2 the one with a timestamp authority."""
        return self.folder / f"signing_config.v{version}.json"

    def token(self, subject: str, issuer: str, **wrong: bool) -> str:
        """An identity token: `subject` is an e-mail address or the address of a workflow.

        `wrong`: `expired`, the certificate has ended; `silent`, no log knows of it.
        """
        claims: dict[str, object] = {"iss": issuer, "sub": subject, "aud": "sigstore", **wrong}
        claims["exp"] = int(time.time()) + 600
        if "://" not in subject:
            claims |= {"email": subject, "email_verified": True}
        return ".".join((_part({"alg": "RS256", "typ": "JWT"}), _part(claims), "c2lnbmF0dXJl"))

    def stop(self) -> None:
        """Stop it. May be called again."""
        self.programs.stop()


@contextmanager
def open_sigstore() -> Iterator[LocalSigstore]:
    """Give a fresh one, with keys of its own. Raises StartFailed or BuildFailed."""
    program = binaries.path("local-sigstore")
    sigstore = start_programs("sigstore", None, lambda programs: _start_once(program, programs))
    try:
        yield sigstore
    finally:
        sigstore.stop()


def _start_once(program: Path, programs: Programs) -> LocalSigstore:
    (port,) = free_ports(1)
    host = f"127.0.0.1:{port}"
    programs.start("sigstore", [program, host, programs.folder])
    programs.wait_until(lambda: _answers(host), "answering")
    return LocalSigstore(f"http://{host}", programs.folder, programs)


def _answers(host: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True  # it has no front page
    except OSError:
        return False


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
