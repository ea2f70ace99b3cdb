"""Builds the programs of the tests once, from the Go modules that `modules` lists.

`path(name)` answers from the user's cache folder, or builds there. A build goes to a temporary name under a file lock,
then is renamed: two runs at once do not hurt each other. Called by `find`, `registry` and tests/conftest.py.
"""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cluster.binaries.modules import MODULES, Module, NoVersion

PROGRAMS: Mapping[str, Module] = {name: module for module in MODULES for name in module.programs}
BUILD_LIMIT_SECONDS = 60 * 60
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

Say = Callable[[str], None]


class BuildFailed(RuntimeError):
    """A program could not be built; the message holds the end of Go's own words."""


def path(name: str) -> Path:
    """Return the program `name` (a key of PROGRAMS), built if it is not in the cache folder yet.

    Raises BuildFailed when Go is missing, the build fails or takes longer than BUILD_LIMIT_SECONDS.
    """
    if name not in PROGRAMS:
        raise BuildFailed(f"{name} is not one of {', '.join(PROGRAMS)}")
    module = PROGRAMS[name]
    target = cache_folder(module) / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with _progress(name) as say, _lock(target.with_name(f".{name}.lock"), say):
            if not target.exists():  # the run that held the lock may have built it
                _build(name, module, target, say)
    return target


def cache_folder(module: Module = MODULES[0], environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the programs that this module, its flags and this machine's architecture give.

    Without an argument it is the module of the control plane. Raises BuildFailed.
    """
    root = Path(environ["XDG_CACHE_HOME"]) if environ.get("XDG_CACHE_HOME") else Path.home() / ".cache"
    try:
        key = module.key()
    except (OSError, NoVersion) as error:
        raise BuildFailed(f"the module of the programs in {module.folder} cannot be read: {error}") from error
    return root / "packhouse" / "cluster" / f"{key}-{sys.platform}-{_architecture()}"


def _architecture() -> str:
    machine = platform.machine().lower()
    return _ARCHITECTURES.get(machine, machine)


def _build(name: str, module: Module, target: Path, say: Say) -> None:
    for left_over in target.parent.glob(f".{name}.new*"):
        left_over.unlink()
    new = target.with_name(f".{name}.new{os.getpid()}")
    command = ["go", "build", *module.flags(), "-o", str(new), module.programs[name]]
    # What the user set for other work must not reach a program whose cache key does not know of it.
    own = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly", "GOOS": sys.platform}
    environ = {**os.environ, **own, "GOARCH": _architecture()}
    with tempfile.TemporaryFile("w+") as log:
        try:
            process = subprocess.Popen(
                command, cwd=module.folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        except FileNotFoundError as error:
            raise BuildFailed(
                f"{name} is not in {target.parent} and no `go` on PATH could build it: install Go, or set KUBECONFIG"
            ) from error
        _wait(process, name, say)
        if process.returncode != 0:
            raise BuildFailed(f"`go build` of {name} ended with {process.returncode}:\n{_end_of(log)}")
    new.replace(target)


def _wait(process: subprocess.Popen[bytes], name: str, say: Say) -> None:
    limit = time.monotonic() + BUILD_LIMIT_SECONDS
    try:
        while process.poll() is None:
            if time.monotonic() > limit:
                raise BuildFailed(f"`go build` of {name} took longer than {BUILD_LIMIT_SECONDS} s")
            say("building")
            time.sleep(0.2)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _end_of(log: IO[str], lines: int = 20) -> str:
    log.seek(0)
    return "".join(log.readlines()[-lines:])


@contextmanager
def _lock(file: Path, say: Say) -> Iterator[None]:
    """Hold `file` alone; the system frees it when this process ends, however it ends."""
    limit = time.monotonic() + BUILD_LIMIT_SECONDS
    with file.open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > limit:
                    raise BuildFailed(f"{file} was held by another run for {BUILD_LIMIT_SECONDS} s") from error
                say("waiting for another run that builds")
                time.sleep(0.2)
        yield


@contextmanager
def _progress(name: str) -> Iterator[Say]:
    """One line a program on stderr: rewritten each second on a terminal, every half minute in a log."""
    started = time.monotonic()
    screen = sys.stderr.isatty()
    shown = -1

    def say(what: str) -> None:
        nonlocal shown
        seconds = int(time.monotonic() - started)
        step = seconds if screen else seconds // 30
        if step != shown:
            shown = step
            line = f"{what} {name}: {seconds} s (first time only, takes some minutes)"
            sys.stderr.write(f"\r{line}" if screen else f"{line}\n")
            sys.stderr.flush()

    try:
        yield say
    finally:
        if screen and shown >= 0:
            sys.stderr.write("\n")
