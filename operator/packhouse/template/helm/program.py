"""Runs helm once: the chart and the values in memory, its output in memory, and its end known for what it was.

Called by launcher.py, and by tests without a worker. Helm reads `/proc/self/fd/N`, so nothing is written to a disk,
which Secrets must never reach. A program written in Go cannot be limited by its address space: what it really takes is
watched, and what it may ask for at once is bounded besides.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packhouse.api.errors import PackhouseError, RendererUnavailable
from packhouse.settings import MIB, PREFIX
from packhouse.template.confine import die_with
from packhouse.template.documents import HelmOutput, HelmRun
from packhouse.template.landlock import without_files
from packhouse.template.limits import Limits, crashed

#: What Go's runtime reserves at start and never touches.
_RESERVED_BYTES: Final = 2048 * MIB
_ERRORS_MOST: Final = 64 * 1024
_LOOK_SECONDS: Final = 0.01
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_OPEN_FILES: Final = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
#: Go ends a program with 2 where its runtime gives up: no memory, no stack, a bug.
_RUNTIME_GAVE_UP: Final = 2


@dataclass(frozen=True, slots=True)
class _End:
    status: int  # as waitpid gives it
    cpu_seconds: float
    peak_bytes: int
    too_large: bool  # we ended it


class Direct:
    """A `Helm` that starts the program from this process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def __call__(self, run: HelmRun) -> HelmOutput:
        return carry_out(run, self._limits, self._limits.memory_bytes)


def carry_out(run: HelmRun, limits: Limits, memory_bytes: int) -> HelmOutput:
    """`memory_bytes`: what is left for helm of the memory of one render. Errors: those of Helm."""
    if not limits.helm_program:
        raise RendererUnavailable(
            "template step helmTemplate: the renderer has no helm; install the program helm where the renderer runs, "
            f"or name it in {PREFIX}HELM_PROGRAM"
        )
    with ExitStack() as stack:
        chart = stack.enter_context(_in_memory(run.chart))
        values = [stack.enter_context(_in_memory(text)) for text in run.values]
        out, errors = stack.enter_context(_in_memory(b"")), stack.enter_context(_in_memory(b""))
        command = [limits.helm_program, *_words(run, chart, values)]
        try:
            end = _run(command, (chart, *values), out, errors, limits, memory_bytes)
        except OSError as error:
            raise RendererUnavailable(
                f"template step helmTemplate: the program {limits.helm_program} cannot be started: {error.strerror}"
            ) from None
        if os.fstat(out).st_size > limits.output_most_bytes:
            raise limits.output_exceeded()
        told = _read(errors, _ERRORS_MOST).decode(errors="replace")
        if not os.WIFEXITED(end.status) or os.WEXITSTATUS(end.status) not in (0, 1):
            raise _broken(end, told, limits, memory_bytes)
        return HelmOutput(_read(out, limits.output_most_bytes), told, failed=os.WEXITSTATUS(end.status) != 0)


def _words(run: HelmRun, chart: int, values: list[int]) -> list[str]:
    """No word of a package can be taken for a flag: each stands behind its `=`, or behind `--`."""
    words = ["template", f"--namespace={run.namespace}", "--include-crds"]
    if run.kube_version:
        words.append(f"--kube-version={run.kube_version}")
    if run.api_versions:
        words.append(f"--api-versions={','.join(run.api_versions)}")
    words += [f"--values={_OPEN_FILES}/{text}" for text in values]
    return [*words, "--", run.name, f"{_OPEN_FILES}/{chart}"]


def _environment(memory_bytes: int) -> dict[str, str]:
    """Nothing of ours. The folders do not exist: no plugin, no repository, no cache, no kubeconfig."""
    nowhere = "/nonexistent"
    folders = ("HOME", "HELM_PLUGINS", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "KUBECONFIG")
    return {
        **dict.fromkeys(folders, nowhere),
        "GOMEMLIMIT": str(memory_bytes * 3 // 4),
        "GOMAXPROCS": "2",
        "KUBERNETES_SERVICE_HOST": "",
    }


def _run(command: list[str], inputs: tuple[int, ...], out: int, errors: int, limits: Limits, memory_bytes: int) -> _End:
    parent = os.getpid()

    def confine() -> None:
        die_with(parent)
        for what, most in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_CPU, limits.cpu_seconds),
            (resource.RLIMIT_FSIZE, limits.output_most_bytes + _ERRORS_MOST),
            (resource.RLIMIT_DATA, memory_bytes),
            (resource.RLIMIT_AS, _RESERVED_BYTES + memory_bytes),
        ):
            _, hard = resource.getrlimit(what)
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(what, (least, least))
        without_files(command[0])

    process = subprocess.Popen(
        command,
        pass_fds=inputs,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=errors,
        env=_environment(memory_bytes),
        cwd="/",
        preexec_fn=confine,  # the launcher has a single thread
        restore_signals=False,  # an output beyond its limit is an error of the write, and not the end
    )
    try:
        return _wait(process, limits, memory_bytes)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], limits: Limits, memory_bytes: int) -> _End:
    """Until it ends, or takes more memory than it may. The time of the whole render is watched from outside."""
    deadline = time.monotonic() + limits.seconds
    too_large, peak = False, 0
    with _ending(process.pid) as ended:
        while not ended(_LOOK_SECONDS):
            taken = _taken(process.pid)
            peak = max(peak, taken)
            too_large = too_large or taken > memory_bytes
            if too_large or time.monotonic() > deadline:
                process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not too_large and time.monotonic() > deadline:
        raise limits.time_exceeded()
    return _End(status, usage.ru_utime + usage.ru_stime, peak, too_large)


@contextlib.contextmanager
def _ending(pid: int) -> Iterator[Callable[[float], bool]]:
    """`ended(seconds)`: waits that long at most, and says whether the process is at its end. It is not reaped."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        yield lambda seconds: _is_over_after(pid, seconds)
        return
    try:
        yield lambda seconds: bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def _is_over_after(pid: int, seconds: float) -> bool:
    time.sleep(seconds)
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _taken(pid: int) -> int:
    """The memory that a process holds now, in bytes; 0 where nobody tells."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


def _broken(end: _End, told: str, limits: Limits, memory_bytes: int) -> PackhouseError:
    if end.too_large:
        return limits.memory_exceeded()
    if os.WIFSIGNALED(end.status):
        number = os.WTERMSIG(end.status)
        if end.cpu_seconds >= limits.cpu_seconds - 1 and number in (signal.SIGXCPU, signal.SIGKILL):
            return limits.cpu_exceeded()
        if number == signal.SIGKILL:
            return RendererUnavailable("helm was killed from outside, most often for memory; it is tried again")
        return crashed(f"helm, {signal.Signals(number).name}")
    code = os.WEXITSTATUS(end.status)
    if code != _RUNTIME_GAVE_UP:
        return crashed(f"helm, exit code {code}")
    if end.peak_bytes > memory_bytes // 2:
        return limits.memory_exceeded()
    said = told.split("\n", 1)[0][:100]
    return limits.helm_gave_up(said if said.startswith(("fatal error: ", "runtime: ")) else "its runtime gave up")


def _read(descriptor: int, most: int) -> bytes:
    return os.pread(descriptor, min(most, os.fstat(descriptor).st_size), 0)


@contextlib.contextmanager
def _in_memory(content: bytes) -> Iterator[int]:
    """A file without a name that holds `content`."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("packhouse", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile(buffering=0) as file:
            descriptor = os.dup(file.fileno())
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
