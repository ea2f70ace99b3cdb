"""Mixtures that nobody thought of: entries by chance, and good archives with bytes changed by chance.

hypothesis makes them, the same ones at each run, and each test has its time. What must hold: nothing outside of the
target changes, and whoever is refused hears one of our errors. A longer run: PACKHOUSE_FUZZ_EXAMPLES=20000.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import hostile_archives as hostile
from hostile_archives import BLOCKS, CHARACTERS, FILE, FOLDER, FORMATS, HARD, LINK, PIPE, SETUID, Entry
from packhouse.adapters.git_pack import apply_delta
from packhouse.api.errors import FetchFailed, PackhouseError
from packhouse.domain import yaml_text
from packhouse.domain.bundle import read_bundle
from packhouse.fetch.unpack import Limits, Record

EXAMPLES = int(os.environ.get("PACKHOUSE_FUZZ_EXAMPLES", "150"))
SECONDS = 45.0
LIMITS = Limits(200_000, 60)
BOXED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Box:
    """A time box: what comes after its end is passed over."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + (SECONDS if EXAMPLES < 1000 else 3600.0)

    def __bool__(self) -> bool:
        return time.monotonic() > self._ends


@contextmanager
def walled() -> Iterator[Path]:
    """A target among neighbours. At the end the neighbours are as they were."""
    place = Path(tempfile.mkdtemp(prefix="packhouse-fuzz-"))
    try:
        root = place / "deep/er/target"
        root.mkdir(parents=True)
        for name in ("x", "deep/x", "deep/er/x", "deep/er/target-2"):
            (place / name).write_text("a neighbour")
        before = neighbours(place, root)
        yield root
        assert neighbours(place, root) == before
        for path in root.rglob("*"):
            assert leads_nowhere(path) or Path(os.path.realpath(path)).is_relative_to(root), "no link leads out"
            assert path.is_symlink() or path.stat().st_mode & 0o7022 == 0, "no setuid, nobody else may write"
    finally:
        shutil.rmtree(place, ignore_errors=True)


def leads_nowhere(path: Path) -> bool:
    """A link that goes round: for those realpath gives what no kernel would."""
    try:
        os.path.realpath(path, strict=True)
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def neighbours(place: Path, root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.as_posix(): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in place.rglob("*")
        if path != root and root not in path.parents
    }


def check(root: Path, records: list[Record] | None) -> None:
    """What is told to be there is there, and nothing else."""
    if records is not None:
        there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_symlink() or path.is_file()}
        assert there == {record.path for record in records}


def attempt(work: Callable[[], list[Record]]) -> list[Record] | None:
    try:
        return work()
    except PackhouseError:
        return None


# ---- entries by chance -----------------------------------------------------------------------------------

PARTS = st.sampled_from(
    [
        "a",
        "A",
        "b",
        "l",
        "..",
        ".",
        "",
        ".wh.a",
        ".wh..wh..opq",
        ".git",
        "\u00e9",
        "e\u0301",
        "a\\b",
        "x" * 256,
        "\x7f\n",
    ]
)
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
KINDS = st.sampled_from([FILE, FILE, FOLDER, LINK, LINK, HARD, PIPE, CHARACTERS, BLOCKS, SETUID])
ENTRY: st.SearchStrategy[Entry] = st.tuples(KINDS, NAMES, st.one_of(NAMES, st.just("/etc/passwd"), st.just("x" * 5000)))
ENTRIES = st.lists(ENTRY, max_size=8)


@pytest.mark.parametrize("form", list(FORMATS))
def test_no_mixture_of_entries_gets_out(form: str) -> None:
    box = Box()
    only = {"zip": {HARD}, "git": {HARD}}.get(form, set())

    @BOXED
    @given(ENTRIES)
    def run(entries: list[Entry]) -> None:
        if box:
            return
        kept = [entry for entry in entries if entry[0] not in only]
        with walled() as root:
            check(root, attempt(lambda: FORMATS[form](root, kept, LIMITS)))

    run()


def test_no_mixture_of_layers_gets_out() -> None:
    box = Box()

    @BOXED
    @given(st.lists(ENTRIES, min_size=2, max_size=3))
    def run(layers: list[list[Entry]]) -> None:
        if box:
            return
        with walled() as root:
            made = [hostile.tar(entries) for entries in layers]
            check(root, attempt(lambda: hostile.unpack_layers(root, *made, limits=LIMITS)))

    run()


# ---- bytes by chance -------------------------------------------------------------------------------------

GOOD: list[Entry] = [(FILE, "a/b.yml", "b" * 50), (LINK, "l", "a"), (FOLDER, "d", ""), (FILE, "long" * 40, "x" * 600)]
GIT_PACK, GIT_COMMIT = hostile.git(GOOD)
SEEDS: dict[str, bytes] = {
    "tar": hostile.tar([*GOOD, (HARD, "h", "a/b.yml")]),
    "tgz": hostile.tgz(GOOD),
    "zip": hostile.zip_(GOOD),
    "pack": GIT_PACK,
}
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True), st.sampled_from(["set", "cut", "insert", "repeat"]), st.binary(max_size=12)
    ),
    min_size=1,
    max_size=4,
)


def changed(seed: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    data = bytearray(seed)
    for place, kind, value in changes:
        at = int(place * len(data))
        if kind == "set":
            data[at : at + len(value)] = value
        elif kind == "cut":
            del data[at : at + 1 + len(value) * 40]
        elif kind == "insert":
            data[at:at] = value
        else:
            data[at:at] = data[at : at + 512 * (1 + len(value) % 3)]
    return bytes(data)


@pytest.mark.parametrize("seed", list(SEEDS))
def test_changed_bytes_give_an_error_of_ours_or_a_folder(seed: str) -> None:
    box = Box()

    @BOXED
    @given(CHANGES)
    def run(changes: list[tuple[float, str, bytes]]) -> None:
        if box:
            return
        packed = changed(SEEDS[seed], changes)
        with walled() as root:
            if seed == "pack":
                check(root, attempt(lambda: hostile.unpack_git(root, packed, GIT_COMMIT, LIMITS)))
            elif seed == "tar":
                check(root, attempt(lambda: hostile.unpack_layers(root, packed, limits=LIMITS)))
            else:
                check(root, attempt(lambda: hostile.unpack_archive(root, packed, LIMITS)))

    run()


def test_any_bytes_are_a_file_an_archive_or_an_error_of_ours() -> None:
    box = Box()
    marks = [b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08\0", b"BZh9", b"\xfd7zXZ\0", b"PACK\0\0\0\2"]

    @BOXED
    @given(st.sampled_from(marks), st.binary(max_size=600))
    def run(start: bytes, rest: bytes) -> None:
        if box:
            return
        with walled() as root:
            check(root, attempt(lambda: hostile.unpack_archive(root, start + rest, LIMITS)))
        with walled() as root:
            check(root, attempt(lambda: hostile.unpack_git(root, start + rest, GIT_COMMIT, LIMITS)))

    run()


@BOXED
@given(st.binary(max_size=64), st.binary(max_size=64))
def test_a_change_of_any_bytes_makes_no_more_than_it_may(base: bytes, delta: bytes) -> None:
    with suppress(PackhouseError):
        assert len(apply_delta(base, delta, 1000)) <= 1000


# ---- texts by chance -------------------------------------------------------------------------------------

SIGNS = st.sampled_from(
    [*list("ab: -\n\t#&*!|>'\"{}[],?%@`~0."), "---\n", "&a ", "*a", "<<: ", "  ", "\u2028", "\ufeff"]
)


@BOXED
@given(st.lists(SIGNS, max_size=40).map("".join))
def test_any_yaml_gives_documents_or_an_error_of_ours(text: str) -> None:
    try:
        yaml_text.load_all(text, "x.yml", FetchFailed)
    except FetchFailed as error:
        assert error.message.startswith("x.yml:")


@BOXED
@given(st.binary(max_size=80))
def test_any_bytes_in_a_catalogue_are_documents_or_faults(content: bytes) -> None:
    found = read_bundle({"packages/x.yml": b"kind: Package\n" + content}, {})
    assert not found.documents
    for fault in found.faults:
        assert fault.file == "packages/x.yml"
