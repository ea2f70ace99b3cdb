"""Reading a status that somebody else wrote: whatever shape it has, an answer comes out and nothing raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from packhouse.domain.readiness.verdict import Readiness, waiting
from packhouse.ports import Json

#: Of what others say, as much as helps in one line of a status.
WORDS_CHARACTERS: Final = 240


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `generation` is the one it was set for, None where it does not say."""

    type: str
    status: str
    reason: str
    message: str
    generation: int | None

    @property
    def why(self) -> str:
        """ "Reason: message", as far as it gives any."""
        return line(": ".join(part for part in (self.reason, self.message) if part)) or "no reason given"

    def is_stale(self, obj: Json) -> bool:
        """Whether it speaks of an earlier spec."""
        return self.generation is not None and self.generation < number(section(obj, "metadata"), "generation")


def section(obj: Any, *path: str) -> Json:
    """The map at `path`; an empty one where there is none."""
    for key in path:
        obj = obj.get(key) if isinstance(obj, dict) else None
    return obj if isinstance(obj, dict) else {}


def maps(place: Json, key: str) -> list[Json]:
    """The maps of the list `key`."""
    found = place.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def number(place: Json, key: str, default: int = 0) -> int:
    found = place.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def text(place: Json, key: str) -> str:
    found = place.get(key)
    return found if isinstance(found, str) else ""


def conditions(obj: Json) -> dict[str, Condition]:
    """status.conditions by type."""
    return {
        condition.type: condition
        for condition in (
            Condition(
                text(found, "type"),
                text(found, "status"),
                text(found, "reason"),
                text(found, "message"),
                number(found, "observedGeneration") if "observedGeneration" in found else None,
            )
            for found in maps(section(obj, "status"), "conditions")
        )
        if condition.type
    }


def line(words: str, most: int = WORDS_CHARACTERS) -> str:
    """`words` as one line of bounded length."""
    one = " ".join(words.split())
    return one if len(one) <= most else f"{one[: most - 3]}..."


def unobserved(obj: Json, *, required: bool) -> Readiness | None:
    """WAITING where its controller has not seen the newest spec; `required`: it always says which one it saw."""
    status = section(obj, "status")
    generation = number(section(obj, "metadata"), "generation")
    if "observedGeneration" not in status:
        return waiting("its controller has not looked at it yet") if required else None
    if number(status, "observedGeneration") < generation:
        return waiting(f"its controller has not seen generation {generation} yet")
    return None
