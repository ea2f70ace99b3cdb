from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace

import pytest

from packhouse.ports import AddedFile, FoundImage, ImageAsk, Outside
from packhouse.template import jobs, wire
from packhouse.template.wire import WireError
from render_jobs import job


async def received(data: bytes, most: int = 1000) -> wire.Frame:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await wire.receive(reader, most)


async def test_a_frame_arrives_as_it_was_sent() -> None:
    sent = wire.frame({"a": "ä"}, body=b"\x00\xff", flags=wire.LAST)
    assert sent == await received(b"".join(sent.chunks()))


async def test_a_frame_larger_than_agreed_is_refused_before_it_is_read() -> None:
    prefix = wire.Frame(b"", b"").chunks()[0][:-8] + (1 << 60).to_bytes(8, "big")
    with pytest.raises(WireError, match="where 1,000 are allowed"):
        await received(prefix)


async def test_another_protocol_is_refused() -> None:
    with pytest.raises(WireError, match="no frame"):
        await received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


async def test_half_a_frame_is_told_from_a_whole_one() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await received(b"".join(wire.frame({"a": 1}).chunks())[:-1])


def test_a_job_is_the_same_on_the_other_side() -> None:
    outside = Outside(
        overlays=(AddedFile("o.yml", "Secret demo/o key o.yml", b"\xff"),),
        values_as_files=True,
        references={("Secret", "tls"): {"key": b"\x00"}},
        metadata={"name": "web", "labels": {}},
        images={
            ImageAsk("nginx"): FoundImage("nginx@sha256:1", "latest"),
            ImageAsk("a", '{"semver": {}}'): FoundImage("a@2"),
        },
    )
    plain = job({"a.yml": "x", "b": b"\x00\xff", "empty": b""}, values=["a: ä"], schema={"type": "object"})
    asked = replace(plain, outside=outside)
    packed = jobs.pack_render(asked)
    header = json.loads(packed.header)
    assert asked == jobs.unpack_render(header, wire.split(io.BytesIO(packed.body), header["files"]))
