"""What the command line says when it cannot do what it was asked: what happened, what to do, and the exit code."""

from __future__ import annotations

from enum import IntEnum

from packhouse.api.errors import (
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


def trouble_of(error: PackhouseError) -> Trouble:
    """Messages of ours say what happened, and behind the last semicolon of a line the lever that helps."""
    what, semicolon, lever = error.message.partition("\n")[0].rpartition("; ")
    rest = error.message.partition("\n")[2]
    code = _CODES.get(type(error), ExitCode.FAILED)
    if not semicolon:
        return Trouble(error.message, "", code)
    return Trouble(what, f"{lever}\n{rest}" if rest else lever, code)
