"""A Resolution on its way to status and back, and as what stands in for a source that is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes_registry import FakeRegistry
from fakes_sources import origins
from packhouse.api.errors import InvalidSpec, SourceNotFound, SourceUnreachable
from packhouse.fetch import Resolution, Resolved, Sources, resolve_all
from packhouse.ports import Access, Json

ONE = f"sha256:{'1' * 64}"
IMAGE, OTHER = "registry.test/a:1.0", "registry.test/b:2.0"
STEPS: list[Json] = [{"imgpkgBundle": {"image": IMAGE}}, {"inline": {"paths": {"x": "1"}}, "path": "more"}]
WIRE = [
    {
        "kind": "imgpkgBundle",
        "source": f"{IMAGE}@{ONE}",
        "digest": ONE,
        "version": "1.0",
        "verifiedBy": "Secret packhouse-system/cosign key cosign.pub",
    },
    {"kind": "inline", "digest": "sha256:2"},
]


class Registry(FakeRegistry):
    """Answers nothing about the repositories in `away`."""

    away: frozenset[str] = frozenset()

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        if any(image.startswith(name) for name in self.away):
            raise SourceUnreachable(f"{image}: refused")
        return await super().resolve(image, access)


def sources(folder: Path) -> tuple[Registry, Sources]:
    async def read(name: str) -> Json:
        raise AssertionError(name)

    registry = Registry(folder, {IMAGE: {"a": b"1"}, OTHER: {"b": b"2"}})
    return registry, Sources(origins(registry), read, read, "demo", 1000)


def test_what_was_written_is_read_back() -> None:
    resolution = Resolution.from_wire(WIRE, STEPS)
    assert resolution is not None
    assert resolution.to_wire() == WIRE
    assert (resolution.version, resolution.trouble) == ("1.0", None)


async def test_the_steps_say_kind_reference_and_version(tmp_path: Path) -> None:
    registry, given = sources(tmp_path)
    digest = await registry.resolve(IMAGE, Access())
    found = await resolve_all(STEPS, given)
    assert found.to_wire()[0] == {
        "kind": "imgpkgBundle",
        "source": f"{IMAGE}@{digest}",
        "digest": digest,
        "version": "1.0",
    }
    assert Resolution.from_wire(found.to_wire(), STEPS) == found


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(None, id="nothing"),
        pytest.param({}, id="no list"),
        pytest.param([], id="none"),
        pytest.param(WIRE[:1], id="too few"),
        pytest.param([*WIRE, WIRE[0]], id="too many"),
        pytest.param(WIRE[::-1], id="another order"),
        pytest.param([WIRE[0], {"kind": "inline"}], id="no digest"),
        pytest.param([WIRE[0], {"digest": ONE}], id="no kind"),
        pytest.param([WIRE[0], {"kind": "inline", "digest": 1}], id="a digest that is no text"),
        pytest.param([WIRE[0], "x"], id="no map"),
    ],
)
def test_a_record_that_is_not_of_these_steps_is_none(wire: Any) -> None:
    assert Resolution.from_wire(wire, STEPS) is None


async def test_a_part_of_an_earlier_resolution_stands_in_for_a_source_that_is_away(tmp_path: Path) -> None:
    registry, given = sources(tmp_path)
    steps: list[Json] = [{"image": {"url": IMAGE}}, {"image": {"url": OTHER}}]
    before = Resolution([Resolved(ONE, kind="image"), Resolved(ONE, kind="image")])
    registry.away = frozenset({"registry.test/a"})
    found = await resolve_all(steps, given, instead=before)
    assert found.parts[0] == before.parts[0]
    assert found.parts[1].digest == await registry.resolve(OTHER, Access())
    assert isinstance(found.trouble, SourceUnreachable)
    with pytest.raises(SourceUnreachable):
        await resolve_all(steps, given)


async def test_what_is_answered_needs_no_earlier_resolution(tmp_path: Path) -> None:
    _, given = sources(tmp_path)
    found = await resolve_all(STEPS, given, instead=Resolution.from_wire(WIRE, STEPS))
    assert (found.trouble, found.parts[0].digest == ONE) == (None, False)


async def test_only_a_source_may_be_stood_in_for(tmp_path: Path) -> None:
    _, given = sources(tmp_path)
    before = Resolution([Resolved(ONE)])
    with pytest.raises(InvalidSpec):
        await resolve_all([{"image": {"url": "https://x"}}], given, instead=before)
    gone = await resolve_all([{"image": {"url": "registry.test/a:9"}}], given, instead=before)
    assert isinstance(gone.trouble, SourceNotFound)
