"""Starts a local OCI registry (the distribution project's), plain http on loopback, with deletion enabled.

Called by tests/conftest.py and `python -m cluster`. It runs outside of the cluster: Packhouse reaches it when it runs
on this machine too, pods of a kind cluster do not.
"""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator
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


@contextmanager
def open_registry(auth: bool = False, keep_dir: Path | None = None) -> Iterator[LocalRegistry]:
    """Give a fresh, empty registry. Raises StartFailed or BuildFailed."""
    registry = start(auth, keep_dir)
    try:
        yield registry
    finally:
        registry.stop()


def start(auth: bool = False, keep_dir: Path | None = None) -> LocalRegistry:
    """Start a registry and return when it answers. The caller stops it."""
    program = binaries.path("registry")
    return start_programs("registry", keep_dir, lambda programs: _start_once(program, programs, auth))


def _start_once(program: Path, programs: Programs, auth: bool) -> LocalRegistry:
    (port,) = free_ports(1)
    host = f"127.0.0.1:{port}"
    config = programs.folder / "registry.json"  # JSON is YAML too
    config.write_text(json.dumps(_config(host, programs.folder, auth), indent=2))
    programs.start("registry", [program, "serve", config], {"OTEL_TRACES_EXPORTER": "none"})
    programs.wait_until(lambda: _answers(port), "answering")
    log = programs.logs / "registry.log"
    if auth:
        return LocalRegistry(host, log, programs, USERNAME, PASSWORD)
    return LocalRegistry(host, log, programs)


def _config(host: str, folder: Path, auth: bool) -> dict[str, object]:
    config: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "content")},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": host, "secret": secrets.token_hex(16)},
    }
    if auth:
        users = folder / "htpasswd"
        users.write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "packhouse tests", "path": str(users)}}
    return config


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v2/")
        response = connection.getresponse()
        response.read()
        return response.status in (200, 401)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
