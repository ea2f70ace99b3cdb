"""Takes the file system away from a program that is about to be started: the kernel's Landlock.

Called by helm/program.py between fork and exec. A chart's schema may say `$ref: file:///...`, and helm would open it:
files of the renderer, or by /proc what another helm of the same user holds open. Files that are open already, such as
the chart itself in memory, stay readable by /proc/self/fd. No other process can be looked into any more.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from typing import Final

# the same numbers on every architecture
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_BELOW_PATH: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_EVERYTHING: Final = (1 << 13) - 1  # what the first version of Landlock knows of
_EXECUTE, _READ, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
#: What a program that is not one file alone needs. There are no secrets there.
_SYSTEM: Final = ("/bin", "/lib", "/lib64", "/usr")


def is_there() -> bool:
    """Whether this kernel can do it."""
    return sys.platform == "linux" and int(ctypes.CDLL(None).syscall(_CREATE_RULESET, None, 0, 1)) > 0


def without_files(program: str) -> None:
    """For good: this process opens nothing but `program` and what belongs to the system. Without Landlock nothing
    changes."""
    if not is_there():
        return
    libc = ctypes.CDLL(None)
    told = ctypes.create_string_buffer(struct.pack("=Q", _EVERYTHING), 8)
    rules = libc.syscall(_CREATE_RULESET, told, 8, 0)
    if rules < 0:
        return
    for path in (program, *_SYSTEM):
        _allow(libc, rules, path)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.syscall(_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
    rule = struct.pack("=Qi", _EXECUTE | _READ | (_READ_FOLDER if is_folder else 0), place)
    libc.syscall(_ADD_RULE, rules, _BELOW_PATH, ctypes.create_string_buffer(rule, len(rule)), 0)
    os.close(place)
