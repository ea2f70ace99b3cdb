"""Programs end whatever happens. Real: processes, signals, the watchdog, folders. Fake: the programs are `sleep`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import processes
from cluster.processes import ProgramEnded, Programs, StartFailed, free_ports, start_programs

TESTS = Path(__file__).parents[2]
STARTS_AND_WAITS = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background inherits that it is ignored
from cluster.processes import Programs
programs = Programs("victim")
programs.start("sleeper", ["sh", "-c", "echo $$ > pid; sleep 300 & wait"])
programs.wait_until(lambda: (programs.folder / "pid").exists() and (programs.folder / "pid").read_text(), "started")
holder = os.fork() if "fork" in sys.argv else 0
if "fork" in sys.argv and holder == 0: time.sleep(300)
print(programs.folder, (programs.folder / "pid").read_text().strip(), holder, flush=True)
time.sleep(300)
"""


def becomes(holds: Callable[[], bool], seconds: float = 10) -> bool:
    limit = time.monotonic() + seconds
    while not holds() and time.monotonic() < limit:
        time.sleep(0.05)
    return holds()


def group_is_gone(group: int) -> bool:
    """A killed process that nobody reaped yet counts as gone."""
    listed = subprocess.run(["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return not any(int(line.split()[0]) == group and "Z" not in line.split()[1] for line in listed.splitlines())


@pytest.fixture(autouse=True)
def logs_in_a_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKHOUSE_LOGS", str(tmp_path / "kept"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_dies_leaves_no_program_and_no_folder(number: signal.Signals) -> None:
    command = [sys.executable, "-c", STARTS_AND_WAITS]
    with subprocess.Popen(
        command, cwd=TESTS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        folder, group, _ = process.stdout.readline().split()
        assert not group_is_gone(int(group))
        os.killpg(process.pid, number)
        process.wait(timeout=10)
    assert becomes(lambda: group_is_gone(int(group)) and not Path(folder).exists())


def test_a_child_that_outlives_the_run_does_not_keep_its_programs() -> None:
    command = [sys.executable, "-c", STARTS_AND_WAITS, "fork"]
    with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder, group, holder = process.stdout.readline().split()
        process.kill()
        process.wait(timeout=10)
        try:
            assert becomes(lambda: group_is_gone(int(group)) and not Path(folder).exists())
        finally:
            os.kill(int(holder), signal.SIGKILL)


def test_stop_ends_the_children_of_a_program_too_and_may_be_called_again() -> None:
    programs = Programs("family")
    programs.start("parent", ["sh", "-c", "echo $$ > pid; sleep 300 & wait"])
    programs.wait_until((programs.folder / "pid").exists, "started")
    group = int((programs.folder / "pid").read_text())
    programs.stop()
    programs.stop()
    assert becomes(lambda: group_is_gone(group))
    assert not programs.folder.exists()


def test_a_folder_that_was_asked_for_stays(tmp_path: Path) -> None:
    programs = Programs("kept", tmp_path / "here")
    programs.start("talker", ["echo", "hello"])
    assert becomes(lambda: (tmp_path / "here/logs/talker.log").read_text() == "hello\n")
    programs.stop()
    assert (tmp_path / "here/logs/talker.log").read_text() == "hello\n"


def test_a_program_that_ends_early_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    programs = Programs("broken")
    try:
        programs.start("server", ["sh", "-c", "echo address in use; exit 3"])
        with pytest.raises(ProgramEnded) as caught:
            programs.wait_until(lambda: False, "ready")
    finally:
        programs.stop()
    first, *rest = str(caught.value).splitlines()
    assert first.startswith("broken: server ended with 3 before ready; logs kept in ")
    assert rest == ["--- server.log", "address in use"]
    assert (Path(first.rpartition(" ")[2]) / "server.log").read_text() == "address in use\n"


def test_a_program_that_is_never_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "START_LIMIT_SECONDS", 0.2)
    programs = Programs("slow")
    try:
        programs.start("server", ["sleep", "300"])
        with pytest.raises(StartFailed, match="slow: not ready after 0 s") as caught:
            programs.wait_until(lambda: False, "ready")
    finally:
        programs.stop()
    assert not isinstance(caught.value, ProgramEnded)


def test_a_program_that_ended_is_started_again_in_a_fresh_folder() -> None:
    seen: list[Path] = []

    def start(programs: Programs) -> Programs:
        seen.append(programs.folder)
        programs.start("server", ["sleep", "0" if len(seen) == 1 else "300"])
        programs.wait_until(lambda: len(seen) == 2, "ready")
        return programs

    running = start_programs("retried", None, start)
    running.stop()
    assert (len(seen), len(set(seen)), [folder.exists() for folder in seen]) == (2, 2, [False, False])


def test_what_always_ends_is_given_up_after_three_attempts() -> None:
    seen: list[Programs] = []

    def start(programs: Programs) -> None:
        seen.append(programs)
        programs.start("server", ["false"])
        programs.wait_until(lambda: False, "ready")

    with pytest.raises(ProgramEnded):
        start_programs("hopeless", None, start)
    assert (len(seen), [one.folder.exists() for one in seen]) == (3, [False] * 3)


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20
