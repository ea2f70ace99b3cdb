"""What is unsafe is refused in every form: layers, tgz, zip and git trees, each made for the purpose.

Real: the archives, the packs, the file system. Compared is the folder around the target before and after.
"""

from __future__ import annotations

import io
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import hostile_archives as hostile
from hostile_archives import BLOCKS, CHARACTERS, FILE, FOLDER, FORMATS, HARD, LINK, PIPE, SETUID, WIDE, Entry
from packhouse.api.errors import FetchFailed, FetchLimitExceeded, PackhouseError
from packhouse.fetch.unpack import Limits

EVERY = ("layer", "tgz", "zip", "git")
TARS = ("layer", "tgz")

#: What it is -> the forms that can say it, the entries, words of the refusal.
REFUSED: dict[str, tuple[Sequence[str], list[Entry], str]] = {
    "traversal": (EVERY, [(FILE, "../x", "1")], "climbs out|no file name"),
    "traversal in the middle": (EVERY, [(FILE, "a/../../x", "1")], "climbs out|no file name"),
    "a folder that climbs out": (EVERY, [(FOLDER, "../x", "")], "climbs out|no file name"),
    "an absolute path": (EVERY, [(FILE, "/tmp/x", "1")], "is absolute|no file name"),
    "a link to an absolute path": (EVERY, [(LINK, "l", "/etc/passwd")], "absolute or empty target"),
    "a link out": (EVERY, [(LINK, "l", "../x")], "leaves the root"),
    "a link out of a folder": (EVERY, [(LINK, "d/l", "../../x")], "leaves the root"),
    "a link out by way of another": (EVERY, [(LINK, "x", "."), (LINK, "y", "x/..")], "by way of other links"),
    "a link to nothing": (("layer", "zip", "git"), [(LINK, "l", "")], "absolute or empty target"),
    "a file through a link": (EVERY, [(LINK, "l", "."), (FILE, "l/x", "1")], "through the link|there twice"),
    "a folder through a link": (EVERY, [(LINK, "l", "."), (FOLDER, "l/d", "")], "through the link|there twice"),
    "a link through a link": (EVERY, [(LINK, "l", "."), (LINK, "l/m", "x")], "through the link|there twice"),
    "a file through a file": (EVERY, [(FILE, "f", "1"), (FILE, "f/x", "1")], "through the file|there twice"),
    "a hard link out": (TARS, [(HARD, "h", "../x")], "climbs out"),
    "a hard link to an absolute path": (TARS, [(HARD, "h", "/etc/passwd")], "is absolute"),
    "a hard link to a link": (TARS, [(LINK, "l", "x"), (HARD, "h", "l")], "no file of this image"),
    "a pipe": (EVERY, [(PIPE, "p", "")], "is neither a file"),
    "a character device": (EVERY, [(CHARACTERS, "c", "")], "is neither a file"),
    "a block device": (EVERY, [(BLOCKS, "b", "")], "is neither a file"),
    "a name that comes twice": (EVERY, [(FILE, "a", "1"), (FILE, "b", ""), (FILE, "a", "2")], "'a' is there twice"),
    "a folder with the name of a file": (EVERY, [(FILE, "d", "1"), (FOLDER, "d", "")], "'d' is there twice"),
    "names that differ in case": (EVERY, [(FILE, "Readme", "1"), (FILE, "README", "2")], "differ in case"),
    "folders that differ in case": (EVERY, [(FILE, "A/x", "1"), (FILE, "a/y", "2")], "differ in case"),
    "names that differ in Unicode's form": (
        EVERY,
        [(FILE, "caf\u00e9", "1"), (FILE, "cafe\u0301", "2")],
        "Unicode's forms",
    ),
    "names that differ in case beyond ASCII": (EVERY, [(FILE, "STRASSE", ""), (FILE, "stra\u00dfe", "")], "in case"),
    "a name that is too long": (EVERY, [(FILE, "n" * 256, "1")], "too long"),
    "a path that is too long": (EVERY, [(FILE, "/".join(["n" * 200] * 6), "1")], "too long"),
    "a path that is too deep": (EVERY, [(FILE, "/".join("n" * 70), "1")], "folders deep"),
    "a NUL in a name": (("layer", "tgz", "zip"), [(FILE, "a\0b", "1")], "holds a NUL"),
    "a name that is not UTF-8": ((*TARS, "git"), [(FILE, "x\udcff", "1")], "not UTF-8"),
    "a target that is too long": (EVERY, [(LINK, "l", "./" * 600)], "1024|has 1200 bytes"),
    "more bytes than are taken": (EVERY, [(FILE, "a", "x" * 300_000), (FILE, "b", "y" * 300_000)], "more than 500000"),
    "more files than are taken": (EVERY, [(FILE, f"f{n}", "") for n in range(101)], "more than 100 files and folders"),
    "more folders than are taken": (EVERY, [(FOLDER, f"f{n}", "") for n in range(101)], "more than 100 files"),
    "a .git folder": (("git",), [(FILE, ".git/config", "[core]")], "stands for .git"),
    "a .GIT folder": (("git",), [(FILE, ".GIT/config", "[core]")], "stands for .git"),
    "a .git folder by an unseen character": (("git",), [(FILE, ".g\u200cit/config", "1")], "stands for .git"),
    "a .git folder by its short name": (("git",), [(FILE, "GIT~1/config", "1")], "stands for .git"),
    "a .git folder by a stream of it": (("git",), [(FILE, ".git::$INDEX_ALLOCATION/config", "1")], "stands for .git"),
    "a .git file further down": (("git",), [(FILE, "a/.git ", "1")], "stands for .git"),
    "a backslash": (("zip",), [(FILE, "..\\x", "1")], "backslash"),
}
TIGHT = Limits(500_000, 100)


def around(place: Path) -> dict[str, tuple[int, int, bytes]]:
    """All that is there: mode, time of change and content by path."""
    found = {}
    for path in sorted(place.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[path.relative_to(place).as_posix()] = (status.st_mode, status.st_mtime_ns, content)
    return found


def prepared(place: Path) -> Path:
    """A target folder with neighbours that an escape would hit."""
    root = place / "x/target"
    root.mkdir(parents=True)
    (place / "x/x").write_text("a neighbour")
    (place / "x/other").mkdir()
    return root


@pytest.mark.parametrize(
    ("form", "row"),
    [pytest.param(form, row, id=f"{row}-{form}") for row, cells in REFUSED.items() for form in cells[0]],
)
def test_what_is_unsafe_is_refused_in_every_form_and_nothing_outside_changes(
    form: str, row: str, tmp_path: Path
) -> None:
    _, entries, words = REFUSED[row]
    root = prepared(tmp_path)
    before = {path: seen for path, seen in around(tmp_path).items() if not path.startswith("x/target")}
    with pytest.raises(FetchLimitExceeded, match=words):
        FORMATS[form](root, entries, TIGHT)
    assert {path: seen for path, seen in around(tmp_path).items() if not path.startswith("x/target")} == before


@pytest.mark.parametrize("form", EVERY)
def test_files_folders_links_and_modes_arrive_from_every_form(form: str, tmp_path: Path) -> None:
    entries: list[Entry] = [
        (FILE, "a", "1"),
        (SETUID, "bin/tool", "2"),
        (FOLDER, "empty", ""),
        (LINK, "l", "bin/tool"),
        (LINK, "bin/up", "../a"),
        (FILE, "stra\u00dfe/\u540d", "3"),
    ]
    records = FORMATS[form](prepared(tmp_path), entries, WIDE)
    root = tmp_path / "x/target"
    assert [(record.path, record.size, record.link) for record in records] == [
        ("a", 1, ""),
        ("bin/tool", 1, ""),
        ("bin/up", 0, "../a"),
        ("l", 0, "bin/tool"),
        ("stra\u00dfe/\u540d", 1, ""),
    ]
    assert stat.S_IMODE((root / "a").stat().st_mode) == 0o444
    assert stat.S_IMODE((root / "bin/tool").stat().st_mode) == 0o555, "setuid and write bits are gone"
    assert (root / "empty").is_dir()
    assert (root / "bin/up").read_text() == "1"


# ---- many files ------------------------------------------------------------------------------------------

MANY = 100_000
MANY_LIMITS = Limits(1024 * 1024 * 1024, MANY)


def tiny(count: int) -> list[Entry]:
    """100 folders and so many files that there are `count` of both."""
    return [(FILE, f"d{number % 100}/f{number}", str(number)) for number in range(count - 100)]


@pytest.mark.parametrize(("form", "count"), [("layer", MANY), ("zip", MANY // 5), ("git", MANY // 5)])
def test_many_tiny_files_arrive(form: str, count: int, tmp_path: Path) -> None:
    records = FORMATS[form](tmp_path, tiny(count), MANY_LIMITS)
    assert len(records) == count - 100


def test_one_more_than_100_000_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FetchLimitExceeded, match=r"more than 100000 files and folders \(PACKHOUSE_BUNDLE_FILES_MOST\)"):
        FORMATS["layer"](tmp_path, tiny(MANY + 1), MANY_LIMITS)


# ---- bombs -----------------------------------------------------------------------------------------------


@contextmanager
def little_memory() -> Iterator[None]:
    """What Python holds at once stays below 64 MiB, whatever the bomb stands for."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


def gzip_bomb() -> bytes:
    """100 GiB of zeros are announced and begun."""
    info = tarfile.TarInfo("zeros")
    info.size = 100 * 1024**3
    packer = hostile.zlib.compressobj(9, hostile.zlib.DEFLATED, 31)
    parts = [packer.compress(info.tobuf())] + [packer.compress(bytes(1024 * 1024)) for _ in range(200)]
    return b"".join([*parts, packer.flush()])


def many_empty_streams() -> bytes:
    return hostile.gzip.compress(hostile.tar([(FILE, "a", "1")])[:512]) + hostile.gzip.compress(b"") * 300_000


def header(name: str, kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def flood(kind: bytes, size: int, count: int) -> bytes:
    """Headers that describe the next one, which describes the next one."""
    value = b"x" * (size - 100)
    record = b"%d comment=%s\n" % (len(value) + 10 + len(str(size)), value)
    return b"".join(
        (header("pax", kind, len(record)) + record).ljust(-(-len(record) // 512) * 512 + 512, b"\0") * 1
        for _ in range(count)
    )


def old_sparse() -> bytes:
    """A map of parts without an end, each block of which announces another one."""
    first = bytearray(header("s", tarfile.GNUTYPE_SPARSE, 0))
    first[482] = 1
    first[148:156] = b"%06o\0 " % (sum(first[:148]) + 8 * 32 + sum(first[156:512]))
    more = (b"00000000001\0" * 42).ljust(504, b"\0") + b"\1" + bytes(7)
    return bytes(first) + more * 20_000


def pax_sparse(**headers: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as made:
        info = tarfile.TarInfo("s")
        content = b"9999999\n" + b"0\n" * 200_000
        info.size = len(content)
        info.pax_headers = {f"GNU.sparse.{key}": value for key, value in headers.items()}
        made.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


TAR_BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a gzip bomb": (gzip_bomb, "unpacks to more than"),
    "long names upon long names": (lambda: flood(b"L", 1000, 5000), "headers that describe no file"),
    "pax headers upon pax headers": (lambda: flood(tarfile.XHDTYPE, 900_000, 40), "headers that describe no file"),
    "global headers": (lambda: flood(tarfile.XGLTYPE, 500_000, 10), "headers that describe no file"),
    "a header of 8 GiB": (lambda: header("pax", tarfile.XHDTYPE, 8 * 1024**3 - 1), "tar header of"),
    "an old sparse file": (old_sparse, "sparse"),
    "a sparse file of pax 0.0": (
        lambda: pax_sparse(size=str(2**60), numblocks="1", offset="0", numbytes="1"),
        "sparse",
    ),
    "a sparse file of pax 0.1": (lambda: pax_sparse(size=str(2**60), map="0,1," * 10_000 + "0,0", name="s"), "sparse"),
    "a sparse file of pax 1.0": (lambda: pax_sparse(major="1", minor="0", realsize=str(2**60), name="s"), "sparse"),
}


@pytest.mark.parametrize("row", TAR_BOMBS)
def test_a_bomb_of_tar_ends_early_in_little_memory(row: str, tmp_path: Path) -> None:
    make, words = TAR_BOMBS[row]
    packed = make()
    with little_memory(), pytest.raises(FetchLimitExceeded, match=words):
        hostile.unpack_archive(tmp_path, packed, WIDE)


def test_a_bomb_of_empty_streams_is_left_at_the_deadline(tmp_path: Path) -> None:
    class Late(Exception):
        pass

    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls > 20:
            raise Late

    unpacker = hostile.Unpacker(tmp_path, WIDE, check)
    with pytest.raises(Late):
        unpacker.archive(io.BytesIO(many_empty_streams()), "gzip")


@pytest.mark.parametrize(("compression", "module"), [("bzip2", "bz2"), ("xz", "lzma")])
def test_a_bomb_of_other_compressions_ends_early_as_well(compression: str, module: str, tmp_path: Path) -> None:
    info = tarfile.TarInfo("zeros")
    info.size = 100 * 1024**3
    packed = __import__(module).compress(info.tobuf() + bytes(150 * 1024 * 1024))
    with little_memory(), pytest.raises(FetchLimitExceeded, match="unpacks to more than"):
        hostile.unpack_archive(tmp_path, packed, WIDE)


def zip_with(*contents: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for number, content in enumerate(contents):
            made.writestr(f"f{number}", content)
    return buffer.getvalue()


def with_directory(packed: bytes, times: int) -> bytes:
    """The same bytes, named by the directory `times` times under other names: how zips overlap."""
    at = packed.index(b"PK\x01\x02")
    end = packed.index(b"PK\x05\x06")
    entry = packed[at:end]
    entries = b"".join(entry[:46] + b"%02d" % number + entry[48:] for number in range(times))
    counts = hostile.struct.pack("<HHLL", times, times, len(entries), at)
    return packed[:at] + entries + b"PK\x05\x06\0\0\0\0" + counts + b"\0\0"


def lying(packed: bytes) -> bytes:
    """The directory says that the content is shorter than it is."""
    at = packed.index(b"PK\x01\x02")
    return packed[: at + 24] + hostile.struct.pack("<L", 5) + packed[at + 28 :]


ZIP_BOMBS: dict[str, tuple[Callable[[], bytes], str, Limits]] = {
    "much of nothing": (lambda: zip_with(bytes(80 * 1024 * 1024)), "unpacks to more than", WIDE),
    "entries that share their bytes": (
        lambda: with_directory(zip_with(bytes(5000)), 12),
        "belong to another",
        WIDE,
    ),
    "a directory of too many": (lambda: zip_with(*[b""] * 101), "more than 100 files", TIGHT),
    "many that are large together": (lambda: zip_with(*[bytes(200_000)] * 3), "unpacks to more than", TIGHT),
}


@pytest.mark.parametrize("row", ZIP_BOMBS)
def test_a_bomb_of_zip_ends_early_in_little_memory(row: str, tmp_path: Path) -> None:
    make, words, limits = ZIP_BOMBS[row]
    packed = make()
    with little_memory(), pytest.raises(FetchLimitExceeded, match=words):
        hostile.unpack_archive(tmp_path, packed, limits)


def test_a_zip_that_lies_about_sizes_is_no_readable_zip(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="no readable zip"):
        hostile.unpack_archive(tmp_path, lying(zip_with(b"much longer than five")), WIDE)


def test_a_zip_in_a_zip_stays_a_file(tmp_path: Path) -> None:
    """So one that holds itself is unpacked once."""
    inner = zip_with(b"x")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("inner.zip", inner)
    hostile.unpack_archive(tmp_path, buffer.getvalue(), WIDE)
    assert (tmp_path / "inner.zip").read_bytes() == inner


def encrypted(packed: bytes) -> bytes:
    at = packed.index(b"PK\x01\x02")
    return packed[: at + 8] + b"\1\0" + packed[at + 10 :]


def packed_otherwise() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("x", b"1")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        pytest.param(encrypted(zip_with(b"1")), "is encrypted", id="an encrypted entry"),
        pytest.param(packed_otherwise(), "other than store and deflate", id="an entry packed by LZMA"),
        pytest.param(zip_with(b"1")[:-10], "no readable zip", id="a zip that is cut off"),
    ],
)
def test_a_zip_that_we_do_not_read_says_why(packed: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match=words):
        hostile.unpack_archive(tmp_path, packed, WIDE)


# ---- git -------------------------------------------------------------------------------------------------


def delta(base_size: int, size: int, *orders: bytes) -> bytes:
    return _number(base_size) + _number(size) + b"".join(orders)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


#: copy 64 KiB from the beginning of the base
COPY_ALL = b"\x80"


def changed(size: int, base: bytes, *orders: bytes) -> bytes:
    """A pack of a blob and of one change to it."""
    id_ = bytes.fromhex(hostile.git_id(hostile.BLOB_KIND, base))
    made = delta(len(base), size, *orders)
    objects = [hostile.packed_object(hostile.BLOB_KIND, base), hostile.packed_object(hostile.ID_DELTA, made, base=id_)]
    return hostile.pack(objects)


def chain(length: int, base: bytes) -> bytes:
    """Changes upon changes, each of which appends one byte."""
    objects, content = [hostile.packed_object(hostile.BLOB_KIND, base)], base
    for _ in range(length):
        id_ = bytes.fromhex(hostile.git_id(hostile.BLOB_KIND, content))
        copies = [b"\xf0" + hostile.struct.pack("<L", len(content))[:3]] if content else []
        objects.append(
            hostile.packed_object(hostile.ID_DELTA, delta(len(content), len(content) + 1, *copies, b"\1x"), base=id_)
        )
        content += b"x"
    return hostile.pack(objects)


BLOB = bytes(0x10000)
PACKS: dict[str, tuple[Callable[[], bytes], type[PackhouseError], str]] = {
    "a change that makes a terabyte": (
        lambda: changed(2**40, BLOB, COPY_ALL * 1000),
        FetchLimitExceeded,
        "1099511627776",
    ),
    "a change that makes more than it says": (lambda: changed(5, BLOB, COPY_ALL * 9), FetchFailed, "does not fit"),
    "a change that makes less than it says": (lambda: changed(70_000, BLOB, COPY_ALL), FetchFailed, "does not fit"),
    "a change that copies beyond its base": (lambda: changed(9, b"abc", b"\x90\x09"), FetchFailed, "does not fit"),
    "a change that is cut off": (lambda: changed(9, b"abc", b"\xff"), FetchFailed, "cut off"),
    "changes that make too much together": (
        lambda: chain(1100, BLOB[:65_000]),
        FetchLimitExceeded,
        "unpack to more than",
    ),
    "a change to what is not there": (
        lambda: hostile.pack([hostile.packed_object(hostile.ID_DELTA, delta(0, 1, b"\1x"), base=bytes(20))]),
        FetchFailed,
        "not there",
    ),
    "a change to an offset that is not there": (
        lambda: hostile.pack([hostile.packed_object(hostile.OFFSET_DELTA, delta(0, 1, b"\1x"), base=b"\x05")]),
        FetchFailed,
        "not there",
    ),
    "an object that says it is huge": (
        lambda: hostile.pack([hostile.packed_object(hostile.BLOB_KIND, b"x", size=2**50)]),
        FetchLimitExceeded,
        "1125899906842624",
    ),
    "an object longer than it says": (
        lambda: hostile.pack([hostile.packed_object(hostile.BLOB_KIND, bytes(50_000_000), size=10)]),
        FetchFailed,
        "not as long as it says",
    ),
    "an object shorter than it says": (
        lambda: hostile.pack([hostile.packed_object(hostile.BLOB_KIND, b"x", size=10)]),
        FetchFailed,
        "not as long as it says",
    ),
    "fewer objects than it says": (lambda: hostile.pack([], count=5), FetchFailed, "broken|cut off"),
    "too many objects": (lambda: hostile.pack([], count=2**32 - 1), FetchLimitExceeded, "4294967295 objects"),
    "no pack": (lambda: b"<html>", FetchFailed, "sent no pack"),
    "nothing": (lambda: b"", FetchFailed, "sent no pack"),
    "an object of a kind that there is not": (
        lambda: hostile.pack([hostile.packed_object(5, b"x")]),
        FetchFailed,
        "an object of kind 5",
    ),
}


@pytest.mark.parametrize("row", PACKS)
def test_a_hostile_pack_ends_early_in_little_memory(row: str, tmp_path: Path) -> None:
    make, kind, words = PACKS[row]
    packed = make()
    with little_memory(), pytest.raises(kind, match=words):
        hostile.unpack_git(tmp_path, packed, "0" * 40)
    assert not list(tmp_path.iterdir())


def test_a_long_chain_of_changes_is_read(tmp_path: Path) -> None:
    objects = hostile.Objects()
    wanted = hostile.git_id(hostile.BLOB_KIND, b"x" * 500)
    commit = objects.commit(objects.tree([(0o100644, b"f", wanted)]))
    packed = objects.pack(_objects_of(chain(500, b""), 501))
    hostile.unpack_git(tmp_path, packed, commit)
    assert (tmp_path / "f").read_text() == "x" * 500


def _objects_of(packed: bytes, count: int) -> list[bytes]:
    """All objects as one piece; the count of the pack around must be right, hence the empty rest."""
    return [packed[12:-20], *[b""] * (count - 1)]


def test_a_tree_that_holds_itself_many_times_ends_at_the_number_of_files(tmp_path: Path) -> None:
    objects = hostile.Objects()
    tree = objects.tree([(0o100644, b"f", objects.add(hostile.BLOB_KIND, b"ha"))])
    for _ in range(20):
        tree = objects.tree([(0o040000, b"%d" % number, tree) for number in range(10)])
    commit = objects.commit(tree)
    with pytest.raises(FetchLimitExceeded, match="more than 1000 files"):
        hostile.unpack_git(tmp_path, objects.pack(), commit)


def test_trees_of_1_000_levels_are_too_deep(tmp_path: Path) -> None:
    objects = hostile.Objects()
    tree = objects.tree([])
    for _ in range(1000):
        tree = objects.tree([(0o040000, b"d", tree)])
    commit = objects.commit(tree)
    with pytest.raises(FetchLimitExceeded, match="folders deep"):
        hostile.unpack_git(tmp_path, objects.pack(), commit)


def test_a_commit_is_what_its_id_names_or_nothing(tmp_path: Path) -> None:
    packed, commit = hostile.git([(FILE, "a", "1")])
    for wrong, words in ((commit[:-1] + ("0" if commit[-1] != "0" else "1"), "sent no object"),):
        with pytest.raises(FetchFailed, match=words):
            hostile.unpack_git(tmp_path, packed, wrong)
    objects = hostile.Objects()
    tag = tree = objects.tree([])
    with pytest.raises(FetchFailed, match="is a tree and no commit"):
        hostile.unpack_git(tmp_path, objects.pack(), tree)
    for _ in range(30):
        tag = objects.add(hostile.TAG_KIND, f"object {tag}\ntype tag\ntag t\n".encode())
    with pytest.raises(FetchFailed, match="tags without an end"):
        hostile.unpack_git(tmp_path, objects.pack(), tag)
