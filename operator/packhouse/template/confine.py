"""What a worker gives up before it sees the first job: memory beyond its limit, files, processes, network, privileges.

Called once by worker.py, after everything is imported; `cpu_for_one_job` before each job. Linux gives all of it,
other systems what they have.
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import resource
import signal
import struct
import sys
from typing import Final

from packhouse.template.limits import Limits

_FILES_MOST: Final = 16
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_FILES_OF_LAUNCHER: Final = 1024

#: Of each machine: how the kernel calls its architecture, and the number of its call `socket`.
_CALLS: Final = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_IO_URING_SETUP: Final = 425
_OTHER_ABI: Final = 0x40000000  # x32 has numbers of its own on x86_64
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000


def confine(limits: Limits, parent: int) -> None:
    """For good: hard limits cannot be raised again. Ends the process if `parent` is gone already."""
    _keep_to_itself(parent)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _FILES_MOST)
    _lower(resource.RLIMIT_AS, limits.memory_bytes)
    if hasattr(resource, "RLIMIT_NPROC"):
        _lower(resource.RLIMIT_NPROC, 0)


def confine_launcher(parent: int) -> None:
    """The same for what starts helm: it keeps processes and files in memory, and helm has what it has not given up."""
    _keep_to_itself(parent)
    _lower(resource.RLIMIT_NOFILE, _FILES_OF_LAUNCHER)


def _keep_to_itself(parent: int) -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # no core, and no other process of this user may trace it
        without_network()
    die_with(parent)
    _lower(resource.RLIMIT_CORE, 0)


def die_with(parent: int) -> None:
    """Ends this process when `parent` ends, and at once if that is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            raise SystemExit("the renderer ended before this worker began")


def without_network() -> None:
    """For good, and for every program that is started from here: the kernel makes no socket any more.

    Needs no privileges once new ones are given up. Where the kernel has no such filter nothing changes, and a
    NetworkPolicy has to say the same.
    """
    known = _CALLS.get(os.uname().machine)
    if known is None:
        return
    architecture, socket = known
    steps = (
        (_LOAD, 0, 0, 4),  # which architecture's numbers these are
        (_EQUAL, 0, 5, architecture),
        (_LOAD, 0, 0, 0),  # the number of the call
        (_AT_LEAST, 3, 0, _OTHER_ABI),
        (_EQUAL, 2, 0, socket),
        (_EQUAL, 1, 0, _IO_URING_SETUP),  # makes sockets as well
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE | errno.EACCES),
    )
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)
    code = ctypes.create_string_buffer(program, len(program))
    told = struct.pack("@HP", len(steps), ctypes.addressof(code))
    ctypes.CDLL(None).prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, told, 0, 0)


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
