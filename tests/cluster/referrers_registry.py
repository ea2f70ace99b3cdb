"""Starts a registry of another make (go-containerregistry's): it answers the referrers API, which `registry` does not.

Plain http on loopback, asks for no credentials, keeps everything in memory. Called by tests/conftest.py, and by tests
that want an empty one of their own.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster import binaries
from cluster.processes import Programs, free_ports, start_programs
from cluster.registry import LocalRegistry


@contextmanager
def open_referrers_registry() -> Iterator[LocalRegistry]:
    """Give a fresh, empty registry. Raises StartFailed or BuildFailed."""
    program = binaries.path("referrers-registry")
    registry = start_programs("referrers-registry", None, lambda programs: _start_once(program, programs))
    try:
        yield registry
    finally:
        registry.stop()


def _start_once(program: Path, programs: Programs) -> LocalRegistry:
    (port,) = free_ports(1)
    host = f"127.0.0.1:{port}"
    programs.start("registry", [program, host])
    programs.wait_until(lambda: _answers(host), "answering")
    return LocalRegistry(host, programs.logs / "registry.log", programs)


def _answers(host: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}/v2/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
