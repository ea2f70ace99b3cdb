"""One worker: reads jobs from its standard input, one at a time, and writes answers to its standard output.

Started by adapters/worker_pool.py with an empty environment; `main` confines the process before the first job. It
answers every error in words that carry no value, and ends after one that may have left it short of memory.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from typing import BinaryIO, Final

from packhouse.api.errors import PackhouseError
from packhouse.domain.bundle import read_bundle
from packhouse.ports import Json
from packhouse.template import wire
from packhouse.template.answers import INTERNAL, error_answer
from packhouse.template.confine import confine, cpu_for_one_job
from packhouse.template.helm.launcher import Launcher, launch
from packhouse.template.jobs import bundle_answer, render_answer, unpack_render
from packhouse.template.limits import OUT_OF_MEMORY, Limits
from packhouse.template.pipeline import prepare, render

_RESERVE_BYTES: Final = 2 * 1024 * 1024  # given back on a MemoryError, so that the answer can be written
_ALLOCATIONS: Final = 20_000  # until garbage is looked for; a job makes many objects, and few are in circles


def main() -> None:
    """`argv[1]` is JSON: the fields of Limits and the parent's process id."""
    told = json.loads(sys.argv[1])
    parent = told.pop("parent")
    limits = Limits(**told)
    helm = launch(limits)
    jobs, answers = _streams()
    prepare()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)
    confine(limits, parent)
    _send(answers, wire.frame({"ready": True}))
    while (lengths := wire.read_prefix(jobs, limits.request_most_bytes)) is not None:
        cpu_for_one_job(limits)
        _, header, _ = lengths
        try:
            answer = _answer(jobs, header, limits, helm)
            _send(answers, answer)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        if answer.flags & wire.LAST:
            return


def _answer(jobs: BinaryIO, header: int, limits: Limits, helm: Launcher) -> wire.Frame:
    reserve = bytearray(_RESERVE_BYTES)
    try:
        answer = wire.frame(_carry_out(json.loads(jobs.read(header)), jobs, limits, helm))
        return answer if answer.size <= limits.output_most_bytes else _refusal(limits.output_exceeded())
    except PackhouseError as error:
        return _refusal(error, last=helm.has_ended)
    except MemoryError as error:
        _forget(error)
        del reserve
        return wire.frame(error_answer(limits.memory_exceeded()), flags=wire.LAST)
    except Exception as error:  # a bug of ours: said in places of our code, never in content
        return wire.frame({"reason": INTERNAL, "message": _places(error)}, flags=wire.LAST)


def _carry_out(header: Json, body: BinaryIO, limits: Limits, helm: Launcher) -> Json:
    """The answer to a job. All files are read before anything can fail, so that the next job begins where it should."""
    files = wire.split(body, header["files"])
    if header["job"] == "bundle":
        return bundle_answer(read_bundle(files, header["schemas"]))
    return render_answer(render(unpack_render(header, files), limits, helm))


def _refusal(error: PackhouseError, *, last: bool = False) -> wire.Frame:
    message = error_answer(error)
    message["message"] = message["message"].encode(errors="replace").decode()
    return wire.frame(message, flags=wire.LAST if last else 0)


def _forget(error: BaseException) -> None:
    """Frames hold what filled the memory; let go of it."""
    if error.__traceback__ is not None:
        traceback.clear_frames(error.__traceback__)


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in reversed(frames))  # noqa: PTH119 - a text, no file
    return f"{type(error).__name__} at {places}"


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Copies of standard input and output; whatever prints afterwards prints into nothing."""
    jobs = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return jobs, answers


def _send(answers: BinaryIO, answer: wire.Frame) -> None:
    for chunk in answer.chunks():
        answers.write(chunk)
    answers.flush()


if __name__ == "__main__":
    main()
