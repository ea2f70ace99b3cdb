"""How much one render may take, and the sentence that says which limit ended it.

Made from the settings by the renderer process; known to the pool (time, crashes), to the worker (memory, CPU) and to
the engines (output), so that all of them say it in the same words.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from packhouse.api.errors import RenderLimitExceeded
from packhouse.settings import MIB, PREFIX, Settings

#: The exit code of a worker that had not even the memory to say so.
OUT_OF_MEMORY: Final = 77


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one job; its wait in the queue does not count."""

    seconds: float
    cpu_seconds: int
    memory_bytes: int  # the address space of a worker, its interpreter included; helm gets what the worker leaves
    output_most_bytes: int
    helm_program: str = ""  # the whole path of the one program that is run; empty: there is none

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        seconds = settings.render_timeout_seconds
        return cls(
            seconds=seconds,
            cpu_seconds=max(1, math.ceil(seconds)),
            memory_bytes=settings.render_memory_bytes,
            output_most_bytes=settings.render_output_most_bytes,
            helm_program=_whole_path(settings.helm_program),
        )

    @property
    def request_most_bytes(self) -> int:
        """What a job may bring along: the other half of the memory is for working on it."""
        return self.memory_bytes // 2

    def time_exceeded(self) -> RenderLimitExceeded:
        return _exceeded(f"it took longer than {self.seconds:g} s", "simplify the templates", "TIMEOUT_SECONDS")

    def cpu_exceeded(self) -> RenderLimitExceeded:
        return _exceeded(f"it used more than {self.cpu_seconds} s of cpu", "simplify the templates", "TIMEOUT_SECONDS")

    def memory_exceeded(self) -> RenderLimitExceeded:
        return _exceeded(
            f"it needed more than {_amount(self.memory_bytes)} of memory", "make it smaller", "MEMORY_BYTES"
        )

    def request_exceeded(self, size: int) -> RenderLimitExceeded:
        return _exceeded(
            f"its files are {_amount(size)}, and only half of the {_amount(self.memory_bytes)} of memory may hold them",
            "ship fewer files",
            "MEMORY_BYTES",
        )

    def output_exceeded(self) -> RenderLimitExceeded:
        return _exceeded(
            f"it gave more than {_amount(self.output_most_bytes)} of output", "render less", "OUTPUT_MOST_BYTES"
        )

    def helm_gave_up(self, why: str) -> RenderLimitExceeded:
        """Most often it asked for more memory at once than there is."""
        return _exceeded(f"helm broke down ({why})", "simplify the chart", "MEMORY_BYTES")


def _whole_path(program: str) -> str:
    """A worker has neither a PATH nor the folder that we were started in."""
    found = shutil.which(program)
    return str(Path(found).absolute()) if found else ""


def crashed(signal_or_code: str) -> RenderLimitExceeded:
    """The worker itself broke: no limit of ours, and the content that did it would do it again."""
    return RenderLimitExceeded(
        f"rendering was ended: it crashed its worker ({signal_or_code}); "
        "most often the content nests deeper than the machine can follow: simplify it"
    )


def _exceeded(what: str, advice: str, setting: str) -> RenderLimitExceeded:
    return RenderLimitExceeded(
        f"rendering was ended: {what}; {advice}, or raise {PREFIX}RENDER_{setting} of the renderer"
    )


def _amount(size: int) -> str:
    return f"{size / MIB:g} MiB" if size % (MIB // 4) == 0 else f"{size:,} bytes"
