"""Runs the programs of one cluster or registry in one folder, logs to files, and ends them whatever happens.

Called by `controlplane` and `registry`. Each program has a process group of its own, so that a Ctrl-C reaches only the
tests, which then stop it in order; the watchdog stops it when this process dies first.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

from cluster import watchdog

START_LIMIT_SECONDS = 60.0
LOOK_SECONDS = 0.05
ATTEMPTS = 3  # another process may take a free port before our program binds it

Started = TypeVar("Started")


class StartFailed(RuntimeError):
    """A program ended or was not ready in time; the message holds the end of its log and where the logs were kept."""


class ProgramEnded(StartFailed):
    """A program ended while it was waited for; with other ports it may start."""


class Programs:
    """The running programs of one folder. Use `stop()` once, in a `finally`.

    With `keep_dir` the folder is that one and stays; otherwise it is a temporary one that `stop` removes.
    """

    def __init__(self, what: str, keep_dir: Path | None = None) -> None:
        self.what = what
        self.keep = keep_dir is not None
        self.folder = keep_dir.resolve() if keep_dir else Path(tempfile.mkdtemp(prefix=f"packhouse-{what}-"))
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__, str(os.getpid())],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        if not self.keep:
            self._tell(f"folder {self.folder}")

    def start(self, name: str, command: Sequence[str | Path], environ: Mapping[str, str] | None = None) -> None:
        """Start a program; its output goes to `logs/NAME.log`."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=self.folder,
                env={**os.environ, **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running[name] = process
        self._tell(f"group {process.pid}")

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Ask `ready` until it says True. Raises ProgramEnded, or StartFailed after START_LIMIT_SECONDS."""
        limit = time.monotonic() + START_LIMIT_SECONDS
        while not ready():
            for name, process in self._running.items():
                if process.poll() is not None:
                    raise ProgramEnded(self._failure(f"{name} ended with {process.returncode} before {what}", name))
            if time.monotonic() > limit:
                raise StartFailed(self._failure(f"not {what} after {START_LIMIT_SECONDS:.0f} s", *self._running))
            time.sleep(LOOK_SECONDS)

    def keep_logs(self, root: Path) -> Path:
        """Copy the logs below `root` and return the new folder."""
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=time.strftime(f"%Y%m%d-%H%M%S-{self.what}-"), dir=root))
        shutil.copytree(self.logs, folder, dirs_exist_ok=True)
        return folder

    def stop(self) -> None:
        """Kill all programs, latest first, and remove the folder if it is a temporary one. May be called again.

        They are killed and not asked: their data is thrown away, and an API server with open watches takes a minute.
        """
        for process in reversed(self._running.values()):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._running.clear()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(BrokenPipeError, ValueError):
            self._tell("done")
        if self._watchdog.stdin and not self._watchdog.stdin.closed:
            with suppress(BrokenPipeError):
                self._watchdog.stdin.close()
        self._watchdog.wait()

    def _tell(self, line: str) -> None:
        if self._watchdog.stdin is None:
            raise RuntimeError("the watchdog has no pipe")
        self._watchdog.stdin.write(f"{line}\n".encode())
        self._watchdog.stdin.flush()

    def _failure(self, sentence: str, *names: str) -> str:
        kept = self.keep_logs(logs_root())
        ends = []
        for name in names:
            lines = (self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-10:]
            ends += [f"--- {name}.log", *lines]
        return "\n".join([f"{self.what}: {sentence}; logs kept in {kept}", *ends])


def start_programs(what: str, keep_dir: Path | None, start: Callable[[Programs], Started]) -> Started:
    """Return what `start` makes of fresh Programs; when it raises, nothing runs any more.

    A program that ended at once is tried again, with the new ports that `start` then takes. Raises StartFailed.
    """
    for attempt in range(1, ATTEMPTS + 1):
        programs = Programs(what, keep_dir)
        try:
            return start(programs)
        except BaseException as error:
            programs.stop()
            if not isinstance(error, ProgramEnded) or attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def logs_root() -> Path:
    """Return where logs are kept: PACKHOUSE_LOGS, or `.logs` in the root of the repository (git ignores it)."""
    given = os.environ.get("PACKHOUSE_LOGS")
    return Path(given) if given else Path(__file__).resolve().parents[2] / ".logs"


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that are free on loopback now. Another process may take one: try again then."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
