"""What others write and the operator reads itself (locks, locations, indexes, records in status) never ends in a bug.

Time-boxed: a fixed number of examples from a fixed seed.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packhouse.api.errors import InvalidSpec, PackhouseError
from packhouse.domain import chart_index, chart_versions
from packhouse.domain.images_lock import read_locations, read_lock
from packhouse.domain.references import read_reference
from packhouse.fetch import Resolution
from packhouse.fetch.folders import plain_path, step_folders

BOXED: Final = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
DIGEST = f"sha256:{'a' * 64}"
WORDS = st.sampled_from(
    (
        "image images spec kind apiVersion ImagesLock imgpkg.carvel.dev/v1alpha1 ImageLocations annotations "
        "web entries x ~ 0x1f 1e3 kbld.carvel.dev/id version urls digest 1.0.0 "
        f"{'a' * 64} x.test/a@{DIGEST} nginx:1 !!binary"
    ).split(" ")
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
BODIES = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | VALUES.map(lambda one: yaml.safe_dump(one).encode())
)


@BOXED
@given(BODIES)
def test_a_lock_is_read_or_none_and_a_moved_one_is_within_its_repository(body: bytes) -> None:
    read_locations(body)
    lock = read_lock(body)
    if lock is not None:
        moved = read_lock(lock.moved_to("m.test/b"))
        assert moved is not None
        assert moved.is_within("m.test/b")
        assert moved.digests == lock.digests
        assert all(read_reference(new).repository == "m.test/b" for new in lock.names("m.test/b").values())


@BOXED
@given(BODIES, st.booleans())
def test_an_index_is_read_or_refused(body: bytes, large: bool) -> None:
    whole = body + (b"\n#" + b"x" * chart_index._SMALL_BYTES if large else b"")
    with contextlib.suppress(PackhouseError):
        chart_index.read_index(whole, "web")


@BOXED
@given(VALUES, st.sampled_from(["web", "a"]))
def test_an_index_gives_the_same_whether_it_is_read_as_a_whole_or_in_part(value: Any, name: str) -> None:
    entries = {"a": [], name: [{"version": "1.0.0", "urls": ["x"], "more": value}], "z": value}
    text = yaml.safe_dump({"entries": entries})
    small = chart_index.read_index(text.encode(), name)
    filler = f"#{'x' * chart_index._SMALL_BYTES}\n"
    assert chart_index.read_index((filler + text).encode(), name) == small
    assert [one.version for one in small] == ["1.0.0"]


@BOXED
@given(st.text(alphabet="0123456789.x*-+ ,|<>=!~^vrcab", max_size=40))
def test_a_constraint_of_a_chart_is_read_or_refused(wanted: str) -> None:
    with contextlib.suppress(PackhouseError):
        assert chart_versions.select(["1.0.0", "1.2.0-rc.1", "2.0.0+b.1", "x"], wanted) in (
            "1.0.0",
            "1.2.0-rc.1",
            "2.0.0+b.1",
        )


@BOXED
@given(VALUES)
def test_a_record_is_a_resolution_or_none(value: Any) -> None:
    for wire in (value, [value], [{"kind": "image", "digest": DIGEST, "version": value}]):
        found = Resolution.from_wire(wire, [{"image": {}}])
        if found is not None:
            assert Resolution.from_wire(found.to_wire(), [{"image": {}}]) == found


@BOXED
@given(st.lists(st.text(alphabet="./ab0\0", max_size=8), max_size=4))
def test_folders_of_steps_never_lead_out_nor_into_each_other(paths: list[str]) -> None:
    try:
        folders = step_folders([{"path": path} for path in paths])
    except InvalidSpec:
        return
    for number, folder in enumerate(folders):
        assert plain_path(folder, "folder") == folder
        assert not folder.startswith("/")
        assert ".." not in folder.split("/")
        assert not any(f"{other}/".startswith(f"{folder}/") for other in folders[:number] + folders[number + 1 :])
