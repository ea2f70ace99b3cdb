"""Large texts are read one at a time, small ones whenever they come. Real: threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from packhouse.fetch.large_texts import SMALL_BYTES, in_turn


@pytest.mark.parametrize(
    ("size", "expected"),
    [pytest.param(SMALL_BYTES + 1, 1, id="large"), pytest.param(SMALL_BYTES, 4, id="small")],
)
def test_how_many_are_read_at_once(size: int, expected: int) -> None:
    reading, most, mutex = 0, 0, threading.Lock()

    def read(body: bytes) -> int:
        nonlocal reading, most
        with mutex:
            reading += 1
            most = max(most, reading)
        time.sleep(0.1)
        with mutex:
            reading -= 1
        return len(body)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda body: in_turn(body, read), [b"x" * size] * 4)) == [size] * 4
    assert most == expected


def test_a_text_that_cannot_be_read_gives_its_turn_back() -> None:
    def broken(_: bytes) -> None:
        raise ValueError

    large = b"x" * (SMALL_BYTES + 1)
    for _ in range(2):
        with pytest.raises(ValueError):
            in_turn(large, broken)
