"""The list of what was given to whom: keyed, appended to, shared by processes, whole after a kill at any byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from packhouse.fetch import accepted
from packhouse.fetch.accepted import Accepted, person_parts, persons, way
from packhouse.ports import Access, Credentials, Proxy


def opened(folder: Path) -> Accepted:
    return Accepted(lambda: folder)


def test_what_was_added_is_held_also_by_the_next_process(tmp_path: Path) -> None:
    opened(tmp_path).add("oci", "registry.test/x", "sha256:1")
    again = opened(tmp_path)
    assert again.holds("oci", "registry.test/x", "sha256:1")
    assert not again.holds("oci", "registry.test/x", "sha256:2")


@pytest.mark.parametrize("parts", [("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ("", "abc")])
def test_parts_that_read_alike_are_different_entries(parts: tuple[str, ...], tmp_path: Path) -> None:
    other = {("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ("", "abc")} - {parts}
    known = opened(tmp_path)
    known.add(*parts)
    assert [known.holds(*one) for one in sorted(other)] == [False] * 4


def test_a_process_sees_what_another_one_adds(tmp_path: Path) -> None:
    one, two = opened(tmp_path), opened(tmp_path)
    assert not two.holds("a")
    one.add("a")
    assert two.holds("a")
    two.add("b")
    assert one.holds("b")


def test_many_processes_add_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from packhouse.fetch.accepted import Accepted\n"
        "known = Accepted(lambda: Path(sys.argv[1]))\n"
        "for number in range(200): known.add(sys.argv[2], str(number))\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "abcd"]
    assert [child.wait(60) for child in children] == [0] * 4
    known = opened(tmp_path)
    assert all(known.holds(name, str(number)) for name in "abcd" for number in range(200))


def test_a_list_cut_off_at_any_byte_keeps_what_stands_before_and_takes_new_entries(tmp_path: Path) -> None:
    known = opened(tmp_path)
    for name in ("first", "second"):
        known.add(name)
    whole = (tmp_path / "accepted").read_bytes()
    half = len(whole) // 2
    for length in range(half, len(whole) - 1):  # without its last newline it is whole again when another follows
        (tmp_path / "accepted").write_bytes(whole[:length])
        again = opened(tmp_path)
        assert (again.holds("first"), again.holds("second")) == (True, False)
        again.add("third")
        last = opened(tmp_path)
        assert (last.holds("first"), last.holds("second"), last.holds("third")) == (True, False, True)


@pytest.mark.parametrize("damage", [b"", b"short", os.urandom(33)], ids=["empty", "short", "long"])
def test_a_damaged_key_costs_what_is_known_and_nothing_else(damage: bytes, tmp_path: Path) -> None:
    opened(tmp_path).add("a")
    (tmp_path / "accepted.key").write_bytes(damage)
    known = opened(tmp_path)
    assert not known.holds("a")
    known.add("a")
    assert opened(tmp_path).holds("a")


def test_another_key_makes_the_list_worthless(tmp_path: Path) -> None:
    opened(tmp_path).add("a")
    (tmp_path / "accepted.key").write_bytes(os.urandom(32))
    assert not opened(tmp_path).holds("a")


def test_a_long_list_is_cut_to_its_younger_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepted, "ENTRIES_MOST", 100)
    one, two = opened(tmp_path), opened(tmp_path)
    two.add("of another process")
    for number in range(101):
        one.add(str(number))
    size = (tmp_path / "accepted").stat().st_size
    known = opened(tmp_path)
    assert (known.holds("100"), known.holds("60"), known.holds("0"), size < 100 * 70) == (True, True, False, True)
    two.add("after it")  # into the new file
    assert one.holds("after it")


def test_a_folder_that_cannot_be_written_costs_requests_alone(tmp_path: Path) -> None:
    known = opened(tmp_path / "missing")
    known.add("a")
    assert known.holds("a")
    assert not opened(tmp_path / "missing").holds("a")


def test_files_are_for_this_user_alone_and_hold_no_words(tmp_path: Path) -> None:
    opened(tmp_path).add("oci", "registry.test", *person_parts(Credentials("ada", "s3cret")))
    for name in ("accepted", "accepted.key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert b"s3cret" not in (tmp_path / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accepted", "accepted.key", "accepted.lock"]


def test_an_access_may_be_nobody_or_any_of_its_credentials() -> None:
    one, two = Credentials("a", "1"), Credentials("b", "2")
    assert persons(Access((one, two))) == [None, one, two]
    assert person_parts(Credentials("a", "1", "Secret x/y")) == person_parts(Credentials("a", "1", "Secret z/z"))


def test_other_authorities_and_other_proxies_are_other_ways() -> None:
    plain, pem = Access(), Access(ca_pem="x")
    proxied, with_user = Access(proxy=Proxy("http://p:1")), Access(proxy=Proxy("http://p:1", "ada", "pw"))
    assert way(plain) == ""
    assert len({way(access) for access in (plain, pem, proxied, with_user)}) == 4
