"""`python -m demo`: plays the story and ends with 0 only if all of it came true; `--keep` then waits for Ctrl-C.

Reads arguments, turns signals and errors into an exit code, and closes everything; the story is in `story`.
Exit codes: 0 all shown and checked, 1 something was not, 128 + N ended by signal N before it was done.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn

from cluster.binaries import BuildFailed
from cluster.find import ClusterNotFound, KubectlFailed, kubectl_program
from cluster.processes import StartFailed, logs_root
from demo import story
from demo.screen import Screen
from demo.shell import CommandFailed
from demo.stage import Stage, open_stage
from demo.tables import NotAsTold

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: What goes wrong outside of the demo's own code: told in a sentence. All else is a bug and shows its traceback.
EXPECTED = (
    *(BuildFailed, ClusterNotFound, KubectlFailed, StartFailed, CommandFailed, NotAsTold),
    *(OSError, subprocess.TimeoutExpired),
)
LOG_LINES = 20
SAID = "custom-columns=KIND:.kind,NAME:.metadata.name,ERROR:.status.usefulErrorMessage"


class Interrupted(BaseException):
    """A signal asked the demo to end; the argument is its number."""


def main() -> int:
    """Play, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Plays docs/examples on a real cluster.")
    parser.add_argument("--keep", action="store_true", help="at the end, leave everything running until Ctrl-C")
    keep = parser.parse_args().keep
    screen, started = Screen(), time.monotonic()
    for number in STOPS:
        signal.signal(number, _interrupt)
    stages: list[Stage] = []
    code: int | None = None
    try:
        with ExitStack() as stack:
            code = _play(screen, stack, stages, keep=keep)
            if code == 0:
                screen.success(f"All of it came true, in {time.monotonic() - started:.0f} s.")
            if keep and stages:
                _hold(screen, stages[0])
            _ignore_signals()
    except Interrupted as interrupt:
        if code is None:
            screen.failure("interrupted before the end")
            code = 128 + int(interrupt.args[0])
    screen.note("everything is stopped")
    left = [line for stage in stages for line in stage.left]
    if left:
        screen.failure("\n".join(["did not work while cleaning up:", *left]))
    return code or int(bool(left))


def _play(screen: Screen, stack: ExitStack, stages: list[Stage], *, keep: bool) -> int:
    """0, or 1 after a failure was explained while the logs are still there. `stages` gets the stage once it stands."""
    number, title = 1, "A cluster and a registry"
    try:
        screen.heading(number, title)
        stage = open_stage(screen, stack)
        stages.append(stage)
        chapters = [*story.CHAPTERS, *([story.once_more] if keep else [])]
        for number, chapter in enumerate(chapters, 2):
            title = (chapter.__doc__ or "").strip()
            screen.heading(number, title)
            chapter(stage)
    except EXPECTED as error:
        screen.failure(f"FAILED in {number}. {title}\n{error}")
        for stage in stages:
            _explain(screen, stage)
        return 1
    return 0


def _explain(screen: Screen, stage: Stage) -> None:
    """What the objects and the operator said last, and the logs of all programs put where they stay."""
    if stage.operator_log.exists():
        with suppress(CommandFailed, StartFailed):
            stage.home.kubectl("get", "packagerepositories,installedpackages", "-A", "-o", SAID)
    lines = stage.operator_said().splitlines()[-LOG_LINES:]
    if lines:
        screen.note(f"the last {len(lines)} lines of the operator")
        screen.output("\n".join(lines))
    for programs in stage.programs:
        screen.note(f"logs of the {programs.what} kept in {programs.keep_logs(logs_root())}")


def _hold(screen: Screen, stage: Stage) -> NoReturn:
    """Leave everything running until a signal, which raises Interrupted."""
    given = not stage.cluster.owned
    kubeconfig = os.environ["KUBECONFIG"] if given else str(stage.cluster.kubeconfig)
    screen.success("It goes on running until Ctrl-C. In another terminal:")
    screen.output(
        f"  export KUBECONFIG={kubeconfig}\n"
        f"  export PATH={Path(kubectl_program()).parent}:$PATH     # kubectl, and packhouse\n"
        f"  kubectl get packages\n"
        f"\n"
        f"registry  {stage.registry.host}\n"
        f"files     {stage.folder}\n"
        f"log       {stage.operator_log}\n"
    )
    while True:
        time.sleep(3600)


def _interrupt(number: int, frame: object) -> None:
    _ignore_signals()  # what follows is cleaning up, which must come to its end
    raise Interrupted(number)


def _ignore_signals() -> None:
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
