"""Starts a local OCI registry (the distribution project's) on loopback, with deletion enabled: plain http, or TLS.

Called by tests/conftest.py and `python -m cluster`. It runs outside of the cluster: Packhouse reaches it when it runs
on this machine too, pods of a kind cluster do not.
"""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster import binaries
from cluster.processes import Programs, free_ports, start_programs

# Fixed, since bcrypt is not part of the standard library; the registry lives on loopback for one test run.
USERNAME = "packhouse"
PASSWORD = "not-a-secret"
_HTPASSWD = f"{USERNAME}:$2y$05$packhouse0registry000uF4g8ey6Xfv9VCp/Oh6Bi/H8gWn4qWle\n"


@dataclass(frozen=True, slots=True)
class LocalRegistry:
    """A running registry: host is `127.0.0.1:PORT`; username and password are set if it asks for them.

    `log` holds a line for each request, for tests that count them.
    """

    host: str
    log: Path
    programs: Programs
    username: str | None = None
    password: str | None = None

    def stop(self) -> None:
        """Stop it and remove its content. May be called again."""
        self.programs.stop()


@dataclass(frozen=True, slots=True)
class Guard:
    """Who is let in, and how. `token`: auth.token of the registry's configuration. `tls`: certificate and key.

    `read_only`: nobody may push.
    """

    htpasswd: bool = False
    token: Mapping[str, str] | None = None
    tls: tuple[Path, Path] | None = None
    read_only: bool = False


@contextmanager
def open_registry(
    auth: bool = False,
    keep_dir: Path | None = None,
    *,
    token: Mapping[str, str] | None = None,
    tls: tuple[Path, Path] | None = None,
    read_only: bool = False,
) -> Iterator[LocalRegistry]:
    """Give a fresh, empty registry. Raises StartFailed or BuildFailed."""
    registry = start(auth, keep_dir, token=token, tls=tls, read_only=read_only)
    try:
        yield registry
    finally:
        registry.stop()


def start(
    auth: bool = False,
    keep_dir: Path | None = None,
    *,
    token: Mapping[str, str] | None = None,
    tls: tuple[Path, Path] | None = None,
    read_only: bool = False,
) -> LocalRegistry:
    """Start a registry and return when it answers. The caller stops it."""
    program, guard = binaries.path("registry"), Guard(auth, token, tls, read_only)
    return start_programs("registry", keep_dir, lambda programs: _start_once(program, programs, guard))


def _start_once(program: Path, programs: Programs, guard: Guard) -> LocalRegistry:
    (port,) = free_ports(1)
    host = f"127.0.0.1:{port}"
    config = programs.folder / "registry.json"  # JSON is YAML too
    config.write_text(json.dumps(_config(host, programs.folder, guard), indent=2))
    programs.start("registry", [program, "serve", config], {"OTEL_TRACES_EXPORTER": "none"})
    programs.wait_until(lambda: _answers(port, tls=guard.tls is not None), "answering")
    log = programs.logs / "registry.log"
    if guard.htpasswd:
        return LocalRegistry(host, log, programs, USERNAME, PASSWORD)
    return LocalRegistry(host, log, programs)


def _config(host: str, folder: Path, guard: Guard) -> dict[str, object]:
    served: dict[str, object] = {"addr": host, "secret": secrets.token_hex(16)}
    if guard.tls is not None:
        certificate, key = guard.tls
        served["tls"] = {"certificate": str(certificate), "key": str(key)}
    config: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "content")},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}, "readonly": {"enabled": guard.read_only}},
        },
        "http": served,
    }
    if guard.htpasswd:
        users = folder / "htpasswd"
        users.write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "packhouse tests", "path": str(users)}}
    if guard.token is not None:
        config["auth"] = {"token": dict(guard.token)}
    return config


def _answers(port: int, *, tls: bool) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    if tls:
        context = ssl._create_unverified_context()  # whether it answers is all that is asked
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    try:
        connection.request("GET", "/v2/")
        response = connection.getresponse()
        response.read()
        return response.status in (200, 401)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
