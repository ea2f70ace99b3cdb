"""What the command line says when it cannot do what it was asked: what happened, what to do, and the exit code."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from packhouse.api.errors import (
    ClusterUnavailable,
    Forbidden,
    NoMatchingVersion,
    NotHealthy,
    PackageNotFound,
    PackhouseError,
    RolloutFailed,
    WaitTimedOut,
)


class ExitCode(IntEnum):
    """What scripts see. docs/cli/exit-codes.md says the same."""

    DONE = 0
    #: The cluster, the package or a source said no.
    FAILED = 1
    #: The command line itself is wrong.
    USAGE = 2
    #: There is no such object, package or version.
    NOT_FOUND = 3
    #: Rights are missing: those of the caller, or of the service account.
    FORBIDDEN = 4
    #: It was asked for, and is not in place in time, or failed to get there.
    NOT_READY = 5
    #: The question was answered with no.
    DECLINED = 6
    #: `installed diff --exit-code`: something would change.
    DIFFERENT = 7
    INTERRUPTED = 130
    #: Who reads the answer went away before its end; 141 is what a shell makes of SIGPIPE.
    UNREAD = 141


class Trouble(Exception):
    """Ends a verb. `help` is what to do, "" where nothing is known."""

    def __init__(self, what: str, help: str = "", code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(what)
        self.what = what
        self.help = help
        self.code = code


class Usage(Trouble):
    def __init__(self, what: str, help: str = "") -> None:
        super().__init__(what, help, ExitCode.USAGE)


class NotFound(Trouble):
    def __init__(self, what: str, help: str = "") -> None:
        super().__init__(what, help, ExitCode.NOT_FOUND)


#: Errors of ours that mean more to a script than "failed".
_CODES: dict[type[PackhouseError], ExitCode] = {
    Forbidden: ExitCode.FORBIDDEN,
    PackageNotFound: ExitCode.NOT_FOUND,
    NoMatchingVersion: ExitCode.NOT_FOUND,
    NotHealthy: ExitCode.NOT_READY,
    RolloutFailed: ExitCode.NOT_READY,
    WaitTimedOut: ExitCode.NOT_READY,
}


#: The operator tries again by itself; who calls the command line has to look.
_UNAVAILABLE: Final = "see whether the cluster answers, and whether it is the right one: kubectl cluster-info"


def trouble_of(error: PackhouseError) -> Trouble:
    """Messages of ours say what happened, and behind the last semicolon of their first line the lever that helps."""
    first, newline, rest = error.message.partition("\n")
    what, semicolon, lever = first.rpartition("; ")
    code = _CODES.get(type(error), ExitCode.FAILED)
    if isinstance(error, ClusterUnavailable):
        return Trouble(what or first, _UNAVAILABLE, code)
    if not semicolon:
        return Trouble(error.message, "", code)
    return Trouble(f"{what}{newline}{rest}", lever, code)
