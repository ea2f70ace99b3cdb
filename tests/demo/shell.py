"""Runs commands as a person would type them: shows the line, runs it, shows what it printed.

Called by `story` and `stage`. Each command has a time limit and a session of its own, so that a Ctrl-C reaches only
the demo, which then cleans up in order.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cluster.find import kubectl_program
from demo.screen import Screen
from demo.tables import Table, read_table

LIMIT_SECONDS = 300.0
PATIENCE_SECONDS = 10.0  # after which a line says that something is still under way


class CommandFailed(RuntimeError):
    """A command ended with another code than 0, or not in time; its output was shown."""


class Shell:
    """`folder` is where commands run; KUBECONFIG names the cluster for all of them."""

    def __init__(self, screen: Screen, kubeconfig: Path, folder: Path) -> None:
        self.screen = screen
        self.folder = folder
        self.kubeconfig = kubeconfig
        #: Asked every PATIENCE_SECONDS while a command runs; what it raises ends the command.
        self.still_worth_it: Callable[[], None] = lambda: None

    def kubectl(self, *words: str) -> str:
        """Run kubectl; what it printed to standard output. Raises CommandFailed."""
        return self._run("kubectl", [kubectl_program()], words)

    def table(self, *words: str) -> Table:
        """Run `kubectl get` and read the table. Raises CommandFailed."""
        return read_table(self.kubectl("get", *words))

    def packhouse(self, *words: str) -> str:
        """Run the command line of Packhouse. Raises CommandFailed."""
        return self._run("packhouse", [sys.executable, "-m", "packhouse.cli.main"], words)

    def _run(self, name: str, program: list[str], words: tuple[str, ...]) -> str:
        line = shlex.join([name, *words])
        self.screen.command(line)
        process = subprocess.Popen(
            [*program, *words],
            cwd=self.folder,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                out, errors = self._wait(process, line)
            except BaseException:
                process.kill()
                raise
        self.screen.output(out)
        self.screen.output(errors)
        if process.returncode != 0:
            raise CommandFailed(f"`{line}` ended with {process.returncode}")
        return out

    def _wait(self, process: subprocess.Popen[str], line: str) -> tuple[str, str]:
        started = time.monotonic()
        while True:
            try:
                return process.communicate(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                seconds = time.monotonic() - started
                if seconds > LIMIT_SECONDS:
                    raise CommandFailed(f"`{line}` did not end within {LIMIT_SECONDS:g} s") from None
                self.still_worth_it()
                self.screen.note(f"still under way after {seconds:.0f} s")
