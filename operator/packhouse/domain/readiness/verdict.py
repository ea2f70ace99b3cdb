"""A verdict on one object, and the ways to make one. Plain data, used by all rooms of readiness."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How an object stands."""

    READY = "ready"  #: it is as it should be
    WAITING = "waiting"  #: it needs time, or something else first
    FAILED = "failed"  #: it says itself that waiting does not help


@dataclass(frozen=True, slots=True)
class Readiness:
    """`message` goes on from the object's name: "1 of 3 replicas are available".

    `unblocks`: not ready, but a wait rule of the package lets what comes after it begin.
    """

    state: State
    message: str = ""
    unblocks: bool = False


def ready(message: str = "") -> Readiness:
    return Readiness(State.READY, message)


def waiting(message: str) -> Readiness:
    return Readiness(State.WAITING, message)


def failed(message: str) -> Readiness:
    return Readiness(State.FAILED, message)
