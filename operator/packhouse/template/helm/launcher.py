"""The process beside a worker that may start one program, helm; the worker itself may start none.

`launch` forks it before the worker is confined; it lives as long as the worker does. What it is asked is as little
trusted as the package: it takes a chart, texts and a few words, and puts them where helm takes them for nothing else.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
from typing import BinaryIO, Final

from packhouse.api.errors import BY_REASON, PackhouseError, RendererUnavailable
from packhouse.ports import Json
from packhouse.template import wire
from packhouse.template.confine import confine_launcher
from packhouse.template.documents import HelmOutput, HelmRun
from packhouse.template.helm.program import carry_out
from packhouse.template.limits import Limits

#: How much of one render's memory helm gets at least, whatever the worker holds.
_LEAST_SHARE: Final = 4
_SLACK_BYTES: Final = 1024 * 1024
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Launcher:
    """A `Helm` for a worker: asks the process at the other end of two pipes."""

    def __init__(self, asking: BinaryIO, answering: BinaryIO, limits: Limits) -> None:
        self._asking = asking
        self._answering = answering
        self._limits = limits
        self.has_ended = False

    def __call__(self, run: HelmRun) -> HelmOutput:
        """Errors: those of Helm."""
        try:
            _send(self._asking, _pack(run, self._left()))
            answer, body = _receive(self._answering, self._limits.output_most_bytes + _SLACK_BYTES)
        except (OSError, wire.WireError, EOFError) as error:
            self.has_ended = True
            raise RendererUnavailable(
                f"what runs helm for the renderer has ended ({type(error).__name__}); it is tried again"
            ) from None
        if "reason" in answer:
            raise BY_REASON[answer["reason"]](answer["message"])
        return HelmOutput(body, answer["errors"], answer["failed"])

    def _left(self) -> int:
        """A render has one memory limit: helm gets what the worker does not hold."""
        most = self._limits.memory_bytes
        with contextlib.suppress(OSError), open("/proc/self/statm", "rb") as told:  # noqa: PTH123 - a line of the kernel
            return max(most - int(told.read().split()[1]) * _PAGE, most // _LEAST_SHARE)
        return most // 2


def launch(limits: Limits) -> Launcher:
    """Forks the process. Called while this one has a single thread and has read nothing that others wrote."""
    ask_end, asking = os.pipe()
    answering, answer_end = os.pipe()
    parent = os.getpid()
    if os.fork() == 0:
        try:
            os.close(asking)
            os.close(answering)
            _serve(os.fdopen(ask_end, "rb"), os.fdopen(answer_end, "wb"), limits, parent)
        finally:
            os._exit(0)
    os.close(ask_end)
    os.close(answer_end)
    return Launcher(os.fdopen(asking, "wb"), os.fdopen(answering, "rb"), limits)


def _serve(asked: BinaryIO, answers: BinaryIO, limits: Limits, parent: int) -> None:
    """Until the worker closes its end, or ends."""
    gc.disable()  # what is shared with the worker stays shared
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):  # they are the worker's, whose end must be seen
        os.dup2(nothing, standard)
    confine_launcher(parent)
    while True:
        try:
            header, body = _receive(asked, limits.request_most_bytes + _SLACK_BYTES)
        except (OSError, EOFError, wire.WireError):
            return
        try:
            output = carry_out(_unpack(header, body), limits, min(int(header["memory"]), limits.memory_bytes))
            answer = wire.frame({"errors": output.errors, "failed": output.failed}, body=output.manifests)
        except PackhouseError as error:
            answer = wire.frame({"reason": error.reason.value, "message": error.message})
        except Exception as error:  # a bug of ours, or no memory
            message = f"helm could not be run ({type(error).__name__})"
            answer = wire.frame({"reason": RendererUnavailable.reason.value, "message": message})
        _send(answers, answer)


def _pack(run: HelmRun, memory: int) -> wire.Frame:
    return wire.frame(
        {
            "sizes": [len(part) for part in (run.chart, *run.values)],
            "name": run.name,
            "namespace": run.namespace,
            "kubeVersion": run.kube_version,
            "apiVersions": list(run.api_versions),
            "memory": memory,
        },
        body=b"".join((run.chart, *run.values)),
    )


def _unpack(header: Json, body: bytes) -> HelmRun:
    parts, begin = [], 0
    for size in header["sizes"]:
        parts.append(body[begin : begin + size])
        begin += size
    return HelmRun(
        chart=parts[0],
        values=parts[1:],
        name=header["name"],
        namespace=header["namespace"],
        kube_version=header["kubeVersion"],
        api_versions=header["apiVersions"],
    )


def _send(stream: BinaryIO, frame: wire.Frame) -> None:
    for chunk in frame.chunks():
        stream.write(chunk)
    stream.flush()


def _receive(stream: BinaryIO, most_bytes: int) -> tuple[Json, bytes]:
    """Raises EOFError where the other side ended, wire.WireError, OSError."""
    lengths = wire.read_prefix(stream, most_bytes)
    if lengths is None:
        raise EOFError
    _, header, body = lengths
    text, content = stream.read(header), stream.read(body)
    if len(text) < header or len(content) < body:
        raise EOFError
    return json.loads(text), content
