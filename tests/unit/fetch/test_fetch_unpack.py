"""Unpacking: what arrives, and what is refused, on archives made for the purpose."""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from packhouse.api.errors import FetchFailed, FetchLimitExceeded, PackhouseError
from packhouse.fetch.unpack import Limits, Record, Unpacker

Entry = tuple[str, dict[str, Any]]
WIDE = Limits(10_000_000, 1000)


def file(name: str, content: bytes = b"", mode: int = 0o644) -> Entry:
    return name, {"content": content, "mode": mode}


def link(name: str, target: str) -> Entry:
    return name, {"type": tarfile.SYMTYPE, "linkname": target}


def hard(name: str, target: str) -> Entry:
    return name, {"type": tarfile.LNKTYPE, "linkname": target}


def folder(name: str) -> Entry:
    return name, {"type": tarfile.DIRTYPE, "mode": 0o700}


def special(name: str, kind: bytes) -> Entry:
    return name, {"type": kind}


def archive(*entries: Entry) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as made:
        for name, fields in entries:
            info = tarfile.TarInfo(name)
            content = fields.pop("content", b"") if "content" in fields else b""
            info.size = len(content)
            for key, value in fields.items():
                setattr(info, key, value)
            made.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def unpack(root: Path, *layers: io.BytesIO, limits: Limits = WIDE) -> list[Record]:
    root.mkdir(parents=True, exist_ok=True)
    unpacker = Unpacker(root, limits)
    for layer in layers:
        unpacker.tar(layer, gzipped=False)
    return unpacker.finish()


def seen(root: Path) -> dict[str, str]:
    """Path -> content, or "-> target"."""
    return {
        path.relative_to(root).as_posix(): f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_files_folders_and_links_inside_arrive(tmp_path: Path) -> None:
    layer = archive(folder("./"), folder("d/"), file("./d/a", b"1"), link("l", "d/a"), hard("h", "d/a"), file("x/y/z"))
    records = unpack(tmp_path / "t", layer)
    assert seen(tmp_path / "t") == {"d/a": "1", "l": "-> d/a", "h": "1", "x/y/z": ""}
    assert [(record.path, record.size, record.link) for record in records] == [
        ("d/a", 1, ""),
        ("h", 1, ""),
        ("l", 0, "d/a"),
        ("x/y/z", 0, ""),
    ]


def test_files_are_read_only_and_lose_setuid_bits(tmp_path: Path) -> None:
    unpack(tmp_path / "t", archive(file("a", mode=0o666), file("b", mode=0o6755)))
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "t").iterdir()} == {
        "a": 0o444,
        "b": 0o555,
    }


REFUSED: dict[str, tuple[list[Entry], str]] = {
    "a path that climbs out": ([file("../x")], "climbs out"),
    "a path that climbs out in the middle": ([file("a/../../x")], "climbs out"),
    "an absolute path": ([file("/etc/x")], "is absolute"),
    "an absolute folder": ([folder("/etc")], "is absolute"),
    "a link to an absolute path": ([link("l", "/etc/passwd")], "absolute"),
    "a link that leaves": ([link("l", "../x")], "leaves the root"),
    "a link that leaves from a folder": ([link("d/l", "../../x")], "leaves the root"),
    "a link that leaves by way of another": ([link("x", "."), link("y", "x/..")], "by way of other links"),
    "a link that leaves once a later one is there": ([link("y", "x/.."), link("x", ".")], "by way of other links"),
    "a hard link that leaves": ([hard("h", "../x")], "climbs out"),
    "a hard link to an absolute path": ([hard("h", "/etc/passwd")], "is absolute"),
    "a hard link to nothing": ([hard("h", "x")], "no file of this image"),
    "a hard link to a link": ([link("l", "x"), hard("h", "l")], "no file of this image"),
    "a hard link over the folder of its target": ([file("a/b"), hard("a", "a/b")], "'a' is there twice"),
    "a name that comes twice": ([file("a", b"1"), file("b"), file("./a", b"2")], "'a' is there twice"),
    "a file in the place of a link": ([file("a"), link("l", "a"), file("l")], "'l' is there twice"),
    "a file in the place of a folder": ([folder("d"), file("d")], "'d' is there twice"),
    "a folder in the place of a file": ([file("d"), folder("d")], "'d' is there twice"),
    "names that differ in case": ([file("Values.yml"), file("values.yml")], "differ in case"),
    "folders that differ in case": ([file("A/x"), file("a/y")], "'a' and 'A' differ in case"),
    "names that differ in the form of an accent": ([file("caf\u00e9"), file("cafe\u0301")], "Unicode's forms"),
    "names that differ in the case of an accent": ([file("\u00c9"), file("e\u0301")], "differ in case"),
    "names that differ in a long s": ([file("\u017f"), file("S")], "differ in case"),
    "a link of 2,000 bytes": ([link("l", "./" * 1000)], "at most 1024"),
    "a link that is not UTF-8": ([link("l", "x\udcff")], "not UTF-8"),
    "a file through a link": ([link("l", "d"), folder("d"), file("l/x")], "through the link 'l'"),
    "a folder through a link": ([link("l", "."), folder("l/x")], "through the link 'l'"),
    "a link through a link": ([link("l", "."), link("l/x", "y")], "through the link 'l'"),
    "a whiteout through nothing": ([file(".wh.")], "names nothing"),
    "a whiteout that climbs out": ([file(".wh..."), file("d/.wh...")], "climbs out"),
    "a file below a file": ([file("a"), file("a/b")], "through the file 'a'"),
    "a pipe": ([special("p", tarfile.FIFOTYPE)], "neither a file"),
    "a character device": ([special("c", tarfile.CHRTYPE)], "neither a file"),
    "a block device": ([special("b", tarfile.BLKTYPE)], "neither a file"),
    "a name with a NUL": ([("x", {"pax_headers": {"path": "a\0b"}})], "NUL"),
    "a name that is too long": ([file("n" * 256)], "too long"),
    "a path that is too long": ([file("/".join(["n" * 200] * 6))], "too long"),
    "a path that is too deep": ([file("/".join(["n"] * 65))], "folders deep"),
    "a name that is not UTF-8": ([("x\udcff", {})], "not UTF-8"),
    "a file without a name": ([file("./")], "without a name"),
    "a huge extension header": ([("x", {"pax_headers": {"comment": "y" * 2_000_000}})], "tar header of"),
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_is_unsafe_is_refused_and_nothing_lies_outside(row: str, tmp_path: Path) -> None:
    entries, words = REFUSED[row]
    copies = [(name, dict(fields)) for name, fields in entries]
    with pytest.raises(FetchLimitExceeded) as caught:
        unpack(tmp_path / "deep/er/t", archive(*copies))
    assert words in caught.value.message
    assert [path.name for path in (tmp_path / "deep/er").iterdir()] == ["t"]


def test_a_sparse_file_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**60)}
    content = b"1\n0\n0\n".ljust(512, b"\0")
    layer = archive(("x", {"content": content, "pax_headers": headers | {"GNU.sparse.name": "x"}}))
    with pytest.raises(FetchLimitExceeded, match="sparse"):
        unpack(tmp_path / "t", layer)


def test_a_later_layer_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    unpack(tmp_path / "t", archive(file("a", b"kept"), link("l", "a")), archive(file("l", b"new")))
    assert seen(tmp_path / "t") == {"a": "kept", "l": "new"}


def test_a_later_layer_that_writes_over_a_hard_link_leaves_the_other_name_alone(tmp_path: Path) -> None:
    unpack(tmp_path / "t", archive(file("a", b"kept"), hard("h", "a")), archive(file("h", b"new")))
    assert seen(tmp_path / "t") == {"a": "kept", "h": "new"}


def test_a_later_layer_may_spell_a_name_anew_once_the_old_one_is_taken_away(tmp_path: Path) -> None:
    lower = archive(file("A/x", b"1"))
    with pytest.raises(FetchLimitExceeded, match="differ in case"):
        unpack(tmp_path / "x", lower, archive(file("a/x", b"2")))
    lower.seek(0)
    unpack(tmp_path / "t", lower, archive(file(".wh.A"), file("a/x", b"2")))
    assert seen(tmp_path / "t") == {"a/x": "2"}


def test_a_hard_link_of_a_later_layer_over_the_folder_of_its_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FetchLimitExceeded, match="takes the place of the folder"):
        unpack(tmp_path / "t", archive(file("a/b")), archive(hard("a", "a/b")))


def test_folders_may_be_named_again_and_links_may_go_round(tmp_path: Path) -> None:
    layer = archive(folder("d"), file("d/a", b"1"), folder("d"), link("x", "y"), link("y", "x"), link("d/up", "../d"))
    unpack(tmp_path / "t", layer)
    assert seen(tmp_path / "t") == {"d/a": "1", "x": "-> y", "y": "-> x", "d/up": "-> ../d"}


def test_a_later_layer_lies_over_the_earlier_ones(tmp_path: Path) -> None:
    lower = archive(file("d/a", b"1"), file("d/b", b"2"), file("e/c", b"3"), file("f", b"4"), file("g/h", b"5"))
    upper = archive(
        file("d/.wh.a"), file("e/.wh..wh..opq"), file("e/new", b"6"), file(".wh.g"), file("f/now-a-folder", b"7")
    )
    with pytest.raises(FetchLimitExceeded, match="through the file 'f'"):
        unpack(tmp_path / "x", lower, upper)
    lower.seek(0)
    upper = archive(file("d/.wh.a"), file("e/.wh..wh..opq"), file("e/new", b"6"), file(".wh.g"), folder("f"))
    unpack(tmp_path / "t", lower, upper)
    assert seen(tmp_path / "t") == {"d/b": "2", "e/new": "6"}
    assert (tmp_path / "t/f").is_dir()


def test_a_whiteout_takes_nothing_of_its_own_layer(tmp_path: Path) -> None:
    layer = archive(file("d/a", b"1"), file("d/.wh.a"), file("d/.wh..wh..opq"), file(".wh.d"))
    unpack(tmp_path / "t", archive(file("d/old")), layer)
    assert seen(tmp_path / "t") == {"d/a": "1"}


def test_bytes_are_counted_over_all_layers_while_they_are_inflated(tmp_path: Path) -> None:
    layers = [archive(file(name, bytes(60_000))) for name in "ab"]
    with pytest.raises(FetchLimitExceeded, match="PACKHOUSE_BUNDLE_UNPACKED_MOST_BYTES"):
        unpack(tmp_path / "t", *layers, limits=Limits(100_000, 10))
    assert not (tmp_path / "t/b").exists() or (tmp_path / "t/b").stat().st_size < 60_000


@pytest.mark.parametrize(
    "entries", [[file("a"), file("b"), file("c")], [file("a/b/c")], [link("a/b", "c"), folder("d")]]
)
def test_files_folders_and_links_are_counted(entries: list[Entry], tmp_path: Path) -> None:
    with pytest.raises(FetchLimitExceeded, match="PACKHOUSE_BUNDLE_FILES_MOST"):
        unpack(tmp_path / "t", archive(*entries), limits=Limits(1000_000, 2))


def test_an_archive_that_breaks_in_the_middle_is_no_archive(tmp_path: Path) -> None:
    whole = archive(file("a", b"1"), file("b", b"2")).getvalue()
    cases = (whole[:1124], whole[:1024] + b"x" * 512 + whole[1536:], b"", b"no tar" * 100)
    for number, broken in enumerate(cases):
        with pytest.raises(FetchFailed, match="layer 1 is no readable tar archive"):
            unpack(tmp_path / str(number), io.BytesIO(broken))


def test_a_layer_that_is_cut_in_its_gzip_is_no_archive(tmp_path: Path) -> None:
    packed = gzip.compress(archive(file("a", os.urandom(5000))).getvalue())
    (tmp_path / "t").mkdir()
    with pytest.raises(FetchFailed, match="layer 1"):
        Unpacker(tmp_path / "t", WIDE).tar(io.BytesIO(packed[:3000]), gzipped=True)


def test_the_work_stops_when_the_check_says_so(tmp_path: Path) -> None:
    def over() -> None:
        raise FetchFailed("over")

    (tmp_path / "t").mkdir()
    with pytest.raises(FetchFailed, match="over"):
        Unpacker(tmp_path / "t", WIDE, over).tar(archive(file("a")), gzipped=False)


NAMES = st.lists(st.sampled_from(["a", "b", "..", ".", "", "l", ".wh.a", ".wh..wh..opq"]), min_size=1, max_size=4)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
ENTRIES = st.lists(st.tuples(KINDS, NAMES, NAMES), max_size=8)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layers=st.lists(ENTRIES, min_size=1, max_size=2))
@example(layers=[[(b"2", ["a"], ["a", "", "a"])]])
def test_no_mixture_of_entries_gets_out_of_the_root(
    layers: list[list[tuple[bytes, list[str], list[str]]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("mix")
    root = outside / "x/t"
    made = [
        archive(*(("/".join(name), {"type": kind, "linkname": "/".join(target)}) for kind, name, target in entries))
        for entries in layers
    ]
    try:
        records = unpack(root, *made)
    except PackhouseError:
        records = None
    assert sorted(path.relative_to(outside).as_posix() for path in outside.glob("*/*")) == ["x/t"]
    if records is not None:
        kept = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_symlink() or path.is_file()}
        assert kept == {record.path for record in records}
        for path in root.rglob("*"):
            if not in_circles(path):
                assert Path(os.path.realpath(path)).is_relative_to(root.resolve())


def in_circles(path: Path) -> bool:
    """Such a link leads nowhere; what realpath makes of one with // in it is no place that anybody comes to."""
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False
