"""The cache of trees: atomic, bounded, checked, shared by processes."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from packhouse.api.errors import FetchFailed
from packhouse.fetch.cache import GUARD_SECONDS, TreeCache
from packhouse.fetch.unpack import Record

Opener = Callable[..., TreeCache]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """TreeCache, closed when the test ends. Two of them stand for two processes."""
    made: list[TreeCache] = []

    def opener(folder: Path, most_bytes: int, **clock: Callable[[], float]) -> TreeCache:
        made.append(TreeCache(folder, most_bytes, **clock))
        return made[-1]

    yield opener
    for cache in made:
        cache.close()


def digest_of(number: int) -> str:
    return f"sha256:{number:064x}"


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def fill(cache: TreeCache, number: int, content: bytes = b"12345") -> Path:
    with cache.staging() as place:
        (place / "content/d").mkdir(parents=True)
        (place / "content/d/a").write_bytes(content)
        (place / "content/l").symlink_to("d/a")
        records = [Record("d/a", len(content), hashlib.sha256(content).hexdigest()), Record("l", 0, "", "d/a")]
        return cache.keep(digest_of(number), place / "content", records)


def kept(folder: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("sha256-"), 16) for path in (folder / "trees").iterdir())


def temporary(folder: Path) -> list[Path]:
    return list((folder / "tmp").glob("*/*"))


def test_a_kept_tree_is_found_by_this_and_the_next_process(tmp_path: Path, opened: Opener) -> None:
    cache = opened(tmp_path, 1000)
    root = fill(cache, 1)
    assert (root / "d/a").read_bytes() == b"12345"
    assert [cache.find(digest_of(1)), opened(tmp_path, 1000).find(digest_of(1))] == [root, root]
    assert cache.find(digest_of(2)) is None
    assert temporary(tmp_path) == []


def damage_content(root: Path) -> None:
    (root / "d/a").write_bytes(b"54321")


def damage_size(root: Path) -> None:
    (root / "d/a").write_bytes(b"")


def damage_missing(root: Path) -> None:
    (root / "d/a").unlink()


def damage_added(root: Path) -> None:
    (root / "d/b").write_bytes(b"")


def damage_link(root: Path) -> None:
    (root / "l").unlink()
    (root / "l").symlink_to("/etc/passwd")


def damage_list(root: Path) -> None:
    contents = root.parent / "contents.jsonl"
    contents.write_text(contents.read_text().splitlines()[0])


def damage_no_list(root: Path) -> None:
    (root.parent / "contents.jsonl").write_text("")


@pytest.mark.parametrize(
    "damage",
    [damage_content, damage_size, damage_missing, damage_added, damage_link, damage_list, damage_no_list],
)
def test_a_damaged_tree_is_thrown_away_by_the_next_process(damage: object, tmp_path: Path, opened: Opener) -> None:
    root = fill(opened(tmp_path, 1000), 1)
    damage(root)  # type: ignore[operator]
    assert opened(tmp_path, 1000).find(digest_of(1)) is None
    assert kept(tmp_path) == []


@pytest.mark.parametrize("damage", [damage_size, damage_missing, damage_link, damage_list])
def test_the_cheap_check_of_every_use_finds_what_is_missing(damage: object, tmp_path: Path, opened: Opener) -> None:
    cache = opened(tmp_path, 1000)
    damage(fill(cache, 1))  # type: ignore[operator]
    assert cache.find(digest_of(1)) is None


def test_the_longest_unused_trees_go_when_the_bound_is_passed(tmp_path: Path, opened: Opener) -> None:
    clock = Clock()
    cache = opened(tmp_path, 10, now=clock)
    for number in (1, 2):
        fill(cache, number)
        clock.now += 1
    clock.now += GUARD_SECONDS
    assert cache.find(digest_of(1)) is not None  # used just now, so 2 is the longest unused
    fill(cache, 3)
    assert kept(tmp_path) == [1, 3]


def test_a_tree_that_was_used_a_moment_ago_is_never_evicted(tmp_path: Path, opened: Opener) -> None:
    clock = Clock()
    cache = opened(tmp_path, 10, now=clock)
    for number in range(5):
        fill(cache, number)
    assert kept(tmp_path) == [0, 1, 2, 3, 4]
    clock.now += GUARD_SECONDS
    cache.evict()
    assert len(kept(tmp_path)) == 2


def test_what_was_not_kept_is_removed(tmp_path: Path, opened: Opener) -> None:
    cache = opened(tmp_path, 1000)
    with pytest.raises(ZeroDivisionError), cache.staging() as place:
        (place / "half").write_text("")
        raise ZeroDivisionError
    assert (temporary(tmp_path), kept(tmp_path)) == ([], [])


def test_the_same_digest_kept_twice_is_one_tree(tmp_path: Path, opened: Opener) -> None:
    one, two = opened(tmp_path, 1000), opened(tmp_path, 1000)
    assert fill(one, 1) == fill(two, 1)
    assert kept(tmp_path) == [1]


CHILD = """
import sys, time
from pathlib import Path
from packhouse.fetch.cache import TreeCache
with TreeCache(Path(sys.argv[1]), 1000).staging() as place:
    (place / "half").write_text("x")
    print(place, flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_is_removed_at_the_next_start_and_what_a_living_one_holds_is_not(
    tmp_path: Path, opened: Opener
) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        place = Path(child.stdout.readline().strip())
        opened(tmp_path, 1000).find(digest_of(1))
        assert (place / "half").exists()
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
        opened(tmp_path, 1000).find(digest_of(1))
        assert not place.parent.exists()
    finally:
        child.kill()
        child.communicate(timeout=10)
    assert kept(tmp_path) == []


def test_a_closed_cache_leaves_no_folder_of_its_own(tmp_path: Path, opened: Opener) -> None:
    cache = opened(tmp_path, 1000)
    fill(cache, 1)
    cache.close()
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["guard"]


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises(FetchFailed, match="PACKHOUSE_CACHE_DIR"):
        opened(tmp_path / "cache", 1000).find(digest_of(1))


def test_a_link_in_the_place_of_the_trees_is_refused(tmp_path: Path, opened: Opener) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/trees").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FetchFailed, match="belongs to somebody else"):
        opened(tmp_path / "cache", 1000).find(digest_of(1))


# ---- keys ------------------------------------------------------------------------------------------------


def test_keys_that_look_alike_are_different_trees(tmp_path: Path, opened: Opener) -> None:
    cache = opened(tmp_path, 10_000)
    keys = [
        "http:https://a.test/x",
        "http:https://a.test/X",
        "http-https-a-test-x",
        "k" * 300,
        "k" * 301,
        "../../x",
        ".",
    ]
    for number, key in enumerate(keys):
        cache.keep_bytes(key, b"%d" % number)
    assert [cache.find_bytes(key) for key in keys] == [b"%d" % number for number in range(len(keys))]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tmp", "trees"]


def test_small_contents_are_kept_and_damaged_ones_are_none(tmp_path: Path, opened: Opener) -> None:
    cache = opened(tmp_path, 1000)
    assert cache.find_bytes("bytes") is None
    cache.keep_bytes("bytes", b"content")
    root = cache.find("bytes")
    assert root is not None
    (root / "bytes").chmod(0o600)
    (root / "bytes").write_bytes(b"CONTENT")
    assert opened(tmp_path, 1000).find_bytes("bytes") is None


# ---- killed at any moment --------------------------------------------------------------------------------

FILLING = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[3].split(os.pathsep)
from test_fetch_cache import fill
from packhouse.fetch.cache import TreeCache
from packhouse.fetch.accepted import Accepted

left = int(sys.argv[2])
MARKS = ("open", "os.")

def hook(event, arguments):
    global left
    if event.startswith(MARKS) and event not in ("os.putenv", "os.unsetenv"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

cache = TreeCache(Path(sys.argv[1]), 1000)
sys.addaudithook(hook)
fill(cache, 1)
cache.accepted.add("given")
cache.close()
print("done", flush=True)
"""


def test_a_kill_at_any_step_leaves_the_whole_tree_or_none_and_no_rest(tmp_path: Path, opened: Opener) -> None:
    """Each child dies by SIGKILL at one more call of the system than the one before, until one lives to its end."""
    whole = 0
    for step in range(1, 200):
        folder = tmp_path / str(step)
        child = subprocess.run(
            [sys.executable, "-c", FILLING, str(folder), str(step), os.pathsep.join(sys.path)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        cache = opened(folder, 1000)
        root = cache.find(digest_of(1))
        cache.accepted.holds("given")
        assert root is None or (root / "d/a").read_bytes() == b"12345"
        whole += root is not None
        cache.close()
        assert temporary(folder) == []
        assert {path.name for path in folder.iterdir()} <= {
            "tmp",
            "trees",
            "accepted",
            "accepted.key",
            "accepted.lock",
        }
        if child.stdout == "done\n":
            break
        assert child.returncode == -signal.SIGKILL, child.stderr
    else:
        raise AssertionError("the child never came to its end")
    assert (step > 15, 1 < whole < step) == (True, True)


def test_a_kill_at_any_time_while_many_trees_are_filled_leaves_only_whole_ones(tmp_path: Path, opened: Opener) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "sys.path[:0] = sys.argv[2].split(os.pathsep)\n"
        "from test_fetch_cache import fill\n"
        "from packhouse.fetch.cache import TreeCache\n"
        "cache = TreeCache(Path(sys.argv[1]), 10**9)\n"
        "print('on', flush=True)\n"
        "for number in range(10**6): fill(cache, number, os.urandom(2000) * 50)\n"
    )
    for pause in (0.02, 0.05, 0.11, 0.17, 0.23):
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), os.pathsep.join(sys.path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(pause)
        child.kill()
        child.communicate(timeout=10)
        cache = opened(tmp_path, 10**9)
        numbers = kept(tmp_path)
        assert len(numbers) > 0
        assert all(cache.find(digest_of(number)) is not None for number in numbers)
        assert temporary(tmp_path) == []
        for number in numbers:
            cache._discard(cache._home(digest_of(number)))
        cache.close()


def test_several_processes_fill_and_read_one_cache_at_once(tmp_path: Path, opened: Opener) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "sys.path[:0] = sys.argv[2].split(os.pathsep)\n"
        "from test_fetch_cache import digest_of, fill\n"
        "from packhouse.fetch.cache import TreeCache\n"
        "cache = TreeCache(Path(sys.argv[1]), 10**9)\n"
        "for number in list(range(40)) * 2:\n"
        "    root = cache.find(digest_of(number)) or fill(cache, number)\n"
        "    assert (root / 'd/a').read_bytes() == b'12345'\n"
        "cache.close()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), os.pathsep.join(sys.path)]
    children = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [child.communicate(timeout=60)[1] for child in children]
    assert [child.returncode for child in children] == [0] * 4, said
    cache = opened(tmp_path, 10**9)
    assert all(cache.find(digest_of(number)) is not None for number in range(40))
    assert temporary(tmp_path) == []
