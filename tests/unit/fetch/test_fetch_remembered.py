"""Answers that stay true: asked once, kept over a restart, never a cause of trouble."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from packhouse.api.errors import InvalidSpec, PackhouseError, SourceUnreachable
from packhouse.fetch.remembered import NO_SECONDS, Remembered


@dataclass(slots=True)
class Source:
    """Says `says`, or raises it."""

    says: str | PackhouseError
    asked: int = 0

    async def ask(self) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(self.says, PackhouseError):
            raise self.says
        return self.says


@pytest.fixture(params=["memory", "disk"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "answers" if request.param == "disk" else None


async def test_a_yes_is_asked_once_even_by_many_at_once(folder: Path | None) -> None:
    source, remembered = Source("yes"), Remembered(folder)
    assert set(await asyncio.gather(*(remembered.answer("k", source.ask) for _ in range(50)))) == {"yes"}
    assert source.asked == 1


async def test_a_no_is_asked_again_after_a_while_and_stands_while_the_source_is_away(folder: Path | None) -> None:
    now = [0.0]
    source, remembered = Source(""), Remembered(folder, now=lambda: now[0])
    assert [await remembered.answer("k", source.ask) for _ in range(2)] == ["", ""]
    assert source.asked == 1
    now[0] = NO_SECONDS
    source.says = SourceUnreachable("away")
    assert (await remembered.answer("k", source.ask), source.asked) == ("", 2)
    source.says = "yes"
    assert await remembered.answer("k", source.ask) == "yes"
    now[0] = NO_SECONDS * 9
    assert (await remembered.answer("k", source.ask), source.asked) == ("yes", 3)


async def test_without_an_answer_the_error_is_raised(folder: Path | None) -> None:
    with pytest.raises(SourceUnreachable):
        await Remembered(folder).answer("k", Source(SourceUnreachable("away")).ask)
    with pytest.raises(InvalidSpec):
        await Remembered(folder).answer("k", Source(InvalidSpec("no")).ask)


async def test_answers_outlive_the_process_in_files_that_nobody_else_reads(tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    await Remembered(folder).put("one", "1")
    await Remembered(folder).put("two", "2")
    again = Remembered(folder)
    assert (await again.get("one"), await again.get("two"), await again.get("three")) == ("1", "2", None)
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"key": "x", "text": "a", "at": 1}', b'{"key": "k"}', b"\xff"])
async def test_a_file_that_was_cut_or_is_another_key_s_counts_as_never_asked(content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    await Remembered(folder).put("k", "old")
    (file,) = folder.iterdir()
    file.write_bytes(content)
    again = Remembered(folder)
    assert await again.get("k") is None
    await again.put("k", "new")
    assert await Remembered(folder).get("k") == "new"


async def test_a_folder_that_cannot_be_written_costs_only_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    remembered = Remembered(tmp_path / "file" / "answers")
    await remembered.put("k", "a")
    assert await remembered.get("k") == "a"


async def test_old_answers_make_room_for_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packhouse.fetch.remembered._MOST", 10)
    folder = tmp_path / "answers"
    remembered = Remembered(folder)
    for number in range(35):
        await remembered.put(str(number), "yes")
    assert len(list(folder.iterdir())) <= 11
    assert await Remembered(folder).get("34") == "yes"
