"""What a worker gives up before it sees the first job: memory beyond its limit, files, processes, new privileges.

Called once by worker.py, after everything is imported; `cpu_for_one_job` before each job. Linux gives all of it,
other systems what they have.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
from typing import Final

from packhouse.template.limits import Limits

_FILES_MOST: Final = 16
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38


def confine(limits: Limits, parent: int) -> None:
    """For good: hard limits cannot be raised again. Ends the process if `parent` is gone already."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # no core, and no other process of this user may trace it
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            raise SystemExit("the renderer ended before this worker began")
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _FILES_MOST)
    _lower(resource.RLIMIT_AS, limits.memory_bytes)
    if hasattr(resource, "RLIMIT_NPROC"):
        _lower(resource.RLIMIT_NPROC, 0)


def cpu_for_one_job(limits: Limits) -> None:
    """The soft limit alone moves: a lowered hard limit could not be raised for the next job."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = math.ceil(used.ru_utime + used.ru_stime) + limits.cpu_seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed if hard == resource.RLIM_INFINITY else min(allowed, hard), hard))


def _lower(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (least, least))
