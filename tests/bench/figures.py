"""Figures as data: samples of ours, samples of a peer, a target. Pure; the modules that measure make them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """What we want: `most` of the unit, or `ratio_most` of what the peer takes."""

    most: float | None = None
    ratio_most: float | None = None

    def __str__(self) -> str:
        return f"<= {self.most:g}" if self.most is not None else f"<= {self.ratio_most:g}x"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `published` marks a peer whose figure was not measured in this run."""

    name: str
    samples: Sequence[float]
    unit: str = "s"
    peer: str = ""
    peer_samples: Sequence[float] = ()
    target: Target | None = None
    published: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def peer_median(self) -> float | None:
        return statistics.median(self.peer_samples) if self.peer_samples else None

    @property
    def ratio(self) -> float | None:
        return self.median / self.peer_median if self.peer_median else None

    @property
    def met(self) -> bool | None:
        """None where there is no target, or nobody to compare with."""
        if self.target is None:
            return None
        if self.target.most is not None:
            return self.median <= self.target.most
        return None if self.ratio is None else self.ratio <= (self.target.ratio_most or 0.0)

    def to_wire(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "median": rounded(self.median),
            "min": rounded(min(self.samples)),
            "max": rounded(max(self.samples)),
            "peer": (f"{self.peer} (published)" if self.published else self.peer) or None,
            "peer_median": rounded(self.peer_median),
            "ratio": rounded(self.ratio),
            "target": str(self.target) if self.target is not None else None,
            "met": self.met,
        }


@dataclass(slots=True)
class Board:
    """What was measured so far, and what could not be. Each is told as it comes."""

    say: Callable[[str], None]
    figures: list[Figure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, *figures: Figure) -> None:
        for figure in figures:
            self.figures.append(figure)
            self.say(line(figure))

    def skip(self, what: str) -> None:
        self.skipped.append(what)
        self.say(f"skipped: {what}")


def line(figure: Figure) -> str:
    """A figure on the terminal."""
    wire = figure.to_wire()
    text = f"{figure.name:<58} {wire['median']:>8g} {figure.unit} ({wire['min']:g} to {wire['max']:g})"
    if wire["ratio"] is not None:
        text += f"   {wire['peer']}: {wire['peer_median']:g} {figure.unit}, ratio {wire['ratio']:g}"
    if figure.target is not None:
        verdict = {True: "met", False: "MISSED", None: "not known"}[figure.met]
        text += f"   target {wire['target']}: {verdict}"
    return text


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def rounded(value: float | None) -> float | None:
    """Three digits that mean something."""
    return None if value is None else float(f"{value:.3g}")
