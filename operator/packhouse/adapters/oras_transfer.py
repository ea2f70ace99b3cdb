"""Blobs on their way between a registry and a file: each goes on where it broke off, in both directions.

Called by oras_repository.py, in a thread. A download goes on with what an earlier process left in the file, too.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from typing import BinaryIO, Final
from urllib.parse import urlencode, urljoin, urlsplit

from packhouse.adapters.network import MayPass
from packhouse.adapters.oras_conversation import Answer, Conversation
from packhouse.api.errors import DigestMismatch, SourceNotFound, SourceUnreachable

_OCTETS: Final = "application/octet-stream"
_READ: Final = 1024 * 1024
_SEND: Final = 256 * 1024  # the http client would send 16 KiB at a time
_BEGINS: Final = re.compile(r"bytes ([0-9]+)-")

Moved = Callable[[int], None]


def download(talk: Conversation, digest: str, size: int, file: BinaryIO, moved: Moved) -> None:
    """Make `file` hold the whole blob; what it holds already is kept and hashed first.

    `moved` is told of the bytes that come, and less than none of those that are thrown away. DigestMismatch, with the
    file emptied, where the whole of it has another digest.
    """
    held = file.seek(0, io.SEEK_END)
    first = _Download(talk, digest, size, file, moved)
    if first.run():
        return
    # what was there may have been no part of it: once more, from the beginning
    if held and _Download(talk, digest, size, file, moved).run():
        return
    raise DigestMismatch(
        f"{talk.subject}: the registry sent {first.there} bytes with digest sha256:{first.hashed.hexdigest()} for "
        f"blob {digest} of {size} bytes"
    )


class _Download:
    def __init__(self, talk: Conversation, digest: str, size: int, file: BinaryIO, moved: Moved) -> None:
        self._talk = talk
        self._digest = digest
        self._size = size
        self._file = file
        self._moved = moved
        self.hashed = hashlib.sha256()
        self.there = 0

    def run(self) -> bool:
        """Whether the file holds the blob; else it is empty."""
        self._file.seek(0)
        while chunk := self._file.read(_READ):
            self.hashed.update(chunk)
            self.there += len(chunk)
        if self.there < self._size:
            self._talk.line.attempts(self._once, progress=lambda: self.there)
        self._file.flush()
        good = self.there == self._size and f"sha256:{self.hashed.hexdigest()}" == self._digest
        if not good:
            self._empty(forget=False)
        return good

    def _once(self) -> None:
        headers = {"Range": f"bytes={self.there}-"} if self.there else {}
        url = self._talk.url(self._talk.container.get_blob_url(self._digest))
        with self._talk.answer("GET", url, accepted=(200, 206, 404, 416), headers=headers) as answer:
            status = answer.response.status_code
            if status == 404:
                raise SourceNotFound(f"{self._talk.subject}: the registry has no blob {self._digest}")
            begins = _BEGINS.match(answer.response.headers.get("Content-Range", ""))
            goes_on = status == 206 and begins is not None and int(begins[1]) == self.there
            if headers and not goes_on:
                self._empty(forget=True)
                if status != 200:
                    raise MayPass(
                        SourceUnreachable(f"{self._talk.subject}: blob {self._digest} cannot be read in parts")
                    )
            for chunk in self._talk.line.chunks(answer.response):
                if self.there + len(chunk) > self._size:
                    self._empty(forget=False)
                    raise DigestMismatch(
                        f"{self._talk.subject}: blob {self._digest} is longer than its {self._size} bytes"
                    )
                self._file.write(chunk)
                self.hashed.update(chunk)
                self.there += len(chunk)
                self._moved(len(chunk))

    def _empty(self, *, forget: bool) -> None:
        self._moved(-self.there)
        self._file.seek(0)
        self._file.truncate()
        if forget:
            self.hashed, self.there = hashlib.sha256(), 0


def upload(talk: Conversation, digest: str, size: int, file: BinaryIO, moved: Moved) -> None:
    """Send the blob that `file` is; the registry verifies its digest."""
    _Upload(talk, digest, size, file, moved).run()


class _Upload:
    def __init__(self, talk: Conversation, digest: str, size: int, file: BinaryIO, moved: Moved) -> None:
        self._talk = talk
        self._digest = digest
        self._size = size
        self._body = _Sent(file, size, moved)
        self._place = ""
        self._sent = 0
        self._lost = True  # nothing is known of how much the registry has

    def run(self) -> None:
        self._talk.attempts(self._start)
        while self._sent < self._size:
            before = self._sent
            self._talk.line.attempts(self._more, progress=lambda: self._sent)
            if self._sent <= before:
                raise self._talk.failed(f"it takes no more of blob {self._digest} after {self._sent} bytes")
        query = urlencode({"digest": self._digest})
        url = f"{self._place}{'&' if urlsplit(self._place).query else '?'}{query}"

        def finish() -> None:
            with self._talk.answer("PUT", url, accepted=(201,), headers={"Content-Type": _OCTETS}):
                pass

        self._talk.attempts(finish)

    def _start(self) -> None:
        url = self._talk.url(self._talk.container.upload_blob_url())
        with self._talk.answer("POST", url, accepted=(202, 405)) as answer:
            if answer.response.status_code == 405:
                raise self._talk.failed("it takes no pushes (405): it is read-only, or the cache of another registry")
            self._place, self._sent, self._lost = self._placed(url, answer), 0, False

    def _more(self) -> None:
        """All that the registry has not, in one request; where one broke off, the registry is asked what it has."""
        if self._lost:
            self._ask()
        self._lost = True  # until the answer says otherwise
        self._body.start = self._sent
        headers = {"Content-Type": _OCTETS}
        if self._sent:
            headers["Content-Range"] = f"{self._sent}-{self._size - 1}"
        with self._talk.answer("PATCH", self._place, accepted=(202, 416), headers=headers, data=self._body) as answer:
            if answer.response.status_code == 202:
                self._place, self._sent = self._placed(self._place, answer), _end(answer, self._size)
                self._lost = False

    def _ask(self) -> None:
        with self._talk.answer("GET", self._place, accepted=(204, 400, 404, 405)) as answer:
            there = _end(answer, 0) if answer.response.status_code == 204 else 0
            if there:
                self._place, self._sent = self._placed(self._place, answer), there
        if not there:
            self._start()

    def _placed(self, asked: str, answer: Answer) -> str:
        place = urljoin(asked, answer.location)
        if urlsplit(place).netloc != urlsplit(asked).netloc:
            raise self._talk.failed(f"it wants the upload at {urlsplit(place).hostname}, which is not done")
        return place


class _Sent:
    """What requests reads the rest of a file from, beginning with `start`; tells how much went out, but never twice."""

    def __init__(self, file: BinaryIO, size: int, moved: Moved) -> None:
        self._file = file
        self._size = size
        self._moved = moved
        self._told = 0
        self.start = 0

    @property
    def len(self) -> int:
        """Asked once before each request: one that is repeated, with another token, begins anew."""
        self._file.seek(self.start)
        return self._size - self.start

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(_READ if size < 0 else max(size, _SEND))
        at = self._file.tell()
        if at > self._told:
            self._moved(at - self._told)
            self._told = at
        return data


def _end(answer: Answer, size: int) -> int:
    """How many bytes the registry says that it has of `size`; all where it does not say. 0-0 means none, or one."""
    last = answer.response.headers.get("Range", "").removeprefix("bytes=").partition("-")[2]
    if not last.isdigit():
        return size
    return int(last) + 1 if int(last) or size == 1 else 0
